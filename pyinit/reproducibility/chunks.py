"""Drawing a tensor in chunks, so that one that is larger than memory can be hashed or written."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pyinit.dtypes import AnyArray
from pyinit.initializers.lazy import LazyTensor


def draw_chunks(weights: LazyTensor, use: Callable[[AnyArray], None]) -> None:
    """Read a tensor in chunks, and use each chunk while the next one is drawn.

    Args:
        weights: The tensor.
        use: Called with the chunks in C order, on another thread if there are several. A chunk is
            overwritten afterwards.
    """
    partitions = list(weights.partitions())
    if len(partitions) <= 1:
        use(weights.read())
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    largest = max(math.prod(shape) for shape, _ in partitions)
    buffers = [np.empty(largest, weights.dtype) for _ in range(2)]
    in_use: list[Future[None] | None] = [None, None]
    with ThreadPoolExecutor(1, thread_name_prefix="pyinit") as other:
        for number, (shape, offset) in enumerate(partitions):
            slot = number % 2
            before = in_use[slot]
            if before is not None:
                before.result()
            chunk = buffers[slot][: math.prod(shape)].reshape(shape)
            weights.read_into(chunk, offset)
            in_use[slot] = other.submit(use, chunk)
        for last in in_use:
            if last is not None:
                last.result()
