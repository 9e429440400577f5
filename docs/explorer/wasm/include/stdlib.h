/* The parts of stdlib.h that the kernels use; explorer.c implements it. */
#ifndef PYINIT_WASM_STDLIB_H
#define PYINIT_WASM_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void free(void *memory);

#endif
