"""Sources of values to compare with a manifest: arrays and tensors in files, read in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray
from pyinit.initializers import chunking


class TensorSource(Protocol):
    """The values of a tensor."""

    shape: Shape
    #: NumPy's dtype, which need not be one that initializers fill.
    dtype: np.dtype[Any]

    def read_flat(self, first: int, last: int) -> AnyArray:
        """Return the values at the flat C-order indices `first` to `last - 1`, as a 1-d array."""


class ArraySource:
    """The values of a NumPy array of any memory order and strides.

    Args:
        array: The array.
    """

    def __init__(self, array: AnyArray) -> None:
        self.shape = array.shape
        self.dtype = array.dtype.newbyteorder("=")
        self._array = array

    def read_flat(self, first: int, last: int) -> AnyArray:
        """Return the values at the flat C-order indices `first` to `last - 1`, as a 1-d array."""
        if self._array.flags.c_contiguous:
            values = self._array.reshape(-1)[first:last]
        else:
            values = self._array.flat[first:last]
        return values.astype(self.dtype, copy=False)


def read_chunks(source: TensorSource) -> Iterator[AnyArray]:
    """Yield the values of a source as 1-d chunks in C order."""
    size = int(np.prod(source.shape, dtype=np.int64))
    step = chunking.CHUNK_SIZE
    for first in range(0, size, step):
        yield source.read_flat(first, min(first + step, size))
