/* The CPU kernel: the stream of stream.h, vectorized for several ISA levels. */
#include "kernel.h"

#include <stddef.h>
#include <stdlib.h>

#ifdef _MSC_VER
#define PYINIT_RESTRICT __restrict
#else
#define PYINIT_RESTRICT restrict
#endif

#include "rows.h"
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

/* Fills `count` contiguous elements, from flat index `first_index` on. */
typedef void fill_run_fn(
    void *out, uint64_t first_index, size_t count, const distribution_t *distribution);

/* Fills contiguous memory with the elements of rows, in order. */
typedef void fill_rows_fn(void *out, rows_t *rows, const distribution_t *distribution);

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
    fill_rows_fn *rows[STORAGES][FAMILIES];
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

/* ---- tensors: rows of regular indices, anywhere in memory ---- */

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

/* The axes of a tensor except that of its rows, and a position in them. */
typedef struct {
    axis_t axes[MAX_RANK];
    int count, is_done;
    int64_t position[MAX_RANK];
    int64_t offset; /* in memory, in elements */
    uint64_t index;
} walk_t;

typedef struct {
    int64_t offsets[MAX_ROWS];        /* of each row in memory, in elements */
    uint64_t first_indices[MAX_ROWS]; /* of each row */
    uint64_t values[ROW_TILE_SIZE];   /* of any storage */
    window_t window;
} row_tile_t;

/* Sorts axes by descending stride in memory, or in index. */
static void sort_axes(axis_t *axes, int count, int by_index)
{
    for (int k = 1; k < count; ++k)
        for (int j = k; j > 0; --j) {
            const axis_t before = axes[j - 1], after = axes[j];
            if (by_index ? before.index_stride >= after.index_stride
                         : before.stride >= after.stride)
                break;
            axes[j - 1] = after;
            axes[j] = before;
        }
}

/* Drops axes of length 1, sorts the others by descending stride in index, and merges those that are
 * contiguous both in memory and in index. Returns the number of axes: at least 1, at most
 * max(rank, 1). */
static int merge_axes(
    axis_t *axes, int rank, int64_t item_size, const int64_t *shape, const int64_t *strides,
    const int64_t *index_strides)
{
    int count = 0, merged = 0;
    for (int k = 0; k < rank; ++k)
        if (shape[k] != 1)
            axes[count++] = (axis_t){shape[k], strides[k] / item_size, index_strides[k]};
    sort_axes(axes, count, 1);
    for (int k = 0; k < count; ++k) {
        const axis_t next = axes[k];
        const axis_t outer = merged > 0 ? axes[merged - 1] : (axis_t){0, 0, 0};
        if (merged > 0 && outer.stride == next.stride * next.length &&
            outer.index_stride == next.index_stride * next.length)
            axes[merged - 1] = (axis_t){outer.length * next.length, next.stride, next.index_stride};
        else
            axes[merged++] = next;
    }
    if (merged == 0)
        axes[merged++] = (axis_t){1, 1, 1};
    return merged;
}

/* Returns how many elements of a tile are drawn on average, if the tensor has many tiles. */
static double elements_per_tile(const axis_t *axes, int count)
{
    double elements = 1;
    for (int k = 0; k < count; ++k) {
        const int64_t stride = axes[k].index_stride;
        if (stride > 0 && stride < PYINIT_TILE) {
            const double fitting = (double)PYINIT_TILE / (double)stride;
            elements *= axes[k].length < fitting ? (double)axes[k].length : fitting;
        }
    }
    return elements;
}

/* Returns whether the elements are contiguous in memory, in the order of the axes. */
static int is_contiguous(const axis_t *axes, int count)
{
    int64_t stride = 1;
    for (int k = count - 1; k >= 0; --k) {
        if (axes[k].stride != stride)
            return 0;
        stride *= axes[k].length;
    }
    return 1;
}

/* Writes the positions of the next rows, at most `capacity`, to the row tile. Returns their
 * number. */
static int64_t next_rows(walk_t *walk, row_tile_t *tile, int64_t capacity)
{
    int64_t rows = 0;
    while (!walk->is_done && rows < capacity) {
        int k = walk->count - 1;
        const axis_t inner = k >= 0 ? walk->axes[k] : (axis_t){1, 0, 0};
        const int64_t before = k >= 0 ? walk->position[k] : 0;
        const int64_t taken = min_int64(inner.length - before, capacity - rows);
        for (int64_t r = 0; r < taken; ++r) {
            tile->offsets[rows + r] = walk->offset + r * inner.stride;
            tile->first_indices[rows + r] = walk->index + (uint64_t)(r * inner.index_stride);
        }
        rows += taken;
        walk->offset += taken * inner.stride;
        walk->index += (uint64_t)(taken * inner.index_stride);
        if (k >= 0)
            walk->position[k] += taken;
        for (; k >= 0 && walk->position[k] == walk->axes[k].length; --k) {
            walk->offset -= walk->axes[k].stride * walk->axes[k].length;
            walk->index -= (uint64_t)(walk->axes[k].index_stride * walk->axes[k].length);
            walk->position[k] = 0;
            if (k > 0) {
                walk->offset += walk->axes[k - 1].stride;
                walk->index += (uint64_t)walk->axes[k - 1].index_stride;
                ++walk->position[k - 1];
            }
        }
        walk->is_done = k < 0;
    }
    return rows;
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

/* Fills rows that are strided in index, share tiles or are short: from whole tiles if `window` is
 * set, else from single blocks. `in_order` says whether the rows are contiguous in memory. */
static void fill_selected(
    fill_rows_fn *fill, const isa_kernel_t *kernel, char *out, size_t size, walk_t *walk,
    const axis_t *row, int in_order, window_t *window, row_tile_t *tile,
    const distribution_t *distribution)
{
    rows_t rows = {.first_indices = tile->first_indices, .window = window};
    rows.index_stride = (uint64_t)row->index_stride;
    const int64_t width = in_order ? row->length : min_int64(row->length, ROW_TILE_COLUMNS);
    const int64_t height = in_order ? MAX_ROWS : min_int64(ROW_TILE_SIZE / width, MAX_ROWS);
    while ((rows.rows = next_rows(walk, tile, height)) > 0)
        for (int64_t first = 0; first < row->length; first += width) {
            rows.columns = min_int64(row->length - first, width);
            rows.row = rows.column = 0;
            if (in_order) {
                fill(out + tile->offsets[0] * (int64_t)size, &rows, distribution);
                continue;
            }
            fill(tile->values, &rows, distribution);
            char *const to = out + first * row->stride * (int64_t)size;
            store_rows(kernel, to, size, rows.rows, rows.columns, row->stride, tile);
            for (int64_t r = 0; r < rows.rows; ++r)
                tile->first_indices[r] += (uint64_t)width * rows.index_stride;
        }
}

/* Fills rows of consecutive indices that share no tiles, or have no gaps between them. */
static void fill_runs(
    fill_run_fn *fill, fill_columns_fn *columnwise, const isa_kernel_t *kernel, char *out,
    size_t size, walk_t *walk, const axis_t *row, row_tile_t *tile,
    const distribution_t *distribution)
{
    const int64_t width = min_int64(row->length, ROW_TILE_COLUMNS);
    const int64_t height = min_int64(ROW_TILE_SIZE / width, MAX_ROWS) / PYINIT_LANES * PYINIT_LANES;
    for (int64_t rows; (rows = next_rows(walk, tile, height)) > 0;) {
        if (row->stride == 1) {
            for (int64_t r = 0; r < rows; ++r)
                fill(
                    out + tile->offsets[r] * (int64_t)size, tile->first_indices[r],
                    (size_t)row->length, distribution);
            continue;
        }
        if (fill_by_columns(columnwise, out, size, rows, row, tile, distribution))
            continue;
        /* long rows are cut at the edges of their tiles, if these are the same in all rows */
        const int64_t shift =
            row->length > width ? (int64_t)(tile->first_indices[0] % PYINIT_TILE) : 0;
        for (int64_t first = 0, columns; first < row->length; first += columns) {
            columns = min_int64(row->length - first, first == 0 ? width - shift : width);
            draw_rows(tile, size, rows, first, columns, columns == row->length, fill, distribution);
            char *const to = out + first * row->stride * (int64_t)size;
            store_rows(kernel, to, size, rows, columns, row->stride, tile);
        }
    }
}

int pyinit_fill(
    int isa_level, void *out, int loop, double location, double scale, double upper,
    uint64_t first_word, uint64_t last_word, uint64_t seed, uint32_t draw, uint64_t first_index,
    int rank, const int64_t *shape, const int64_t *strides, const int64_t *index_strides)
{
    const distribution_t distribution = {location, scale, upper, first_word, last_word, seed, draw};
    const isa_kernel_t *const kernel = kernel_of(isa_level);
    const int storage = loop / FAMILIES, family = loop % FAMILIES;
    fill_run_fn *const fill = kernel->runs[storage][family];
    const size_t size = item_size[storage];
    walk_t walk;
    const int count = merge_axes(walk.axes, rank, (int64_t)size, shape, strides, index_strides);
    const axis_t row = walk.axes[count - 1];
    if (count == 1 && row.stride == 1 && row.index_stride == 1) {
        fill(out, first_index, (size_t)row.length, &distribution);
        return 0;
    }
    row_tile_t *const tile = malloc(sizeof *tile);
    if (tile == NULL)
        return -1;
    walk.count = count - 1;
    walk.is_done = 0;
    walk.offset = 0;
    walk.index = first_index;
    for (int k = 0; k < walk.count; ++k)
        walk.position[k] = 0;
    /* An element takes a block of Philox, a tile as many as it has lanes. */
    const int is_sparse = elements_per_tile(walk.axes, count) < PYINIT_LANES;
    const int in_order = is_contiguous(walk.axes, count);
    const int64_t gap = count > 1 ? walk.axes[count - 2].index_stride - row.length : PYINIT_TILE;
    /* Where rows without a gap are not contiguous in memory, draw_rows() joins them. */
    const int shares_tiles =
        gap < PYINIT_TILE && row.length < ROW_TILE_COLUMNS && (gap != 0 || row.stride == 1);
    /* A call for each row takes long if it has few elements. */
    const int is_short = in_order && row.length < 2 * PYINIT_TILE;
    if (is_sparse || row.index_stride != 1 || shares_tiles || is_short) {
        tile->window.first_index = tile->window.size = 0;
        fill_selected(
            kernel->rows[storage][family], kernel, out, size, &walk, &row, in_order,
            is_sparse ? NULL : &tile->window, tile, &distribution);
    } else {
        /* Long rows are drawn in memory order, short rows in index order so that they share runs.
         */
        if (row.length >= ROW_TILE_COLUMNS)
            sort_axes(walk.axes, walk.count, 0);
        fill_runs(
            fill, kernel->columns[storage][family], kernel, out, size, &walk, &row, tile,
            &distribution);
    }
    free(tile);
    return 0;
}
