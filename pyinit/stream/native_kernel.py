"""The native kernel: the reference's bits at close to the speed of memory."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from pyinit.dtypes import FLOAT_DTYPES, AnyArray
from pyinit.native import ISA_LEVELS, _kernel
from pyinit.runtime.threads import num_threads, run_parallel
from pyinit.stream.distributions import FAMILIES
from pyinit.stream.reference import TILE
from pyinit.stream.regions import Region

#: Indices of loops in kernel.c, by (dtype, storage dtype, family). No other storage is possible.
_LOOPS: dict[tuple[np.dtype[Any], np.dtype[Any], str], int] = {
    (FLOAT_DTYPES[dtype], FLOAT_DTYPES[storage], family): len(FAMILIES) * row + column
    for row, (dtype, storage) in enumerate(
        [
            ("float16", "float16"),
            ("bfloat16", "bfloat16"),
            ("float32", "float32"),
            ("float64", "float64"),
            ("float16", "float64"),
            ("bfloat16", "float64"),
            ("float32", "float64"),
        ]
    )
    for column, family in enumerate(FAMILIES)
}

#: The number of elements from which a draw is cut into chunks, for several threads.
_PARALLEL_SIZE = 1 << 17
_MIN_CHUNK = 1 << 15
#: A chunk takes milliseconds, which bounds how long an interrupt waits.
_MAX_CHUNK = 1 << 21
#: The elements of a row in a chunk, if the rows of a tensor start at different places of tiles.
_LONG_RUN = 16 * TILE


class NativeKernel:
    """The native kernel at one ISA level.

    Args:
        level: The ISA level.
    """

    def __init__(self, level: str) -> None:
        self._isa_level = ISA_LEVELS.index(level)
        self._fill = _kernel.lib.pyinit_fill
        self._cast = partial(_kernel.ffi.cast, "void *")

    def __call__(self, out: AnyArray, region: Region) -> None:
        """Fill `out` with a region of the stream; see `pyinit.stream.reference.fill`."""
        size = out.size
        if size == 0:
            return
        if size < _PARALLEL_SIZE:
            self._fill_chunk(out, region)
            return
        run_parallel([partial(self._fill_chunk, *chunk) for chunk in _chunks(out, region)])

    def _fill_chunk(self, out: AnyArray, region: Region) -> None:
        dtype, distribution, seed, draw, first_index, index_strides = region
        family, location, scale, upper, first_word, last_word = distribution
        failed = self._fill(
            self._isa_level,
            self._cast(out.__array_interface__["data"][0]),
            _LOOPS[dtype, out.dtype, family],
            location,
            scale,
            upper,
            first_word,
            last_word,
            seed,
            draw,
            first_index,
            out.ndim,
            out.shape,
            out.strides,
            index_strides,
        )
        if failed:
            raise MemoryError("no memory for the buffer of a draw")


def _chunks(out: AnyArray, region: Region) -> list[tuple[AnyArray, Region]]:
    """Cut a draw into chunks, contiguous in memory if possible, in the order of memory.

    A new array gets its memory from the system where it is first written. A chunk that touched all
    of a large array would therefore take as long as all other chunks together.
    """
    first_index, strides = region.first_index, region.index_strides
    if out.flags.c_contiguous and all(
        stride == math.prod(out.shape[axis + 1 :]) for axis, stride in enumerate(strides)
    ):
        out, strides = out.reshape(-1), (1,)
    count = max(min(8 * num_threads(), out.size // _MIN_CHUNK), out.size // _MAX_CHUNK)
    # An axis along which the index runs is cut at the edges of tiles. If these are not the same in
    # all rows, each cut makes both chunks compute a tile, so that such chunks must be long.
    aligned = all(
        length == 1 or stride == 1 or stride % TILE == 0
        for length, stride in zip(out.shape, strides, strict=True)
    )
    grain_of_run = TILE if aligned else _LONG_RUN
    grains = [grain_of_run if stride == 1 else 1 for stride in strides]
    chunks = [(out, first_index)]
    for axis in sorted(range(out.ndim), key=lambda k: -abs(out.strides[k])):
        length, grain, stride = out.shape[axis], grains[axis], strides[axis]
        pieces = min(count, length // grain)
        if pieces > 1:
            size = -(-length // (pieces * grain)) * grain
            shift = first_index % TILE if stride == 1 else 0
            edges = [0, *range(size - shift, length, size), length]
            before = (slice(None),) * axis
            chunks = [
                (chunk[(*before, slice(first, last))], index + first * stride)
                for chunk, index in chunks
                for first, last in pairwise(edges)
            ]
            count = -(-count // pieces)
    return [
        (chunk, region._replace(first_index=index, index_strides=strides))
        for chunk, index in chunks
    ]
