/* Arrays from Python to R: an ALTREP double vector over an Arrow buffer.

   data1  the external pointer of the crossing whose array holds the values; it stays until the
          vector is collected, since somebody may hold a read-only pointer into it
   data2  NULL, or the ordinary vector that has taken the values over, because R was about to write
          and Python shares the buffer

   Sums, extremes, sortedness and subsets have no methods of their own: R's own code gets the
   values through the pointer, and so gives what it gives for an ordinary vector. Neither has
   serialization: R then writes an ordinary vector, which any session reads. */

#include "import.h"

#include <R_ext/Altrep.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static R_altrep_class_t arrow_double;

int is_arrow_vector(SEXP x) {
  return R_altrep_inherits(x, arrow_double);
}

/* Shorter than crossing_of(): the pointer of a vector is always live. */
static struct crossing *crossing_behind(SEXP x) {
  return R_ExternalPtrAddr(R_altrep_data1(x));
}

/* The values of a format "g" array, which keeps owning them. */
static double *arrow_values(const struct ArrowArray *array) {
  return (double *) array->buffers[1] + array->offset;
}

static double *values(SEXP x) {
  SEXP copy = R_altrep_data2(x);
  return copy == R_NilValue ? arrow_values(&crossing_behind(x)->array) : REAL(copy);
}

static R_xlen_t length_method(SEXP x) {
  return (R_xlen_t) crossing_behind(x)->array.length;
}

static SEXP ordinary_copy(SEXP x) {
  R_xlen_t length = length_method(x);
  SEXP copy = Rf_allocVector(REALSXP, length);
  memcpy(REAL(copy), values(x), (size_t) length * sizeof(double));
  return copy;
}

static void *dataptr_method(SEXP x, Rboolean writable) {
  if (writable && crossing_behind(x)->shared && R_altrep_data2(x) == R_NilValue) {
    R_set_altrep_data2(x, ordinary_copy(x));
  }
  return values(x);
}

static const void *dataptr_or_null_method(SEXP x) {
  return values(x);
}

static double elt_method(SEXP x, R_xlen_t i) {
  return values(x)[i];
}

/* R's own duplicate() asks for a writable pointer, and so would copy a shared buffer twice. */
static SEXP duplicate_method(SEXP x, Rboolean deep) {
  (void) deep;
  return ordinary_copy(x);
}

static Rboolean inspect_method(SEXP x, int pre, int deep, int pvec,
                               void (*inspect_subtree)(SEXP, int, int, int)) {
  (void) pre, (void) deep, (void) pvec, (void) inspect_subtree;
  const char *state = R_altrep_data2(x) != R_NilValue ? "copied before a write"
                      : crossing_behind(x)->shared    ? "shared with Python"
                                                      : "owned by R";
  Rprintf(" pyinit Arrow buffer, %s\n", state);
  return TRUE;
}

/* Checks the array that Python has moved in. R can present it if this returns. */
static void check_array(const struct crossing *crossing) {
  const struct ArrowSchema *schema = &crossing->schema;
  const struct ArrowArray *array = &crossing->array;
  if (schema->release == NULL || array->release == NULL) {
    Rf_error("The array must have been moved into the crossing; received none");
  }
  const char *format = schema->format;
  if (strcmp(format, "g") != 0 && strcmp(format, "i") != 0 && strcmp(format, "b") != 0) {
    Rf_error("The array must have the Arrow format \"g\" (float64), \"i\" (int32) or \"b\" (bool); "
             "received \"%s\"", format);
  }
  if (schema->dictionary != NULL || array->n_children != 0 || array->n_buffers != 2) {
    Rf_error("The array must have two buffers, no children and no dictionary; received %lld "
             "buffers", (long long) array->n_buffers);
  }
  if (array->buffers[0] != NULL && array->null_count != 0) {
    Rf_error("The array must have no nulls; received null_count = %lld",
             (long long) array->null_count);
  }
  if (array->length < 0 || array->offset < 0 || array->length > R_XLEN_T_MAX) {
    Rf_error("The array must have a length that R can hold; received %lld",
             (long long) array->length);
  }
  size_t size = format[0] == 'g' ? sizeof(double) : format[0] == 'i' ? sizeof(int32_t) : 1;
  if ((uintptr_t) array->buffers[1] % size != 0) {
    Rf_error("The array must be aligned to its elements; received the address %" PRIuPTR,
             (uintptr_t) array->buffers[1]);
  }
}

/* A copy of an int32 array as R integers. */
static SEXP copy_integers(const struct ArrowArray *array) {
  SEXP x = Rf_allocVector(INTSXP, (R_xlen_t) array->length);
  const int32_t *from = (const int32_t *) array->buffers[1] + array->offset;
  for (R_xlen_t i = 0; i < array->length; i++) {
    if (from[i] == NA_INTEGER) {
      Rf_error("The array must hold values that R's integers can hold; received %d, which is NA "
               "in R", INT_MIN);
    }
    INTEGER(x)[i] = from[i];
  }
  return x;
}

/* A copy of a bit-packed bool array as R logicals. */
static SEXP copy_logicals(const struct ArrowArray *array) {
  SEXP x = Rf_allocVector(LGLSXP, (R_xlen_t) array->length);
  const uint8_t *bits = array->buffers[1];
  for (R_xlen_t i = 0; i < array->length; i++) {
    int64_t bit = array->offset + i;
    LOGICAL(x)[i] = (bits[bit / 8] >> (bit % 8)) & 1;
  }
  return x;
}

/* The array in the crossing as an R vector with the dimensions `dim`, or without if that is NULL.

   Takes the array over: a double vector keeps it (through the external pointer) until R collects
   the vector; an integer or logical one is a copy, and the array is released here, as the schema
   always is. After an error the crossing still owns both, and releases them when R collects it. */
SEXP import_array(SEXP pointer, SEXP dim, SEXP shared) {
  struct crossing *crossing = crossing_of(pointer);
  check_array(crossing);
  char format = crossing->schema.format[0];
  SEXP x;
  if (format == 'g' && crossing->array.length > 0) {
    x = PROTECT(R_new_altrep(arrow_double, pointer, R_NilValue));
    crossing_take(crossing, Rf_asLogical(shared));
  } else {
    /* An array without elements need not have a buffer. */
    x = PROTECT(format == 'g'   ? Rf_allocVector(REALSXP, 0)
                : format == 'i' ? copy_integers(&crossing->array)
                                : copy_logicals(&crossing->array));
    crossing_release_array(crossing);
  }
  crossing->schema.release(&crossing->schema);
  if (dim != R_NilValue) Rf_setAttrib(x, R_DimSymbol, dim);
  UNPROTECT(1);
  return x;
}

/* Where the values of a double vector are, for tests: reads, and so never makes R copy. */
SEXP values_address(SEXP x) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIuPTR, (uintptr_t) REAL_RO(x));
  return Rf_mkString(digits);
}

void import_init(DllInfo *dll) {
  arrow_double = R_make_altreal_class("arrow_double", "pyinit", dll);
  R_set_altrep_Length_method(arrow_double, length_method);
  R_set_altrep_Duplicate_method(arrow_double, duplicate_method);
  R_set_altrep_Inspect_method(arrow_double, inspect_method);
  R_set_altvec_Dataptr_method(arrow_double, dataptr_method);
  R_set_altvec_Dataptr_or_null_method(arrow_double, dataptr_or_null_method);
  R_set_altreal_Elt_method(arrow_double, elt_method);
}
