/* The random stream, version 1: from a counter to the value of an element.
 *
 * This header is in the common subset of C99 and CUDA C++, so that the CPU and GPU kernels share
 * it. The definition is in NumPy: pyinit/stream/reference.py and quantiles.py, whose comments give
 * the reasons.
 *
 * Every operation is rounded to its type. The compiler must not contract a multiplication and an
 * addition into one operation (-ffp-contract=off, --fmad=false) or reorder operations.
 */
#ifndef PYINIT_STREAM_H
#define PYINIT_STREAM_H

#include "ieee754.h"

#ifdef _MSC_VER
#pragma fp_contract(off)
#endif

#ifdef __CUDACC__
typedef unsigned int pyinit_u32;
typedef int pyinit_i32;
typedef unsigned long long pyinit_u64;
#define PYINIT_INLINE static __device__ __forceinline__
#else
#include <float.h>
#include <stdint.h>
#include <string.h>
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 2
#error "the stream needs operations that are rounded to their type: compile it for SSE2, not x87"
#endif
typedef uint32_t pyinit_u32;
typedef int32_t pyinit_i32;
typedef uint64_t pyinit_u64;
#ifdef __GNUC__
#define PYINIT_INLINE static inline __attribute__((always_inline))
#else
#define PYINIT_INLINE static __forceinline
#endif
#endif

#include "quantile_coefficients.h"

#define PYINIT_LANES 16
#define PYINIT_TILE 64 /* elements: four words of each lane */

/* Applies Philox4x32-10 to the counter (c0, c1, c2, c3), in place. T is an unsigned 64-bit integer
 * with a word in its low half, or a vector of these for as many counters. The high halves are
 * ignored and hold garbage afterwards. MULTIPLY(a, m) is the 64-bit product of the low halves. */
#define PYINIT_PHILOX(T, MULTIPLY, c0, c1, c2, c3, key0, key1)                                     \
    do {                                                                                           \
        pyinit_u32 k0 = (key0), k1 = (key1);                                                       \
        for (int round = 0; round < 10; ++round) {                                                 \
            const T product0 = MULTIPLY(c0, 0xD2511F53u);                                          \
            const T product1 = MULTIPLY(c2, 0xCD9E8D57u);                                          \
            c0 = (product1 >> 32) ^ c1 ^ (pyinit_u64)k0;                                           \
            c1 = product1;                                                                         \
            c2 = (product0 >> 32) ^ c3 ^ (pyinit_u64)k1;                                           \
            c3 = product0;                                                                         \
            k0 += 0x9E3779B9u;                                                                     \
            k1 += 0xBB67AE85u;                                                                     \
        }                                                                                          \
    } while (0)

#define PYINIT_MULTIPLY(a, m) ((pyinit_u64)(pyinit_u32)(a) * (m))

PYINIT_INLINE float pyinit_float_of(pyinit_u32 bits)
{
#ifdef __CUDACC__
    return __uint_as_float(bits);
#else
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
#endif
}

PYINIT_INLINE pyinit_u32 pyinit_bits_of_float(float value)
{
#ifdef __CUDACC__
    return __float_as_uint(value);
#else
    pyinit_u32 bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
#endif
}

PYINIT_INLINE double pyinit_double_of(pyinit_u64 bits)
{
#ifdef __CUDACC__
    return __longlong_as_double((long long)bits);
#else
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
#endif
}

PYINIT_INLINE pyinit_u64 pyinit_bits_of_double(double value)
{
#ifdef __CUDACC__
    return (pyinit_u64)__double_as_longlong(value);
#else
    pyinit_u64 bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
#endif
}

/* ---- float32: variates from the word H ---- */

PYINIT_INLINE float pyinit_uniform_float32(pyinit_u32 high)
{
    return (float)(pyinit_i32)(high >> 8) * 0x1p-24f;
}

/* Returns all ones if H is in the upper half of its range, else zero. */
PYINIT_INLINE pyinit_u32 pyinit_upper_half(pyinit_u32 high) { return (pyinit_u32)0 - (high >> 31); }

PYINIT_INLINE float pyinit_with_sign_float32(float magnitude, pyinit_u32 high)
{
    return pyinit_float_of(pyinit_bits_of_float(magnitude) | (~high & 0x80000000u));
}

/* Returns the integer distance of H from the middle of its range. */
PYINIT_INLINE pyinit_u32 pyinit_from_middle(pyinit_u32 high)
{
    return high ^ pyinit_upper_half(high) ^ 0x7FFFFFFFu;
}

/* Returns t = -log(4 p (1 - p)) of the probability p, the variable of the rational approximation. */
PYINIT_INLINE float pyinit_normal_log_float32(pyinit_u32 high)
{
    const float w = (float)(pyinit_i32)(high ^ pyinit_upper_half(high)) + 0.5f;
    const float x = (float)(pyinit_i32)pyinit_from_middle(high) + 0.5f;
    const pyinit_u32 bits = pyinit_bits_of_float(w * (x + 0x1p31f));
    const float linear =
        (float)(pyinit_i32)(bits - PYINIT_LOG_FLOAT32_OFFSET) * PYINIT_LOG_FLOAT32_UNIT;
    const float f = pyinit_float_of((bits & 0x7FFFFFu) | 0x3F800000u) - 1.5f;
    const float f2 = f * f;
    return linear + PYINIT_LOG_FLOAT32_LOG(f, f2) * f;
}

PYINIT_INLINE float pyinit_normal_of_log_float32(pyinit_u32 high, float t)
{
    const float x = (float)(pyinit_i32)pyinit_from_middle(high) + 0.5f;
    const float t2 = t * t;
    const float z = x * PYINIT_NORMAL_FLOAT32_P(t, t2) / PYINIT_NORMAL_FLOAT32_Q(t, t2);
    return pyinit_with_sign_float32(z, high);
}

PYINIT_INLINE float pyinit_normal_float32(pyinit_u32 high)
{
    return pyinit_normal_of_log_float32(high, pyinit_normal_log_float32(high));
}

PYINIT_INLINE float pyinit_truncated_normal_float32(pyinit_u32 high)
{
    const float x = ((float)(pyinit_i32)pyinit_from_middle(high) + 0.5f) * 0x1p-31f;
    const float y = 1.0f - x * x;
    const float y2 = y * y;
    const float z =
        x * PYINIT_TRUNCATED_NORMAL_FLOAT32_P(y, y2) / PYINIT_TRUNCATED_NORMAL_FLOAT32_Q(y, y2);
    return pyinit_with_sign_float32(z < 2.0f ? z : 2.0f, high);
}

/* ---- float64: variates from the words H and L ---- */

PYINIT_INLINE double pyinit_uniform_float64(pyinit_u32 high, pyinit_u32 low)
{
    /* Convert 53 bits in two steps, with operations that every instruction set has: put a word into
     * the significand of 2^52 (or of 2^84, for units of 2^32) and subtract that power. */
    const pyinit_u64 whole = ((pyinit_u64)high << 21) | (low >> 11);
    const double upper = pyinit_double_of((whole >> 32) | 0x4530000000000000u) - 0x1p84;
    const double lower = pyinit_double_of((whole & 0xFFFFFFFFu) | 0x4330000000000000u) - 0x1p52;
    return (upper + lower) * 0x1p-53;
}

/* Returns (2 (2^32 high + low) + 1) 2^-64, rounded once, for high < 2^31. */
PYINIT_INLINE double pyinit_unit_float64(pyinit_u32 high, pyinit_u32 low)
{
    const double upper = pyinit_double_of((pyinit_u64)high | 0x4140000000000000u);
    const double lower = pyinit_double_of(((pyinit_u64)low << 1) | 0x3F30000000000001u);
    return (upper - (0x1p21 + 0x1p-12)) + lower;
}

PYINIT_INLINE double pyinit_with_sign_float64(double magnitude, pyinit_u32 high)
{
    const pyinit_u64 sign = (pyinit_u64)(~high & 0x80000000u) << 32;
    return pyinit_double_of(pyinit_bits_of_double(magnitude) | sign);
}

/* Returns x = |2 p - 1| of the probability p. */
PYINIT_INLINE double pyinit_normal_x_float64(pyinit_u32 high, pyinit_u32 low)
{
    return pyinit_unit_float64(pyinit_from_middle(high), ~(low ^ pyinit_upper_half(high)));
}

/* Returns t = -log(4 p (1 - p)) of the probability p, the variable of the rational approximation. */
PYINIT_INLINE double pyinit_normal_log_float64(pyinit_u32 high, pyinit_u32 low)
{
    const pyinit_u32 flip = pyinit_upper_half(high);
    const double w = pyinit_unit_float64(high ^ flip, low ^ flip);
    const double x = pyinit_normal_x_float64(high, low);
    const pyinit_u64 sqrt_half = 0x3FE6A09E667F3BCDu;
    const pyinit_u64 bits =
        pyinit_bits_of_double(w * (x + 1.0)) + (0x3FF0000000000000u - sqrt_half);
    const double exponent =
        pyinit_double_of((bits >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
    const double m = pyinit_double_of((bits & 0xFFFFFFFFFFFFFu) + sqrt_half);
    const double s = (m - 1.0) / (m + 1.0);
    const double v = s * s, v2 = v * v;
    return exponent * PYINIT_LOG_FLOAT64_UNIT + PYINIT_LOG_FLOAT64_LOG(v, v2) * s;
}

PYINIT_INLINE double pyinit_normal_of_log_float64(pyinit_u32 high, pyinit_u32 low, double t)
{
    const double x = pyinit_normal_x_float64(high, low);
    const double t2 = t * t, t4 = t2 * t2;
    const double z = x * PYINIT_NORMAL_FLOAT64_P(t, t2, t4) / PYINIT_NORMAL_FLOAT64_Q(t, t2, t4);
    return pyinit_with_sign_float64(z, high);
}

PYINIT_INLINE double pyinit_normal_float64(pyinit_u32 high, pyinit_u32 low)
{
    return pyinit_normal_of_log_float64(high, low, pyinit_normal_log_float64(high, low));
}

/* Returns first_word + floor(R (last_word - first_word + 1) / 2^64), R = 2^32 high + low. */
PYINIT_INLINE pyinit_u64
pyinit_map_word(pyinit_u32 high, pyinit_u32 low, pyinit_u64 first_word, pyinit_u64 last_word)
{
    const pyinit_u64 span = last_word - first_word;
    const pyinit_u32 span_high = (pyinit_u32)(span >> 32), span_low = (pyinit_u32)span;
    /* R span + R, in halves: no sum exceeds 64 bits */
    const pyinit_u64 lowest = (pyinit_u64)low * span_low + low;
    const pyinit_u64 upper = (pyinit_u64)low * span_high + (lowest >> 32);
    const pyinit_u64 lower = (pyinit_u64)high * span_low + (pyinit_u32)upper + high;
    return (pyinit_u64)high * span_high + (upper >> 32) + (lower >> 32) + first_word;
}

PYINIT_INLINE double pyinit_truncated_normal_float64(pyinit_u32 high, pyinit_u32 low)
{
    const double x = pyinit_normal_x_float64(high, low);
    const double y = 1.0 - x * x;
    const double y2 = y * y;
    const double z =
        x * PYINIT_TRUNCATED_NORMAL_FLOAT64_P(y, y2) / PYINIT_TRUNCATED_NORMAL_FLOAT64_Q(y, y2);
    return pyinit_with_sign_float64(z < 2.0 ? z : 2.0, high);
}

/* ---- scale, location and the upper bound of a uniform distribution ---- */

PYINIT_INLINE float pyinit_scale_shift_float32(
    float variate, float location, float scale, float upper)
{
    const float value = variate * scale + location;
    return value < upper ? value : upper;
}

PYINIT_INLINE double pyinit_scale_shift_float64(
    double variate, double location, double scale, double upper)
{
    const double value = variate * scale + location;
    return value < upper ? value : upper;
}

/* ---- rounding to nearest even, of a float32 that is not NaN ---- */

PYINIT_INLINE pyinit_u32 pyinit_round_bits(pyinit_u32 bits, int dropped)
{
    const pyinit_u32 half = (1u << (dropped - 1)) - 1;
    return bits + half + ((bits >> dropped) & 1);
}

PYINIT_INLINE unsigned short pyinit_bfloat16_of(float value)
{
    return (unsigned short)(pyinit_round_bits(pyinit_bits_of_float(value), 16) >> 16);
}

PYINIT_INLINE float pyinit_rounded_to_bfloat16(float value)
{
    return pyinit_float_of(pyinit_round_bits(pyinit_bits_of_float(value), 16) & 0xFFFF0000u);
}

PYINIT_INLINE unsigned short pyinit_float16_of(float value)
{
    const pyinit_u32 bits = pyinit_bits_of_float(value);
    const pyinit_u32 sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
    const pyinit_u32 normal = (pyinit_round_bits(magnitude, 13) - (112u << 23)) >> 13;
    /* below 2^-14 the spacing of float16 is 2^-24, like that of float32 above 1/2 */
    const pyinit_u32 subnormal =
        pyinit_bits_of_float(pyinit_float_of(magnitude) + 0.5f) - 0x3F000000u;
    pyinit_u32 result = magnitude < 0x38800000u ? subnormal : normal;
    result = magnitude >= 0x477FF000u ? 0x7C00u : result; /* infinite from 65520 on */
    return (unsigned short)(sign | result);
}

PYINIT_INLINE float pyinit_rounded_to_float16(float value)
{
    const pyinit_u32 bits = pyinit_bits_of_float(value);
    const pyinit_u32 sign = bits & 0x80000000u, magnitude = bits & 0x7FFFFFFFu;
    const pyinit_u32 normal = pyinit_round_bits(magnitude, 13) & 0xFFFFE000u;
    const pyinit_u32 subnormal = pyinit_bits_of_float((pyinit_float_of(magnitude) + 0.5f) - 0.5f);
    pyinit_u32 result = magnitude < 0x38800000u ? subnormal : normal;
    result = magnitude >= 0x477FF000u ? 0x7F800000u : result;
    return pyinit_float_of(sign | result);
}

/* ---- rounding once to nearest even, of a float64 that is not NaN ---- */

/* Rounds to a narrower type: `dropped` bits of the significand are dropped, the spacing below
 * `least_normal` is that of float64 from `same_spacing` on, and values from `infinite` on become
 * infinite. */
PYINIT_INLINE double pyinit_rounded_float64(
    double value, int dropped, double least_normal, double same_spacing, double infinite)
{
    const pyinit_u64 bits = pyinit_bits_of_double(value);
    const pyinit_u64 sign = bits & 0x8000000000000000u, magnitude = bits ^ sign;
    const pyinit_u64 half = ((pyinit_u64)1 << (dropped - 1)) - 1;
    const pyinit_u64 normal = (magnitude + half + ((magnitude >> dropped) & 1)) >> dropped
                                                                                       << dropped;
    const pyinit_u64 subnormal =
        pyinit_bits_of_double((pyinit_double_of(magnitude) + same_spacing) - same_spacing);
    pyinit_u64 result = magnitude < pyinit_bits_of_double(least_normal) ? subnormal : normal;
    result = magnitude >= pyinit_bits_of_double(infinite) ? 0x7FF0000000000000u : result;
    return pyinit_double_of(sign | result);
}

PYINIT_INLINE double pyinit_float64_rounded_to_float16(double value)
{
    return pyinit_rounded_float64(value, 42, 0x1p-14, 0x1p28, 65520.0);
}

PYINIT_INLINE double pyinit_float64_rounded_to_bfloat16(double value)
{
    return pyinit_rounded_float64(value, 45, 0x1p-126, 0x1p-81, 0x1.FFp127);
}

#endif
