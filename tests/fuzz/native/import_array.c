/* Fuzzes the .Call routines of the R package, in an embedded R, with hostile Arrow structs.
 *
 * The contract of the producer, which the inputs keep: pointers other than NULL are valid, and the
 * buffer of values has offset + length elements. Everything else is hostile: formats, names, counts
 * of children and buffers, NULL in place of any pointer, lengths and offsets of any sign and size,
 * arrays that are released already, dimensions of any type.
 *
 * Whatever they are, the result is an R vector with the buffer's values, or an R error; the array and
 * the schema are released exactly once. */
#include "arrow_transfer.h"
#include "arrow_vector.h"
#include "export_array.h"
#include "import_array.h"
#include "preserved_vectors.h"
#include "unsaved_object.h"

#include <R_ext/Rdynload.h>
#include <Rembedded.h>
#include <string.h>

#include "input.h"

#define CSTACK_DEFNS
#include <Rinterface.h>

enum { MAX_LENGTH = 64 };

static int arrays, schemas; /* not released yet */
static struct ArrowSchema dictionary;

static void release_array(struct ArrowArray *array)
{
    check(--arrays >= 0, "the array is released twice");
    if (array->buffers != NULL)
        free((void *)array->buffers[1]);
    free(array->buffers);
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    check(--schemas >= 0, "the schema is released twice");
    schema->release = NULL;
}

/* Mostly small, sometimes anything. */
static int64_t take_count(input_t *input, int64_t usual)
{
    const uint64_t choice = take(input, 1);
    return choice < 200 ? usual : choice < 228 ? (int64_t)(choice % 5) : (int64_t)take(input, 8);
}

static void fill_structs(struct arrow_transfer *transfer, input_t *input)
{
    static const char *formats[] = {"g", "i", "b", "l", "", "gg", "i:", NULL};
    static const char *names[] = {"", "logical", "x", NULL};
    struct ArrowSchema *const schema = &transfer->schema;
    struct ArrowArray *const array = &transfer->array;
    const uint64_t flags = take(input, 2);
    const uint64_t format = take(input, 1);
    schema->format = formats[format % (flags & 1 ? 3 : 8)];
    schema->name = names[take(input, 1) % 4];
    schema->dictionary = flags & 0xf0 ? NULL : &dictionary;
    schema->release = flags & 0xf00 ? release_schema : NULL;
    schemas += schema->release != NULL;
    array->length = take_count(input, (int64_t)(take(input, 1) % MAX_LENGTH));
    array->offset = take_count(input, (int64_t)(take(input, 1) % MAX_LENGTH));
    array->null_count = take_count(input, 0);
    array->n_buffers = take_count(input, 2);
    array->n_children = take_count(input, 0);
    array->release = flags & 0xf000 ? release_array : NULL;
    arrays += array->release != NULL;
    /* another size cannot be made here, and no buffer of another size is allowed */
    const int has_values = array->length >= 0 && array->length <= MAX_LENGTH &&
                           array->offset >= 0 && array->offset <= MAX_LENGTH;
    if (!(flags & 2) || array->release == NULL)
        return;
    array->buffers = calloc(2, sizeof *array->buffers);
    check(array->buffers != NULL, "no memory");
    array->buffers[0] = flags & 4 ? NULL : (void *)array->buffers;
    if (!(flags & 8) && has_values) {
        const size_t item = schema->format == NULL || *schema->format == 'g' ? 8 : 4;
        const size_t bytes = (size_t)(array->length + array->offset) * item;
        unsigned char *const values = malloc(bytes + 1);
        check(values != NULL, "no memory");
        for (size_t k = 0; k < bytes; ++k)
            values[k] = (unsigned char)take(input, 1);
        array->buffers[1] = values;
    }
}

static SEXP take_dim(input_t *input, int64_t length)
{
    const uint64_t choice = take(input, 1);
    if (choice % 4 == 0)
        return R_NilValue;
    if (choice % 16 == 1)
        return Rf_mkString("x");
    SEXP dim = PROTECT(Rf_allocVector(choice % 16 == 2 ? REALSXP : INTSXP, 1 + choice % 2));
    for (R_xlen_t k = 0; k < XLENGTH(dim); ++k) {
        const int64_t size = k > 0 ? 1 : choice % 8 < 6 ? length : (int64_t)take(input, 4);
        if (TYPEOF(dim) == REALSXP)
            REAL(dim)[k] = (double)size;
        else
            INTEGER(dim)[k] = (int)size;
    }
    UNPROTECT(1);
    return dim;
}

static void use_vector(SEXP x, uint64_t choice)
{
    const R_xlen_t length = XLENGTH(x);
    check(length <= MAX_LENGTH, "a vector of another length");
    SEXP copy = PROTECT(Rf_duplicate(x));
    if (TYPEOF(x) == REALSXP) {
        check(length == 0 || memcmp(REAL_RO(x), REAL_RO(copy), (size_t)length * 8) == 0, "values");
        if (length > 0 && choice & 1)
            REAL(x)[length - 1] = REAL(x)[0];
    } else if (TYPEOF(x) == INTSXP) {
        if (length > 0 && choice & 1)
            INTEGER(x)[length - 1] = INTEGER(x)[0];
    } else
        check(TYPEOF(x) == LGLSXP, "a vector of another type");
    SEXP sent = PROTECT(export_array(x));
    if (choice & 2) {
        struct ArrowArray *const array = &arrow_transfer_of(VECTOR_ELT(sent, 0))->array;
        check(array->length == length && array->n_buffers == 2, "an export of another length");
        array->release(array);
    }
    UNPROTECT(2);
}

static void import(void *data)
{
    input_t *const input = data;
    /* a large number runs R's collector, which takes long */
    const uint64_t is_large = take(input, 1) == 255;
    SEXP bytes = PROTECT(Rf_ScalarReal(is_large ? 1e12 : 0));
    SEXP transfer = PROTECT(new_arrow_transfer(bytes));
    SEXP pointer = VECTOR_ELT(transfer, 0);
    struct arrow_transfer *const structs = arrow_transfer_of(pointer);
    const uint64_t choice = take(input, 1);
    fill_structs(structs, input);
    SEXP dim = PROTECT(take_dim(input, structs->array.length));
    SEXP shared = PROTECT(choice & 4 ? Rf_ScalarLogical((int)(choice % 3)) : Rf_mkString("a"));
    if (choice % 32 == 31)
        pointer = R_MakeExternalPtr(input, R_NilValue, R_NilValue);
    PROTECT(pointer);
    SEXP x = PROTECT(import_array(pointer, dim, shared));
    use_vector(x, choice);
    if (choice & 64)
        import_array(pointer, dim, shared); /* an error: the array is taken */
    UNPROTECT(6);
}

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count, (void)arguments;
    char *options[] = {"R", "--vanilla", "--no-echo"};
    R_SignalHandlers = 0;
    Rf_initialize_R(3, options);
    R_CStackLimit = (uintptr_t)-1;
    R_Interactive = FALSE;
    R_Outputfile = NULL;
    setup_Rmainloop();
    preserved_vectors_init();
    arrow_transfer_init();
    arrow_vector_init(R_getEmbeddingDllInfo());
    unsaved_object_init(R_getEmbeddingDllInfo());
    R_ParseEvalString("options(show.error.messages = FALSE, warn = -1)", R_GlobalEnv);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int runs;
    input_t input = {data, size};
    R_ToplevelExec(import, &input);
    if (++runs % 64 == 0) {
        R_gc();
        R_gc();
        preserved_vectors_drain();
        R_gc();
        check(arrays == 0, "an array is not released");
        check(schemas == 0, "a schema is not released");
    }
    return 0;
}
