/* The interface of the CPU kernel, called from Python. */
#ifndef PYINIT_KERNEL_H
#define PYINIT_KERNEL_H

#include <stdint.h>

/* In the order of pyinit.native.ISA_LEVELS. */
enum { PYINIT_ISA_BASELINE, PYINIT_ISA_V3, PYINIT_ISA_V4, PYINIT_ISA_LEVELS };

/* Returns 1 if this build has the ISA level and this processor can run it, else 0. */
int pyinit_has_isa_level(int isa_level);

/* Fills a region of a tensor, on the calling thread.
 *
 * isa_level      one for which pyinit_has_isa_level() returns 1
 * out            the first element; the caller owns the memory
 * loop           4 * storage + family, from the enumerations in kernel.c
 * location, scale, upper   the distribution's parameters
 * first_word, last_word    the words that a bounded normal distribution maps all words to
 * seed, draw     the identity of the draw
 * first_index    the flat C-order index, in the full tensor, of the first element
 * rank           the number of axes, at most 64; the last one varies fastest
 * shape          the length of each axis, at least 1
 * strides        the stride of each axis in memory, in bytes: a multiple of the item size
 * index_strides  the stride of each axis in flat index
 *
 * Returns 0, or -1 if there is no memory for a buffer (328 KiB).
 */
int pyinit_fill(
    int isa_level, void *out, int loop, double location, double scale, double upper,
    uint64_t first_word, uint64_t last_word, uint64_t seed, uint32_t draw, uint64_t first_index,
    int rank, const int64_t *shape, const int64_t *strides, const int64_t *index_strides);

#endif
