"""Regions of the stream: one distribution at some indices of one tensor."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pyinit.stream.distributions import Distribution


class Region(NamedTuple):
    """Elements of a tensor, by their flat C-order indices in the full tensor.

    The element at position (i, j, ...) of the buffer that a kernel fills has the index
    `first_index + i * index_strides[0] + j * index_strides[1] + ...`.

    Args:
        dtype: The float dtype that values are rounded to.
        distribution: The distribution, rounded for that dtype.
        seed: The seed, from 0 to 2**64 - 1.
        draw: The draw of that seed, from 0 to 2**32 - 1.
        first_index: The index of the first element.
        index_strides: The increase of the index along each axis of the buffer.
    """

    dtype: np.dtype[Any]
    distribution: Distribution
    seed: int
    draw: int
    first_index: int
    index_strides: tuple[int, ...]


def index_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the C-order index strides of a tensor of `shape`."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 1, 0, -1):
        strides[axis - 1] = strides[axis] * shape[axis]
    return tuple(strides)
