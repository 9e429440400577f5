/* The factorization at one instruction set: ISA_LEVEL is its name, VECTOR_BYTES the width of its vectors.
 * Included by qr.c once for each, under that set's target options. */

#define NAME(stem) GLUE(stem, ISA_LEVEL)

#ifdef __GNUC__
typedef double NAME(vector) __attribute__((vector_size(VECTOR_BYTES)));
#else
typedef double NAME(vector);
#endif

/* A tile of sums that stays in registers, with some left for the factors and the products: of 32
 * registers or of 16. A panel is a whole number of tiles, both ways. */
#if VECTOR_BYTES == 64 || defined(__aarch64__)
enum { NAME(HEIGHT) = 8, NAME(VECTORS) = 3 };
#else
enum { NAME(HEIGHT) = 6, NAME(VECTORS) = 2 };
#endif
enum {
    NAME(LANES) = sizeof(NAME(vector)) / sizeof(double),
    NAME(WIDTH) = NAME(VECTORS) * NAME(LANES)
};

typedef struct {
    NAME(vector) sum[NAME(HEIGHT)][NAME(VECTORS)];
} NAME(micro_tile);

static ALWAYS_INLINE NAME(micro_tile) NAME(load)(const double *from)
{
    NAME(micro_tile) t;
    UNROLL
    for (int r = 0; r < NAME(HEIGHT); ++r)
        UNROLL
        for (int c = 0; c < NAME(VECTORS); ++c)
            memcpy(&t.sum[r][c], from + r * PANEL + c * NAME(LANES), sizeof t.sum[r][c]);
    return t;
}

static ALWAYS_INLINE void NAME(store)(double *to, const NAME(micro_tile) *t)
{
    UNROLL
    for (int r = 0; r < NAME(HEIGHT); ++r)
        UNROLL
        for (int c = 0; c < NAME(VECTORS); ++c)
            memcpy(to + r * PANEL + c * NAME(LANES), &t->sum[r][c], sizeof t->sum[r][c]);
}

/* Adds the products of x and y to a tile, or subtracts them, row after row of the two panels. */
#define EACH_PRODUCT(OPERATION)                                                                  \
    for (int64_t k = 0; k < depth; ++k, x += PANEL, y += PANEL) {                                \
        NAME(vector) v[NAME(VECTORS)];                                                           \
        UNROLL                                                                                   \
        for (int c = 0; c < NAME(VECTORS); ++c)                                                  \
            memcpy(&v[c], y + c * NAME(LANES), sizeof v[c]);                                     \
        UNROLL                                                                                   \
        for (int r = 0; r < NAME(HEIGHT); ++r)                                                   \
            UNROLL                                                                               \
            for (int c = 0; c < NAME(VECTORS); ++c)                                              \
                t.sum[r][c] OPERATION x[r] * v[c];                                               \
    }

/* Adds to the panel at `to` the sum of products over `depth` rows. */
static void NAME(syrk_micro_tile)(double *to, const double *x, const double *y, int64_t depth)
{
    NAME(micro_tile) t = {0};
    EACH_PRODUCT(+=)
    const NAME(micro_tile) before = NAME(load)(to);
    UNROLL
    for (int r = 0; r < NAME(HEIGHT); ++r)
        UNROLL
        for (int c = 0; c < NAME(VECTORS); ++c)
            t.sum[r][c] = before.sum[r][c] + t.sum[r][c];
    NAME(store)(to, &t);
}

/* Subtracts from the panel at `to` each of the products over `depth` rows. */
static void NAME(gemm_micro_tile)(double *to, const double *x, const double *y, int64_t depth)
{
    NAME(micro_tile) t = NAME(load)(to);
    EACH_PRODUCT(-=)
    NAME(store)(to, &t);
}

/* The same, then solves for the tile's rows: `factor` is the factor's part on the diagonal. */
static void NAME(trsm_micro_tile)(
    double *to, const double *x, const double *y, int64_t depth, const double *factor,
    const double *inverses)
{
    NAME(micro_tile) t = NAME(load)(to);
    EACH_PRODUCT(-=)
    UNROLL
    for (int r = 0; r < NAME(HEIGHT); ++r) {
        UNROLL
        for (int k = 0; k < r; ++k)
            UNROLL
            for (int c = 0; c < NAME(VECTORS); ++c)
                t.sum[r][c] -= factor[k * PANEL + r] * t.sum[k][c];
        UNROLL
        for (int c = 0; c < NAME(VECTORS); ++c)
            t.sum[r][c] *= inverses[r];
    }
    NAME(store)(to, &t);
}

static void NAME(syrk_tile)(
    double *to, const double *x, const double *y, int64_t depth)
{
    for (int row = 0; row < PANEL; row += NAME(HEIGHT))
        for (int column = 0; column < PANEL; column += NAME(WIDTH))
            NAME(syrk_micro_tile)(to + row * PANEL + column, x + row, y + column, depth);
}

/* Solves for the rows of the panels [top, bottom) in `count` panels whose rows above are solved. */
static void NAME(trsm_panels)(
    double *const *panels, int count, const double *factor, int64_t top, int64_t bottom,
    const double *inverses)
{
    for (int64_t start = top, end; start < bottom; start = end) {
        end = smaller(start + SOLVED_PANELS, bottom);
        const int64_t above = start * PANEL;
        for (int64_t k = 0, depth; k < above; k += depth) {
            depth = smaller(above - k, SOLVED_DEPTH);
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

/* Factors the block of panel p on the diagonal, all rows above being the factor's. */
static int NAME(potrf_tile)(
    double *panel, int64_t p, int64_t columns, const double *diagonal, double bound,
    double *inverses)
{
    double *const block = panel + p * PANEL * PANEL;
    for (int row = 0; row < PANEL; row += NAME(HEIGHT))
        for (int column = 0; column < PANEL; column += NAME(WIDTH))
            NAME(gemm_micro_tile)(
                block + row * PANEL + column, panel + row, panel + column, p * PANEL);
    const int64_t count = smaller(columns - p * PANEL, PANEL);
    for (int64_t k = 0; k < count; ++k) {
        double *const solved = block + k * PANEL;
        const double pivot = solved[k];
        if (!(pivot > bound * diagonal[k]))
            return -1;
        inverses[k] = 1.0 / sqrt(pivot);
        for (int64_t j = k + 1; j < PANEL; ++j)
            solved[j] *= inverses[k];
        for (int64_t i = k + 1; i < PANEL; ++i)
            for (int64_t j = i; j < PANEL; ++j)
                block[i * PANEL + j] -= solved[i] * solved[j];
    }
    for (int64_t k = count; k < PANEL; ++k)
        inverses[k] = 0;
    return 0;
}

static const isa_kernel_t NAME(kernel) = {
    NAME(syrk_tile), NAME(trsm_panels), NAME(potrf_tile)};

#undef NAME
#undef EACH_PRODUCT
