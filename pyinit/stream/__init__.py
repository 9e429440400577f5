"""The random stream: which value stands at which place of which tensor.

`fill` is the one way in: fill this buffer with that distribution from that flat index on.
Everything above it (initializers) knows nothing of kernels, everything below nothing of tensors.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from pyinit.dtypes import AnyArray
from pyinit.stream.distributions import Parameters
from pyinit.stream.kernels import kernel

__all__ = ["STREAM_VERSION", "fill", "index_steps"]

#: The version of the definition of every value. A change of any bit is a new version.
STREAM_VERSION = 1


def index_steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """By how much the flat C-order index in a tensor of `shape` grows along each axis."""
    steps = [1] * len(shape)
    for axis in range(len(shape) - 1, 0, -1):
        steps[axis - 1] = steps[axis] * shape[axis]
    return tuple(steps)


def fill(
    out: AnyArray,
    dtype: np.dtype[Any],
    parameters: Parameters,
    key: tuple[int, int],
    full_shape: tuple[int, ...],
    offset: tuple[int, ...],
) -> None:
    """Fills `out` with the part at `offset` of the tensor of `full_shape`.

    Args:
        out: The buffer, of any strides, of `dtype` or float64; its shape is the part's. It is a
            NumPy array, or a CuPy array on a GPU.
        dtype: The float dtype that the values are rounded to.
        parameters: The distribution.
        key: (seed, draw), with 0 <= seed < 2**64 and 0 <= draw < 2**32.
        full_shape: The shape of the full tensor; the part lies inside it.
        offset: Where the part starts, along each axis.
    """
    steps = index_steps(full_shape)
    start = sum(map(operator.mul, offset, steps))
    if isinstance(out, np.ndarray):
        kernel()(out, dtype, parameters, key, start, steps)
        return
    from pyinit.stream import gpu

    gpu.fill(out, dtype, parameters, key, start, steps)
