/* R vectors that Python reads: kept alive until it releases them, on any thread.

   R's API may only be called on R's thread. A release on another thread therefore pushes the entry
   onto a list, which R's thread empties before the next transfer. */

#include "preserved_vectors.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic(struct preserved_vector *) released = NULL;
static _Thread_local int on_r_thread = 0;

void preserved_vectors_init(void) { on_r_thread = 1; }

struct preserved_vector *preserved_vector_new(SEXP vector)
{
    struct preserved_vector *entry = malloc(sizeof *entry);
    if (entry == NULL)
        Rf_error("Not enough memory to export an array");
    *entry = (struct preserved_vector){.vector = vector};
    R_PreserveObject(vector);
    return entry;
}

static void release_on_r_thread(struct preserved_vector *entry)
{
    R_ReleaseObject(entry->vector);
    free(entry);
}

void preserved_vector_release(struct preserved_vector *entry)
{
    if (on_r_thread) {
        release_on_r_thread(entry);
        return;
    }
    entry->next = atomic_load(&released);
    while (!atomic_compare_exchange_weak(&released, &entry->next, entry)) {
    }
}

void preserved_vectors_drain(void)
{
    struct preserved_vector *entry = atomic_exchange(&released, NULL);
    while (entry != NULL) {
        struct preserved_vector *next = entry->next;
        release_on_r_thread(entry);
        entry = next;
    }
}
