/* Arrays from Python to R. */

#ifndef PYINIT_IMPORT_ARRAY_H
#define PYINIT_IMPORT_ARRAY_H

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>

/* .Call routine: the array in the transfer behind `pointer` as an R vector, which owns it from then
   on. `shared` says whether Python may still read or write the values. */
SEXP import_array(SEXP pointer, SEXP dim, SEXP shared);

#endif
