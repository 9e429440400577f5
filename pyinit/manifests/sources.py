"""Values to hold against a manifest: arrays, and tensors in files, read in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray
from pyinit.reproducibility.chunks import CHUNK_SIZE


class TensorSource(Protocol):
    """The values of a tensor."""

    shape: Shape
    #: NumPy's; it need not be one that initializers fill.
    dtype: np.dtype[Any]

    def flat(self, first: int, last: int) -> AnyArray:
        """The values from one flat C-order index to another, in one dimension."""


class ArraySource:
    """The values of a NumPy array, of any order and strides."""

    def __init__(self, array: AnyArray) -> None:
        self.shape = array.shape
        self.dtype = array.dtype.newbyteorder("=")
        self._array = array

    def flat(self, first: int, last: int) -> AnyArray:
        """As `TensorSource` has it."""
        if self._array.flags.c_contiguous:
            found = self._array.reshape(-1)[first:last]
        else:
            found = self._array.flat[first:last]
        return found.astype(self.dtype, copy=False)


def iter_chunks(values: TensorSource) -> Iterator[tuple[int, AnyArray]]:
    """The values in pieces: the flat index of the first one, and the values."""
    size = int(np.prod(values.shape, dtype=np.int64))
    for first in range(0, size, CHUNK_SIZE):
        yield first, values.flat(first, min(first + CHUNK_SIZE, size))
