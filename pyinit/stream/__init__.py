"""The random stream: which value stands at which place of which tensor.

`fill` is the one way in: fill this buffer with that distribution from that flat index on.
Everything above it (initializers) knows nothing of kernels, everything below nothing of tensors.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from pyinit.dtypes import AnyArray
from pyinit.stream import reference
from pyinit.stream.distributions import Parameters

__all__ = ["STREAM_VERSION", "Kernel", "fill", "index_steps"]

#: The version of the definition of every value. A change of any bit is a new version.
STREAM_VERSION = 1


class Kernel(Protocol):
    """What draws: `pyinit.stream.reference.fill` is the definition, and says what each takes."""

    def __call__(
        self,
        out: AnyArray,
        dtype: np.dtype[Any],
        parameters: Parameters,
        key: tuple[int, int],
        start: int,
        steps: tuple[int, ...],
    ) -> None:
        """Fills `out`."""


_kernel: Kernel = reference.fill


def index_steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """By how much the flat C-order index in a tensor of `shape` grows along each axis."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


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
        out: The buffer, of any strides, of `dtype` or float64; its shape is the part's.
        dtype: The float dtype that the values are rounded to.
        parameters: The distribution.
        key: (seed, draw), with 0 <= seed < 2**64 and 0 <= draw < 2**32.
        full_shape: The shape of the full tensor; the part lies inside it.
        offset: Where the part starts, along each axis.
    """
    steps = index_steps(full_shape)
    start = sum(first * step for first, step in zip(offset, steps, strict=True))
    _kernel(out, dtype, parameters, key, start, steps)
