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

/* Draws the words of `tiles` tiles from `tile` on, in the order of their elements. */
static void NAME(draw_words)(
    uint32_t *PYINIT_RESTRICT out, uint64_t tile, size_t tiles, const distribution_t *distribution,
    uint32_t half)
{
    enum { PER = VECTOR_BYTES / 8, GROUPS = PYINIT_LANES / PER };
    NAME(lanes) lane;
    for (int k = 0; k < PER; ++k)
        lane[k] = (uint64_t)k;
    const uint32_t key0 = (uint32_t)distribution->seed, key1 = (uint32_t)(distribution->seed >> 32);
    const NAME(lanes) zero = lane ^ lane;
    for (size_t t = 0; t < tiles; ++t, out += PYINIT_TILE) {
        NAME(lanes) c0[GROUPS], c1[GROUPS], c2[GROUPS], c3[GROUPS];
        for (int g = 0; g < GROUPS; ++g) {
            const NAME(lanes) block = lane + (PYINIT_LANES * (tile + t) + (uint64_t)(g * PER));
            c0[g] = block;
            c1[g] = block >> 32;
            c2[g] = zero + distribution->draw;
            c3[g] = zero + half;
        }
        for (int g = 0; g < GROUPS; ++g)
            PYINIT_PHILOX(NAME(lanes), NAME(multiply), c0[g], c1[g], c2[g], c3[g], key0, key1);
        for (int g = 0; g < GROUPS; ++g) {
            const NAME(words) narrow[4] = {
                __builtin_convertvector(c0[g], NAME(words)),
                __builtin_convertvector(c1[g], NAME(words)),
                __builtin_convertvector(c2[g], NAME(words)),
                __builtin_convertvector(c3[g], NAME(words))};
            for (int w = 0; w < 4; ++w)
                memcpy(out + w * PYINIT_LANES + g * PER, &narrow[w], sizeof narrow[w]);
        }
    }
}

/* Draws the words of `count` tiles, with the same element of each side by side: out[c * height + r]
 * is element c of tile tiles[r] + tile_offset. `count` is a multiple of PYINIT_LANES. */
static void NAME(draw_columns)(
    uint32_t *PYINIT_RESTRICT out, int64_t height, const uint64_t *tiles, uint64_t tile_offset,
    int64_t count, const distribution_t *distribution, uint32_t half)
{
    enum { PER = VECTOR_BYTES / 8, GROUPS = PYINIT_LANES / PER };
    const uint32_t key0 = (uint32_t)distribution->seed, key1 = (uint32_t)(distribution->seed >> 32);
    for (int64_t r = 0; r < count; r += PYINIT_LANES)
        for (int lane = 0; lane < PYINIT_LANES; ++lane) {
            NAME(lanes) c0[GROUPS], c1[GROUPS], c2[GROUPS], c3[GROUPS];
            for (int g = 0; g < GROUPS; ++g) {
                NAME(lanes) tile;
                memcpy(&tile, tiles + r + g * PER, sizeof tile);
                const NAME(lanes) block = (tile + tile_offset) * PYINIT_LANES + (uint64_t)lane;
                c0[g] = block;
                c1[g] = block >> 32;
                c2[g] = (tile ^ tile) + distribution->draw;
                c3[g] = (tile ^ tile) + half;
            }
            for (int g = 0; g < GROUPS; ++g)
                PYINIT_PHILOX(NAME(lanes), NAME(multiply), c0[g], c1[g], c2[g], c3[g], key0, key1);
            for (int g = 0; g < GROUPS; ++g) {
                const NAME(words) narrow[4] = {
                    __builtin_convertvector(c0[g], NAME(words)),
                    __builtin_convertvector(c1[g], NAME(words)),
                    __builtin_convertvector(c2[g], NAME(words)),
                    __builtin_convertvector(c3[g], NAME(words))};
                for (int w = 0; w < 4; ++w)
                    memcpy(
                        out + (w * PYINIT_LANES + lane) * height + r + g * PER, &narrow[w],
                        sizeof narrow[w]);
            }
        }
}

#else

static void NAME(draw_words)(
    uint32_t *PYINIT_RESTRICT out, uint64_t tile, size_t tiles, const distribution_t *distribution,
    uint32_t half)
{
    for (size_t t = 0; t < tiles; ++t, out += PYINIT_TILE)
        for (int lane = 0; lane < PYINIT_LANES; ++lane) {
            const uint64_t block = PYINIT_LANES * (tile + t) + (uint64_t)lane;
            uint64_t c0 = block, c1 = block >> 32, c2 = distribution->draw, c3 = half;
            PYINIT_PHILOX(
                uint64_t, PYINIT_MULTIPLY, c0, c1, c2, c3, (uint32_t)distribution->seed,
                (uint32_t)(distribution->seed >> 32));
            out[lane] = (uint32_t)c0;
            out[lane + PYINIT_LANES] = (uint32_t)c1;
            out[lane + 2 * PYINIT_LANES] = (uint32_t)c2;
            out[lane + 3 * PYINIT_LANES] = (uint32_t)c3;
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

#endif

/* Converts words to values. */
#define VALUES(WHERE, STORAGE, TYPE, FAMILY, REAL, VALUE)                                          \
    WHERE void GLUE(NAME(values), STORAGE##_##FAMILY)(                                             \
        TYPE *PYINIT_RESTRICT to, const uint32_t *PYINIT_RESTRICT high,                            \
        const uint32_t *PYINIT_RESTRICT low, size_t count, REAL location, REAL scale, REAL upper)  \
    {                                                                                              \
        (void)low;                                                                                 \
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
            const int64_t count = (height + PYINIT_LANES - 1) / PYINIT_LANES * PYINIT_LANES;       \
            for (uint32_t half = 0; half < HALVES; ++half)                                         \
                NAME(draw_columns)(                                                                \
                    words[half], HEIGHT, tiles + r, tile_offset, count, distribution, half);       \
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
    pyinit_scale_shift_float32(pyinit_##FAMILY##_float32(high[k]), location, scale, upper)

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
        pyinit_scale_shift_float64(                                                                \
            pyinit_##FAMILY##_float64(high[k], low[k]), location, scale, upper))                   \
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
        ROUND(pyinit_scale_shift_float64(                                                          \
            pyinit_normal_float64(high[k], low[k]), location, scale, upper)))

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

static const isa_kernel_t NAME(kernel) = {
    STORAGES_OF(run), STORAGES_OF(columns), GLUE(NAME(transpose), 16), GLUE(NAME(transpose), 32),
    GLUE(NAME(transpose), 64)};

#undef NAME
#undef RUN
#undef SCALE_SHIFT
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
