"""Tensors in pieces, so that one that is larger than memory can be drawn, hashed and written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray

#: Elements of a piece: it stays in a cache, and is large enough for several threads.
CHUNK_SIZE = 1 << 20

#: Fills an array with the part of a tensor that starts at an offset.
Fill = Callable[[AnyArray, Shape], None]


def chunks(shape: Shape, size: int) -> Iterator[tuple[Shape, Shape]]:
    """Cuts a tensor into parts of at most `size` elements that follow one another in C order.

    Returns:
        The shape and the offset of each part; none for a tensor without elements.
    """
    if math.prod(shape) <= size:
        if 0 not in shape:
            yield shape, (0,) * len(shape)
        return
    rows = size // math.prod(shape[1:])
    if rows == 0:
        for first in range(shape[0]):
            for part, offset in chunks(shape[1:], size):
                yield (1, *part), (first, *offset)
        return
    for first in range(0, shape[0], rows):
        yield (min(rows, shape[0] - first), *shape[1:]), (first, *(0,) * (len(shape) - 1))


def draw_chunks(
    shape: Shape,
    dtype: np.dtype[Any],
    fill: Fill,
    use: Callable[[AnyArray], None],
    at_once: bool = False,
) -> None:
    """Draws a tensor piece by piece, and uses each one while the next one is drawn.

    Args:
        shape: The tensor's.
        dtype: The tensor's.
        fill: Draws a piece.
        use: Takes the pieces in C order, on another thread if there are several. A piece is
            overwritten after that.
        at_once: Whether all of it is one piece, since a part would cost as much.
    """
    size = math.prod(shape)
    if at_once or size <= CHUNK_SIZE:
        whole: AnyArray = np.empty(shape, dtype)
        fill(whole, (0,) * len(shape))
        use(whole)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    buffers = [np.empty(CHUNK_SIZE, dtype) for _ in range(2)]
    in_use: list[Future[None] | None] = [None, None]
    with ThreadPoolExecutor(1, thread_name_prefix="pyinit") as other:
        for number, (part, offset) in enumerate(chunks(shape, CHUNK_SIZE)):
            slot = number % 2
            before = in_use[slot]
            if before is not None:
                before.result()
            piece = buffers[slot][: math.prod(part)].reshape(part)
            fill(piece, offset)
            in_use[slot] = other.submit(use, piece)
        for last in in_use:
            if last is not None:
                last.result()
