"""Sources of values to compare with a manifest: arrays and tensors in files, read in chunks."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import FLOAT_DTYPES, AnyArray
from pyinit.initializers import chunking
from pyinit.manifests.regular_files import RegularFile
from pyinit.reproducibility.fingerprint import Digest


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


class FileSource:
    """The values of a tensor that a file has in C order, without gaps.

    Args:
        file: The file.
        start: The position of the first value.
        shape: The shape.
        dtype: The dtype.
        byteorder: The byte order of the file, `"<"` or `">"`, or `"|"` if it does not matter.
    """

    def __init__(
        self, file: RegularFile, start: int, shape: Shape, dtype: np.dtype[Any], byteorder: str
    ) -> None:
        self.shape, self.dtype = shape, dtype.newbyteorder("=")
        self._file, self._start = file, start
        self._is_swapped = byteorder == (">" if sys.byteorder == "little" else "<")

    def read_flat(self, first: int, last: int) -> AnyArray:
        """Return the values at the flat C-order indices `first` to `last - 1`, as a 1-d array."""
        values: AnyArray = np.empty(last - first, self.dtype)
        itemsize = self.dtype.itemsize
        if values.nbytes:
            self._file.read_into(self._start + first * itemsize, values.view(np.uint8))
        if self._is_swapped:
            values.byteswap(inplace=True)
        return values


class LoadedSource:
    """The values of a tensor that is read as a whole, for example since it is compressed.

    They are kept from the first read to that of the last value.

    Args:
        shape: The shape.
        dtype: The dtype.
        load: Returns the values, in an array of that shape and dtype.
    """

    def __init__(self, shape: Shape, dtype: np.dtype[Any], load: Callable[[], AnyArray]) -> None:
        self.shape, self.dtype = shape, dtype.newbyteorder("=")
        self._load = load
        self._loaded: ArraySource | None = None

    def read_flat(self, first: int, last: int) -> AnyArray:
        """Return the values at the flat C-order indices `first` to `last - 1`, as a 1-d array."""
        loaded = self._loaded or ArraySource(self._load())
        self._loaded = loaded if last < math.prod(self.shape) else None
        return loaded.read_flat(first, last)


@dataclass(frozen=True)
class LocalRegion:
    """A rectangular part of a tensor whose values this process holds.

    Args:
        offset: The start in the full tensor.
        shape: The shape.
        read: Returns the values at slices of the region.
    """

    offset: Shape
    shape: Shape
    read: Callable[[tuple[slice, ...]], AnyArray]


@dataclass(frozen=True)
class LocalSource:
    """The values of a tensor that this process holds; other processes hold the rest.

    Args:
        shape: The shape of the full tensor.
        dtype: The dtype.
        regions: The regions that this process holds.
    """

    shape: Shape
    dtype: np.dtype[Any]
    regions: Sequence[LocalRegion]

    @property
    def nbytes(self) -> int:
        """The size of the values in bytes."""
        return sum(math.prod(region.shape) for region in self.regions) * self.dtype.itemsize


def stored_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of values in a file: bfloat16 for two opaque bytes.

    NumPy and Keras write bfloat16 so, as the formats of NumPy and HDF5 have no name for it.
    """
    return FLOAT_DTYPES["bfloat16"] if dtype.str[1:] == "V2" else dtype


def read_chunks(source: TensorSource) -> Iterator[AnyArray]:
    """Yield the values of a source as 1-d chunks in C order."""
    size = math.prod(source.shape)
    step = chunking.CHUNK_SIZE
    for first in range(0, size, step):
        yield source.read_flat(first, min(first + step, size))


def source_fingerprint(source: TensorSource, advance: Callable[[int], None]) -> str:
    """Return the fingerprint of a source; `advance` receives the size of each chunk in bytes."""
    digest = Digest(source.shape, source.dtype)
    for chunk in read_chunks(source):
        digest.update(chunk)
        advance(chunk.nbytes)
    return digest.hexdigest()
