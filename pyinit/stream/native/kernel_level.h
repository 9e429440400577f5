/* The runs of one instruction set: LEVEL is its name, VECTOR_BYTES the width of its vectors. Included
 * once for each, by levels.h. */

#define NAME(stem) GLUE(stem, LEVEL)

enum { NAME(BUFFERED_TILES) = 16, NAME(BUFFERED) = NAME(BUFFERED_TILES) * PYINIT_TILE };

#ifdef PYINIT_VECTORS

typedef uint64_t NAME(lanes) __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t NAME(words) __attribute__((vector_size(VECTOR_BYTES / 2)));

/* The product of the low halves of each lane. Compilers make three multiplications of a * m, not
 * knowing that the high halves don't matter. */
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

/* The words of `tiles` tiles from `tile` on, in the order of their elements. */
static void NAME(draw_words)(
    uint32_t *PYINIT_RESTRICT out, uint64_t tile, size_t tiles, const law *of, uint32_t half)
{
    enum { PER = VECTOR_BYTES / 8, GROUPS = PYINIT_LANES / PER };
    NAME(lanes) lane;
    for (int k = 0; k < PER; ++k)
        lane[k] = (uint64_t)k;
    const uint32_t key0 = (uint32_t)of->seed, key1 = (uint32_t)(of->seed >> 32);
    const NAME(lanes) zero = lane ^ lane;
    for (size_t t = 0; t < tiles; ++t, out += PYINIT_TILE) {
        NAME(lanes) c0[GROUPS], c1[GROUPS], c2[GROUPS], c3[GROUPS];
        for (int g = 0; g < GROUPS; ++g) {
            const NAME(lanes) block = lane + (PYINIT_LANES * (tile + t) + (uint64_t)(g * PER));
            c0[g] = block;
            c1[g] = block >> 32;
            c2[g] = zero + of->draw;
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

#else

static void NAME(draw_words)(
    uint32_t *PYINIT_RESTRICT out, uint64_t tile, size_t tiles, const law *of, uint32_t half)
{
    for (size_t t = 0; t < tiles; ++t, out += PYINIT_TILE)
        for (int lane = 0; lane < PYINIT_LANES; ++lane) {
            const uint64_t block = PYINIT_LANES * (tile + t) + (uint64_t)lane;
            uint64_t c0 = block, c1 = block >> 32, c2 = of->draw, c3 = half;
            PYINIT_PHILOX(
                uint64_t, PYINIT_MULTIPLY, c0, c1, c2, c3, (uint32_t)of->seed,
                (uint32_t)(of->seed >> 32));
            out[lane] = (uint32_t)c0;
            out[lane + PYINIT_LANES] = (uint32_t)c1;
            out[lane + 2 * PYINIT_LANES] = (uint32_t)c2;
            out[lane + 3 * PYINIT_LANES] = (uint32_t)c3;
        }
}

#endif

/* A run: words into a buffer that stays in the first-level cache, values out of it. */
#define RUN(STORAGE, TYPE, KIND, REAL, HALVES, VALUE)                                           \
    static void GLUE(NAME(run), STORAGE##_##KIND)(                                              \
        void *out, uint64_t start, size_t count, const law *of)                                 \
    {                                                                                           \
        uint32_t words[HALVES][NAME(BUFFERED)];                                                 \
        const REAL location = (REAL)of->location, scale = (REAL)of->scale;                      \
        const REAL upper = (REAL)of->upper;                                                     \
        TYPE *PYINIT_RESTRICT to = out;                                                                \
        uint64_t tile = start / PYINIT_TILE;                                                    \
        size_t skip = (size_t)(start % PYINIT_TILE);                                            \
        while (count > 0) {                                                                     \
            size_t tiles = (skip + count + PYINIT_TILE - 1) / PYINIT_TILE;                      \
            if (tiles > NAME(BUFFERED_TILES))                                                   \
                tiles = NAME(BUFFERED_TILES);                                                   \
            size_t values = tiles * PYINIT_TILE - skip;                                         \
            if (values > count)                                                                 \
                values = count;                                                                 \
            for (uint32_t half = 0; half < HALVES; ++half)                                      \
                NAME(draw_words)(words[half], tile, tiles, of, half);                           \
            const uint32_t *PYINIT_RESTRICT high = words[0] + skip;                                    \
            const uint32_t *PYINIT_RESTRICT low = words[HALVES - 1] + skip;                            \
            (void)low;                                                                          \
            for (size_t k = 0; k < values; ++k)                                                 \
                to[k] = VALUE;                                                                  \
            to += values;                                                                       \
            count -= values;                                                                    \
            tile += tiles;                                                                      \
            skip = 0;                                                                           \
        }                                                                                       \
    }

#define PLACED(KIND) pyinit_place_float32(pyinit_##KIND##_float32(high[k]), location, scale, upper)

#define RUNS(KIND)                                                                              \
    RUN(float16, uint16_t, KIND, float, 1, pyinit_float16_of(PLACED(KIND)))                     \
    RUN(bfloat16, uint16_t, KIND, float, 1, pyinit_bfloat16_of(PLACED(KIND)))                   \
    RUN(float32, float, KIND, float, 1, PLACED(KIND))                                           \
    RUN(float64, double, KIND, double, 2,                                                       \
        pyinit_place_float64(pyinit_##KIND##_float64(high[k], low[k]), location, scale, upper)) \
    RUN(float16_wide, double, KIND, float, 1, (double)pyinit_rounded_to_float16(PLACED(KIND)))  \
    RUN(bfloat16_wide, double, KIND, float, 1, (double)pyinit_rounded_to_bfloat16(PLACED(KIND))) \
    RUN(float32_wide, double, KIND, float, 1, (double)PLACED(KIND))

RUNS(uniform)
RUNS(normal)
RUNS(truncated_normal)

/* Transposition: squares of N x N values, what is left over value by value. */

/* Transposes `n` vectors of `n` values, or pairs of such squares in the halves of the vectors: log2(n)
 * rounds of zipping the first half of them with the second. */
#define ZIP_ROUNDS(v, n, ZIP)                                                                   \
    UNROLL for (int round = (n); round > 1; round /= 2) {                                       \
        __typeof__((v)[0]) zipped[n];                                                           \
        UNROLL for (int k = 0; k < (n) / 2; ++k) {                                              \
            zipped[2 * k] = ZIP##_LOW((v)[k], (v)[k + (n) / 2]);                                \
            zipped[2 * k + 1] = ZIP##_HIGH((v)[k], (v)[k + (n) / 2]);                           \
        }                                                                                       \
        UNROLL for (int k = 0; k < (n); ++k)                                                    \
            (v)[k] = zipped[k];                                                                 \
    }

#define JOIN_AND_ZIP(v, n, JOIN, ZIP)                                                           \
    UNROLL for (int k = 0; k < (n) / 2; ++k) {                                                  \
        const __typeof__((v)[0]) first = (v)[k], second = (v)[k + (n) / 2];                     \
        (v)[k] = JOIN##_LOW(first, second);                                                     \
        (v)[k + (n) / 2] = JOIN##_HIGH(first, second);                                          \
    }                                                                                           \
    ZIP_ROUNDS(v, (n) / 2, ZIP)                                                                 \
    ZIP_ROUNDS((v) + (n) / 2, (n) / 2, ZIP)

#define TRANSPOSE(BITS, TYPE, N, ...)                                                           \
    static void GLUE(NAME(transpose), BITS)(                                                     \
        void *out, const void *values, int64_t rows, int64_t columns, int64_t stride)           \
    {                                                                                           \
        typedef TYPE vector __attribute__((vector_size(sizeof(TYPE) * (N))));                   \
        typedef vector unaligned __attribute__((aligned(sizeof(TYPE)), may_alias));             \
        const int64_t whole_rows = rows - rows % (N), whole_columns = columns - columns % (N);  \
        TYPE *to = out;                                                                         \
        const TYPE *from = values;                                                              \
        for (int64_t c = 0; c < whole_columns; c += (N))                                        \
            for (int64_t r = 0; r < whole_rows; r += (N)) {                                     \
                vector v[N];                                                                    \
                UNROLL for (int k = 0; k < (N); ++k)                                            \
                    v[k] = *(const unaligned *)(from + (r + k) * columns + c);                  \
                __VA_ARGS__                                                                     \
                UNROLL for (int k = 0; k < (N); ++k)                                            \
                {                                                                               \
                    *(unaligned *)(to + (c + k) * stride + r) = v[k];                           \
                    PREFETCH(to + (c + k + (N)) * stride + r);                                  \
                }                                                                               \
            }                                                                                   \
        for (int64_t c = 0; c < columns; ++c)                                                   \
            for (int64_t r = c < whole_columns ? whole_rows : 0; r < rows; ++r)                 \
                to[c * stride + r] = from[r * columns + c];                                     \
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
#define TRANSPOSE_PLAINLY(BITS, TYPE)                                                           \
    static void GLUE(NAME(transpose), BITS)(                                                     \
        void *out, const void *values, int64_t rows, int64_t columns, int64_t stride)           \
    {                                                                                           \
        for (int64_t c = 0; c < columns; ++c)                                                   \
            for (int64_t r = 0; r < rows; ++r)                                                  \
                ((TYPE *)out)[c * stride + r] = ((const TYPE *)values)[r * columns + c];        \
    }
TRANSPOSE_PLAINLY(16, uint16_t)
TRANSPOSE_PLAINLY(32, uint32_t)
TRANSPOSE_PLAINLY(64, uint64_t)
#undef TRANSPOSE_PLAINLY
#endif

#define KINDS_OF(STORAGE)                                                                       \
    {                                                                                           \
        GLUE(NAME(run), STORAGE##_uniform), GLUE(NAME(run), STORAGE##_normal),                  \
            GLUE(NAME(run), STORAGE##_truncated_normal)                                         \
    }

static const level_kernel NAME(kernel) = {
    {KINDS_OF(float16), KINDS_OF(bfloat16), KINDS_OF(float32), KINDS_OF(float64),
     KINDS_OF(float16_wide), KINDS_OF(bfloat16_wide), KINDS_OF(float32_wide)},
    GLUE(NAME(transpose), 16),
    GLUE(NAME(transpose), 32),
    GLUE(NAME(transpose), 64)};

#undef NAME
#undef RUN
#undef PLACED
#undef RUNS
#undef KINDS_OF
#undef ZIP_ROUNDS
#undef JOIN_AND_ZIP
#undef TRANSPOSE
