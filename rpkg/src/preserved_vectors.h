/* R vectors that Python reads: kept alive until it releases them, on any thread. */

#ifndef PYINIT_PRESERVED_VECTORS_H
#define PYINIT_PRESERVED_VECTORS_H

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>

struct preserved_vector {
    SEXP vector;
    struct preserved_vector *next;
};

/* Preserves `vector` from R's collector. The caller owns the entry until it calls
   preserved_vector_release(). Only on R's thread. */
struct preserved_vector *preserved_vector_new(SEXP vector);

/* Releases the entry, on any thread; it must not be used afterwards. On R's thread the vector is
   freed at once, on another by the next preserved_vectors_drain(). */
void preserved_vector_release(struct preserved_vector *entry);

/* Frees the vectors that other threads have released. Only on R's thread. */
void preserved_vectors_drain(void);

/* Makes the calling thread R's thread. */
void preserved_vectors_init(void);

#endif
