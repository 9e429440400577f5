"""The reference kernel: version 1 of the stream, defined in NumPy.

Element `i` of a tensor (its flat C-order index) takes its random bits from word `w` of the Philox
block `b`:

    i = 64 * tile + 16 * w + lane        b = 16 * tile + lane
    counter = (b mod 2**32, b div 2**32, draw, half)        key = (seed mod 2**32, seed div 2**32)

`H(i)` is that word with half = 0 and `L(i)` with half = 1. Sixteen lanes let a SIMD kernel store
vectors of one word without a shuffle.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pyinit.dtypes import AnyArray, round_to
from pyinit.seeds import DrawId
from pyinit.stream import quantiles
from pyinit.stream.distributions import Distribution
from pyinit.stream.philox import philox4x32
from pyinit.stream.quantiles import UInt32, UInt64
from pyinit.stream.regions import Region

LANES = 16
WORDS = 4
TILE = LANES * WORDS
#: Elements drawn at a time, so that their temporaries fit into a core's cache.
CHUNK_SIZE = 1 << 14


def fill(out: AnyArray, region: Region) -> None:
    """Fill a buffer with a region of the stream.

    Shapes, dtypes and ranges are not checked.

    Args:
        out: A NumPy array of any strides. Its storage dtype is the region's dtype, or float64.
        region: The elements to draw; its rank is that of `out`.
    """
    if out.size == 0:
        return
    if out.size <= CHUNK_SIZE:
        _fill_chunk(out, region)
        return
    axis = next(axis for axis, length in enumerate(out.shape) if length > 1)
    middle = out.shape[axis] // 2
    before = (slice(None),) * axis
    fill(out[(*before, slice(None, middle))], region)
    second = region.first_index + middle * region.index_strides[axis]
    fill(out[(*before, slice(middle, None))], region._replace(first_index=second))


def _fill_chunk(out: AnyArray, region: Region) -> None:
    dtype, distribution, seed, draw, first_index, strides = region
    draw_id = DrawId(seed, draw)
    needs_low = dtype == np.float64 or distribution.family == "bounded_normal"
    if _is_run(out.shape, strides):
        stop = first_index + out.size
        first_tile, position = divmod(first_index, TILE)
        tiles = range(first_tile, -(-stop // TILE))
        drawn = slice(position, position + out.size)
        high = _words_of_tiles(tiles, draw_id, half=0)[drawn]
        low = _words_of_tiles(tiles, draw_id, half=1)[drawn] if needs_low else None
    else:
        index = np.full(1, first_index, np.uint64)
        for length, stride in zip(out.shape, strides, strict=True):
            along = np.arange(length, dtype=np.uint64) * np.uint64(stride)
            index = (index[:, None] + along).reshape(-1)
        high = _words_of(index, draw_id, half=0)
        low = _words_of(index, draw_id, half=1) if needs_low else None
    out[...] = values(high, low, dtype, distribution).reshape(out.shape)


def _is_run(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Return whether the elements of `shape`, in C order, have consecutive indices."""
    return all(
        length == 1 or stride == math.prod(shape[axis + 1 :])
        for axis, (length, stride) in enumerate(zip(shape, strides, strict=True))
    )


def _words_of_tiles(tiles: range, draw_id: DrawId, half: int) -> UInt32:
    """Return the words of whole tiles, in the order of their elements."""
    tile = np.arange(tiles.start, tiles.stop, dtype=np.uint64)
    blocks: UInt64 = np.add.outer(tile * np.uint64(LANES), np.arange(LANES, dtype=np.uint64))
    return np.stack(_blocks(blocks, draw_id, half), axis=1).astype(np.uint32).reshape(-1)


def _words_of(index: UInt64, draw_id: DrawId, half: int) -> UInt32:
    """Return the words of arbitrary elements: the straightforward version of `_words_of_tiles`."""
    tile, place = np.divmod(index, np.uint64(TILE), dtype=np.uint64)
    word, lane = np.divmod(place, np.uint64(LANES), dtype=np.uint64)
    words: UInt32 = np.stack(_blocks(tile * np.uint64(LANES) + lane, draw_id, half)).astype(
        np.uint32
    )
    return words[word, np.arange(index.size)]


def _blocks(block: UInt64, draw_id: DrawId, half: int) -> tuple[UInt64, ...]:
    seed, draw = draw_id
    low, high = block & np.uint64(0xFFFFFFFF), block >> np.uint64(32)
    counter = (low, high, np.asarray(draw, np.uint64), np.asarray(half, np.uint64))
    return philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32))


def values(
    high: UInt32, low: UInt32 | None, dtype: np.dtype[Any], distribution: Distribution
) -> AnyArray:
    """Compute values from random words.

    Args:
        high: H of each element.
        low: L of each element for float64 and for the family `"bounded_normal"`, otherwise None.
        dtype: The dtype that values are rounded to.
        distribution: The distribution, rounded for that dtype.
    """
    family, location, scale, upper, first_word, last_word = distribution
    variate: AnyArray
    if low is None:
        computing: type[np.floating[Any]] = np.float32
        if family == "uniform":
            variate = (high >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
        elif family == "normal":
            variate = quantiles.normal_float32(high)
        else:
            variate = quantiles.truncated_normal_float32(high)
    else:
        computing = np.float64
        if family == "uniform":
            whole = (high.astype(np.uint64) << np.uint64(21)) | (low >> np.uint32(11))
            variate = whole.astype(np.float64) * 2.0**-53
        elif family == "normal":
            variate = quantiles.normal_float64(high, low)
        elif family == "bounded_normal":
            words = quantiles.map_words(high, low, first_word, last_word)
            variate = quantiles.normal_float64(*words)
        else:
            variate = quantiles.truncated_normal_float64(high, low)
    variate *= computing(scale)
    variate += computing(location)
    np.minimum(variate, computing(upper), out=variate)
    if family == "bounded_normal":
        return round_to(variate, dtype)
    return variate.astype(dtype, copy=False)
