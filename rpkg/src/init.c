/* The routines that R code may call. */

#include "crossing.h"
#include "embedded.h"
#include "export.h"
#include "import.h"

#include <R_ext/Rdynload.h>
#include <R_ext/Visibility.h>

/* By way of the one function type that compilers let stand for any other. */
#define ROUTINE(name, arguments) {#name, (DL_FUNC)(void (*)(void)) name, arguments}

static const R_CallMethodDef routines[] = {
    ROUTINE(crossing_allocate, 1),
    ROUTINE(crossing_addresses, 1),
    ROUTINE(python_gone_address, 0),
    ROUTINE(import_array, 3),
    ROUTINE(export_array, 2),
    ROUTINE(values_address, 1),
    ROUTINE(eval_with_lock, 3),
    ROUTINE(stop_polling, 1),
    {NULL, NULL, 0}};

attribute_visible void R_init_pyinit(DllInfo *dll) {
  crossing_init();
  export_init();
  import_init(dll);
  R_registerRoutines(dll, NULL, routines, NULL, NULL);
  R_useDynamicSymbols(dll, FALSE);
  R_forceSymbols(dll, TRUE);
}
