/* The factorization at one ISA level. isa_levels.h includes this file once for each level, with
 * ISA_LEVEL defined as its name and VECTOR_BYTES as the width of its vectors. */

#define NAME(stem) GLUE(stem, ISA_LEVEL)

#ifdef __GNUC__
typedef double NAME(vector) __attribute__((vector_size(VECTOR_BYTES)));
#else
typedef double NAME(vector);
#endif

/* A micro-tile of sums stays in registers (32 or 16), with some left for factors and products. A
 * tile is a whole number of micro-tiles in both directions. */
#if VECTOR_BYTES == 64 || defined(__aarch64__)
enum { NAME(HEIGHT) = 8, NAME(VECTORS) = 3 };
#else
enum { NAME(HEIGHT) = 6, NAME(VECTORS) = 2 };
#endif
enum {
    NAME(LANES) = sizeof(NAME(vector)) / sizeof(double),
    NAME(WIDTH) = sizeof(NAME(vector)) / sizeof(double) * NAME(VECTORS)
};

typedef struct {
    NAME(vector) sum[NAME(HEIGHT)][NAME(VECTORS)];
} NAME(micro_tile);

static ALWAYS_INLINE NAME(micro_tile) NAME(load)(const double *from)
{
    NAME(micro_tile) t;
    UNROLL_FOR (int r = 0; r < NAME(HEIGHT); ++r)
        UNROLL_FOR (int c = 0; c < NAME(VECTORS); ++c)
            memcpy(&t.sum[r][c], from + r * PANEL + c * NAME(LANES), sizeof t.sum[r][c]);
    return t;
}

static ALWAYS_INLINE void NAME(store)(double *to, const NAME(micro_tile) *t)
{
    UNROLL_FOR (int r = 0; r < NAME(HEIGHT); ++r)
        UNROLL_FOR (int c = 0; c < NAME(VECTORS); ++c)
            memcpy(to + r * PANEL + c * NAME(LANES), &t->sum[r][c], sizeof t->sum[r][c]);
}

/* Adds the products of x and y to a micro-tile, or subtracts them, in the order of the rows. */
#define ACCUMULATE_PRODUCTS(OPERATION)                                                             \
    for (int64_t k = 0; k < depth; ++k, x += PANEL, y += PANEL) {                                  \
        NAME(vector) v[NAME(VECTORS)];                                                             \
        UNROLL_FOR (int c = 0; c < NAME(VECTORS); ++c)                                             \
            memcpy(&v[c], y + c * NAME(LANES), sizeof v[c]);                                       \
        UNROLL_FOR (int r = 0; r < NAME(HEIGHT); ++r)                                              \
            UNROLL_FOR (int c = 0; c < NAME(VECTORS); ++c)                                         \
                t.sum[r][c] OPERATION x[r] * v[c];                                                 \
    }

/* Adds to the micro-tile at `to` the sum of products over `depth` rows. */
static void NAME(syrk_micro_tile)(double *to, const double *x, const double *y, int64_t depth)
{
    NAME(micro_tile) t = {0};
    ACCUMULATE_PRODUCTS(+=)
    const NAME(micro_tile) before = NAME(load)(to);
    UNROLL_FOR (int r = 0; r < NAME(HEIGHT); ++r)
        UNROLL_FOR (int c = 0; c < NAME(VECTORS); ++c)
            t.sum[r][c] = before.sum[r][c] + t.sum[r][c];
    NAME(store)(to, &t);
}

/* Subtracts from the micro-tile at `to` the products over `depth` rows, one by one. */
static void NAME(gemm_micro_tile)(double *to, const double *x, const double *y, int64_t depth)
{
    NAME(micro_tile) t = NAME(load)(to);
    ACCUMULATE_PRODUCTS(-=)
    NAME(store)(to, &t);
}

/* Does the same, then solves for the micro-tile's rows. `factor` is the factor's element on the
 * diagonal in the first of these rows. */
static void NAME(trsm_micro_tile)(
    double *to, const double *x, const double *y, int64_t depth, const double *factor,
    const double *inverses)
{
    NAME(micro_tile) t = NAME(load)(to);
    ACCUMULATE_PRODUCTS(-=)
    UNROLL_FOR (int r = 0; r < NAME(HEIGHT); ++r) {
        UNROLL_FOR (int k = 0; k < r; ++k)
            UNROLL_FOR (int c = 0; c < NAME(VECTORS); ++c)
                t.sum[r][c] -= factor[k * PANEL + r] * t.sum[k][c];
        UNROLL_FOR (int c = 0; c < NAME(VECTORS); ++c)
            t.sum[r][c] *= inverses[r];
    }
    NAME(store)(to, &t);
}

static void NAME(syrk_tile)(double *to, const double *x, const double *y, int64_t depth)
{
    for (int row = 0; row < PANEL; row += NAME(HEIGHT))
        for (int column = 0; column < PANEL; column += NAME(WIDTH))
            NAME(syrk_micro_tile)(to + row * PANEL + column, x + row, y + column, depth);
}

/* Solves `count` panels for the rows of the factor panels [top, bottom), given the rows above. */
static void NAME(trsm_panels)(
    double *const *panels, int count, const double *factor, int64_t top, int64_t bottom,
    const double *inverses)
{
    for (int64_t start = top, end; start < bottom; start = end) {
        end = min_int64(start + FACTOR_PANELS, bottom);
        const int64_t above = start * PANEL;
        for (int64_t k = 0, depth; k < above; k += depth) {
            depth = min_int64(above - k, FACTOR_DEPTH);
            for (int p = 0; p < count; ++p)
                for (int64_t f = start; f < end; ++f)
                    for (int row = 0; row < PANEL; row += NAME(HEIGHT))
                        for (int column = 0; column < PANEL; column += NAME(WIDTH))
                            NAME(gemm_micro_tile)(
                                panels[p] + (f * PANEL + row) * PANEL + column,
                                factor + panel_at(f) + k * PANEL + row,
                                panels[p] + k * PANEL + column, depth);
        }
        for (int p = 0; p < count; ++p)
            for (int64_t f = start; f < end; ++f)
                for (int row = 0; row < PANEL; row += NAME(HEIGHT)) {
                    const int64_t solved = f * PANEL + row;
                    const double *const diagonal = factor + panel_at(f) + solved * PANEL + row;
                    for (int column = 0; column < PANEL; column += NAME(WIDTH))
                        NAME(trsm_micro_tile)(
                            panels[p] + solved * PANEL + column,
                            factor + panel_at(f) + above * PANEL + row,
                            panels[p] + above * PANEL + column, solved - above, diagonal,
                            inverses + solved);
                }
    }
}

/* Factors the diagonal tile of panel p, given the factor's rows above it. */
static int NAME(potrf_tile)(
    double *panel, int64_t p, int64_t columns, const double *diagonal, double bound,
    double *inverses)
{
    double *const tile = panel + p * TILE;
    for (int row = 0; row < PANEL; row += NAME(HEIGHT))
        for (int column = 0; column < PANEL; column += NAME(WIDTH))
            NAME(gemm_micro_tile)(
                tile + row * PANEL + column, panel + row, panel + column, p * PANEL);
    const int64_t count = min_int64(columns - p * PANEL, PANEL);
    for (int64_t k = 0; k < count; ++k) {
        double *const solved = tile + k * PANEL;
        const double pivot = solved[k];
        if (!(pivot > bound * diagonal[k]))
            return -1;
        inverses[k] = 1.0 / sqrt(pivot);
        for (int64_t j = k + 1; j < PANEL; ++j)
            solved[j] *= inverses[k];
        for (int64_t i = k + 1; i < PANEL; ++i)
            for (int64_t j = i; j < PANEL; ++j)
                tile[i * PANEL + j] -= solved[i] * solved[j];
    }
    for (int64_t k = count; k < PANEL; ++k)
        inverses[k] = 0;
    return 0;
}

static const isa_kernel_t NAME(kernel) = {NAME(syrk_tile), NAME(trsm_panels), NAME(potrf_tile)};

#undef NAME
#undef ACCUMULATE_PRODUCTS
