/* Arrays from R to Python: Arrow structs over the memory of an R vector. */

#include "export_array.h"
#include "arrow_transfer.h"
#include "arrow_vector.h"
#include "preserved_vectors.h"

#include <stdlib.h>

/* The private data of an exported Arrow array, which owns it. */
struct exported_array {
    struct preserved_vector *vector;
    const void *buffers[2];
};

/* The release callback of an exported array, which Python may call on any thread. The array owns
   nothing afterwards. */
static void release_array(struct ArrowArray *array)
{
    struct exported_array *exported = array->private_data;
    array->release = NULL;
    preserved_vector_release(exported->vector);
    free(exported);
}

/* The release callback of an exported schema, which owns nothing: its strings are constants. */
static void release_schema(struct ArrowSchema *schema) { schema->release = NULL; }

/* A pointer to the values of `x` that stays valid for as long as `x` lives. */
static const void *stable_values(SEXP x, const void *none)
{
    if (XLENGTH(x) == 0)
        return none;
    /* Some of R's own ALTREP vectors move their values when a writable pointer is first requested,
     * so this requests one. Ours never move their values. */
    if (is_arrow_vector(x))
        return DATAPTR_RO(x);
    return TYPEOF(x) == REALSXP  ? (const void *)REAL(x)
           : TYPEOF(x) == INTSXP ? (const void *)INTEGER(x)
                                 : (const void *)LOGICAL(x);
}

/* Fills a new transfer with an array over the values of the double, integer or logical vector `x`.

   The array keeps `x` alive until it is released, and R copies `x` before it next writes to it. The
   transfer owns the array until Python moves it out, and Python from then on. */
SEXP export_array(SEXP x)
{
    static const double none = 0;
    if (TYPEOF(x) != REALSXP && TYPEOF(x) != INTSXP && TYPEOF(x) != LGLSXP)
        Rf_error("The vector must be double, integer or logical");
    SEXP bytes = PROTECT(Rf_ScalarReal(0));
    SEXP result = PROTECT(new_arrow_transfer(bytes));
    struct arrow_transfer *transfer = arrow_transfer_of(VECTOR_ELT(result, 0));
    const void *values = stable_values(x, &none);
    struct exported_array *exported = malloc(sizeof *exported);
    if (exported == NULL)
        Rf_error("Not enough memory to export an array");
    MARK_NOT_MUTABLE(x);
    *exported =
        (struct exported_array){.vector = preserved_vector_new(x), .buffers = {NULL, values}};
    transfer->array = (struct ArrowArray){
        .length = XLENGTH(x),
        .n_buffers = 2,
        .buffers = exported->buffers,
        .release = release_array,
        .private_data = exported};
    transfer->schema = (struct ArrowSchema){
        .format = TYPEOF(x) == REALSXP ? "g" : "i", .name = "", .release = release_schema};
    UNPROTECT(2);
    return result;
}
