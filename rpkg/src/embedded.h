/* What makes reticulate safe where R runs inside Python. */

#ifndef PYINIT_EMBEDDED_H
#define PYINIT_EMBEDDED_H

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>

SEXP eval_with_lock(SEXP expr, SEXP env, SEXP reticulate);
SEXP stop_polling(SEXP reticulate);

#endif
