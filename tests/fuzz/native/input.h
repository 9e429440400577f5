/* The bytes that a fuzz target reads its input from. */
#ifndef PYINIT_FUZZ_INPUT_H
#define PYINIT_FUZZ_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    const uint8_t *data;
    size_t size;
} input_t;

static inline uint64_t take(input_t *input, size_t bytes)
{
    uint64_t value = 0;
    for (; bytes > 0 && input->size > 0; --bytes, ++input->data, --input->size)
        value = value << 8 | *input->data;
    return value;
}

static inline void check(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

#endif
