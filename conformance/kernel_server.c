/* The kernels of kernel.h and qr.h as a program, to test them on emulated machines and in builds
 * other than the installed one. program.py is the client.
 *
 * The program first writes 16 bytes: the letters "pyinit", the size of a pointer, the number of ISA
 * levels, for each level 1 if it is available and 0 if not, and zeros. The 64-bit integer
 * 0x0102030405060708 follows, which tells the client the byte order.
 *
 * It then reads requests until its input ends. A request is a `request_t`, followed by the data of
 * its operation. The answer is a 64-bit integer, the return value of the kernel's function, followed
 * by the data of the operation. All numbers are in the program's own byte order.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "qr.h"

enum { HELLO = 16, MAX_RANK = 64 };

/* The operations: the functions of kernel.h and qr.h, and the transfer of a matrix. The Gram
 * matrix, the factor, the diagonal and the inverses stay in this process. Each comment lists the
 * request's `integers`, then its `numbers`. */
enum {
    /* isa_level, loop, seed, draw, first_index, rank, number of elements, their size, first_word,
     * last_word; location, scale, upper. Shape, strides and index strides follow. The elements
     * follow the answer. */
    FILL,
    /* columns */
    NEW_GRAM,
    /* rows. The matrix follows. */
    PUT_MATRIX,
    /* The matrix follows the answer. */
    GET_MATRIX,
    /* isa_level, top, bottom, first, last */
    SYRK,
    /* ; bound. The diagonal follows the answer. */
    GRAM_DIAGONAL,
    /* ; shift */
    GRAM_SHIFT,
    /* isa_level, first, last; bound */
    POTRF,
    /* isa_level, top, bottom, first, last */
    TRSM_LEFT,
    /* isa_level, first row, rows */
    TRSM_RIGHT
};

typedef struct {
    int64_t operation;
    int64_t integers[10];
    double numbers[3];
} request_t;

static int64_t columns, rows;
static double *gram, *diagonal, *inverses, *matrix;

static void fail(const char *reason)
{
    fprintf(stderr, "kernel_server: %s\n", reason);
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
        fail("the request is incomplete");
}

static void answer(int64_t result, const void *from, int64_t count, size_t size)
{
    if (fwrite(&result, sizeof result, 1, stdout) != 1 ||
        (count > 0 && fwrite(from, size, (size_t)count, stdout) != (size_t)count) ||
        fflush(stdout) != 0)
        fail("the answer cannot be written");
}

static void hello(void)
{
    unsigned char header[HELLO] = {'p', 'y', 'i', 'n', 'i', 't', sizeof(void *), PYINIT_ISA_LEVELS};
    const uint64_t byte_order = 0x0102030405060708u;
    for (int level = 0; level < PYINIT_ISA_LEVELS; ++level)
        header[8 + level] = (unsigned char)pyinit_has_isa_level(level);
    fwrite(header, sizeof header, 1, stdout);
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
        (uint64_t)integers[8], (uint64_t)integers[9], (uint64_t)integers[2], (uint32_t)integers[3],
        (uint64_t)integers[4], (int)rank, axes[0], axes[1], axes[2]);
    answer(result, out, count, size);
    free(out);
}

static void new_gram(int64_t new_columns)
{
    const int64_t panels = (new_columns + PYINIT_PANEL - 1) / PYINIT_PANEL;
    free(gram);
    free(diagonal);
    free(inverses);
    columns = new_columns;
    gram = allocate(panels * (panels + 1) / 2 * PYINIT_PANEL * PYINIT_PANEL, sizeof *gram);
    diagonal = allocate(columns, sizeof *diagonal);
    inverses = allocate(panels * PYINIT_PANEL, sizeof *inverses);
}

static void put_matrix(int64_t new_rows)
{
    free(matrix);
    rows = new_rows;
    matrix = allocate(rows * columns, sizeof *matrix);
    get(matrix, rows * columns, sizeof *matrix);
}

static void answer_request(const request_t *request)
{
    const int64_t *const integers = request->integers;
    const double *const numbers = request->numbers;
    const int isa_level = (int)integers[0];
    int result = 0;
    switch (request->operation) {
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
            isa_level, matrix, rows, columns, gram, integers[1], integers[2], integers[3],
            integers[4], 1);
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
            isa_level, gram, columns, integers[1], integers[2], diagonal, numbers[0], inverses);
        break;
    case TRSM_LEFT:
        pyinit_trsm_left(
            isa_level, gram, integers[1], integers[2], integers[3], integers[4], inverses);
        break;
    case TRSM_RIGHT:
        result = pyinit_trsm_right(
            isa_level, matrix + integers[1] * columns, integers[2], columns, gram, inverses, 0,
            (columns + PYINIT_PANEL - 1) / PYINIT_PANEL);
        break;
    default:
        fail("no such operation");
    }
    answer(result, NULL, 0, 0);
}

int main(void)
{
    request_t request;
    hello();
    while (fread(&request, sizeof request, 1, stdin) == 1)
        answer_request(&request);
    return 0;
}
