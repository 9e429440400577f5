"""Orthogonal matrices by cuSOLVER, in float64.

The matrix of normal values has the CPU's bits. Its factorization is cuSOLVER's, whose order of
operations is its own: the result agrees with the CPU's to rounding errors of float64, which are
larger than those of any dtype that it is rounded to, so it need not have the CPU's bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pyinit.arguments import Shape
from pyinit.runtime.devices import cupy
from pyinit.stream.gpu import DeviceArray


def orthonormalized(tall: DeviceArray, gain: float) -> DeviceArray:
    """The factor Q of a tall float64 matrix such that R's diagonal is positive, times `gain`.

    Args:
        tall: The matrix, of at least as many rows as columns; its device must be the current one.
        gain: The factor.
    """
    gpu = cupy()
    q, r = gpu.linalg.qr(tall)
    q *= gpu.where(r.diagonal() < 0, -gain, gain)
    return q


def write(out: DeviceArray, values: DeviceArray, offset: Shape, dtype: np.dtype[Any]) -> None:
    """Writes the part of the float64 `values` at `offset` to `out`, rounded once to `dtype`."""
    part = tuple(
        slice(first, first + length) for first, length in zip(offset, out.shape, strict=True)
    )
    chosen = values[part]
    if dtype.itemsize == 2:
        # by way of float32, rounded to odd: the second rounding is the only one that counts
        chosen = rounded_to_odd(chosen)
    if out.dtype != dtype:
        chosen = chosen.astype(dtype)
    out[...] = chosen


def rounded_to_odd(values: Any) -> Any:
    """Float64 values in float32: exact ones as they are, others as the odd neighbour.

    Args:
        values: An array of CuPy (or of NumPy), of finite values.
    """
    nearest = values.astype(np.float32)
    back = nearest.astype(np.float64)
    bits = nearest.view(np.uint32)
    bits -= abs(back) > abs(values)
    bits |= back != values
    return nearest
