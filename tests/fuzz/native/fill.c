/* Fuzzes pyinit_fill() with every region that Python may pass.
 *
 * The contract of the caller, pyinit.stream.native_kernel, which the inputs keep:
 *   - `isa_level` is available, `loop` is one of the 28, and scale and location are any numbers;
 *   - every length is at least 1, the rank at most 64, a stride any multiple of the item size, also
 *     zero or negative;
 *   - the index strides of axes longer than 1 are positive, and all indices below 2^60;
 *   - first_word <= last_word.
 * Under it, the function writes the elements of the region and nothing else, at every level the
 * value that the baseline level gives for the element alone. */
#include <string.h>

#include "input.h"
#include "kernel.h"

enum { MAX_RANK = 64, LOOPS = 28, MAX_ELEMENTS = 1 << 14, MAX_MEMORY = 1 << 18 };

static double take_number(input_t *input)
{
    const uint64_t bits = take(input, 8);
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t item_sizes[] = {2, 2, 4, 8, 8, 8, 8};
    input_t input = {data, size};
    const int loop = (int)take(&input, 1) % LOOPS;
    const int64_t item = item_sizes[loop / 4];
    const int flags = (int)take(&input, 1);
    /* few regions have many axes */
    const int rank = flags & 1 ? (int)take(&input, 1) % (MAX_RANK + 1) : flags / 2 % 5;
    int64_t shape[MAX_RANK], strides[MAX_RANK], index_strides[MAX_RANK];
    int64_t elements = 1, lowest = 0, highest = 0, index = 0;
    for (int k = 0; k < rank; ++k) {
        shape[k] = (int64_t)(take(&input, flags & 16 ? 2 : 1) % 600) + 1;
        if (elements * shape[k] > MAX_ELEMENTS)
            shape[k] = 1;
        elements *= shape[k];
    }
    /* contiguous in a random order of the axes, or with any strides */
    int64_t contiguous = 1, contiguous_index = 1;
    for (int k = rank - 1; k >= 0; --k) {
        const int axis = flags & 32 ? rank - 1 - k : k;
        const int64_t padding = flags & 64 ? (int64_t)take(&input, 1) % 4 : 0;
        int64_t stride = contiguous;
        if (flags & 128)
            stride = (int64_t)take(&input, 2) % 700 - 350;
        if (llabs(stride) * (shape[axis] - 1) > MAX_MEMORY / rank)
            stride = 0;
        strides[axis] = stride * item;
        contiguous = (contiguous * shape[axis] + padding) % MAX_MEMORY;
        *(stride < 0 ? &lowest : &highest) += stride * (shape[axis] - 1);
    }
    for (int k = rank - 1; k >= 0; --k) {
        const int choice = (int)take(&input, 1);
        const int64_t step = 1 + (choice & 1 ? choice / 4 : 0);
        if (choice & 2)
            contiguous_index += (int64_t)take(&input, choice & 4 ? 5 : 1);
        if (contiguous_index > (INT64_C(1) << 59) / (step * shape[k] * (rank - k))) {
            index_strides[k] = contiguous_index = 1;
        } else {
            index_strides[k] = contiguous_index * step;
            contiguous_index = index_strides[k] * shape[k];
        }
        index += index_strides[k] * (shape[k] - 1);
    }
    const uint64_t first_index = take(&input, 8) % ((UINT64_C(1) << 60) - (uint64_t)index);
    const double location = take_number(&input), scale = take_number(&input);
    const double upper = take_number(&input);
    uint64_t first_word = take(&input, 8), last_word = take(&input, 8);
    if (first_word > last_word) {
        const uint64_t smaller = last_word;
        last_word = first_word;
        first_word = smaller;
    }
    const uint64_t seed = take(&input, 8);
    const uint32_t draw = (uint32_t)take(&input, 4);

    const size_t memory = (size_t)((highest - lowest + 1) * item);
    unsigned char *const written = malloc(memory), *const expected = malloc(memory);
    check(written != NULL && expected != NULL, "no memory");
    memset(expected, 0xa5, memory);
    int64_t position[MAX_RANK] = {0};
    for (int64_t n = 0; n < elements; ++n) {
        int64_t at = -lowest * item;
        uint64_t element = first_index;
        for (int k = 0; k < rank; ++k) {
            at += strides[k] * position[k];
            element += (uint64_t)(index_strides[k] * position[k]);
        }
        check(
            pyinit_fill(
                PYINIT_ISA_BASELINE, expected + at, loop, location, scale, upper, first_word,
                last_word, seed, draw, element, 0, NULL, NULL, NULL) == 0,
            "no memory for a single element");
        for (int k = rank - 1; k >= 0 && ++position[k] == shape[k]; --k)
            position[k] = 0;
    }
    int overlaps = 0;
    for (int k = 0; k < rank; ++k)
        overlaps |= (flags & 128) || (shape[k] > 1 && strides[k] == 0);
    for (int level = 0; level < PYINIT_ISA_LEVELS; ++level) {
        if (!pyinit_has_isa_level(level))
            continue;
        memset(written, 0xa5, memory);
        check(
            pyinit_fill(
                level, written - lowest * item, loop, location, scale, upper, first_word, last_word,
                seed, draw, first_index, rank, shape, strides, index_strides) == 0,
            "no memory");
        /* where elements overlap, any of them may be the last */
        check(overlaps || memcmp(written, expected, memory) == 0, "a level gives other bytes");
    }
    free(written);
    free(expected);
    return 0;
}
