"""Orthogonal matrices by cuSOLVER, in float64.

The matrix of normal values has the CPU's bits. cuSOLVER factorizes it in its own order of
operations, so the result agrees with the CPU's to float64 rounding error, but not bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pyinit.dtypes import round_to_odd
from pyinit.runtime.devices import cupy
from pyinit.stream.gpu import DeviceArray


def orthonormalized(tall: DeviceArray, gain: float) -> DeviceArray:
    """Return `gain` times the factor Q of a matrix, such that the diagonal of R is positive.

    Args:
        tall: A float64 matrix with at least as many rows as columns, on the current device.
        gain: The factor.
    """
    gpu = cupy()
    q, r = gpu.linalg.qr(tall)
    q *= gpu.where(r.diagonal() < 0, -gain, gain)
    return q


def write(out: DeviceArray, values: DeviceArray, dtype: np.dtype[Any]) -> None:
    """Fill `out` with float64 `values`, rounded once to `dtype`."""
    if dtype.itemsize == 2:
        # CuPy converts float64 to 16 bits through float32, which would round twice
        values = round_to_odd(values)
    if out.dtype != dtype:
        values = values.astype(dtype)
    out[...] = values
