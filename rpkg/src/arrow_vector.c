/* ALTREP double, integer and logical vectors over an Arrow buffer.

   data1  the external pointer of the transfer whose array holds the values; kept until the vector
          is collected, since a read-only pointer into the array may be in use
   data2  NULL, or the ordinary vector that has replaced the buffer, because R was about to write
          to a buffer that Python shares

   There are no methods for sums, extremes, sortedness and subsets: R reads the values through
   the pointer, as it does those of an ordinary vector. There is none for serialization either: R
   then writes an ordinary vector, which any session can read. */

#include "arrow_vector.h"
#include "arrow_transfer.h"

#include <R_ext/Altrep.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static R_altrep_class_t arrow_double, arrow_integer, arrow_logical;

SEXP new_arrow_vector(SEXP pointer, SEXPTYPE type)
{
    R_altrep_class_t class = type == REALSXP  ? arrow_double
                             : type == INTSXP ? arrow_integer
                                              : arrow_logical;
    return R_new_altrep(class, pointer, R_NilValue);
}

int is_arrow_vector(SEXP x)
{
    return R_altrep_inherits(x, arrow_double) || R_altrep_inherits(x, arrow_integer) ||
           R_altrep_inherits(x, arrow_logical);
}

/* Without the checks of arrow_transfer_of(): the pointer of a vector is always valid. */
static struct arrow_transfer *transfer_behind(SEXP x)
{
    return R_ExternalPtrAddr(R_altrep_data1(x));
}

static size_t element_size(SEXP x) { return TYPEOF(x) == REALSXP ? sizeof(double) : sizeof(int); }

static void *vector_values(SEXP x)
{
    return TYPEOF(x) == REALSXP  ? (void *)REAL(x)
           : TYPEOF(x) == INTSXP ? (void *)INTEGER(x)
                                 : (void *)LOGICAL(x);
}

static void *values(SEXP x)
{
    SEXP copy = R_altrep_data2(x);
    if (copy != R_NilValue)
        return vector_values(copy);
    const struct ArrowArray *array = &transfer_behind(x)->array;
    return (char *)array->buffers[1] + (size_t)array->offset * element_size(x);
}

static R_xlen_t length_method(SEXP x) { return (R_xlen_t)transfer_behind(x)->array.length; }

static SEXP ordinary_copy(SEXP x)
{
    R_xlen_t length = length_method(x);
    SEXP copy = Rf_allocVector(TYPEOF(x), length);
    memcpy(vector_values(copy), values(x), (size_t)length * element_size(x));
    return copy;
}

static void *dataptr_method(SEXP x, Rboolean writable)
{
    if (writable && transfer_behind(x)->shared && R_altrep_data2(x) == R_NilValue) {
        R_set_altrep_data2(x, ordinary_copy(x));
    }
    return values(x);
}

static const void *dataptr_or_null_method(SEXP x) { return values(x); }

static double double_elt_method(SEXP x, R_xlen_t i) { return ((double *)values(x))[i]; }

static int integer_elt_method(SEXP x, R_xlen_t i) { return ((int *)values(x))[i]; }

/* R's own duplicate() asks for a writable pointer, which would copy a shared buffer twice. */
static SEXP duplicate_method(SEXP x, Rboolean deep)
{
    (void)deep;
    return ordinary_copy(x);
}

static Rboolean inspect_method(
    SEXP x, int pre, int deep, int pvec, void (*inspect_subtree)(SEXP, int, int, int))
{
    (void)pre, (void)deep, (void)pvec, (void)inspect_subtree;
    const char *state = R_altrep_data2(x) != R_NilValue ? "copied before a write"
                        : transfer_behind(x)->shared    ? "shared with Python"
                                                        : "owned by R";
    Rprintf(" pyinit Arrow buffer, %s\n", state);
    return TRUE;
}

/* The address of the values of a vector, for tests. It only reads, so R never copies. */
SEXP values_address(SEXP x)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIuPTR, (uintptr_t)DATAPTR_RO(x));
    return Rf_mkString(digits);
}

static void set_methods(R_altrep_class_t class)
{
    R_set_altrep_Length_method(class, length_method);
    R_set_altrep_Duplicate_method(class, duplicate_method);
    R_set_altrep_Inspect_method(class, inspect_method);
    R_set_altvec_Dataptr_method(class, dataptr_method);
    R_set_altvec_Dataptr_or_null_method(class, dataptr_or_null_method);
}

void arrow_vector_init(DllInfo *dll)
{
    arrow_double = R_make_altreal_class("arrow_double", "pyinit", dll);
    set_methods(arrow_double);
    R_set_altreal_Elt_method(arrow_double, double_elt_method);
    arrow_integer = R_make_altinteger_class("arrow_integer", "pyinit", dll);
    set_methods(arrow_integer);
    R_set_altinteger_Elt_method(arrow_integer, integer_elt_method);
    arrow_logical = R_make_altlogical_class("arrow_logical", "pyinit", dll);
    set_methods(arrow_logical);
    R_set_altlogical_Elt_method(arrow_logical, integer_elt_method);
}
