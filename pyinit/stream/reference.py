"""The reference kernel: version 1 of the stream, defined in NumPy.

Element `i` of a tensor (its flat C-order index) takes its random bits from word `w` of the Philox
block `b`:

    i = 64 * tile + 16 * w + lane        b = 16 * tile + lane
    counter = (b mod 2**32, b div 2**32, draw, half)        key = (seed mod 2**32, seed div 2**32)

`H(i)` is that word with half = 0 and `L(i)` with half = 1. Sixteen lanes side by side let a SIMD
kernel store whole vectors of one word without a shuffle.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from pyinit.dtypes import AnyArray
from pyinit.stream import quantiles
from pyinit.stream.distributions import Parameters
from pyinit.stream.philox import Words, philox4x32

LANES = 16
WORDS = 4
TILE = LANES * WORDS
#: Elements that are drawn at a time: their temporaries fit into a core's cache.
BLOCK = 1 << 14

Bits = npt.NDArray[np.uint32]


def fill(
    out: AnyArray,
    dtype: np.dtype[Any],
    parameters: Parameters,
    key: tuple[int, int],
    start: int,
    steps: tuple[int, ...],
) -> None:
    """Fills `out` with a part of a tensor. Shapes, dtypes and ranges are the caller's to check.

    Args:
        out: The buffer, of any strides, of `dtype` or float64 (which holds the values of every
            float dtype).
        dtype: What the values are rounded to.
        parameters: The distribution.
        key: (seed, draw), with 0 <= seed < 2**64 and 0 <= draw < 2**32.
        start: The flat C-order index, in the full tensor, of the first element of `out`.
        steps: By how much that index grows along each axis of `out`.
    """
    if out.size == 0:
        return
    if out.size <= BLOCK:
        _fill_block(out, dtype, parameters, key, start, steps)
        return
    axis = next(axis for axis, length in enumerate(out.shape) if length > 1)
    middle = out.shape[axis] // 2
    before = (slice(None),) * axis
    fill(out[(*before, slice(None, middle))], dtype, parameters, key, start, steps)
    start += middle * steps[axis]
    fill(out[(*before, slice(middle, None))], dtype, parameters, key, start, steps)


def _fill_block(
    out: AnyArray,
    dtype: np.dtype[Any],
    parameters: Parameters,
    key: tuple[int, int],
    start: int,
    steps: tuple[int, ...],
) -> None:
    if _is_run(out.shape, steps):
        last = start + out.size
        first_tile, lane = divmod(start, TILE)
        tiles = range(first_tile, -(-last // TILE))
        drawn = slice(lane, lane + out.size)
        high = _words_of_tiles(tiles, key, half=0)[drawn]
        low = _words_of_tiles(tiles, key, half=1)[drawn] if dtype == np.float64 else None
    else:
        index = np.full(1, start, np.uint64)
        for length, step in zip(out.shape, steps, strict=True):
            along = np.arange(length, dtype=np.uint64) * np.uint64(step)
            index = (index[:, None] + along).reshape(-1)
        high = _words_of(index, key, half=0)
        low = _words_of(index, key, half=1) if dtype == np.float64 else None
    out[...] = values(high, low, dtype, parameters).reshape(out.shape)


def _is_run(shape: tuple[int, ...], steps: tuple[int, ...]) -> bool:
    """Whether the elements of `shape`, in C order, have consecutive indices."""
    return all(
        length == 1 or step == math.prod(shape[axis + 1 :])
        for axis, (length, step) in enumerate(zip(shape, steps, strict=True))
    )


def _words_of_tiles(tiles: range, key: tuple[int, int], half: int) -> Bits:
    """The words of whole tiles, in the order of their elements."""
    tile = np.arange(tiles.start, tiles.stop, dtype=np.uint64)
    blocks: Words = np.add.outer(tile * np.uint64(LANES), np.arange(LANES, dtype=np.uint64))
    return np.stack(_blocks(blocks, key, half), axis=1).astype(np.uint32).reshape(-1)


def _words_of(index: Words, key: tuple[int, int], half: int) -> Bits:
    """The words of elements anywhere: what `_words_of_tiles` does for runs, said plainly."""
    tile, place = np.divmod(index, np.uint64(TILE), dtype=np.uint64)
    word, lane = np.divmod(place, np.uint64(LANES), dtype=np.uint64)
    words: Bits = np.stack(_blocks(tile * np.uint64(LANES) + lane, key, half)).astype(np.uint32)
    return words[word, np.arange(index.size)]


def _blocks(block: Words, key: tuple[int, int], half: int) -> tuple[Words, ...]:
    seed, draw = key
    low, high = block & np.uint64(0xFFFFFFFF), block >> np.uint64(32)
    counter = (low, high, np.asarray(draw, np.uint64), np.asarray(half, np.uint64))
    return philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32))


def values(high: Bits, low: Bits | None, dtype: np.dtype[Any], parameters: Parameters) -> AnyArray:
    """The values that the random words stand for.

    Args:
        high: H of each element.
        low: L of each element, for float64; else None.
        dtype: What the values are rounded to.
        parameters: The distribution.
    """
    kind, location, scale, upper = parameters
    variate: AnyArray
    if low is None:
        column: type[np.floating[Any]] = np.float32
        if kind == "uniform":
            variate = (high >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
        elif kind == "normal":
            variate = quantiles.normal_float32(high)
        else:
            variate = quantiles.truncated_normal_float32(high)
    else:
        column = np.float64
        if kind == "uniform":
            whole = (high.astype(np.uint64) << np.uint64(21)) | (low >> np.uint32(11))
            variate = whole.astype(np.float64) * 2.0**-53
        elif kind == "normal":
            variate = quantiles.normal_float64(high, low)
        else:
            variate = quantiles.truncated_normal_float64(high, low)
    variate *= column(scale)
    variate += column(location)
    np.minimum(variate, column(upper), out=variate)
    return variate.astype(dtype, copy=False)
