/* ALTREP vectors over an Arrow buffer. */

#ifndef PYINIT_ARROW_VECTOR_H
#define PYINIT_ARROW_VECTOR_H

#define R_NO_REMAP
#include <R.h>
#include <R_ext/Rdynload.h>
#include <Rinternals.h>

/* A vector over the array in the transfer behind `pointer`, which is not empty: a double vector over
   the format "g", an integer or logical vector over the format "i". The vector keeps the pointer,
   which keeps owning the array. */
SEXP new_arrow_vector(SEXP pointer, SEXPTYPE type);

/* Whether `x` is such a vector. */
int is_arrow_vector(SEXP x);

/* .Call routine, for tests. */
SEXP values_address(SEXP x);

void arrow_vector_init(DllInfo *dll);

#endif
