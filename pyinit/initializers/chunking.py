"""Division of a tensor into chunks, to read tensors that are larger than memory."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pyinit.arguments import Shape

#: The default number of elements in a chunk: it fits into a cache and keeps several threads busy.
CHUNK_SIZE = 1 << 20


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
