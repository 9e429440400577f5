/* The CPU kernel: the stream of stream.h, in the processor's vectors, at several instruction sets. */
#include "kernel.h"

#include <stddef.h>
#include <stdlib.h>

#include "stream.h"

/* What a value becomes in memory. The *_WIDENED ones are float64 that hold narrower values. */
enum { FLOAT16, BFLOAT16, FLOAT32, FLOAT64, FLOAT16_WIDENED, BFLOAT16_WIDENED, FLOAT32_WIDENED, STORAGES };
enum { UNIFORM, NORMAL, TRUNCATED_NORMAL, FAMILIES };

static const size_t item_size[STORAGES] = {2, 2, 4, 8, 8, 8, 8};

typedef struct {
    double location, scale, upper;
    uint64_t seed;
    uint32_t draw;
} distribution_t;

/* Fills `count` neighbouring elements from flat index `start` on. */
typedef void fill_run_fn(void *out, uint64_t start, size_t count, const distribution_t *distribution);

/* Fills the columns `first` to `last` - 1 of a tile for `rows` rows, of which row r has the tile
 * tiles[r] + plus; the rows are neighbours in memory, the columns `stride` elements apart. `tiles`
 * goes on to the next multiple of PYINIT_LANES, with any values. */
typedef void fill_columns_fn(
    void *out, int64_t stride, const uint64_t *tiles, uint64_t plus, int64_t rows, int first,
    int last, const distribution_t *distribution);

/* Copies `rows` rows of `columns` values to columns in memory, `stride` elements apart. */
typedef void transpose_fn(void *out, const void *values, int64_t rows, int64_t columns, int64_t stride);

/* What each level compiles. */
typedef struct {
    fill_run_fn *runs[STORAGES][FAMILIES];
    fill_columns_fn *columns[STORAGES][FAMILIES];
    transpose_fn *transpose16, *transpose32, *transpose64; /* by the bits of a value */
} isa_kernel_t;

/* Without GCC's vector extensions (or with PYINIT_PORTABLE, for tests) plain loops do the same. */
#if defined(__GNUC__) && !defined(PYINIT_PORTABLE)
#define PYINIT_VECTORS
#ifdef __has_builtin
#if __has_builtin(__builtin_shufflevector)
#define PYINIT_SHUFFLE
/* Two vectors, element by element in turn: their first halves (LOW), their second ones (HIGH), ... */
#define ZIP2_LOW(a, b) __builtin_shufflevector(a, b, 0, 2)
#define ZIP2_HIGH(a, b) __builtin_shufflevector(a, b, 1, 3)
#define ZIP4_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP4_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define ZIP8_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP8_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
/* ... the same in each half of its own, which is all that AVX2 does in one instruction, ... */
#define ZIP4_HALVES_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 2, 6)
#define ZIP4_HALVES_HIGH(a, b) __builtin_shufflevector(a, b, 1, 5, 3, 7)
#define ZIP8_HALVES_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define ZIP8_HALVES_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
/* ... and the halves themselves. */
#define JOIN4_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define JOIN4_HIGH(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#define JOIN8_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define JOIN8_HIGH(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#endif
#endif
#endif

/* Short loops over vectors, which stay in registers only if the loops are gone early. */
#define UNROLL _Pragma("GCC unroll 8")
/* Columns lie far apart in memory: nothing else fetches the next ones. */
#ifdef __GNUC__
#define PREFETCH(address) __builtin_prefetch(address, 1)
#else
#define PREFETCH(address) ((void)(address))
#endif

#ifdef _MSC_VER
#define PYINIT_RESTRICT __restrict
#else
#define PYINIT_RESTRICT restrict
#endif

static inline void prefetch_column(const void *address, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 64)
        PREFETCH((const char *)address + at);
}

/* A loop that GCC does not vectorize where it is inlined. */
#ifdef _MSC_VER
#define PYINIT_NOINLINE static __declspec(noinline)
#else
#define PYINIT_NOINLINE static __attribute__((noinline))
#endif

#define ISA_LEVEL_SOURCE "kernel_level.h"
#include "isa_levels.h"

int pyinit_has_isa_level(int isa_level)
{
    switch (isa_level) {
    case PYINIT_ISA_BASELINE:
        return 1;
#ifdef PYINIT_X86
    case PYINIT_ISA_V3:
        return __builtin_cpu_supports("avx2") != 0;
    case PYINIT_ISA_V4:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
#endif
    default:
        return 0;
    }
}

static const isa_kernel_t *kernel_of(int isa_level)
{
    switch (isa_level) {
#ifdef PYINIT_X86
    case PYINIT_ISA_V4:
        return &kernel_v4;
    case PYINIT_ISA_V3:
        return &kernel_v3;
#endif
    default:
        return &kernel_baseline;
    }
}

/* ---- tensors: rows of neighbouring indices, wherever they go in memory ---- */

enum {
    MAX_RANK = 64,
    /* A block of rows is drawn into a buffer and copied from there: 128 rows of 256 columns, so that
     * neither a row's tiles are drawn in vain nor a column's cache lines are written in pieces. */
    BLOCK_ROWS = 128,
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
        if (count > 0 && axes[count - 1].stride == next.stride * next.length &&
            axes[count - 1].step == next.step * next.length) {
            axes[count - 1].length *= next.length;
            axes[count - 1].stride = next.stride;
            axes[count - 1].step = next.step;
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

/* Copies values to the places of their rows, where these are no neighbours. */
#define SCATTER(TYPE)                                                                           \
    static void scatter_##TYPE(                                                                 \
        TYPE *out, const TYPE *values, int64_t rows, int64_t columns, int64_t stride,  \
        const int64_t *at)                                                             \
    {                                                                                           \
        for (int64_t r = 0; r < rows; ++r)                                                      \
            for (int64_t c = 0; c < columns; ++c)                                               \
                out[at[r] + c * stride] = values[r * columns + c];                              \
    }
SCATTER(uint16_t)
SCATTER(uint32_t)
SCATTER(uint64_t)

static void place_rows(
    const isa_kernel_t *kernel, char *out, size_t size, int64_t rows, int64_t columns,
    int64_t stride, const block_buffer *buffer)
{
    const int64_t *at = buffer->at;
    const void *values = buffer->values;
    int64_t neighbours = 1;
    while (neighbours < rows && at[neighbours] == at[0] + neighbours)
        ++neighbours;
    if (neighbours == rows) {
        transpose_fn *const move = size == 2   ? kernel->transpose16
                                : size == 4 ? kernel->transpose32
                                            : kernel->transpose64;
        move(out + at[0] * (int64_t)size, values, rows, columns, stride);
    } else if (size == 2)
        scatter_uint16_t((uint16_t *)out, values, rows, columns, stride, at);
    else if (size == 4)
        scatter_uint32_t((uint32_t *)out, values, rows, columns, stride, at);
    else
        scatter_uint64_t((uint64_t *)out, values, rows, columns, stride, at);
}

/* Draws part of each row into the buffer; rows that follow one another in index at once. */
static void draw_rows(
    block_buffer *buffer, size_t size, int64_t rows, int64_t first, int64_t columns, int whole,
    fill_run_fn *fill, const distribution_t *distribution)
{
    char *to = (char *)buffer->values;
    for (int64_t r = 0, next; r < rows; r = next) {
        next = r + 1;
        while (whole && next < rows &&
               buffer->from[next] == buffer->from[next - 1] + (uint64_t)columns)
            ++next;
        const int64_t count = (next - r) * columns;
        fill(to, buffer->from[r] + (uint64_t)first, (size_t)count, distribution);
        to += (size_t)count * size;
    }
}

/* Fills rows that are neighbours in memory and start at the same place of their tiles, as they do
 * where the tensor's rows are whole tiles: vectors then run along the rows and nothing is copied.
 * Returns whether the rows are such. */
static int fill_by_columns(
    fill_columns_fn *fill, char *out, size_t size, int64_t rows, const axis *row, block_buffer *buffer,
    const distribution_t *distribution)
{
    const uint64_t shift = buffer->from[0] % PYINIT_TILE;
    if (rows < PYINIT_LANES || 2 * row->length < PYINIT_TILE)
        return 0;
    for (int64_t r = 0; r < rows; ++r)
        if (buffer->at[r] != buffer->at[0] + r || buffer->from[r] % PYINIT_TILE != shift)
            return 0;
    uint64_t *tiles = buffer->from;
    for (int64_t r = 0; r < rows; ++r)
        tiles[r] /= PYINIT_TILE;
    for (int64_t r = rows; r % PYINIT_LANES; ++r)
        tiles[r] = 0;
    const int64_t end = (int64_t)shift + row->length;
    for (int64_t c = 0; c < end; c += PYINIT_TILE) {
        const int first = c == 0 ? (int)shift : 0;
        const int last = end - c < PYINIT_TILE ? (int)(end - c) : PYINIT_TILE;
        const int64_t to = buffer->at[0] + (c + first - (int64_t)shift) * row->stride;
        const uint64_t plus = (uint64_t)c / PYINIT_TILE;
        fill(out + to * (int64_t)size, row->stride, tiles, plus, rows, first, last, distribution);
    }
    return 1;
}

int pyinit_fill(
    int isa_level, void *out, int loop, double location, double scale, double upper, uint64_t seed,
    uint32_t draw, uint64_t start, int rank, const int64_t *shape, const int64_t *strides,
    const int64_t *steps)
{
    const distribution_t distribution = {location, scale, upper, seed, draw};
    const isa_kernel_t *const kernel = kernel_of(isa_level);
    fill_run_fn *const fill = kernel->runs[loop / FAMILIES][loop % FAMILIES];
    fill_columns_fn *const columnwise = kernel->columns[loop / FAMILIES][loop % FAMILIES];
    const size_t size = item_size[loop / FAMILIES];
    axis axes[MAX_RANK + 1];
    const int outer = merge_axes(axes, rank, shape, strides, steps) - 1;
    const axis row = axes[outer];
    if (outer == 0 && row.stride == 1) {
        fill(out, start, (size_t)row.length, &distribution);
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
        if (fill_by_columns(columnwise, out, size, rows, &row, buffer, &distribution))
            continue;
        for (int64_t first = 0; first < row.length; first += width) {
            const int64_t left = row.length - first;
            const int64_t columns = left < width ? left : width;
            draw_rows(buffer, size, rows, first, columns, columns == row.length, fill, &distribution);
            char *to = (char *)out + first * row.stride * (int64_t)size;
            place_rows(kernel, to, size, rows, columns, row.stride, buffer);
        }
    }
    free(buffer);
    return 0;
}
