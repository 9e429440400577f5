/* Finds the largest relative error of the float32 quantiles over a range of words H.
 *
 * Usage: quantile_sweep FIRST COUNT, both in units of 2^20. Prints the largest error and its word
 * for the normal and the truncated normal distribution. The float64 quantile at the middle of the
 * same cell, whose error is below 4e-15, stands in for the exact one. Exits with 1 if a quantile is
 * not symmetric.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stream.h"

enum { CHUNK = 1 << 20 };

static float single[CHUNK];
static double error[CHUNK];

#define SWEEP(FAMILY)                                                                              \
    static int sweep_##FAMILY(uint32_t first, double *worst, uint32_t *where)                      \
    {                                                                                              \
        int asymmetric = 0;                                                                        \
        for (uint32_t k = 0; k < CHUNK; ++k)                                                       \
            single[k] = pyinit_##FAMILY##_float32(first + k);                                      \
        for (uint32_t k = 0; k < CHUNK; ++k)                                                       \
            asymmetric |= single[k] != -pyinit_##FAMILY##_float32(~(first + k));                   \
        for (uint32_t k = 0; k < CHUNK; ++k)                                                       \
            error[k] = single[k] / pyinit_##FAMILY##_float64(first + k, 0x80000000u) - 1;          \
        for (uint32_t k = 0; k < CHUNK; ++k)                                                       \
            if (fabs(error[k]) > *worst) {                                                         \
                *worst = fabs(error[k]);                                                           \
                *where = first + k;                                                                \
            }                                                                                      \
        return asymmetric;                                                                         \
    }
SWEEP(normal)
SWEEP(truncated_normal)

int main(int count, char **arguments)
{
    if (count != 3)
        return 2;
    const uint64_t first = strtoull(arguments[1], NULL, 10) << 20;
    const uint64_t last = first + (strtoull(arguments[2], NULL, 10) << 20);
    double worst[2] = {0};
    uint32_t where[2] = {0};
    int asymmetric = 0;
    for (uint64_t word = first; word < last; word += CHUNK) {
        asymmetric |= sweep_normal((uint32_t)word, &worst[0], &where[0]);
        asymmetric |= sweep_truncated_normal((uint32_t)word, &worst[1], &where[1]);
    }
    for (int k = 0; k < 2; ++k)
        printf("%.4g %08" PRIx32 "\n", worst[k], where[k]);
    return asymmetric;
}
