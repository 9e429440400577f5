/* The parts of math.h that the kernels use, as instructions of WebAssembly. */
#ifndef PYINIT_WASM_MATH_H
#define PYINIT_WASM_MATH_H

#define fabs __builtin_fabs
#define sqrt __builtin_sqrt

#endif
