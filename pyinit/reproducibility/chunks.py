"""Chunked processing of lazy tensors, which may be larger than memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray
from pyinit.initializers import chunking
from pyinit.initializers.lazy import LazyTensor, slices_of
from pyinit.runtime.threads import run_parallel


def chunks_of(weights: LazyTensor) -> Iterator[tuple[Shape, Shape]]:
    """Return the shapes and offsets of the chunks that `for_each_chunk()` reads."""
    if weights.size <= chunking.CHUNK_SIZE:
        return iter([(weights.shape, (0,) * weights.ndim)])
    # A tensor that is computed whole is also cut: an interrupt waits for a chunk at most.
    return chunking.chunk_partitions(weights.shape) if weights.needs_whole else weights.partitions()


def _is_read_at_once(weights: LazyTensor) -> bool:
    return weights.needs_whole or weights.size <= chunking.CHUNK_SIZE


def for_each_chunk(
    weights: LazyTensor,
    use: Callable[[AnyArray], None],
    first: Callable[[AnyArray], None] | None = None,
) -> None:
    """Read a tensor in chunks and use each chunk while the next one is drawn.

    Args:
        weights: The tensor.
        use: Called with one chunk after another in C order, on any thread. A chunk is overwritten
            afterwards.
        first: Called with each chunk before `use`, on this thread, which also draws.
    """
    if _is_read_at_once(weights):
        values = weights.read()
        for shape, offset in chunks_of(weights):
            chunk = values[slices_of(shape, offset)]
            if first is not None:
                first(chunk)
            use(chunk)
        return
    size = max(chunking.CHUNK_SIZE, weights.joint_size)
    buffers = [np.empty(size, weights.dtype) for _ in range(2)]
    drawn: AnyArray | None = None
    for index, (shape, offset) in enumerate(chunks_of(weights)):
        chunk = buffers[index % 2][: math.prod(shape)].reshape(shape)
        draw = partial(_draw, weights, chunk, offset, first)
        if drawn is None:
            draw()
        else:
            run_parallel([partial(use, drawn)], here=draw)
        drawn = chunk
    if drawn is not None:
        use(drawn)


def _draw(
    weights: LazyTensor, out: AnyArray, offset: Shape, first: Callable[[AnyArray], None] | None
) -> None:
    weights.read_into(out, offset)
    if first is not None:
        first(out)
