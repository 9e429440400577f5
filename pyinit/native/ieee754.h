/* Rejects compiler options that break IEEE-754 arithmetic: they would change last bits of values.
 *
 * GCC defines a macro for each option that -ffast-math implies; clang defines only __FAST_MATH__
 * and __FINITE_MATH_ONLY__. */
#ifndef PYINIT_IEEE754_H
#define PYINIT_IEEE754_H

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) ||     \
    defined(__NO_SIGNED_ZEROS__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "the stream needs IEEE-754 arithmetic: compile it without -ffast-math and -Ofast"
#endif

#endif
