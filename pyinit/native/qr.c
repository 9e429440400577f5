/* Orthonormal columns by Cholesky factorization of the Gram matrix, vectorized for several ISA
 * levels. The functions have the names of the BLAS and LAPACK routines for the same operations. */
#include "qr.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ieee754.h"
#include "kernel.h"

enum {
    PANEL = PYINIT_PANEL,
    /* Elements of a tile: a panel is a column of tiles, of PANEL x PANEL elements each. */
    TILE = PANEL * PANEL,
    SUMMED_ROWS = PYINIT_SUMMED_ROWS,
    /* Panels that are packed into contiguous memory together. */
    PACKED_PANELS = 8,
    /* Panels of a factor, and rows of these, that stay in the caches while they are used. */
    FACTOR_PANELS = 4,
    FACTOR_DEPTH = 128,
    /* Panels that are solved together. */
    TRSM_PANELS = 4,
    /* Columns that are transposed at a time. */
    TRANSPOSED_COLUMNS = 32,
    ALIGNMENT = 64
};

/* The functions of one ISA level. */
typedef struct {
    void (*syrk_tile)(double *to, const double *x, const double *y, int64_t depth);
    void (*trsm_panels)(
        double *const *panels, int count, const double *factor, int64_t top, int64_t bottom,
        const double *inverses);
    int (*potrf_tile)(
        double *panel, int64_t p, int64_t columns, const double *diagonal, double bound,
        double *inverses);
} isa_kernel_t;

static int64_t min_int64(int64_t a, int64_t b) { return a < b ? a : b; }

/* Returns the offset of panel p of a Gram matrix: panel k has k + 1 tiles. */
static int64_t panel_at(int64_t p) { return p * (p + 1) / 2 * TILE; }

#ifdef __GNUC__
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif

#define ISA_LEVEL_SOURCE "qr_level.h"
#include "isa_levels.h"

/* Allocates memory for `count` values. Sets `*values` to its first multiple of ALIGNMENT. Returns
 * the pointer to free, or NULL. */
static void *allocate(int64_t count, double **values)
{
    void *const memory = malloc((size_t)count * sizeof(double) + ALIGNMENT);
    *values = (double *)(((uintptr_t)memory + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    return memory;
}

/* Copies `depth` rows of the panels [first, last) of a matrix. */
static void pack_panels(
    double *to, const double *from, int64_t depth, int64_t columns, int64_t first, int64_t last)
{
    for (int64_t k = 0; k < depth; ++k, from += columns)
        for (int64_t p = first; p < last; ++p) {
            double *const row = to + ((p - first) * depth + k) * PANEL;
            const int64_t count = min_int64(columns - p * PANEL, PANEL);
            if (count == PANEL)
                memcpy(row, from + p * PANEL, PANEL * sizeof(double));
            else
                for (int64_t j = 0; j < PANEL; ++j)
                    row[j] = j < count ? from[p * PANEL + j] : 0;
        }
}

int pyinit_syrk(
    int isa_level, const double *matrix, int64_t rows, int64_t columns, double *gram, int64_t top,
    int64_t bottom, int64_t first, int64_t last, int is_first)
{
    const isa_kernel_t *const kernel = kernel_of(isa_level);
    const int64_t size = min_int64(rows, SUMMED_ROWS) * PANEL * PACKED_PANELS;
    double *upper;
    void *const memory = allocate(2 * size, &upper);
    if (memory == NULL)
        return -1;
    double *const lower = upper + size;
    for (int64_t i = top, i_end; i < bottom; i = i_end) {
        i_end = min_int64(i + PACKED_PANELS, bottom);
        for (int64_t q = first > i ? first : i; is_first && q < last; ++q)
            memset(
                gram + panel_at(q) + i * TILE, 0,
                (size_t)(min_int64(i_end, q + 1) - i) * TILE * sizeof(double));
        for (int64_t k = 0, depth; k < rows; k += depth) {
            depth = min_int64(rows - k, SUMMED_ROWS);
            pack_panels(upper, matrix + k * columns, depth, columns, i, i_end);
            for (int64_t j = first > i ? first : i, j_end; j < last; j = j_end) {
                const double *right = upper + (j - i) * depth * PANEL;
                j_end = min_int64(j < i_end ? i_end : j + PACKED_PANELS, last);
                if (j >= i_end) {
                    pack_panels(lower, matrix + k * columns, depth, columns, j, j_end);
                    right = lower;
                }
                for (int64_t q = j; q < j_end; ++q)
                    for (int64_t p = i; p < i_end && p <= q; ++p)
                        kernel->syrk_tile(
                            gram + panel_at(q) + p * TILE, upper + (p - i) * depth * PANEL,
                            right + (q - j) * depth * PANEL, depth);
            }
        }
    }
    free(memory);
    return 0;
}

int pyinit_gram_diagonal(const double *gram, int64_t columns, double bound, double *diagonal)
{
    int outside = 0;
    for (int64_t first = 0; first < columns; first += PANEL) {
        const double *panel = gram + panel_at(first / PANEL);
        const double *const tile = panel + first * PANEL; /* on the diagonal */
        if (!outside)
            for (; panel < tile; ++panel)
                outside |= !(fabs(*panel) <= bound);
        for (int64_t j = 0; j < min_int64(columns - first, PANEL); ++j) {
            for (int64_t i = 0; i < j; ++i)
                outside |= !(fabs(tile[i * PANEL + j]) <= bound);
            diagonal[first + j] = tile[j * PANEL + j];
            outside |= !(fabs(diagonal[first + j] - 1) <= bound);
        }
    }
    return !outside;
}

void pyinit_gram_shift(double *gram, int64_t columns, double shift)
{
    for (int64_t j = 0; j < columns; ++j)
        gram[panel_at(j / PANEL) + j * PANEL + j % PANEL] += shift;
}

int pyinit_potrf(
    int isa_level, double *gram, int64_t columns, int64_t first, int64_t last,
    const double *diagonal, double bound, double *inverses)
{
    const isa_kernel_t *const kernel = kernel_of(isa_level);
    for (int64_t p = first; p < last; ++p) {
        double *panel = gram + panel_at(p);
        const int64_t at = p * PANEL;
        kernel->trsm_panels(&panel, 1, gram, first, p, inverses);
        if (kernel->potrf_tile(panel, p, columns, diagonal + at, bound, inverses + at))
            return -1;
    }
    return 0;
}

void pyinit_trsm_left(
    int isa_level, double *gram, int64_t top, int64_t bottom, int64_t first, int64_t last,
    const double *inverses)
{
    const isa_kernel_t *const kernel = kernel_of(isa_level);
    for (int64_t p = first; p < last;) {
        double *panels[TRSM_PANELS];
        int count = 0;
        while (count < TRSM_PANELS && p < last)
            panels[count++] = gram + panel_at(p++);
        kernel->trsm_panels(panels, count, gram, top, bottom, inverses);
    }
}

/* Copies the columns [begin, end) of rows of a matrix to those of a panel, or back if `back` is
 * set. */
static void transpose_rows(
    double *matrix, double *panel, int64_t rows, int64_t columns, int64_t begin, int64_t end,
    int back)
{
    for (int64_t first = begin; first < end; first += TRANSPOSED_COLUMNS) {
        const int64_t last = min_int64(first + TRANSPOSED_COLUMNS, end);
        for (int64_t r = 0; r < rows; ++r) {
            double *const row = matrix + r * columns;
            if (back)
                for (int64_t k = first; k < last; ++k)
                    row[k] = panel[k * PANEL + r];
            else
                for (int64_t k = first; k < last; ++k)
                    panel[k * PANEL + r] = row[k];
        }
    }
}

int pyinit_trsm_right(
    int isa_level, double *matrix, int64_t rows, int64_t columns, const double *factor,
    const double *inverses, int64_t top, int64_t bottom)
{
    const int64_t begin = top * PANEL, end = min_int64(bottom * PANEL, columns);
    const int64_t size = bottom * TILE;
    double *values, *panels[TRSM_PANELS];
    void *const memory = allocate(TRSM_PANELS * size, &values);
    if (memory == NULL)
        return -1;
    for (int p = 0; p < TRSM_PANELS; ++p)
        panels[p] = values + p * size;
    while (rows > 0) {
        const int64_t taken = min_int64(rows, TRSM_PANELS * PANEL);
        const int count = (int)((taken + PANEL - 1) / PANEL);
        if (taken < count * PANEL || end % PANEL > 0)
            memset(values, 0, (size_t)(count * size) * sizeof(double));
        for (int p = 0; p < count; ++p)
            transpose_rows(
                matrix + p * PANEL * columns, panels[p], min_int64(taken - p * PANEL, PANEL),
                columns, 0, end, 0);
        kernel_of(isa_level)->trsm_panels(panels, count, factor, top, bottom, inverses);
        for (int p = 0; p < count; ++p)
            transpose_rows(
                matrix + p * PANEL * columns, panels[p], min_int64(taken - p * PANEL, PANEL),
                columns, begin, end, 1);
        matrix += taken * columns;
        rows -= taken;
    }
    free(memory);
    return 0;
}
