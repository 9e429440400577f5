/* The routines that R code may call. */

#include "arrow_transfer.h"
#include "arrow_vector.h"
#include "export_array.h"
#include "import_array.h"
#include "preserved_vectors.h"
#include "reticulate_workarounds.h"
#include "unsaved_object.h"

#include <R_ext/Rdynload.h>
#include <R_ext/Visibility.h>

/* Casts by way of void (*)(void), which compilers accept as a generic function pointer. */
#define ROUTINE(name, arguments) {#name, (DL_FUNC)(void (*)(void))name, arguments}

static const R_CallMethodDef routines[] = {
    ROUTINE(new_arrow_transfer, 1),
    ROUTINE(array_address, 1),
    ROUTINE(python_gone_address, 0),
    ROUTINE(import_array, 3),
    ROUTINE(export_array, 1),
    ROUTINE(values_address, 1),
    ROUTINE(new_unsaved, 1),
    ROUTINE(unsaved_object, 1),
    ROUTINE(eval_with_lock, 3),
    ROUTINE(stop_polling, 1),
    {NULL, NULL, 0}};

attribute_visible void R_init_pyinit(DllInfo *dll)
{
    preserved_vectors_init();
    arrow_transfer_init();
    arrow_vector_init(dll);
    unsaved_object_init(dll);
    R_registerRoutines(dll, NULL, routines, NULL, NULL);
    R_useDynamicSymbols(dll, FALSE);
    R_forceSymbols(dll, TRUE);
}
