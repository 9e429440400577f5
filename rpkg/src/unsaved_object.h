/* An R object that serialize() leaves out: an ALTREP integer vector of length 0 that holds it.

   Saved and read again, or exported to another process, the vector holds NULL. */

#ifndef PYINIT_UNSAVED_OBJECT_H
#define PYINIT_UNSAVED_OBJECT_H

#define R_NO_REMAP
#include <Rinternals.h>

#include <R_ext/Rdynload.h>

/* Returns a vector that holds `object`. */
SEXP new_unsaved(SEXP object);

/* Returns the object that the vector holds, or NULL. A vector of another kind holds none: version 2
   of serialize() writes a plain one. */
SEXP unsaved_object(SEXP vector);

/* Registers the ALTREP class. */
void unsaved_object_init(DllInfo *dll);

#endif
