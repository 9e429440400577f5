/* The lifetime of a transfer: allocated by R, filled by either side, freed by R's collector. */

#include "arrow_transfer.h"
#include "preserved_vectors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* R's collector does not see the memory of the arrays, so it would not run while they pile up. A
   new transfer runs it once the memory that only R keeps alive, `outstanding`, exceeds `limit`.
   The limit then becomes what survived plus this allowance, or plus a quarter if that is more. */
static const double garbage_allowed = 256.0 * 1024 * 1024;
static double outstanding = 0;
static double limit = 256.0 * 1024 * 1024;

/* Set by a Python atexit handler. An array that outlives Python cannot be released: pyarrow's
   release takes Python's lock and drops a reference to a Python object, and both are gone. The
   process is about to end then. The flag is never freed, since the handler may run after this
   library is unloaded. */
static int *python_gone;

void arrow_transfer_init(void)
{
    python_gone = calloc(1, sizeof *python_gone);
    if (python_gone == NULL)
        Rf_error("Not enough memory to load pyinit");
}

/* Distinguishes transfers from the external pointers of other packages. */
static SEXP transfer_tag(void) { return Rf_install("pyinit_arrow_transfer"); }

struct arrow_transfer *arrow_transfer_of(SEXP pointer)
{
    struct arrow_transfer *transfer = NULL;
    if (TYPEOF(pointer) == EXTPTRSXP && R_ExternalPtrTag(pointer) == transfer_tag())
        transfer = R_ExternalPtrAddr(pointer);
    if (transfer == NULL)
        Rf_error("The external pointer must be that of an Arrow transfer");
    return transfer;
}

void arrow_transfer_take(struct arrow_transfer *transfer, size_t size, int shared)
{
    transfer->process = (long)getpid();
    transfer->shared = shared;
    if (shared)
        return;
    transfer->bytes = (double)transfer->array.length * (double)size;
    outstanding += transfer->bytes;
}

void arrow_transfer_release_array(struct arrow_transfer *transfer)
{
    outstanding -= transfer->bytes;
    transfer->bytes = 0;
    if (transfer->array.release == NULL)
        return;
    /* In a forked child, Python's lock may be held forever by a thread that was not forked. */
    int forked = transfer->process != 0 && transfer->process != (long)getpid();
    if (!*python_gone && !forked)
        transfer->array.release(&transfer->array);
    transfer->array.release = NULL;
}

/* Runs when R collects the external pointer, and when R exits. */
static void finalize(SEXP pointer)
{
    struct arrow_transfer *transfer = R_ExternalPtrAddr(pointer);
    if (transfer == NULL)
        return;
    R_ClearExternalPtr(pointer);
    arrow_transfer_release_array(transfer);
    if (transfer->schema.release != NULL && !*python_gone) {
        transfer->schema.release(&transfer->schema);
    }
    free(transfer);
}

static void collect_garbage_beyond_limit(double bytes)
{
    if (outstanding + bytes <= limit)
        return;
    SEXP gc = PROTECT(Rf_lang1(Rf_install("gc")));
    Rf_eval(gc, R_BaseEnv);
    UNPROTECT(1);
    double kept = outstanding;
    limit = kept + (kept / 4 > garbage_allowed ? kept / 4 : garbage_allowed);
}

/* An address as a decimal string: a double need not hold it exactly, an integer cannot. */
static SEXP address_of(const void *pointer)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIuPTR, (uintptr_t)pointer);
    return Rf_mkString(digits);
}

/* A new, empty transfer, as list(pointer = <external pointer>, address = "<decimal>"). The pointer
   owns the transfer: the address is valid as long as R keeps the pointer. `bytes` is the size of
   the array that is about to come into R, 0 for one that leaves it. */
SEXP new_arrow_transfer(SEXP bytes)
{
    preserved_vectors_drain();
    collect_garbage_beyond_limit(Rf_asReal(bytes));
    static const char *names[] = {"pointer", "address", ""};
    SEXP result = PROTECT(Rf_mkNamed(VECSXP, names));
    SEXP pointer = R_MakeExternalPtr(NULL, transfer_tag(), R_NilValue);
    SET_VECTOR_ELT(result, 0, pointer);
    R_RegisterCFinalizerEx(pointer, finalize, TRUE);
    struct arrow_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL)
        Rf_error("Not enough memory for an Arrow transfer");
    R_SetExternalPtrAddr(pointer, transfer);
    SET_VECTOR_ELT(result, 1, address_of(transfer));
    UNPROTECT(1);
    return result;
}

SEXP array_address(SEXP pointer) { return address_of(&arrow_transfer_of(pointer)->array); }

SEXP python_gone_address(void) { return address_of(python_gone); }
