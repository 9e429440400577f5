/* Arrays from R to Python. */

#ifndef PYINIT_EXPORT_ARRAY_H
#define PYINIT_EXPORT_ARRAY_H

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>

/* .Call routine: fills a new transfer with an array over the values of `x` and returns it as
   new_arrow_transfer() does. The transfer owns the array until Python moves it out. */
SEXP export_array(SEXP x);

#endif
