"""Philox4x32-10, the counter-based random number generator of the stream.

Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC'11, https://doi.org/10.1145/2063384.2063405.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UInt64 = npt.NDArray[np.uint64]

ROUNDS = 10
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
KEY_INCREMENTS = (0x9E3779B9, 0xBB67AE85)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_HALF_BITS = np.uint64(32)


def philox4x32(
    counter: tuple[UInt64, UInt64, UInt64, UInt64], key: tuple[int, int]
) -> tuple[UInt64, UInt64, UInt64, UInt64]:
    """Compute Philox4x32-10 of many counters under one key.

    Args:
        counter: The four 32-bit words of each counter: uint64 arrays that broadcast together,
            every value below 2**32.
        key: The two 32-bit words of the key.

    Returns:
        The four 32-bit words of each block. They are uint64 arrays, so that a product of two words
        needs no conversion.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        product0 = c0 * MULTIPLIERS[0]
        product1 = c2 * MULTIPLIERS[1]
        c0 = (product1 >> _HALF_BITS) ^ c1 ^ np.uint64(k0)
        c2 = (product0 >> _HALF_BITS) ^ c3 ^ np.uint64(k1)
        c1 = product1 & _LOW_HALF
        c3 = product0 & _LOW_HALF
        k0 = (k0 + KEY_INCREMENTS[0]) & 0xFFFFFFFF
        k1 = (k1 + KEY_INCREMENTS[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3
