/* The largest relative error of the float32 quantiles over a range of words H.
 *
 * Usage: quantile_sweep FIRST COUNT (both divided by 2^20). Prints, for the normal and the truncated
 * normal distribution, the largest error and where it is. The float64 quantile at the middle of the
 * same cell stands in for the exact one: its own error is below 4e-15.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stream.h"

enum { BLOCK = 1 << 20 };

static float single[BLOCK];
static double error[BLOCK];

#define SWEEP(FAMILY)                                                                      \
    static int sweep_##FAMILY(uint32_t first, double *worst, uint32_t *where)              \
    {                                                                                    \
        int asymmetric = 0;                                                              \
        for (uint32_t k = 0; k < BLOCK; ++k)                                             \
            single[k] = pyinit_##FAMILY##_float32(first + k);                              \
        for (uint32_t k = 0; k < BLOCK; ++k)                                             \
            asymmetric |= single[k] != -pyinit_##FAMILY##_float32(~(first + k));           \
        for (uint32_t k = 0; k < BLOCK; ++k)                                             \
            error[k] = single[k] / pyinit_##FAMILY##_float64(first + k, 0x80000000u) - 1;  \
        for (uint32_t k = 0; k < BLOCK; ++k)                                             \
            if (fabs(error[k]) > *worst) {                                               \
                *worst = fabs(error[k]);                                                 \
                *where = first + k;                                                      \
            }                                                                            \
        return asymmetric;                                                               \
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
    for (uint64_t at = first; at < last; at += BLOCK) {
        asymmetric |= sweep_normal((uint32_t)at, &worst[0], &where[0]);
        asymmetric |= sweep_truncated_normal((uint32_t)at, &worst[1], &where[1]);
    }
    for (int k = 0; k < 2; ++k)
        printf("%.4g %08" PRIx32 "\n", worst[k], where[k]);
    return asymmetric;
}
