/* Workarounds for reticulate where R runs inside Python, under rpy2.

   rpy2 releases Python's lock (the GIL) while R runs. reticulate takes the lock where R code calls
   Python, but up to version 1.30 not where R's collector drops a reference to a Python object: if
   that was the last reference, Python aborts the process
   (https://github.com/rstudio/reticulate/issues/1236).

   All versions run a thread that asks Python several times a second to let R process events. It
   keeps running after Python has ended, and may then crash the process, which is about to exit.

   reticulate calls Python through function pointers that it sets when it first uses Python. Two of
   them are redirected here: Py_DecRef, in those versions only, to a function that takes the lock;
   and Py_AddPendingCall, when Python ends, to a function that does nothing. In an R process of its
   own, neither is redirected. */

/* For RTLD_DEFAULT and RTLD_NOLOAD. */
#define _GNU_SOURCE

#include "reticulate_workarounds.h"

#ifdef _WIN32

/* rpy2 does not support Windows. */
SEXP eval_with_lock(SEXP expr, SEXP env, SEXP reticulate)
{
    (void)reticulate;
    return Rf_eval(expr, env);
}

SEXP stop_polling(SEXP reticulate)
{
    (void)reticulate;
    return R_NilValue;
}

#else

#include <dlfcn.h>

typedef void any_fn(void);

/* Sets a function pointer of reticulate's library. `reticulate` is the path of the library. */
static void redirect(SEXP reticulate, const char *pointer_name, any_fn *function)
{
    void *library = dlopen(CHAR(STRING_ELT(reticulate, 0)), RTLD_LAZY | RTLD_NOLOAD);
    if (library == NULL)
        return;
    any_fn **pointer = dlsym(library, pointer_name);
    if (pointer != NULL)
        *pointer = function;
    dlclose(library);
}

static struct {
    int (*is_lock_held)(void);
    int (*take_lock)(void);
    void (*restore_lock)(int state);
    void (*drop)(void *object);
} python;

/* Sets `function` to one that the process exports, or to NULL. ISO C has no cast from void * to a
   function pointer. */
#define FIND(function, name) (*(void **)&(function) = dlsym(RTLD_DEFAULT, name))

static int is_lock_released(void)
{
    return FIND(python.is_lock_held, "PyGILState_Check") != NULL &&
           FIND(python.take_lock, "PyGILState_Ensure") != NULL &&
           FIND(python.restore_lock, "PyGILState_Release") != NULL &&
           FIND(python.drop, "Py_DecRef") != NULL && !python.is_lock_held();
}

static void drop_with_lock(void *object)
{
    int state = python.take_lock();
    python.drop(object);
    python.restore_lock(state);
}

struct evaluation {
    SEXP expr;
    SEXP env;
    SEXP reticulate;
    int lock_state;
};

static SEXP eval_and_redirect(void *data)
{
    struct evaluation *evaluation = data;
    SEXP value = PROTECT(Rf_eval(evaluation->expr, evaluation->env));
    redirect(
        evaluation->reticulate, "_ZN10reticulate9libpython9Py_DecRefE", (any_fn *)drop_with_lock);
    UNPROTECT(1);
    return value;
}

static void restore_lock(void *data)
{
    python.restore_lock(((struct evaluation *)data)->lock_state);
}

/* Evaluates `expr`, which makes reticulate (before 1.31) load Python, and redirects Py_DecRef. R
   holds the lock until then, since references are still dropped without it. */
SEXP eval_with_lock(SEXP expr, SEXP env, SEXP reticulate)
{
    if (!is_lock_released())
        return Rf_eval(expr, env);
    struct evaluation evaluation = {expr, env, reticulate, python.take_lock()};
    return R_ExecWithCleanup(eval_and_redirect, &evaluation, restore_lock, &evaluation);
}

static int refuse(int (*function)(void *), void *argument)
{
    (void)function, (void)argument;
    return -1;
}

/* Stops reticulate's thread from calling Python, which is about to end. */
SEXP stop_polling(SEXP reticulate)
{
    redirect(reticulate, "_ZN10reticulate9libpython17Py_AddPendingCallE", (any_fn *)refuse);
    return R_NilValue;
}

#endif
