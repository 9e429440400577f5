/* Arrays from Python to R. */

#include "import_array.h"
#include "arrow_transfer.h"
#include "arrow_vector.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* Raises an R error unless R can present the array in the transfer, which keeps owning it. */
static void check_array(const struct arrow_transfer *transfer)
{
    const struct ArrowSchema *schema = &transfer->schema;
    const struct ArrowArray *array = &transfer->array;
    if (schema->release == NULL || array->release == NULL) {
        Rf_error("The transfer must hold an array; received an empty one");
    }
    const char *format = schema->format;
    if (strcmp(format, "g") != 0 && strcmp(format, "i") != 0 && strcmp(format, "b") != 0) {
        Rf_error(
            "The array must have the Arrow format \"g\" (float64), \"i\" (int32) or \"b\" (bool); "
            "received \"%s\"",
            format);
    }
    if (schema->dictionary != NULL || array->n_children != 0 || array->n_buffers != 2) {
        Rf_error(
            "The array must have two buffers, no children and no dictionary; received %lld "
            "buffers",
            (long long)array->n_buffers);
    }
    if (array->buffers[0] != NULL && array->null_count != 0) {
        Rf_error(
            "The array must have no nulls; received null_count = %lld",
            (long long)array->null_count);
    }
    if (array->length < 0 || array->offset < 0 || array->length > R_XLEN_T_MAX) {
        Rf_error(
            "The array must have a length that R supports; received %lld",
            (long long)array->length);
    }
    size_t size = format[0] == 'g' ? sizeof(double) : format[0] == 'i' ? sizeof(int32_t) : 1;
    if ((uintptr_t)array->buffers[1] % size != 0) {
        Rf_error(
            "The array must be aligned to its elements; received the address %" PRIuPTR,
            (uintptr_t)array->buffers[1]);
    }
}

/* A copy of an int32 array as R integers. The transfer keeps owning the array. */
static SEXP copy_integers(const struct ArrowArray *array)
{
    SEXP x = Rf_allocVector(INTSXP, (R_xlen_t)array->length);
    const int32_t *from = (const int32_t *)array->buffers[1] + array->offset;
    for (R_xlen_t i = 0; i < array->length; i++) {
        if (from[i] == NA_INTEGER) {
            Rf_error(
                "The array must hold integers that R supports; received %d, which is NA in R",
                INT_MIN);
        }
        INTEGER(x)[i] = from[i];
    }
    return x;
}

/* A copy of a bit-packed bool array as R logicals. The transfer keeps owning the array. */
static SEXP copy_logicals(const struct ArrowArray *array)
{
    SEXP x = Rf_allocVector(LGLSXP, (R_xlen_t)array->length);
    const uint8_t *bits = array->buffers[1];
    for (R_xlen_t i = 0; i < array->length; i++) {
        int64_t bit = array->offset + i;
        LOGICAL(x)[i] = (bits[bit / 8] >> (bit % 8)) & 1;
    }
    return x;
}

/* The array in the transfer as an R vector with dimensions `dim`, or without if `dim` is NULL.

   Takes the array over. A double vector keeps it, through the external pointer, until R collects
   the vector; an integer or logical vector is a copy, and the array is released here. The schema is
   always released here. After an error the transfer still owns both, and releases them when R
   collects the external pointer. */
SEXP import_array(SEXP pointer, SEXP dim, SEXP shared)
{
    struct arrow_transfer *transfer = arrow_transfer_of(pointer);
    check_array(transfer);
    char format = transfer->schema.format[0];
    SEXP x;
    if (format == 'g' && transfer->array.length > 0) {
        x = PROTECT(new_arrow_vector(pointer));
        arrow_transfer_take(transfer, Rf_asLogical(shared));
    } else {
        /* An array without elements need not have a buffer. */
        x = PROTECT(
            format == 'g'   ? Rf_allocVector(REALSXP, 0)
            : format == 'i' ? copy_integers(&transfer->array)
                            : copy_logicals(&transfer->array));
        arrow_transfer_release_array(transfer);
    }
    transfer->schema.release(&transfer->schema);
    if (dim != R_NilValue)
        Rf_setAttrib(x, R_DimSymbol, dim);
    UNPROTECT(1);
    return x;
}
