/* Arrays from R to Python. */

#ifndef PYINIT_EXPORT_H
#define PYINIT_EXPORT_H

#include "crossing.h"

/* Lets go of the vectors that Python has released on other threads. Only on R's thread. */
void export_collect(void);

SEXP export_array(SEXP x, SEXP pointer);
void export_init(void);

#endif
