"""Division of tensors into chunks, to read those larger than memory, and of arrays into parts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray

#: The default number of elements in a chunk: it fits into a cache and keeps several threads busy.
CHUNK_SIZE = 1 << 20
#: Elements that NumPy computes in one call. This bounds how long an interrupt waits, and the memory
#: for temporaries.
PART_SIZE = 1 << 18


def chunk_partitions(
    shape: Shape, size: int | None = None, joint_size: int = 1
) -> Iterator[tuple[Shape, Shape]]:
    """Cut a tensor into partitions that are consecutive in C order.

    Args:
        shape: The shape of the tensor.
        size: The largest number of elements in a partition; None means `CHUNK_SIZE`.
        joint_size: The product of some trailing dimensions: the number of elements that stay
            together, even if that is more than `size`.

    Yields:
        The shape and the offset of each partition; nothing for a tensor without elements.
    """
    if size is None:
        size = CHUNK_SIZE
    size = max(size, joint_size)
    if math.prod(shape) <= size:
        if 0 not in shape:
            yield shape, (0,) * len(shape)
        return
    rows = size // math.prod(shape[1:])
    if rows == 0:
        for first in range(shape[0]):
            for partition, offset in chunk_partitions(shape[1:], size):
                yield (1, *partition), (first, *offset)
        return
    for first in range(0, shape[0], rows):
        yield (min(rows, shape[0] - first), *shape[1:]), (first, *(0,) * (len(shape) - 1))


def memory_parts(
    out: AnyArray, offset: Shape | None = None, steps: Shape | None = None
) -> Iterator[tuple[AnyArray, Shape]]:
    """Cut an array into parts of at most `PART_SIZE` elements, in the order of its memory.

    Args:
        out: The array, which receives the elements `offset + steps * position` of a tensor.
        offset: The element of the tensor at the array's origin; None means the tensor's origin.
        steps: The distance between elements along each axis; None means 1 for all.

    Yields:
        A view of the part, and the element of the tensor at its origin.
    """
    offset = offset or (0,) * out.ndim
    if out.size <= PART_SIZE:
        yield out, offset
        return
    axis = max(range(out.ndim), key=lambda k: (out.shape[k] > 1, abs(out.strides[k])))
    middle = out.shape[axis] // 2
    before = (slice(None),) * axis
    yield from memory_parts(out[(*before, slice(middle))], offset, steps)
    first = offset[axis] + middle * (1 if steps is None else steps[axis])
    second = (*offset[:axis], first, *offset[axis + 1 :])
    yield from memory_parts(out[(*before, slice(middle, None))], second, steps)


def fill_constant(out: AnyArray, value: Any) -> None:
    """Fill an array with a value, part by part."""
    if out.size <= PART_SIZE:
        out.fill(value)
        return
    for part, _ in memory_parts(out):
        part.fill(value)
