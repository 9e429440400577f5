/* The functions of one ISA level. isa_levels.h includes this file once for each level, with
 * ISA_LEVEL defined as its name and VECTOR_BYTES as the width of its vectors. */

#define NAME(stem) GLUE(stem, ISA_LEVEL)

enum { NAME(BUFFERED_TILES) = 16, NAME(BUFFERED) = PYINIT_TILE * NAME(BUFFERED_TILES) };

#ifdef PYINIT_VECTORS

typedef uint64_t NAME(lanes) __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t NAME(words) __attribute__((vector_size(VECTOR_BYTES / 2)));

/* Multiplies the low halves of the lanes. Compilers make three multiplications of a * m because
 * they do not know that the high halves don't matter. */
static inline __attribute__((always_inline)) NAME(lanes) NAME(multiply)(NAME(lanes) a, uint32_t m)
{
#if defined(PYINIT_X86) && VECTOR_BYTES == 64
    return (NAME(lanes))_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(m));
#elif defined(PYINIT_X86) && VECTOR_BYTES == 32
    return (NAME(lanes))_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(m));
#elif defined(__SSE2__)
    return (NAME(lanes))_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(m));
#else
    return (a & 0xFFFFFFFFu) * (uint64_t)m;
#endif
}

enum { NAME(PER) = VECTOR_BYTES / 8, NAME(GROUPS) = PYINIT_LANES / NAME(PER) };

/* The counters of PYINIT_LANES blocks and, after draw_blocks(), their words. */
typedef struct {
    NAME(lanes) c0[NAME(GROUPS)], c1[NAME(GROUPS)], c2[NAME(GROUPS)], c3[NAME(GROUPS)];
} NAME(blocks);

/* Draws the words of the blocks whose numbers are in c0. */
static inline __attribute__((always_inline)) void NAME(draw_blocks)(
    NAME(blocks) *blocks, const distribution_t *distribution, uint32_t half)
{
    const uint32_t key0 = (uint32_t)distribution->seed, key1 = (uint32_t)(distribution->seed >> 32);
    for (int g = 0; g < NAME(GROUPS); ++g) {
        const NAME(lanes) zero = blocks->c0[g] ^ blocks->c0[g];
        blocks->c1[g] = blocks->c0[g] >> 32;
        blocks->c2[g] = zero + distribution->draw;
        blocks->c3[g] = zero + half;
    }
    for (int g = 0; g < NAME(GROUPS); ++g)
        PYINIT_PHILOX(
            NAME(lanes), NAME(multiply), blocks->c0[g], blocks->c1[g], blocks->c2[g], blocks->c3[g],
            key0, key1);
}

/* Stores the words of blocks: out[w * word_stride + k] is word w of block k. */
static inline __attribute__((always_inline)) void NAME(store_blocks)(
    uint32_t *out, int64_t word_stride, const NAME(blocks) *blocks)
{
    for (int g = 0; g < NAME(GROUPS); ++g) {
        const NAME(words) narrow[4] = {
            __builtin_convertvector(blocks->c0[g], NAME(words)),
            __builtin_convertvector(blocks->c1[g], NAME(words)),
            __builtin_convertvector(blocks->c2[g], NAME(words)),
            __builtin_convertvector(blocks->c3[g], NAME(words))};
        for (int w = 0; w < 4; ++w)
            memcpy(out + w * word_stride + g * NAME(PER), &narrow[w], sizeof narrow[w]);
    }
}

/* Draws the words of `tiles` tiles from `tile` on, in the order of their elements. */
static void NAME(draw_words)(
    uint32_t *PYINIT_RESTRICT out, uint64_t tile, size_t tiles, const distribution_t *distribution,
    uint32_t half)
{
    NAME(lanes) lane;
    for (int k = 0; k < NAME(PER); ++k)
        lane[k] = (uint64_t)k;
    for (size_t t = 0; t < tiles; ++t, out += PYINIT_TILE) {
        NAME(blocks) blocks;
        for (int g = 0; g < NAME(GROUPS); ++g)
            blocks.c0[g] = lane + (PYINIT_LANES * (tile + t) + (uint64_t)(g * NAME(PER)));
        NAME(draw_blocks)(&blocks, distribution, half);
        NAME(store_blocks)(out, PYINIT_LANES, &blocks);
    }
}

/* Draws the words of `count` tiles, with the same element of each side by side: out[c * height + r]
 * is element c of tile tiles[r] + tile_offset. `tiles` is padded, with any values, to a multiple of
 * PYINIT_LANES, and so is `height`. */
static void NAME(draw_columns)(
    uint32_t *PYINIT_RESTRICT out, int64_t height, const uint64_t *tiles, uint64_t tile_offset,
    int64_t count, const distribution_t *distribution, uint32_t half)
{
    for (int64_t r = 0; r < count; r += PYINIT_LANES)
        for (int lane = 0; lane < PYINIT_LANES; ++lane) {
            NAME(blocks) blocks;
            for (int g = 0; g < NAME(GROUPS); ++g) {
                NAME(lanes) tile;
                memcpy(&tile, tiles + r + g * NAME(PER), sizeof tile);
                blocks.c0[g] = (tile + tile_offset) * PYINIT_LANES + (uint64_t)lane;
            }
            NAME(draw_blocks)(&blocks, distribution, half);
            NAME(store_blocks)(out + lane * height + r, PYINIT_LANES * height, &blocks);
        }
}

/* Draws the words of single elements, each from a block of its own. `indices` is padded, with any
 * values, to a multiple of PYINIT_LANES. */
static void NAME(draw_elements)(
    uint32_t *PYINIT_RESTRICT out, const uint64_t *indices, int64_t count,
    const distribution_t *distribution, uint32_t half)
{
    for (int64_t k = 0; k < count; k += PYINIT_LANES) {
        NAME(lanes) index[NAME(GROUPS)];
        memcpy(index, indices + k, sizeof index);
        NAME(blocks) blocks;
        for (int g = 0; g < NAME(GROUPS); ++g)
            blocks.c0[g] = index[g] / PYINIT_TILE * PYINIT_LANES + index[g] % PYINIT_LANES;
        NAME(draw_blocks)(&blocks, distribution, half);
        for (int g = 0; g < NAME(GROUPS); ++g) {
            /* select word (index / PYINIT_LANES) % 4 by its two bits */
            const NAME(lanes) odd = -(index[g] / PYINIT_LANES & 1);
            const NAME(lanes) upper = -(index[g] / (2 * PYINIT_LANES) & 1);
            const NAME(lanes) low = blocks.c0[g] ^ ((blocks.c0[g] ^ blocks.c1[g]) & odd);
            const NAME(lanes) high = blocks.c2[g] ^ ((blocks.c2[g] ^ blocks.c3[g]) & odd);
            const NAME(words) word =
                __builtin_convertvector(low ^ ((low ^ high) & upper), NAME(words));
            memcpy(out + k + g * NAME(PER), &word, sizeof word);
        }
    }
}

#else

/* Draws the words of a block. */
static inline void NAME(draw_block)(
    uint32_t words[4], uint64_t block, const distribution_t *distribution, uint32_t half)
{
    uint64_t c0 = block, c1 = block >> 32, c2 = distribution->draw, c3 = half;
    PYINIT_PHILOX(
        uint64_t, PYINIT_MULTIPLY, c0, c1, c2, c3, (uint32_t)distribution->seed,
        (uint32_t)(distribution->seed >> 32));
    words[0] = (uint32_t)c0;
    words[1] = (uint32_t)c1;
    words[2] = (uint32_t)c2;
    words[3] = (uint32_t)c3;
}

static void NAME(draw_words)(
    uint32_t *PYINIT_RESTRICT out, uint64_t tile, size_t tiles, const distribution_t *distribution,
    uint32_t half)
{
    for (size_t t = 0; t < tiles; ++t, out += PYINIT_TILE)
        for (int lane = 0; lane < PYINIT_LANES; ++lane) {
            uint32_t words[4];
            NAME(draw_block)(words, PYINIT_LANES * (tile + t) + (uint64_t)lane, distribution, half);
            for (int w = 0; w < 4; ++w)
                out[lane + w * PYINIT_LANES] = words[w];
        }
}

static void NAME(draw_columns)(
    uint32_t *PYINIT_RESTRICT out, int64_t height, const uint64_t *tiles, uint64_t tile_offset,
    int64_t count, const distribution_t *distribution, uint32_t half)
{
    for (int64_t r = 0; r < count; ++r) {
        uint32_t words[PYINIT_TILE];
        NAME(draw_words)(words, tiles[r] + tile_offset, 1, distribution, half);
        for (int c = 0; c < PYINIT_TILE; ++c)
            out[c * height + r] = words[c];
    }
}

static void NAME(draw_elements)(
    uint32_t *PYINIT_RESTRICT out, const uint64_t *indices, int64_t count,
    const distribution_t *distribution, uint32_t half)
{
    for (int64_t k = 0; k < count; ++k) {
        uint32_t words[4];
        const uint64_t block = indices[k] / PYINIT_TILE * PYINIT_LANES + indices[k] % PYINIT_LANES;
        NAME(draw_block)(words, block, distribution, half);
        out[k] = words[indices[k] / PYINIT_LANES % 4];
    }
}

#endif

/* Draws the words of the next elements of `rows`, at most BUFFERED. Returns their number. */
static size_t NAME(next_words)(
    uint32_t (*out)[NAME(BUFFERED)], int halves, rows_t *rows, const distribution_t *distribution)
{
    if (rows->window != NULL)
        return take_words(
            out[0], out[halves - 1], NAME(BUFFERED), halves, rows, NAME(draw_words), distribution);
    uint64_t indices[NAME(BUFFERED)];
    const size_t count = next_indices(indices, NAME(BUFFERED), rows);
    for (size_t k = count; k % PYINIT_LANES; ++k)
        indices[k] = 0;
    for (int half = 0; half < halves; ++half)
        NAME(draw_elements)(out[half], indices, (int64_t)count, distribution, (uint32_t)half);
    return count;
}

/* The quantile of the normal distribution is one long chain of operations. In two loops, each with
 * half of the chain, the processor overlaps more elements than in one. */
#define FIRST_LOOP(LOG)                                                                            \
    for (size_t k = 0; k < count; ++k)                                                             \
    t[k] = LOG
#define FIRST_LOOP_uniform(REAL) (void)0
#define FIRST_LOOP_truncated_normal(REAL) (void)0
#define FIRST_LOOP_normal(REAL) FIRST_LOOP(LOG_##REAL)
#define FIRST_LOOP_bounded_normal(REAL) FIRST_LOOP(LOG_##REAL)
#define LOG_float pyinit_normal_log_float32(high[k])
#define LOG_double pyinit_normal_log_float64(high[k], low[k])

#define VARIATE_uniform_float pyinit_uniform_float32(high[k])
#define VARIATE_normal_float pyinit_normal_of_log_float32(high[k], t[k])
#define VARIATE_truncated_normal_float pyinit_truncated_normal_float32(high[k])
#define VARIATE_uniform_double pyinit_uniform_float64(high[k], low[k])
#define VARIATE_normal_double pyinit_normal_of_log_float64(high[k], low[k], t[k])
#define VARIATE_truncated_normal_double pyinit_truncated_normal_float64(high[k], low[k])

/* Converts words to values, at most BUFFERED. */
#define VALUES(WHERE, STORAGE, TYPE, FAMILY, REAL, VALUE)                                          \
    WHERE void GLUE(NAME(values), STORAGE##_##FAMILY)(                                             \
        TYPE *PYINIT_RESTRICT to, const uint32_t *PYINIT_RESTRICT high,                            \
        const uint32_t *PYINIT_RESTRICT low, size_t count, REAL location, REAL scale, REAL upper)  \
    {                                                                                              \
        REAL t[NAME(BUFFERED)];                                                                    \
        (void)low, (void)t;                                                                        \
        FIRST_LOOP_##FAMILY(REAL);                                                                 \
        for (size_t k = 0; k < count; ++k)                                                         \
            to[k] = VALUE;                                                                         \
    }

/* Fills a run through a buffer of words that stays in the first-level cache. */
#define RUN(STORAGE, TYPE, FAMILY, REAL, HALVES, MAP_WORDS)                                        \
    static void GLUE(NAME(run), STORAGE##_##FAMILY)(                                               \
        void *out, uint64_t first_index, size_t count, const distribution_t *distribution)         \
    {                                                                                              \
        uint32_t words[HALVES][NAME(BUFFERED)];                                                    \
        const REAL location = (REAL)distribution->location, scale = (REAL)distribution->scale;     \
        const REAL upper = (REAL)distribution->upper;                                              \
        TYPE *to = out;                                                                            \
        uint64_t tile = first_index / PYINIT_TILE;                                                 \
        size_t skip = (size_t)(first_index % PYINIT_TILE);                                         \
        while (count > 0) {                                                                        \
            size_t tiles = (skip + count + PYINIT_TILE - 1) / PYINIT_TILE;                         \
            if (tiles > NAME(BUFFERED_TILES))                                                      \
                tiles = NAME(BUFFERED_TILES);                                                      \
            size_t values = tiles * PYINIT_TILE - skip;                                            \
            if (values > count)                                                                    \
                values = count;                                                                    \
            for (uint32_t half = 0; half < HALVES; ++half)                                         \
                NAME(draw_words)(words[half], tile, tiles, distribution, half);                    \
            MAP_WORDS(words[0] + skip, words[HALVES - 1] + skip, values, distribution);            \
            GLUE(NAME(values), STORAGE##_##FAMILY)(                                                \
                to, words[0] + skip, words[HALVES - 1] + skip, values, location, scale, upper);    \
            to += values;                                                                          \
            count -= values;                                                                       \
            tile += tiles;                                                                         \
            skip = 0;                                                                              \
        }                                                                                          \
    }

/* Fills rows one after the other. */
#define ROWS(STORAGE, TYPE, FAMILY, REAL, HALVES, MAP_WORDS)                                       \
    static void GLUE(NAME(rows), STORAGE##_##FAMILY)(                                              \
        void *out, rows_t *rows, const distribution_t *distribution)                               \
    {                                                                                              \
        uint32_t words[HALVES][NAME(BUFFERED)];                                                    \
        const REAL location = (REAL)distribution->location, scale = (REAL)distribution->scale;     \
        const REAL upper = (REAL)distribution->upper;                                              \
        TYPE *to = out;                                                                            \
        for (size_t count; (count = NAME(next_words)(words, HALVES, rows, distribution)) > 0;      \
             to += count) {                                                                        \
            MAP_WORDS(words[0], words[HALVES - 1], count, distribution);                           \
            GLUE(NAME(values), STORAGE##_##FAMILY)(                                                \
                to, words[0], words[HALVES - 1], count, location, scale, upper);                   \
        }                                                                                          \
    }

/* Fills columns of a tile, writing each value directly to its place. */
#define COLUMNS(STORAGE, TYPE, FAMILY, REAL, HALVES, MAP_WORDS)                                    \
    static void GLUE(NAME(columns), STORAGE##_##FAMILY)(                                           \
        void *out, int64_t stride, const uint64_t *tiles, uint64_t tile_offset, int64_t rows,      \
        int first, int last, const distribution_t *distribution)                                   \
    {                                                                                              \
        enum { HEIGHT = 128 / HALVES };                                                            \
        uint32_t words[HALVES][PYINIT_TILE * HEIGHT];                                              \
        const REAL location = (REAL)distribution->location, scale = (REAL)distribution->scale;     \
        const REAL upper = (REAL)distribution->upper;                                              \
        for (int64_t r = 0; r < rows; r += HEIGHT) {                                               \
            const int64_t height = rows - r < HEIGHT ? rows - r : HEIGHT;                          \
            for (uint32_t half = 0; half < HALVES; ++half)                                         \
                NAME(draw_columns)(                                                                \
                    words[half], HEIGHT, tiles + r, tile_offset, height, distribution, half);      \
            TYPE *to = (TYPE *)out + r;                                                            \
            for (int c = first; c < last; ++c, to += stride) {                                     \
                prefetch_column(to + 4 * stride, (size_t)height * sizeof(TYPE));                   \
                MAP_WORDS(                                                                         \
                    words[0] + c * HEIGHT, words[HALVES - 1] + c * HEIGHT, (size_t)height,         \
                    distribution);                                                                 \
                GLUE(NAME(values), STORAGE##_##FAMILY)(                                            \
                    to, words[0] + c * HEIGHT, words[HALVES - 1] + c * HEIGHT, (size_t)height,     \
                    location, scale, upper);                                                       \
            }                                                                                      \
        }                                                                                          \
    }

#define SCALE_SHIFT(FAMILY)                                                                        \
    pyinit_scale_shift_float32(VARIATE_##FAMILY##_float, location, scale, upper)

#define KEEP_WORDS(high, low, count, distribution) (void)0

/* Maps words to those of a bounded normal distribution, in place. */
static void NAME(map_words)(
    uint32_t *PYINIT_RESTRICT high, uint32_t *PYINIT_RESTRICT low, size_t count,
    const distribution_t *distribution)
{
    const uint64_t first = distribution->first_word, last = distribution->last_word;
    for (size_t k = 0; k < count; ++k) {
        const uint64_t word = pyinit_map_word(high[k], low[k], first, last);
        high[k] = (uint32_t)(word >> 32);
        low[k] = (uint32_t)word;
    }
}

#define LOOP(WHERE, STORAGE, TYPE, FAMILY, REAL, HALVES, MAP_WORDS, VALUE)                         \
    VALUES(WHERE, STORAGE, TYPE, FAMILY, REAL, VALUE)                                              \
    RUN(STORAGE, TYPE, FAMILY, REAL, HALVES, MAP_WORDS)                                            \
    ROWS(STORAGE, TYPE, FAMILY, REAL, HALVES, MAP_WORDS)                                           \
    COLUMNS(STORAGE, TYPE, FAMILY, REAL, HALVES, MAP_WORDS)

#define LOOPS(FAMILY)                                                                              \
    LOOP(                                                                                          \
        PYINIT_NOINLINE, float16, uint16_t, FAMILY, float, 1, KEEP_WORDS,                          \
        pyinit_float16_of(SCALE_SHIFT(FAMILY)))                                                    \
    LOOP(                                                                                          \
        PYINIT_INLINE, bfloat16, uint16_t, FAMILY, float, 1, KEEP_WORDS,                           \
        pyinit_bfloat16_of(SCALE_SHIFT(FAMILY)))                                                   \
    LOOP(PYINIT_INLINE, float32, float, FAMILY, float, 1, KEEP_WORDS, SCALE_SHIFT(FAMILY))         \
    LOOP(                                                                                          \
        PYINIT_INLINE, float64, double, FAMILY, double, 2, KEEP_WORDS,                             \
        pyinit_scale_shift_float64(VARIATE_##FAMILY##_double, location, scale, upper))             \
    LOOP(                                                                                          \
        PYINIT_NOINLINE, float16_widened, double, FAMILY, float, 1, KEEP_WORDS,                    \
        (double)pyinit_rounded_to_float16(SCALE_SHIFT(FAMILY)))                                    \
    LOOP(                                                                                          \
        PYINIT_INLINE, bfloat16_widened, double, FAMILY, float, 1, KEEP_WORDS,                     \
        (double)pyinit_rounded_to_bfloat16(SCALE_SHIFT(FAMILY)))                                   \
    LOOP(                                                                                          \
        PYINIT_INLINE, float32_widened, double, FAMILY, float, 1, KEEP_WORDS,                      \
        (double)SCALE_SHIFT(FAMILY))

LOOPS(uniform)
LOOPS(normal)
LOOPS(truncated_normal)

/* The bounded normal distribution computes in float64 for every storage. */
#define BOUNDED_LOOP(STORAGE, TYPE, ROUND)                                                         \
    LOOP(                                                                                          \
        PYINIT_INLINE, STORAGE, TYPE, bounded_normal, double, 2, NAME(map_words),                  \
        ROUND(pyinit_scale_shift_float64(VARIATE_normal_double, location, scale, upper)))

#define FLOAT16_OF(value) pyinit_float16_of((float)pyinit_float64_rounded_to_float16(value))
#define BFLOAT16_OF(value) pyinit_bfloat16_of((float)pyinit_float64_rounded_to_bfloat16(value))
#define FLOAT32_WIDENED_OF(value) (double)(float)(value)

BOUNDED_LOOP(float16, uint16_t, FLOAT16_OF)
BOUNDED_LOOP(bfloat16, uint16_t, BFLOAT16_OF)
BOUNDED_LOOP(float32, float, (float))
BOUNDED_LOOP(float64, double, )
BOUNDED_LOOP(float16_widened, double, pyinit_float64_rounded_to_float16)
BOUNDED_LOOP(bfloat16_widened, double, pyinit_float64_rounded_to_bfloat16)
BOUNDED_LOOP(float32_widened, double, FLOAT32_WIDENED_OF)

/* Transposition: by squares of N x N values, and the remaining values one by one. */

/* Transposes `n` vectors of `n` values, or a pair of such squares in the halves of the vectors, by
 * log2(n) rounds of interleaving the first half of the vectors with the second. */
#define ZIP_ROUNDS(v, n, ZIP)                                                                      \
    UNROLL_FOR (int round = (n); round > 1; round /= 2) {                                          \
        __typeof__((v)[0]) zipped[n];                                                              \
        UNROLL_FOR (int k = 0; k < (n) / 2; ++k) {                                                 \
            zipped[2 * k] = ZIP##_LOW((v)[k], (v)[k + (n) / 2]);                                   \
            zipped[2 * k + 1] = ZIP##_HIGH((v)[k], (v)[k + (n) / 2]);                              \
        }                                                                                          \
        UNROLL_FOR (int k = 0; k < (n); ++k)                                                       \
            (v)[k] = zipped[k];                                                                    \
    }

#define JOIN_AND_ZIP(v, n, JOIN, ZIP)                                                              \
    UNROLL_FOR (int k = 0; k < (n) / 2; ++k) {                                                     \
        const __typeof__((v)[0]) first = (v)[k], second = (v)[k + (n) / 2];                        \
        (v)[k] = JOIN##_LOW(first, second);                                                        \
        (v)[k + (n) / 2] = JOIN##_HIGH(first, second);                                             \
    }                                                                                              \
    ZIP_ROUNDS(v, (n) / 2, ZIP)                                                                    \
    ZIP_ROUNDS((v) + (n) / 2, (n) / 2, ZIP)

#define TRANSPOSE(BITS, TYPE, N, ...)                                                              \
    static void GLUE(NAME(transpose), BITS)(                                                       \
        void *out, const void *values, int64_t rows, int64_t columns, int64_t stride)              \
    {                                                                                              \
        typedef TYPE vector __attribute__((vector_size(sizeof(TYPE) * (N))));                      \
        typedef vector unaligned __attribute__((aligned(sizeof(TYPE)), may_alias));                \
        const int64_t whole_rows = rows - rows % (N), whole_columns = columns - columns % (N);     \
        TYPE *to = out;                                                                            \
        const TYPE *from = values;                                                                 \
        for (int64_t c = 0; c < whole_columns; c += (N))                                           \
            for (int64_t r = 0; r < whole_rows; r += (N)) {                                        \
                vector v[N];                                                                       \
                UNROLL_FOR (int k = 0; k < (N); ++k)                                               \
                    v[k] = *(const unaligned *)(from + (r + k) * columns + c);                     \
                __VA_ARGS__                                                                        \
                UNROLL_FOR (int k = 0; k < (N); ++k) {                                             \
                    *(unaligned *)(to + (c + k) * stride + r) = v[k];                              \
                    PREFETCH(to + (c + k + (N)) * stride + r);                                     \
                }                                                                                  \
            }                                                                                      \
        for (int64_t c = 0; c < columns; ++c)                                                      \
            for (int64_t r = c < whole_columns ? whole_rows : 0; r < rows; ++r)                    \
                to[c * stride + r] = from[r * columns + c];                                        \
    }

#ifdef PYINIT_SHUFFLE
TRANSPOSE(16, uint16_t, 8, ZIP_ROUNDS(v, 8, ZIP8))
#if VECTOR_BYTES == 16
TRANSPOSE(32, uint32_t, 4, ZIP_ROUNDS(v, 4, ZIP4))
TRANSPOSE(64, uint64_t, 2, ZIP_ROUNDS(v, 2, ZIP2))
#elif VECTOR_BYTES == 32
TRANSPOSE(32, uint32_t, 8, JOIN_AND_ZIP(v, 8, JOIN8, ZIP8_HALVES))
TRANSPOSE(64, uint64_t, 4, JOIN_AND_ZIP(v, 4, JOIN4, ZIP4_HALVES))
#else
TRANSPOSE(32, uint32_t, 8, ZIP_ROUNDS(v, 8, ZIP8))
TRANSPOSE(64, uint64_t, 8, ZIP_ROUNDS(v, 8, ZIP8))
#endif
#else
#define TRANSPOSE_LOOP(BITS, TYPE)                                                                 \
    static void GLUE(NAME(transpose), BITS)(                                                       \
        void *out, const void *values, int64_t rows, int64_t columns, int64_t stride)              \
    {                                                                                              \
        for (int64_t c = 0; c < columns; ++c)                                                      \
            for (int64_t r = 0; r < rows; ++r)                                                     \
                ((TYPE *)out)[c * stride + r] = ((const TYPE *)values)[r * columns + c];           \
    }
TRANSPOSE_LOOP(16, uint16_t)
TRANSPOSE_LOOP(32, uint32_t)
TRANSPOSE_LOOP(64, uint64_t)
#undef TRANSPOSE_LOOP
#endif

#define FAMILIES_OF(STEM, STORAGE)                                                                 \
    {GLUE(NAME(STEM), STORAGE##_uniform), GLUE(NAME(STEM), STORAGE##_normal),                      \
     GLUE(NAME(STEM), STORAGE##_truncated_normal), GLUE(NAME(STEM), STORAGE##_bounded_normal)}
#define STORAGES_OF(STEM)                                                                          \
    {FAMILIES_OF(STEM, float16),         FAMILIES_OF(STEM, bfloat16),                              \
     FAMILIES_OF(STEM, float32),         FAMILIES_OF(STEM, float64),                               \
     FAMILIES_OF(STEM, float16_widened), FAMILIES_OF(STEM, bfloat16_widened),                      \
     FAMILIES_OF(STEM, float32_widened)}

static const isa_kernel_t NAME(kernel) = {STORAGES_OF(run),          STORAGES_OF(rows),
                                          STORAGES_OF(columns),      GLUE(NAME(transpose), 16),
                                          GLUE(NAME(transpose), 32), GLUE(NAME(transpose), 64)};

#undef NAME
#undef RUN
#undef ROWS
#undef SCALE_SHIFT
#undef FIRST_LOOP
#undef FIRST_LOOP_uniform
#undef FIRST_LOOP_truncated_normal
#undef FIRST_LOOP_normal
#undef FIRST_LOOP_bounded_normal
#undef LOG_float
#undef LOG_double
#undef VARIATE_uniform_float
#undef VARIATE_normal_float
#undef VARIATE_truncated_normal_float
#undef VARIATE_uniform_double
#undef VARIATE_normal_double
#undef VARIATE_truncated_normal_double
#undef KEEP_WORDS
#undef BOUNDED_LOOP
#undef FLOAT16_OF
#undef BFLOAT16_OF
#undef FLOAT32_WIDENED_OF
#undef COLUMNS
#undef VALUES
#undef LOOP
#undef LOOPS
#undef FAMILIES_OF
#undef STORAGES_OF
#undef ZIP_ROUNDS
#undef JOIN_AND_ZIP
#undef TRANSPOSE
