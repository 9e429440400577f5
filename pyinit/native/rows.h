/* Rows of elements with a regular distance in index, and the words of their elements in order. */
#ifndef PYINIT_ROWS_H
#define PYINIT_ROWS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stream.h"

enum { WINDOW_TILES = 16 };

typedef struct {
    double location, scale, upper;
    uint64_t first_word, last_word;
    uint64_t seed;
    uint32_t draw;
} distribution_t;

/* Draws the words of `tiles` tiles from `tile` on. */
typedef void draw_words_fn(
    uint32_t *out, uint64_t tile, size_t tiles, const distribution_t *distribution, uint32_t half);

/* The words of consecutive tiles, which are kept until an element of another tile is needed. */
typedef struct {
    uint64_t first_index, size;
    uint32_t words[2][WINDOW_TILES * PYINIT_TILE]; /* by half */
} window_t;

/* The elements to draw, row by row, and the next one of them. */
typedef struct {
    const uint64_t *first_indices; /* of each row */
    int64_t rows, columns;
    uint64_t index_stride; /* between the columns */
    window_t *window;      /* NULL to draw each element from a block of its own */
    int64_t row, column;   /* of the next element */
} rows_t;

static inline int64_t min_int64(int64_t a, int64_t b) { return a < b ? a : b; }

/* Steps over `count` elements, which are in one row. */
static inline void advance(rows_t *rows, int64_t count)
{
    rows->column += count;
    if (rows->column == rows->columns) {
        rows->column = 0;
        ++rows->row;
    }
}

/* Writes the indices of the next elements, at most `capacity`. Returns their number. */
static size_t next_indices(uint64_t *indices, int64_t capacity, rows_t *rows)
{
    if (rows->columns == 1) {
        const int64_t count = min_int64(capacity, rows->rows - rows->row);
        memcpy(indices, rows->first_indices + rows->row, (size_t)count * sizeof *indices);
        rows->row += count;
        return (size_t)count;
    }
    int64_t count = 0;
    while (rows->row < rows->rows && count < capacity) {
        const int64_t taken = min_int64(rows->columns - rows->column, capacity - count);
        const uint64_t first =
            rows->first_indices[rows->row] + (uint64_t)rows->column * rows->index_stride;
        for (int64_t k = 0; k < taken; ++k)
            indices[count + k] = first + (uint64_t)k * rows->index_stride;
        count += taken;
        advance(rows, taken);
    }
    return (size_t)count;
}

/* Draws the tiles from that of `index` on, an element of the next row, as far as this row and
 * those after it need each of them. */
static void move_window(
    rows_t *rows, uint64_t index, draw_words_fn *draw_words, int halves,
    const distribution_t *distribution)
{
    const uint64_t tile = index / PYINIT_TILE;
    const uint64_t span = (uint64_t)(rows->columns - 1) * rows->index_stride;
    uint64_t last = (rows->first_indices[rows->row] + span) / PYINIT_TILE;
    for (int64_t r = rows->row + 1; r < rows->rows && last - tile < WINDOW_TILES - 1; ++r) {
        const uint64_t first = rows->first_indices[r] / PYINIT_TILE;
        if (first < tile || first > last + 1)
            break;
        last = (rows->first_indices[r] + span) / PYINIT_TILE;
    }
    const uint64_t needed = last - tile + 1;
    const uint64_t tiles = needed < WINDOW_TILES ? needed : WINDOW_TILES;
    for (int half = 0; half < halves; ++half)
        draw_words(rows->window->words[half], tile, (size_t)tiles, distribution, (uint32_t)half);
    rows->window->first_index = tile * PYINIT_TILE;
    rows->window->size = tiles * PYINIT_TILE;
}

/* Copies words that are `stride` apart. */
static inline void copy_words(
    uint32_t *PYINIT_RESTRICT out, const uint32_t *PYINIT_RESTRICT words, int64_t count,
    uint64_t stride)
{
    if (stride == 1)
        memcpy(out, words, (size_t)count * sizeof *words);
    else if (stride == 2)
        for (int64_t k = 0; k < count; ++k)
            out[k] = words[2 * k];
    else
        for (int64_t k = 0; k < count; ++k)
            out[k] = words[(uint64_t)k * stride];
}

/* Takes the words of the next elements, at most `capacity`, from the window. Returns their number.
 * No tile is drawn twice if the indices increase. */
static size_t take_words(
    uint32_t *high, uint32_t *low, int64_t capacity, int halves, rows_t *rows,
    draw_words_fn *draw_words, const distribution_t *distribution)
{
    window_t *const window = rows->window;
    const uint64_t stride = rows->index_stride;
    int64_t count = 0;
    while (rows->row < rows->rows && count < capacity) {
        const uint64_t index = rows->first_indices[rows->row] + (uint64_t)rows->column * stride;
        if (index - window->first_index >= window->size)
            move_window(rows, index, draw_words, halves, distribution);
        const uint64_t at = index - window->first_index;
        int64_t taken = min_int64(rows->columns - rows->column, capacity - count);
        if (at + (uint64_t)(taken - 1) * stride >= window->size)
            taken = (int64_t)((window->size - at + stride - 1) / stride);
        copy_words(high + count, window->words[0] + at, taken, stride);
        if (halves > 1)
            copy_words(low + count, window->words[1] + at, taken, stride);
        count += taken;
        advance(rows, taken);
    }
    return (size_t)count;
}

#endif
