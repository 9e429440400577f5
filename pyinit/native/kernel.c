/* The CPU kernel: the stream of stream.h, vectorized for several ISA levels. */
#include "kernel.h"

#include <stddef.h>
#include <stdlib.h>

#include "stream.h"

/* How values are stored. The *_WIDENED ones are float64 storage of values of a narrower dtype. */
enum {
    FLOAT16,
    BFLOAT16,
    FLOAT32,
    FLOAT64,
    FLOAT16_WIDENED,
    BFLOAT16_WIDENED,
    FLOAT32_WIDENED,
    STORAGES
};
enum { UNIFORM, NORMAL, TRUNCATED_NORMAL, BOUNDED_NORMAL, FAMILIES };

static const size_t item_size[STORAGES] = {2, 2, 4, 8, 8, 8, 8};

typedef struct {
    double location, scale, upper;
    uint64_t first_word, last_word;
    uint64_t seed;
    uint32_t draw;
} distribution_t;

/* Fills `count` contiguous elements, from flat index `first_index` on. */
typedef void fill_run_fn(
    void *out, uint64_t first_index, size_t count, const distribution_t *distribution);

/* Fills the elements [first, last) of one tile in each of `rows` rows: tile tiles[r] + tile_offset
 * in row r. Adjacent rows are adjacent in memory, columns `stride` elements apart. `tiles` is padded, with
 * any values, to a multiple of PYINIT_LANES. */
typedef void fill_columns_fn(
    void *out, int64_t stride, const uint64_t *tiles, uint64_t tile_offset, int64_t rows, int first,
    int last, const distribution_t *distribution);

/* Copies `rows` rows of `columns` values to columns that are `stride` elements apart. */
typedef void transpose_fn(
    void *out, const void *values, int64_t rows, int64_t columns, int64_t stride);

/* The functions of one ISA level. */
typedef struct {
    fill_run_fn *runs[STORAGES][FAMILIES];
    fill_columns_fn *columns[STORAGES][FAMILIES];
    transpose_fn *transpose16, *transpose32, *transpose64; /* by the bits of a value */
} isa_kernel_t;

/* Plain loops replace GCC's vector extensions where they are missing, or with PYINIT_PORTABLE. */
#if defined(__GNUC__) && !defined(PYINIT_PORTABLE)
#define PYINIT_VECTORS
#ifdef __has_builtin
#if __has_builtin(__builtin_shufflevector)
#define PYINIT_SHUFFLE
/* Interleave the first (LOW) or second (HIGH) halves of two vectors, ... */
#define ZIP2_LOW(a, b) __builtin_shufflevector(a, b, 0, 2)
#define ZIP2_HIGH(a, b) __builtin_shufflevector(a, b, 1, 3)
#define ZIP4_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP4_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define ZIP8_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP8_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
/* ... the same within each half, as one AVX2 instruction does, ... */
#define ZIP4_HALVES_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 2, 6)
#define ZIP4_HALVES_HIGH(a, b) __builtin_shufflevector(a, b, 1, 5, 3, 7)
#define ZIP8_HALVES_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define ZIP8_HALVES_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
/* ... and concatenate the halves. */
#define JOIN4_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define JOIN4_HIGH(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#define JOIN8_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define JOIN8_HIGH(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#endif
#endif
#endif

/* Columns lie too far apart in memory for the processor to prefetch the next one. */
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
    for (size_t offset = 0; offset < bytes; offset += 64)
        PREFETCH((const char *)address + offset);
}

/* For loops that GCC does not vectorize when it inlines them. */
#ifdef _MSC_VER
#define PYINIT_NOINLINE static __declspec(noinline)
#else
#define PYINIT_NOINLINE static __attribute__((noinline))
#endif

#define ISA_LEVEL_SOURCE "kernel_level.h"
#include "isa_levels.h"
#ifdef PYINIT_X86
#include "processor.h"
#endif

int pyinit_has_isa_level(int isa_level)
{
    switch (isa_level) {
    case PYINIT_ISA_BASELINE:
        return 1;
#ifdef PYINIT_X86
    case PYINIT_ISA_V3:
        return has_avx2();
    case PYINIT_ISA_V4:
        return has_avx512();
#endif
    default:
        return 0;
    }
}

/* ---- tensors: rows of consecutive indices, anywhere in memory ---- */

enum {
    MAX_RANK = 64,
    /* Rows are drawn into a buffer, a row tile at a time, and copied from there. The tile is wide
     * enough that few of the words drawn are discarded, and high enough that cache lines of a
     * column are written whole. */
    ROW_TILE_ROWS = 128,
    ROW_TILE_COLUMNS = 256,
    ROW_TILE_SIZE = ROW_TILE_ROWS * ROW_TILE_COLUMNS,
    MAX_ROWS = 4096 /* in a tile of short rows */
};

typedef struct {
    int64_t length, stride, index_stride;
} axis_t;

typedef struct {
    int64_t offsets[MAX_ROWS];        /* of each row in memory, in elements */
    uint64_t first_indices[MAX_ROWS]; /* of each row */
    uint64_t values[ROW_TILE_SIZE];   /* of any storage */
} row_tile_t;

/* Merges axes that are contiguous both in memory and in index, drops those of length 1, and appends
 * one of length 1 unless the last index stride is 1. Returns the number of axes: at most
 * rank + 1. */
static int merge_axes(
    axis_t *axes, int rank, int64_t item_size, const int64_t *shape, const int64_t *strides,
    const int64_t *index_strides)
{
    int count = 0;
    for (int k = 0; k < rank; ++k) {
        const axis_t next = {shape[k], strides[k] / item_size, index_strides[k]};
        if (next.length == 1)
            continue;
        if (count > 0 && axes[count - 1].stride == next.stride * next.length &&
            axes[count - 1].index_stride == next.index_stride * next.length) {
            axes[count - 1].length *= next.length;
            axes[count - 1].stride = next.stride;
            axes[count - 1].index_stride = next.index_stride;
        } else {
            axes[count++] = next;
        }
    }
    if (count == 0 || axes[count - 1].index_stride != 1)
        axes[count++] = (axis_t){1, 1, 1};
    return count;
}

/* Sorts axes by descending stride. */
static void sort_by_stride(axis_t *axes, int count)
{
    for (int k = 1; k < count; ++k)
        for (int j = k; j > 0 && axes[j - 1].stride < axes[j].stride; --j) {
            const axis_t moved = axes[j];
            axes[j] = axes[j - 1];
            axes[j - 1] = moved;
        }
}

/* Copies a row tile whose rows are not adjacent in memory. */
#define SCATTER(TYPE)                                                                              \
    static void scatter_##TYPE(                                                                    \
        TYPE *out, const TYPE *values, int64_t rows, int64_t columns, int64_t stride,              \
        const int64_t *offsets)                                                                    \
    {                                                                                              \
        for (int64_t r = 0; r < rows; ++r)                                                         \
            for (int64_t c = 0; c < columns; ++c)                                                  \
                out[offsets[r] + c * stride] = values[r * columns + c];                            \
    }
SCATTER(uint16_t)
SCATTER(uint32_t)
SCATTER(uint64_t)

static void store_rows(
    const isa_kernel_t *kernel, char *out, size_t size, int64_t rows, int64_t columns,
    int64_t stride, const row_tile_t *buffer)
{
    const int64_t *offsets = buffer->offsets;
    const void *values = buffer->values;
    int64_t contiguous = 1;
    while (contiguous < rows && offsets[contiguous] == offsets[0] + contiguous)
        ++contiguous;
    if (contiguous == rows) {
        transpose_fn *const move = size == 2   ? kernel->transpose16
                                   : size == 4 ? kernel->transpose32
                                               : kernel->transpose64;
        move(out + offsets[0] * (int64_t)size, values, rows, columns, stride);
    } else if (size == 2)
        scatter_uint16_t((uint16_t *)out, values, rows, columns, stride, offsets);
    else if (size == 4)
        scatter_uint32_t((uint32_t *)out, values, rows, columns, stride, offsets);
    else
        scatter_uint64_t((uint64_t *)out, values, rows, columns, stride, offsets);
}

/* Draws `columns` columns of each row, from column `first` on. Whole rows that are consecutive in
 * index are drawn together. */
static void draw_rows(
    row_tile_t *buffer, size_t size, int64_t rows, int64_t first, int64_t columns, int whole_rows,
    fill_run_fn *fill, const distribution_t *distribution)
{
    char *to = (char *)buffer->values;
    for (int64_t r = 0, next; r < rows; r = next) {
        next = r + 1;
        while (whole_rows && next < rows &&
               buffer->first_indices[next] == buffer->first_indices[next - 1] + (uint64_t)columns)
            ++next;
        const int64_t count = (next - r) * columns;
        fill(to, buffer->first_indices[r] + (uint64_t)first, (size_t)count, distribution);
        to += (size_t)count * size;
    }
}

/* Fills rows that are adjacent in memory and start at the same element of their stream tiles, as
 * they do if the tensor's rows are whole tiles. Vectors then run across the rows and nothing is
 * copied. Returns 1, or 0 if the rows are not eligible, with nothing filled. */
static int fill_by_columns(
    fill_columns_fn *fill, char *out, size_t size, int64_t rows, const axis_t *row,
    row_tile_t *buffer, const distribution_t *distribution)
{
    const uint64_t shift = buffer->first_indices[0] % PYINIT_TILE;
    if (rows < PYINIT_LANES || 2 * row->length < PYINIT_TILE)
        return 0;
    for (int64_t r = 0; r < rows; ++r)
        if (buffer->offsets[r] != buffer->offsets[0] + r ||
            buffer->first_indices[r] % PYINIT_TILE != shift)
            return 0;
    uint64_t *tiles = buffer->first_indices;
    for (int64_t r = 0; r < rows; ++r)
        tiles[r] /= PYINIT_TILE;
    for (int64_t r = rows; r % PYINIT_LANES; ++r)
        tiles[r] = 0;
    const int64_t end = (int64_t)shift + row->length;
    for (int64_t c = 0; c < end; c += PYINIT_TILE) {
        const int first = c == 0 ? (int)shift : 0;
        const int last = end - c < PYINIT_TILE ? (int)(end - c) : PYINIT_TILE;
        const int64_t to = buffer->offsets[0] + (c + first - (int64_t)shift) * row->stride;
        const uint64_t tile_offset = (uint64_t)c / PYINIT_TILE;
        fill(
            out + to * (int64_t)size, row->stride, tiles, tile_offset, rows, first, last,
            distribution);
    }
    return 1;
}

int pyinit_fill(
    int isa_level, void *out, int loop, double location, double scale, double upper,
    uint64_t first_word, uint64_t last_word, uint64_t seed, uint32_t draw, uint64_t first_index,
    int rank, const int64_t *shape, const int64_t *strides, const int64_t *index_strides)
{
    const distribution_t distribution = {location, scale, upper, first_word, last_word, seed, draw};
    const isa_kernel_t *const kernel = kernel_of(isa_level);
    fill_run_fn *const fill = kernel->runs[loop / FAMILIES][loop % FAMILIES];
    fill_columns_fn *const columnwise = kernel->columns[loop / FAMILIES][loop % FAMILIES];
    const size_t size = item_size[loop / FAMILIES];
    axis_t axes[MAX_RANK + 1];
    const int outer = merge_axes(axes, rank, (int64_t)size, shape, strides, index_strides) - 1;
    const axis_t row = axes[outer];
    if (outer == 0 && row.stride == 1) {
        fill(out, first_index, (size_t)row.length, &distribution);
        return 0;
    }
    row_tile_t *buffer = malloc(sizeof *buffer);
    if (buffer == NULL)
        return -1;
    /* Long rows are drawn in memory order, short rows in index order so that they share runs. */
    if (row.length >= ROW_TILE_COLUMNS)
        sort_by_stride(axes, outer);
    const int64_t width = row.length < ROW_TILE_COLUMNS ? row.length : ROW_TILE_COLUMNS;
    const int64_t height = ROW_TILE_SIZE / width < MAX_ROWS ? ROW_TILE_SIZE / width : MAX_ROWS;
    int64_t position[MAX_RANK + 1] = {0};
    int64_t offset = 0;
    uint64_t index = first_index;
    for (int more = 1; more;) {
        int64_t rows = 0;
        while (more && rows < height) {
            buffer->offsets[rows] = offset;
            buffer->first_indices[rows++] = index;
            int k = outer - 1;
            for (; k >= 0; --k) {
                offset += axes[k].stride;
                index += (uint64_t)axes[k].index_stride;
                if (++position[k] < axes[k].length)
                    break;
                offset -= axes[k].stride * axes[k].length;
                index -= (uint64_t)(axes[k].index_stride * axes[k].length);
                position[k] = 0;
            }
            more = k >= 0;
        }
        if (fill_by_columns(columnwise, out, size, rows, &row, buffer, &distribution))
            continue;
        for (int64_t first = 0; first < row.length; first += width) {
            const int64_t left = row.length - first;
            const int64_t columns = left < width ? left : width;
            draw_rows(
                buffer, size, rows, first, columns, columns == row.length, fill, &distribution);
            char *to = (char *)out + first * row.stride * (int64_t)size;
            store_rows(kernel, to, size, rows, columns, row.stride, buffer);
        }
    }
    free(buffer);
    return 0;
}
