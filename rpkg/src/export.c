/* Arrays from R to Python: Arrow structs over the memory of an R vector.

   The vector is preserved until Python releases the array. That may happen on any thread. On R's
   own, R lets go of the vector at once; elsewhere the release only puts it on a list, which R's
   thread empties at the next crossing. */

#include "export.h"
#include "import.h"

#include <stdatomic.h>
#include <stdlib.h>

/* One exported vector: the private data of its Arrow array. */
struct exported {
  SEXP vector;
  const void *buffers[2];
  struct exported *next;
};

static _Atomic(struct exported *) released = NULL;
static _Thread_local int on_r_thread = 0;

void export_init(void) {
  on_r_thread = 1;
}

static void let_go(struct exported *exported) {
  R_ReleaseObject(exported->vector);
  free(exported);
}

void export_collect(void) {
  struct exported *first = atomic_exchange(&released, NULL);
  while (first != NULL) {
    struct exported *next = first->next;
    let_go(first);
    first = next;
  }
}

/* The release callback of an exported array: Python gives the array back, on any thread. */
static void release_array(struct ArrowArray *array) {
  struct exported *exported = array->private_data;
  array->release = NULL;
  if (on_r_thread) {
    let_go(exported);
    return;
  }
  exported->next = atomic_load(&released);
  while (!atomic_compare_exchange_weak(&released, &exported->next, exported)) {
  }
}

/* The release callback of an exported schema, which is all constants. */
static void release_schema(struct ArrowSchema *schema) {
  schema->release = NULL;
}

/* Where the values of `x` stay for as long as `x` lives, whatever R code does with it. */
static const void *stable_values(SEXP x, const void *none) {
  if (XLENGTH(x) == 0) return none;
  if (TYPEOF(x) != REALSXP) return TYPEOF(x) == INTSXP ? INTEGER(x) : LOGICAL(x);
  /* Not a read-only pointer to start with: some of R's own ALTREP vectors would move their values
     once somebody asks for a writable one. Ours never lets go of the values it first had. */
  return is_arrow_vector(x) ? REAL_RO(x) : REAL(x);
}

/* Fills the crossing with an array over the values of the double, integer or logical vector `x`.

   The array keeps `x` alive until it is released; from now on R copies `x` before writing to it.
   The crossing owns the array until Python moves it out, and Python from then on. */
SEXP export_array(SEXP x, SEXP pointer) {
  static const double none = 0;
  struct crossing *crossing = crossing_of(pointer);
  const void *values = stable_values(x, &none);
  struct exported *exported = malloc(sizeof *exported);
  if (exported == NULL) Rf_error("Not enough memory to export an array");
  MARK_NOT_MUTABLE(x);
  R_PreserveObject(x);
  *exported = (struct exported){.vector = x, .buffers = {NULL, values}};
  crossing->array = (struct ArrowArray){
      .length = XLENGTH(x), .n_buffers = 2, .buffers = exported->buffers,
      .release = release_array, .private_data = exported};
  crossing->schema = (struct ArrowSchema){
      .format = TYPEOF(x) == REALSXP ? "g" : "i", .name = "", .release = release_schema};
  return R_NilValue;
}
