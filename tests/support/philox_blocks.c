/* The kernel with plain loops, and a record of the Philox blocks that it computes. */
#define PYINIT_PORTABLE
#include "stream.h"

enum { CAPACITY = 1 << 20 };
static uint64_t blocks[CAPACITY];
static int64_t recorded;

static void philox(
    uint64_t *c0, uint64_t *c1, uint64_t *c2, uint64_t *c3, uint32_t key0, uint32_t key1)
{
    if (recorded < CAPACITY)
        blocks[recorded] = *c3 << 63 | *c1 << 32 | *c0 % (1ull << 32);
    ++recorded;
    PYINIT_PHILOX(uint64_t, PYINIT_MULTIPLY, *c0, *c1, *c2, *c3, key0, key1);
}

#undef PYINIT_PHILOX
#define PYINIT_PHILOX(T, MULTIPLY, c0, c1, c2, c3, key0, key1)                                     \
    philox(&(c0), &(c1), &(c2), &(c3), key0, key1)

#include "kernel.c"

/* Moves the record to `out`: numbers of blocks, with the highest bit set for half 1. Returns their
 * number, or -1 if they are more than `capacity`. */
int64_t take_record(uint64_t *out, int64_t capacity)
{
    const int64_t count = recorded;
    recorded = 0;
    if (count > capacity || count > CAPACITY)
        return -1;
    memcpy(out, blocks, (size_t)count * sizeof *out);
    return count;
}
