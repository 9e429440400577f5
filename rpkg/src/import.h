/* Arrays from Python to R. */

#ifndef PYINIT_IMPORT_H
#define PYINIT_IMPORT_H

#include "crossing.h"

#include <R_ext/Rdynload.h>

/* Whether `x` is a vector over an Arrow buffer, as `import_array` makes them. */
int is_arrow_vector(SEXP x);

SEXP import_array(SEXP pointer, SEXP dim, SEXP shared);
SEXP values_address(SEXP x);
void import_init(DllInfo *dll);

#endif
