/* The CPU kernel and the orthonormalization's as a program: for machines that are emulated, and for
 * builds other than the one that is installed. program.py is the other side.
 *
 * It first writes what it is: the 6 letters "pyinit", a byte with the size of a pointer, a byte with
 * the number of levels, a byte for each of them that says whether it is there, zeros up to 16 bytes
 * in all; then the 64-bit number 0x0102030405060708, from which the other side learns the byte order.
 *
 * Then it reads requests and answers each: a `request` and what its operation says comes after it;
 * the answer is a 64-bit number, which is what the kernel's function returned, and then what the
 * operation says. All numbers are in the program's own byte order. It ends with its input.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "qr.h"

enum { HELLO = 16, MAX_RANK = 64 };

/* The functions of kernel.h and qr.h, and two that carry a matrix. The Gram matrix, the factor, the
 * diagonal and the inverses stay here. Each says what its `integers` and `numbers` are. */
enum {
    /* level, loop, seed, draw, start, rank, elements of memory, their size; location, scale, upper.
     * Then come shape, strides and steps. The answer is followed by the memory. */
    FILL,
    /* columns */
    NEW_GRAM,
    /* rows. Then comes a matrix. */
    PUT_MATRIX,
    /* The answer is followed by the matrix. */
    GET_MATRIX,
    /* level, top, bottom, first, last */
    SYRK,
    /* ; bound. The answer is followed by the diagonal. */
    GRAM_DIAGONAL,
    /* ; shift */
    GRAM_SHIFT,
    /* level, first, last; bound */
    POTRF,
    /* level, top, bottom, first, last */
    TRSM_LEFT,
    /* level, first row, rows */
    TRSM_RIGHT
};

typedef struct {
    int64_t operation;
    int64_t integers[8];
    double numbers[3];
} request;

static int64_t columns, rows;
static double *gram, *diagonal, *inverses, *matrix;

static void fail(const char *why)
{
    fprintf(stderr, "kernel_server: %s\n", why);
    exit(1);
}

static void *allocate(int64_t count, size_t size)
{
    void *const memory = calloc(count > 0 ? (size_t)count : 1, size);
    if (memory == NULL)
        fail("no memory");
    return memory;
}

static void get(void *to, int64_t count, size_t size)
{
    if (fread(to, size, (size_t)count, stdin) != (size_t)count)
        fail("the request is not complete");
}

static void answer(int64_t result, const void *from, int64_t count, size_t size)
{
    if (fwrite(&result, sizeof result, 1, stdout) != 1 ||
        (count > 0 && fwrite(from, size, (size_t)count, stdout) != (size_t)count) ||
        fflush(stdout) != 0)
        fail("the answer was not taken");
}

static void hello(void)
{
    unsigned char what[HELLO] = {'p', 'y', 'i', 'n', 'i', 't', sizeof(void *), PYINIT_ISA_LEVELS};
    const uint64_t byte_order = 0x0102030405060708u;
    for (int level = 0; level < PYINIT_ISA_LEVELS; ++level)
        what[8 + level] = (unsigned char)pyinit_has_isa_level(level);
    fwrite(what, sizeof what, 1, stdout);
    fwrite(&byte_order, sizeof byte_order, 1, stdout);
    fflush(stdout);
}

static void answer_fill(const int64_t *integers, const double *numbers)
{
    int64_t axes[3][MAX_RANK];
    const int64_t rank = integers[5], count = integers[6];
    const size_t size = (size_t)integers[7];
    if (rank < 0 || rank > MAX_RANK)
        fail("the rank is too large");
    for (int k = 0; k < 3; ++k)
        get(axes[k], rank, sizeof axes[k][0]);
    void *const out = allocate(count, size);
    const int result = pyinit_fill(
        (int)integers[0], out, (int)integers[1], numbers[0], numbers[1], numbers[2],
        (uint64_t)integers[2], (uint32_t)integers[3], (uint64_t)integers[4], (int)rank, axes[0],
        axes[1], axes[2]);
    answer(result, out, count, size);
    free(out);
}

static void new_gram(int64_t of_columns)
{
    const int64_t panels = (of_columns + PYINIT_PANEL - 1) / PYINIT_PANEL;
    free(gram);
    free(diagonal);
    free(inverses);
    columns = of_columns;
    gram = allocate(panels * (panels + 1) / 2 * PYINIT_PANEL * PYINIT_PANEL, sizeof *gram);
    diagonal = allocate(columns, sizeof *diagonal);
    inverses = allocate(panels * PYINIT_PANEL, sizeof *inverses);
}

static void put_matrix(int64_t of_rows)
{
    free(matrix);
    rows = of_rows;
    matrix = allocate(rows * columns, sizeof *matrix);
    get(matrix, rows * columns, sizeof *matrix);
}

static void answer_request(const request *asked)
{
    const int64_t *const integers = asked->integers;
    const double *const numbers = asked->numbers;
    const int level = (int)integers[0];
    int result = 0;
    switch (asked->operation) {
    case FILL:
        answer_fill(integers, numbers);
        return;
    case NEW_GRAM:
        new_gram(integers[0]);
        break;
    case PUT_MATRIX:
        put_matrix(integers[0]);
        break;
    case GET_MATRIX:
        answer(0, matrix, rows * columns, sizeof *matrix);
        return;
    case SYRK:
        result = pyinit_syrk(
            level, matrix, rows, columns, gram, integers[1], integers[2], integers[3], integers[4]);
        break;
    case GRAM_DIAGONAL:
        result = pyinit_gram_diagonal(gram, columns, numbers[0], diagonal);
        answer(result, diagonal, columns, sizeof *diagonal);
        return;
    case GRAM_SHIFT:
        pyinit_gram_shift(gram, columns, numbers[0]);
        break;
    case POTRF:
        result = pyinit_potrf(
            level, gram, columns, integers[1], integers[2], diagonal, numbers[0], inverses);
        break;
    case TRSM_LEFT:
        pyinit_trsm_left(
            level, gram, integers[1], integers[2], integers[3], integers[4], inverses);
        break;
    case TRSM_RIGHT:
        result = pyinit_trsm_right(
            level, matrix + integers[1] * columns, integers[2], columns, gram, inverses);
        break;
    default:
        fail("no such operation");
    }
    answer(result, NULL, 0, 0);
}

int main(void)
{
    request asked;
    hello();
    while (fread(&asked, sizeof asked, 1, stdin) == 1)
        answer_request(&asked);
    return 0;
}
