/* The GPU kernel: the stream of stream.h, in CUDA C++.
 *
 * It is compiled at run time for one family of distributions and one storage:
 *   PYINIT_FAMILY    uniform, normal, truncated_normal, bounded_normal
 *   PYINIT_STORAGE   float16, bfloat16, float32, float64, or float16_widened, bfloat16_widened,
 *                    float32_widened: float64 storage of values of a narrower dtype
 * with --fmad=false and without -ftz=true, so that every operation is rounded to its type and
 * subnormal values are kept.
 */
#include "stream.h"

#define PYINIT_AXES 65
#define PYINIT_GLUE_(a, b, c) a##b##c
#define PYINIT_GLUE(a, b, c) PYINIT_GLUE_(a, b, c)

/* The argument of a launch. pyinit/stream/gpu/launch.py has the same fields and documents them. */
struct pyinit_plan {
    double location, scale, upper;
    pyinit_u64 first_word, last_word, seed, draw, first_index, items, columns;
    long long column_stride, row_axis, axes;
    pyinit_u64 length[PYINIT_AXES];
    long long stride[PYINIT_AXES], index_stride[PYINIT_AXES];
};

struct pyinit_words {
    pyinit_u32 high[4], low[4];
};

/* ---- from words to stored values ---- */

/* Whether the family computes in float64 for every storage. */
#define PYINIT_WIDE_uniform 0
#define PYINIT_WIDE_normal 0
#define PYINIT_WIDE_truncated_normal 0
#define PYINIT_WIDE_bounded_normal 1
#define PYINIT_WIDE PYINIT_GLUE(PYINIT_WIDE_, PYINIT_FAMILY, )

#if !PYINIT_WIDE
PYINIT_INLINE float pyinit_single(const pyinit_plan &plan, pyinit_u32 high)
{
    return pyinit_scale_shift_float32(
        PYINIT_GLUE(pyinit_, PYINIT_FAMILY, _float32)(high), (float)plan.location,
        (float)plan.scale, (float)plan.upper);
}
#endif

PYINIT_INLINE double pyinit_double(const pyinit_plan &plan, pyinit_u32 high, pyinit_u32 low)
{
#if PYINIT_WIDE
    const pyinit_u64 word = pyinit_map_word(high, low, plan.first_word, plan.last_word);
    const double variate = pyinit_normal_float64((pyinit_u32)(word >> 32), (pyinit_u32)word);
#else
    const double variate = PYINIT_GLUE(pyinit_, PYINIT_FAMILY, _float64)(high, low);
#endif
    return pyinit_scale_shift_float64(variate, plan.location, plan.scale, plan.upper);
}

#define PYINIT_STORED(NAME, TYPE, HALVES, VALUE)                                                   \
    struct pyinit_stored_##NAME {                                                                  \
        typedef TYPE type;                                                                         \
        enum { halves = HALVES };                                                                  \
        static __device__ __forceinline__ type                                                     \
        value(const pyinit_plan &plan, pyinit_u32 high, pyinit_u32 low)                            \
        {                                                                                          \
            (void)low;                                                                             \
            return VALUE;                                                                          \
        }                                                                                          \
    };

PYINIT_STORED(float64, double, 2, pyinit_double(plan, high, low))
#if PYINIT_WIDE
PYINIT_STORED(
    float16, unsigned short, 2,
    pyinit_float16_of((float)pyinit_float64_rounded_to_float16(pyinit_double(plan, high, low))))
PYINIT_STORED(
    bfloat16, unsigned short, 2,
    pyinit_bfloat16_of((float)pyinit_float64_rounded_to_bfloat16(pyinit_double(plan, high, low))))
PYINIT_STORED(float32, float, 2, (float)pyinit_double(plan, high, low))
PYINIT_STORED(
    float16_widened, double, 2, pyinit_float64_rounded_to_float16(pyinit_double(plan, high, low)))
PYINIT_STORED(
    bfloat16_widened, double, 2, pyinit_float64_rounded_to_bfloat16(pyinit_double(plan, high, low)))
PYINIT_STORED(float32_widened, double, 2, (float)pyinit_double(plan, high, low))
#else
PYINIT_STORED(float16, unsigned short, 1, pyinit_float16_of(pyinit_single(plan, high)))
PYINIT_STORED(bfloat16, unsigned short, 1, pyinit_bfloat16_of(pyinit_single(plan, high)))
PYINIT_STORED(float32, float, 1, pyinit_single(plan, high))
PYINIT_STORED(float16_widened, double, 1, pyinit_rounded_to_float16(pyinit_single(plan, high)))
PYINIT_STORED(bfloat16_widened, double, 1, pyinit_rounded_to_bfloat16(pyinit_single(plan, high)))
PYINIT_STORED(float32_widened, double, 1, pyinit_single(plan, high))
#endif

typedef PYINIT_GLUE(pyinit_stored_, PYINIT_STORAGE, ) pyinit_stored;

PYINIT_INLINE void pyinit_draw(
    pyinit_u32 *words, const pyinit_plan &plan, pyinit_u64 block, pyinit_u32 half)
{
    pyinit_u64 c0 = block, c1 = block >> 32, c2 = plan.draw, c3 = half;
    PYINIT_PHILOX(
        pyinit_u64, PYINIT_MULTIPLY, c0, c1, c2, c3, (pyinit_u32)plan.seed,
        (pyinit_u32)(plan.seed >> 32));
    words[0] = (pyinit_u32)c0;
    words[1] = (pyinit_u32)c1;
    words[2] = (pyinit_u32)c2;
    words[3] = (pyinit_u32)c3;
}

PYINIT_INLINE pyinit_words pyinit_words_of(const pyinit_plan &plan, pyinit_u64 block)
{
    pyinit_words words = {};
    pyinit_draw(words.high, plan, block, 0);
    if (pyinit_stored::halves == 2)
        pyinit_draw(words.low, plan, block, 1);
    return words;
}

/* ---- from an item to its position ---- */

struct pyinit_position {
    long long memory; /* in elements */
    pyinit_u64 index; /* flat, in the full tensor */
    pyinit_u64 along; /* the position along plan.row_axis */
};

PYINIT_INLINE pyinit_u64 pyinit_quotient(pyinit_u64 a, pyinit_u64 b)
{
    /* 32-bit division is several times as fast */
    return (a | b) >> 32 ? a / b : (pyinit_u32)a / (pyinit_u32)b;
}

PYINIT_INLINE pyinit_position pyinit_position_of(const pyinit_plan &plan, pyinit_u64 item)
{
    pyinit_position at = {0, plan.first_index, 0};
    for (int k = (int)plan.axes - 1; k >= 0; --k) {
        const pyinit_u64 rest = k > 0 ? pyinit_quotient(item, plan.length[k]) : 0;
        const pyinit_u64 position = item - rest * plan.length[k];
        if (k == plan.row_axis) {
            at.along = position;
        } else {
            at.memory += (long long)position * plan.stride[k];
            at.index += position * (pyinit_u64)plan.index_stride[k];
        }
        item = rest;
    }
    return at;
}

PYINIT_INLINE pyinit_u64 pyinit_first_item(void)
{
    return (pyinit_u64)blockIdx.x * blockDim.x + threadIdx.x;
}

PYINIT_INLINE pyinit_u64 pyinit_next_item(void) { return (pyinit_u64)gridDim.x * blockDim.x; }

/* An item is a Philox block of a row: four elements, PYINIT_LANES apart. Adjacent threads write
 * adjacent elements, the lanes of one word at a time. */
extern "C" __global__ void pyinit_blocks(pyinit_stored::type *out, const pyinit_plan plan)
{
    for (pyinit_u64 item = pyinit_first_item(); item < plan.items; item += pyinit_next_item()) {
        const pyinit_position row = pyinit_position_of(plan, item);
        const pyinit_u64 block = row.index / PYINIT_TILE * PYINIT_LANES + row.along;
        const pyinit_words words = pyinit_words_of(plan, block);
        const pyinit_u64 first =
            block / PYINIT_LANES * PYINIT_TILE + block % PYINIT_LANES - row.index;
        for (int w = 0; w < 4; ++w) {
            /* wraps around to a large number if the element lies before the row */
            const pyinit_u64 column = first + (pyinit_u64)(w * PYINIT_LANES);
            if (column < plan.columns)
                out[row.memory + (long long)column * plan.column_stride] =
                    pyinit_stored::value(plan, words.high[w], words.low[w]);
        }
    }
}

/* An item is an element: for short rows, which use little of a block. */
extern "C" __global__ void pyinit_elements(pyinit_stored::type *out, const pyinit_plan plan)
{
    for (pyinit_u64 item = pyinit_first_item(); item < plan.items; item += pyinit_next_item()) {
        const pyinit_position at = pyinit_position_of(plan, item);
        const pyinit_words words =
            pyinit_words_of(plan, at.index / PYINIT_TILE * PYINIT_LANES + at.index % PYINIT_LANES);
        const int w = (int)(at.index / PYINIT_LANES % 4);
        /* selecting by comparison keeps the words in registers */
        pyinit_u32 high = words.high[0], low = words.low[0];
        for (int k = 1; k < 4; ++k) {
            high = w == k ? words.high[k] : high;
            low = w == k ? words.low[k] : low;
        }
        out[at.memory] = pyinit_stored::value(plan, high, low);
    }
}
