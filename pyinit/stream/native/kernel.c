/* The CPU kernel: the stream of stream.h, in the processor's vectors, at several instruction sets. */
#include "kernel.h"

#include <stddef.h>
#include <stdlib.h>

#include "../stream.h"

/* What a value becomes in memory. The *_WIDE ones are float64 that hold narrower values. */
enum { FLOAT16, BFLOAT16, FLOAT32, FLOAT64, FLOAT16_WIDE, BFLOAT16_WIDE, FLOAT32_WIDE, STORAGES };
enum { UNIFORM, NORMAL, TRUNCATED_NORMAL, KINDS };

static const size_t item_size[STORAGES] = {2, 2, 4, 8, 8, 8, 8};

typedef struct {
    double location, scale, upper;
    uint64_t seed;
    uint32_t draw;
} law;

/* Fills `count` neighbouring elements from flat index `start` on. */
typedef void fill_run(void *out, uint64_t start, size_t count, const law *of);

/* A table of the runs of one level: [storage][kind]. */
typedef fill_run *const run_table[STORAGES][KINDS];

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
#define PYINIT_X86
#include <immintrin.h>
#endif

#define GLUE_(a, b) a##_##b
#define GLUE(a, b) GLUE_(a, b)

/* Each inclusion compiles the runs once more, for one instruction set. Neither of the higher ones
 * asks for fused multiply-add, which must not be used. */
#define LEVEL baseline
#define VECTOR_BYTES 16
#include "kernel_level.h"
#undef LEVEL
#undef VECTOR_BYTES

#ifdef PYINIT_X86
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define LEVEL v3
#define VECTOR_BYTES 32
#include "kernel_level.h"
#undef LEVEL
#undef VECTOR_BYTES
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push(                                                                   \
    __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,prefer-vector-width=512"))),       \
    apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,prefer-vector-width=512")
#endif
#define LEVEL v4
#define VECTOR_BYTES 64
#include "kernel_level.h"
#undef LEVEL
#undef VECTOR_BYTES
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

int pyinit_has_level(int level)
{
    switch (level) {
    case PYINIT_BASELINE:
        return 1;
#ifdef PYINIT_X86
    case PYINIT_V3:
        return __builtin_cpu_supports("avx2") != 0;
    case PYINIT_V4:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
#endif
    default:
        return 0;
    }
}

static fill_run *run_of(int level, int loop)
{
    const int storage = loop / KINDS, kind = loop % KINDS;
    switch (level) {
#ifdef PYINIT_X86
    case PYINIT_V4:
        return runs_v4[storage][kind];
    case PYINIT_V3:
        return runs_v3[storage][kind];
#endif
    default:
        return runs_baseline[storage][kind];
    }
}

/* ---- tensors: rows of neighbouring indices, wherever they go in memory ---- */

enum {
    MAX_RANK = 64,
    /* A block of rows is drawn into a buffer and copied from there: 32 rows of 256 columns, so that
     * neither a row's tiles are drawn in vain nor a column's cache lines are written in pieces. */
    BLOCK_ROWS = 32,
    BLOCK_COLUMNS = 256,
    BLOCK = BLOCK_ROWS * BLOCK_COLUMNS,
    MAX_ROWS = 4096
};

typedef struct {
    int64_t length, stride, step;
} axis;

typedef struct {
    int64_t at[MAX_ROWS];    /* where each row starts in memory, in elements */
    uint64_t from[MAX_ROWS]; /* its first flat index */
    uint64_t values[BLOCK];  /* of any storage */
} block_buffer;

/* Merges axes that are one in memory and in index, drops those of length 1, and sees to it that the
 * last one has step 1. Returns how many are left, at most rank + 1. */
static int merge_axes(
    axis *axes, int rank, const int64_t *shape, const int64_t *strides, const int64_t *steps)
{
    int count = 0;
    for (int k = 0; k < rank; ++k) {
        const axis next = {shape[k], strides[k], steps[k]};
        if (next.length == 1)
            continue;
        axis *last = axes + count - 1;
        if (count > 0 && last->stride == next.stride * next.length &&
            last->step == next.step * next.length) {
            last->length *= next.length;
            last->stride = next.stride;
            last->step = next.step;
        } else {
            axes[count++] = next;
        }
    }
    if (count == 0 || axes[count - 1].step != 1)
        axes[count++] = (axis){1, 1, 1};
    return count;
}

/* Sorts axes by stride, the smallest last. */
static void sort_by_stride(axis *axes, int count)
{
    for (int k = 1; k < count; ++k)
        for (int j = k; j > 0 && axes[j - 1].stride < axes[j].stride; --j) {
            const axis moved = axes[j];
            axes[j] = axes[j - 1];
            axes[j - 1] = moved;
        }
}

/* Copies `rows` rows of `columns` values to where they belong: `stride` lies between columns. */
#define SCATTER(TYPE)                                                                           \
    static void scatter_##TYPE(                                                                 \
        TYPE *out, const TYPE *restrict values, int64_t rows, int64_t columns, int64_t stride,  \
        const int64_t *restrict at, int adjacent)                                               \
    {                                                                                           \
        for (int64_t c = 0; c < columns; ++c) {                                                 \
            TYPE *column = out + c * stride;                                                    \
            if (adjacent)                                                                       \
                for (int64_t r = 0; r < rows; ++r)                                              \
                    column[at[0] + r] = values[r * columns + c];                                \
            else                                                                                \
                for (int64_t r = 0; r < rows; ++r)                                              \
                    column[at[r]] = values[r * columns + c];                                    \
        }                                                                                       \
    }
SCATTER(uint16_t)
SCATTER(uint32_t)
SCATTER(uint64_t)

static void scatter(
    char *out, size_t size, int64_t rows, int64_t columns, int64_t stride,
    const block_buffer *buffer)
{
    int adjacent = 1;
    for (int64_t r = 1; r < rows; ++r)
        adjacent &= buffer->at[r] == buffer->at[0] + r;
    const void *values = buffer->values;
    if (size == 2)
        scatter_uint16_t((uint16_t *)out, values, rows, columns, stride, buffer->at, adjacent);
    else if (size == 4)
        scatter_uint32_t((uint32_t *)out, values, rows, columns, stride, buffer->at, adjacent);
    else
        scatter_uint64_t((uint64_t *)out, values, rows, columns, stride, buffer->at, adjacent);
}

/* Draws part of each row into the buffer; rows that follow one another in index at once. */
static void draw_rows(
    block_buffer *buffer, size_t size, int64_t rows, int64_t first, int64_t columns, int whole,
    fill_run *fill, const law *of)
{
    char *to = (char *)buffer->values;
    for (int64_t r = 0, next; r < rows; r = next) {
        next = r + 1;
        while (whole && next < rows &&
               buffer->from[next] == buffer->from[next - 1] + (uint64_t)columns)
            ++next;
        const int64_t count = (next - r) * columns;
        fill(to, buffer->from[r] + (uint64_t)first, (size_t)count, of);
        to += (size_t)count * size;
    }
}

int pyinit_fill(
    int level, void *out, int loop, double location, double scale, double upper, uint64_t seed,
    uint32_t draw, uint64_t start, int rank, const int64_t *shape, const int64_t *strides,
    const int64_t *steps)
{
    const law of = {location, scale, upper, seed, draw};
    fill_run *const fill = run_of(level, loop);
    const size_t size = item_size[loop / KINDS];
    axis axes[MAX_RANK + 1];
    const int outer = merge_axes(axes, rank, shape, strides, steps) - 1;
    const axis row = axes[outer];
    if (outer == 0 && row.stride == 1) {
        fill(out, start, (size_t)row.length, &of);
        return 0;
    }
    block_buffer *buffer = malloc(sizeof *buffer);
    if (buffer == NULL)
        return -1;
    /* Long rows are taken in the order of memory; short ones in that of the index, together. */
    if (row.length >= BLOCK_COLUMNS)
        sort_by_stride(axes, outer);
    const int64_t width = row.length < BLOCK_COLUMNS ? row.length : BLOCK_COLUMNS;
    const int64_t height = BLOCK / width < MAX_ROWS ? BLOCK / width : MAX_ROWS;
    int64_t position[MAX_RANK + 1] = {0};
    int64_t at = 0;
    uint64_t from = start;
    for (int more = 1; more;) {
        int64_t rows = 0;
        while (more && rows < height) {
            buffer->at[rows] = at;
            buffer->from[rows++] = from;
            int k = outer - 1;
            for (; k >= 0; --k) {
                at += axes[k].stride;
                from += (uint64_t)axes[k].step;
                if (++position[k] < axes[k].length)
                    break;
                at -= axes[k].stride * axes[k].length;
                from -= (uint64_t)(axes[k].step * axes[k].length);
                position[k] = 0;
            }
            more = k >= 0;
        }
        for (int64_t first = 0; first < row.length; first += width) {
            const int64_t left = row.length - first;
            const int64_t columns = left < width ? left : width;
            draw_rows(buffer, size, rows, first, columns, columns == row.length, fill, &of);
            char *to = (char *)out + first * row.stride * (int64_t)size;
            scatter(to, size, rows, columns, row.stride, buffer);
        }
    }
    free(buffer);
    return 0;
}
