/* Includes ISA_LEVEL_SOURCE once for each ISA level of the target, with ISA_LEVEL defined as its
 * name and VECTOR_BYTES as the width of its vectors. No level enables fused multiply-add, which
 * would change the bits.
 *
 * The includer defines isa_kernel_t, the functions of one level. ISA_LEVEL_SOURCE defines a constant
 * kernel_<level> of this type, which kernel_of() returns. */

#include "kernel.h"

#if defined(__GNUC__) && defined(__x86_64__) && !defined(PYINIT_PORTABLE)
#define PYINIT_X86
#include <immintrin.h>
#endif

/* Vectors stay in registers only if the compiler unrolls the loops over them early. */
#if defined(__clang__)
#define UNROLL_FOR _Pragma("unroll") for
#elif defined(__GNUC__)
#define UNROLL_FOR _Pragma("GCC unroll 8") for
#else
#define UNROLL_FOR for
#endif

#define GLUE_(a, b) a##_##b
#define GLUE(a, b) GLUE_(a, b)

#define ISA_LEVEL baseline
#define VECTOR_BYTES 16
#include ISA_LEVEL_SOURCE
#undef ISA_LEVEL
#undef VECTOR_BYTES

#ifdef PYINIT_X86
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define ISA_LEVEL v3
#define VECTOR_BYTES 32
#include ISA_LEVEL_SOURCE
#undef ISA_LEVEL
#undef VECTOR_BYTES
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,prefer-vector-width=512")
#endif
#define ISA_LEVEL v4
#define VECTOR_BYTES 64
#include ISA_LEVEL_SOURCE
#undef ISA_LEVEL
#undef VECTOR_BYTES
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

/* Returns the functions of an ISA level for which pyinit_has_isa_level() returns 1. */
static const isa_kernel_t *kernel_of(int isa_level)
{
    switch (isa_level) {
#ifdef PYINIT_X86
    case PYINIT_ISA_V4:
        return &kernel_v4;
    case PYINIT_ISA_V3:
        return &kernel_v3;
#endif
    default:
        return &kernel_baseline;
    }
}
