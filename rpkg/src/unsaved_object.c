#include "unsaved_object.h"

#include <R_ext/Altrep.h>

static R_altrep_class_t unsaved_class;

SEXP new_unsaved(SEXP object) { return R_new_altrep(unsaved_class, object, R_NilValue); }

SEXP unsaved_object(SEXP vector)
{
    return R_altrep_inherits(vector, unsaved_class) ? R_altrep_data1(vector) : R_NilValue;
}

static R_xlen_t length_method(SEXP vector)
{
    (void)vector;
    return 0;
}

/* A valid pointer, which nobody reads. */
static void *dataptr_method(SEXP vector, Rboolean writable)
{
    static int none = 0;
    (void)vector;
    (void)writable;
    return &none;
}

static SEXP serialized_state_method(SEXP vector)
{
    (void)vector;
    return Rf_ScalarLogical(FALSE);
}

static SEXP unserialize_method(SEXP class, SEXP state)
{
    (void)class;
    (void)state;
    return new_unsaved(R_NilValue);
}

void unsaved_object_init(DllInfo *dll)
{
    unsaved_class = R_make_altinteger_class("unsaved_object", "pyinit", dll);
    R_set_altrep_Length_method(unsaved_class, length_method);
    R_set_altrep_Serialized_state_method(unsaved_class, serialized_state_method);
    R_set_altrep_Unserialize_method(unsaved_class, unserialize_method);
    R_set_altvec_Dataptr_method(unsaved_class, dataptr_method);
}
