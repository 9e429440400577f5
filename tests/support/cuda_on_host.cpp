/* kernel.cu on the CPU: definitions of CUDA's keywords and intrinsics, and a loop over the grid. */
#include <cstring>

#define __CUDACC__
#define __device__
#define __global__
#define __forceinline__ inline __attribute__((always_inline))

struct dimensions {
    unsigned int x, y, z;
};
static dimensions gridDim, blockDim, blockIdx, threadIdx;

template <class To, class From> static To bits_as(From from)
{
    To to;
    static_assert(sizeof to == sizeof from, "the types differ in size");
    std::memcpy(&to, &from, sizeof to);
    return to;
}

static inline float __uint_as_float(unsigned int bits) { return bits_as<float>(bits); }
static inline unsigned int __float_as_uint(float value) { return bits_as<unsigned int>(value); }
static inline double __longlong_as_double(long long bits) { return bits_as<double>(bits); }
static inline long long __double_as_longlong(double value) { return bits_as<long long>(value); }

#include "kernel.cu"

extern "C" unsigned long long plan_size(void) { return sizeof(pyinit_plan); }

extern "C" void launch(
    int elements, unsigned int grid, unsigned int block, void *out, const pyinit_plan *plan)
{
    gridDim.x = grid;
    blockDim.x = block;
    for (blockIdx.x = 0; blockIdx.x < grid; ++blockIdx.x)
        for (threadIdx.x = 0; threadIdx.x < block; ++threadIdx.x)
            (elements ? pyinit_elements
                      : pyinit_blocks)(static_cast<pyinit_stored::type *>(out), *plan);
}
