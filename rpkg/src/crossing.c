/* The lifetime of a crossing: allocated by R, filled by either side, freed by R's collector.

   R allocates both structs and tells Python their addresses. Python moves its own structs in
   (import), or moves out those that R filled (export). Whatever is still in them when R collects
   the external pointer is released then. */

#include "crossing.h"
#include "export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* R's collector doesn't see the memory of the arrays, so nothing would make it run while they pile
   up. Before another one comes, it is run if what could be garbage exceeds this, or a quarter of
   what is known to be in use. */
static const double garbage_allowed = 256.0 * 1024 * 1024;
static double outstanding = 0;
static double limit = 256.0 * 1024 * 1024;

/* Set by a Python atexit handler. An array that outlives Python cannot be released any more:
   pyarrow's release takes Python's lock, which is gone, and drops a reference to a Python object,
   which is gone too. The process is about to end then, and its memory with it. The flag stays
   allocated for good, since the handler may run after this library is unloaded. */
static int *python_gone;

void crossing_init(void) {
  python_gone = calloc(1, sizeof *python_gone);
  if (python_gone == NULL) Rf_error("Not enough memory to load pyinit");
}

struct crossing *crossing_of(SEXP pointer) {
  struct crossing *crossing = NULL;
  if (TYPEOF(pointer) == EXTPTRSXP) crossing = R_ExternalPtrAddr(pointer);
  if (crossing == NULL) Rf_error("Not a live crossing between Python and R");
  return crossing;
}

void crossing_take(struct crossing *crossing, int shared) {
  crossing->process = (long) getpid();
  crossing->shared = shared;
  if (shared) return;
  crossing->bytes = (double) crossing->array.length * sizeof(double);
  outstanding += crossing->bytes;
}

void crossing_release_array(struct crossing *crossing) {
  outstanding -= crossing->bytes;
  crossing->bytes = 0;
  if (crossing->array.release == NULL) return;
  /* The lock of a forked child's Python may be held for ever by a thread that was not forked. */
  int forked = crossing->process != 0 && crossing->process != (long) getpid();
  if (!*python_gone && !forked) crossing->array.release(&crossing->array);
  crossing->array.release = NULL;
}

/* Runs when R collects the external pointer, and when R exits. */
static void finalize(SEXP pointer) {
  struct crossing *crossing = R_ExternalPtrAddr(pointer);
  if (crossing == NULL) return;
  R_ClearExternalPtr(pointer);
  crossing_release_array(crossing);
  if (crossing->schema.release != NULL && !*python_gone) {
    crossing->schema.release(&crossing->schema);
  }
  free(crossing);
}

/* A new crossing, through which an array of so many bytes is about to come into R. */
SEXP crossing_allocate(SEXP bytes) {
  export_collect();
  if (outstanding + Rf_asReal(bytes) > limit) {
    SEXP gc = PROTECT(Rf_lang1(Rf_install("gc")));
    Rf_eval(gc, R_BaseEnv);
    UNPROTECT(1);
    double kept = outstanding;
    limit = kept + (kept / 4 > garbage_allowed ? kept / 4 : garbage_allowed);
  }
  SEXP pointer = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(pointer, finalize, TRUE);
  struct crossing *crossing = calloc(1, sizeof *crossing);
  if (crossing == NULL) Rf_error("Not enough memory for a crossing between Python and R");
  R_SetExternalPtrAddr(pointer, crossing);
  UNPROTECT(1);
  return pointer;
}

/* Addresses go to Python as decimal strings: doubles need not hold them, integers cannot. */
static SEXP address(const void *pointer) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIuPTR, (uintptr_t) pointer);
  return Rf_mkChar(digits);
}

/* The addresses of the two structs, which the crossing keeps owning: c(schema, array). */
SEXP crossing_addresses(SEXP pointer) {
  struct crossing *crossing = crossing_of(pointer);
  SEXP addresses = PROTECT(Rf_allocVector(STRSXP, 2));
  SET_STRING_ELT(addresses, 0, address(&crossing->schema));
  SET_STRING_ELT(addresses, 1, address(&crossing->array));
  UNPROTECT(1);
  return addresses;
}

/* The address of the C int that a Python atexit handler must set to 1. */
SEXP python_gone_address(void) {
  return Rf_ScalarString(address(python_gone));
}
