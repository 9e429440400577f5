/* A transfer: the memory through which one Arrow array passes between Python and R.

   R allocates both structs in one transfer and tells Python its address. Python moves its own
   structs in (import), or moves out those that R filled (export). An external pointer owns the
   transfer: when R collects it, whatever is still in the structs is released. */

#ifndef PYINIT_ARROW_TRANSFER_H
#define PYINIT_ARROW_TRANSFER_H

#include "arrow_abi.h"

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>

struct arrow_transfer {
    /* Python's side relies on these two being first, in this order. */
    struct ArrowSchema schema;
    struct ArrowArray array;
    int shared;   /* whether Python may still read or write the values */
    double bytes; /* the array's share of the memory that only R keeps alive */
    long process; /* the process that took the array: a fork must not release its parent's */
};

/* The transfer behind an external pointer, which keeps owning it. */
struct arrow_transfer *arrow_transfer_of(SEXP pointer);

/* Makes R the owner of the array, which is released when R collects the external pointer. An array
   that Python does not share counts as memory that R's collector can free: `size` is that of an
   element, in bytes. */
void arrow_transfer_take(struct arrow_transfer *transfer, size_t size, int shared);

/* Releases the array if the transfer still owns one. After Python has ended, and in a forked child,
   the array is given up without a release. The transfer owns no array afterwards. */
void arrow_transfer_release_array(struct arrow_transfer *transfer);

/* .Call routines: list(pointer, address) of a new transfer for an array of `bytes` bytes; the
   address of its second struct, the array; the address of a C int that Python sets to 1 when it
   ends. */
SEXP new_arrow_transfer(SEXP bytes);
SEXP array_address(SEXP pointer);
SEXP python_gone_address(void);

void arrow_transfer_init(void);

#endif
