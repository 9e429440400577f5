/* Workarounds for reticulate where R runs inside Python, under rpy2. */

#ifndef PYINIT_RETICULATE_WORKAROUNDS_H
#define PYINIT_RETICULATE_WORKAROUNDS_H

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>

/* .Call routines; `reticulate` is the path of its library. */
SEXP eval_with_lock(SEXP expr, SEXP env, SEXP reticulate);
SEXP stop_polling(SEXP reticulate);

#endif
