/* Arrays from Python to R. */

#include "import_array.h"
#include "arrow_transfer.h"
#include "arrow_vector.h"

#include <inttypes.h>
#include <string.h>

/* Raises an R error unless R can present the array in the transfer, which keeps owning it.

   Pointers other than NULL cannot be checked, nor can the sizes of buffers, which the structs do not
   have. Everything else is. */
static void check_array(const struct arrow_transfer *transfer)
{
    const struct ArrowSchema *schema = &transfer->schema;
    const struct ArrowArray *array = &transfer->array;
    if (schema->release == NULL || array->release == NULL) {
        Rf_error("The transfer must hold an array; received an empty one");
    }
    const char *format = schema->format != NULL ? schema->format : "NULL";
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
    if (array->length < 0 || array->length > R_XLEN_T_MAX || array->offset < 0 ||
        array->offset > R_XLEN_T_MAX) {
        Rf_error(
            "The array must have a length and an offset that R supports; received %lld and %lld",
            (long long)array->length, (long long)array->offset);
    }
    if (array->length == 0)
        return;
    if (array->buffers == NULL || array->buffers[1] == NULL)
        Rf_error("The array must have a buffer of values; received NULL");
    if (array->buffers[0] != NULL && array->null_count != 0) {
        Rf_error(
            "The array must have no nulls; received null_count = %lld",
            (long long)array->null_count);
    }
    size_t size = format[0] == 'g' ? sizeof(double) : format[0] == 'i' ? sizeof(int32_t) : 1;
    if ((uintptr_t)array->buffers[1] % size != 0) {
        Rf_error(
            "The array must be aligned to its elements; received the address %" PRIuPTR,
            (uintptr_t)array->buffers[1]);
    }
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

/* The type of R for the array. Python gives the schema of logicals in 32 bits the name "logical". */
static SEXPTYPE type_of(const struct ArrowSchema *schema)
{
    if (schema->format[0] == 'g')
        return REALSXP;
    int logical =
        schema->format[0] == 'b' || (schema->name != NULL && strcmp(schema->name, "logical") == 0);
    return logical ? LGLSXP : INTSXP;
}

/* The array in the transfer as an R vector with dimensions `dim`, or without if `dim` is NULL.

   Takes the array over. The vector keeps it, through the external pointer, until R collects the
   vector; a vector over bits or without elements is a copy, and the array is released here. The
   schema is always released here. After an error the transfer still owns both, and releases them
   when R collects the external pointer. */
SEXP import_array(SEXP pointer, SEXP dim, SEXP shared)
{
    struct arrow_transfer *transfer = arrow_transfer_of(pointer);
    check_array(transfer);
    SEXPTYPE type = type_of(&transfer->schema);
    SEXP x;
    if (transfer->array.length == 0) {
        /* An array without elements need not have a buffer. */
        x = PROTECT(Rf_allocVector(type, 0));
        arrow_transfer_release_array(transfer);
    } else if (transfer->schema.format[0] == 'b') {
        x = PROTECT(copy_logicals(&transfer->array));
        arrow_transfer_release_array(transfer);
    } else {
        x = PROTECT(new_arrow_vector(pointer, type));
        size_t size = type == REALSXP ? sizeof(double) : sizeof(int);
        arrow_transfer_take(transfer, size, Rf_asLogical(shared) != FALSE);
    }
    transfer->schema.release(&transfer->schema);
    if (dim != R_NilValue)
        Rf_setAttrib(x, R_DimSymbol, dim);
    UNPROTECT(1);
    return x;
}
