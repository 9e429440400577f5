"""Comparison of values with those that a manifest's initializers draw, in chunks."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray
from pyinit.initializers import chunking
from pyinit.initializers.lazy import slices_of
from pyinit.manifests.limits import WorkLeft
from pyinit.manifests.model import TensorSpec
from pyinit.manifests.parallel import Advance
from pyinit.manifests.sources import LocalSource


class ValueDifferences:
    """Statistics of the values that differ from drawn ones."""

    def __init__(self) -> None:
        self._size = self._count = 0
        self._first: tuple[list[int], Any, Any] | None = None
        self._largest = 0.0

    def add(self, found: AnyArray, expected: AnyArray, offset: Shape) -> None:
        """Compare a chunk of values bit for bit.

        Args:
            found: The values.
            expected: The drawn values, of the same size and dtype.
            offset: The start of the chunk in the tensor.
        """
        shape = expected.shape
        found = np.ascontiguousarray(found).reshape(-1)
        expected = expected.reshape(-1)
        bits = f"u{expected.itemsize}"
        wrong = np.flatnonzero(expected.view(bits) != found.view(bits))
        if wrong.size:
            if self._first is None:
                position = int(wrong[0])
                index = [
                    first + int(k)
                    for first, k in zip(offset, np.unravel_index(position, shape), strict=True)
                ]
                self._first = index, found[position], expected[position]
            with np.errstate(all="ignore"):
                distance = found[wrong].astype(np.float64) - expected[wrong].astype(np.float64)
            self._largest = float(np.maximum(self._largest, np.abs(distance).max()))
        self._count += wrong.size
        self._size += expected.size

    def summary(self) -> str:
        """Describe the differing values: their number, the largest difference, the first one.

        Returns:
            An empty string if there are none.
        """
        if self._first is None:
            return ""
        index, found, expected = self._first
        return (
            f"{self._count} of {self._size} values differ, by at most {self._largest:.3g}; the "
            f"first is {found!s} instead of {expected!s}, at {index} (counted from 0)"
        )


def compare_local(
    tensor: TensorSpec, source: LocalSource, advance: Advance, left: WorkLeft | None = None
) -> str | None:
    """Return how the local values of a tensor differ from drawn ones; None if they do not.

    Args:
        tensor: The tensor of the manifest, with an initializer.
        source: The values.
        advance: Receives the number of bytes done.
        left: The work that is left; None means the default limit for this tensor alone.

    Raises:
        ManifestError: Drawing the tensor needs more memory than there is, or too much work.
    """
    if source.shape != tensor.shape:
        return f"the shape is {list(source.shape)}, not {list(tensor.shape)}"
    if source.dtype != tensor.numpy_dtype:
        return f"the dtype is {source.dtype.name}, not {tensor.dtype}"
    (left or WorkLeft()).take(tensor)
    weights = tensor.lazy()
    differences = ValueDifferences()
    for region in source.regions:
        for shape, within in chunking.chunk_partitions(region.shape, None, weights.joint_size):
            offset = tuple(first + k for first, k in zip(region.offset, within, strict=True))
            drawn = weights.read(shape, offset)
            differences.add(region.read(slices_of(shape, within)), drawn, offset)
            advance(drawn.nbytes)
    advance(tensor.nbytes - source.nbytes)
    return differences.summary() or None
