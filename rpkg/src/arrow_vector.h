/* An ALTREP double vector over an Arrow buffer. */

#ifndef PYINIT_ARROW_VECTOR_H
#define PYINIT_ARROW_VECTOR_H

#define R_NO_REMAP
#include <R.h>
#include <R_ext/Rdynload.h>
#include <Rinternals.h>

/* A double vector over the array (format "g", not empty) in the transfer behind `pointer`. The
   vector keeps the pointer, which keeps owning the array. */
SEXP new_arrow_vector(SEXP pointer);

/* Whether `x` is such a vector. */
int is_arrow_vector(SEXP x);

/* .Call routine, for tests. */
SEXP values_address(SEXP x);

void arrow_vector_init(DllInfo *dll);

#endif
