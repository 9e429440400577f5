/* The parts of string.h that the kernels use, as instructions of WebAssembly. */
#ifndef PYINIT_WASM_STRING_H
#define PYINIT_WASM_STRING_H

#define memcpy __builtin_memcpy
#define memset __builtin_memset

#endif
