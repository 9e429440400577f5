/* The CPU kernel's interface: what Python calls. */
#ifndef PYINIT_KERNEL_H
#define PYINIT_KERNEL_H

#include <stdint.h>

/* The order of the fields of pyinit.stream.native_kernel's tables. */
enum { PYINIT_ISA_BASELINE, PYINIT_ISA_V3, PYINIT_ISA_V4, PYINIT_ISA_LEVELS };

/* Whether this build has the level and this processor can run it. */
int pyinit_has_isa_level(int isa_level);

/* Fills a part of a tensor, on the calling thread.
 *
 * level       an instruction set for which pyinit_has_isa_level() is true
 * out         the first element; the caller owns the memory
 * loop        which values and how they are stored: 3 * storage + kind, as in kernel.c
 * location, scale, upper   the distribution's parameters
 * seed, draw  the key
 * start       the flat C-order index, in the full tensor, of the first element
 * rank        the number of axes, at most 64, the last one varying fastest
 * shape       the length of each axis, none of them 0
 * strides     the distance of neighbours along each axis in memory, in elements
 * steps       the distance of neighbours along each axis in flat index
 *
 * Returns 0, or -1 if there was no memory for a buffer (320 KiB).
 */
int pyinit_fill(
    int isa_level, void *out, int loop, double location, double scale, double upper, uint64_t seed,
    uint32_t draw, uint64_t start, int rank, const int64_t *shape, const int64_t *strides,
    const int64_t *steps);

#endif
