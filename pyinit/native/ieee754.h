/* Refuses compilers that were told not to keep to IEEE-754: values would differ in their last bits.
 *
 * GCC says each of the options that -ffast-math stands for; clang says only the whole of it, and
 * -ffinite-math-only. */
#ifndef PYINIT_IEEE754_H
#define PYINIT_IEEE754_H

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) ||      \
    defined(__NO_SIGNED_ZEROS__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "the stream needs IEEE-754 arithmetic: compile it without -ffast-math and -Ofast"
#endif

#endif
