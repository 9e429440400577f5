/* A crossing: the memory through which one array passes between Python and R. */

#ifndef PYINIT_CROSSING_H
#define PYINIT_CROSSING_H

#include "arrow_abi.h"

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>

struct crossing {
  struct ArrowSchema schema;
  struct ArrowArray array;
  int shared;    /* whether Python may still read or write the values */
  double bytes;  /* what the array adds to the memory that only R keeps alive */
  long process;  /* who took the array over: a fork must not release what its parent holds */
};

/* The crossing behind an R external pointer, which keeps owning it. */
struct crossing *crossing_of(SEXP pointer);

/* Releases the array of the crossing, if it still has one and that is safe. */
void crossing_release_array(struct crossing *crossing);

/* Makes R the owner of the array: it is released when R collects the external pointer. One that
   isn't shared with Python counts as memory that R's garbage collector can free. */
void crossing_take(struct crossing *crossing, int shared);

SEXP crossing_allocate(SEXP bytes);
SEXP crossing_addresses(SEXP pointer);
SEXP python_gone_address(void);
void crossing_init(void);

#endif
