"""The arguments of a kernel launch: which thread draws which elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from pyinit.dtypes import AnyArray
from pyinit.stream.reference import LANES, TILE
from pyinit.stream.regions import Region

#: Threads in a block: a multiple of a warp, small enough for any device and register count.
THREADS = 256
#: Thread blocks per multiprocessor, enough to keep it busy; each thread draws several items.
BLOCKS_PER_PROCESSOR = 32
#: NumPy's maximum rank, plus an axis for a region without consecutive indices.
MAX_AXES = 65

#: The fields of `pyinit_plan` in kernel.cu.
#:
#: location, scale, upper, first_word, last_word   the distribution
#: seed, draw   the draw
#: first_index  the flat C-order index of the first element in the full tensor
#: items        the number of items: Philox blocks of rows, or elements
#: columns      the length of a row
#: column_stride   the memory stride along a row, in elements
#: row_axis     the axis that counts a row's blocks; -1 where items are elements
#: axes         the number of axes, the last one with the smallest memory stride
#: length, stride, index_stride   the items, memory stride and index stride of each axis
PLAN = np.dtype(
    [
        *[(name, np.float64) for name in ("location", "scale", "upper")],
        *[(name, np.uint64) for name in ("first_word", "last_word", "seed", "draw")],
        *[(name, np.uint64) for name in ("first_index", "items", "columns")],
        *[(name, np.int64) for name in ("column_stride", "row_axis", "axes")],
        ("length", np.uint64, MAX_AXES),
        *[(name, np.int64, MAX_AXES) for name in ("stride", "index_stride")],
    ]
)


class Axis(NamedTuple):
    """An axis of items: its length, memory stride and index stride.

    Along a row's own axis, items are Philox blocks: `LANES` of them make `TILE` elements.
    """

    length: int
    stride: int
    index_stride: int


class Rows(NamedTuple):
    """A region as rows of consecutive indices, anywhere in memory."""

    kernel: Literal["blocks", "elements"]
    first_index: int
    columns: int
    column_stride: int
    row_axis: int
    axes: tuple[Axis, ...]

    @property
    def items(self) -> int:
        """The number of items that the kernel's threads share."""
        return math.prod(axis.length for axis in self.axes)


def rows_of(
    shape: Sequence[int], strides: Sequence[int], index_strides: Sequence[int], first_index: int
) -> Rows:
    """Divide a region into rows and choose the kernel.

    A Philox block holds four elements of a row. For long rows, an item is the elements of a row
    in one block; for short rows, it is one element. Items are counted in memory order, so that a
    warp writes consecutive elements.

    Args:
        shape: The shape of the buffer, without an axis of length 0.
        strides: The memory strides, in elements.
        index_strides: The index strides.
        first_index: The flat index of the first element.
    """
    *outer, row = _merged(shape, strides, index_strides)
    aligned = all(axis.index_stride % TILE == 0 for axis in outer)
    # the position in its tile at which a row starts, or the worst case if that differs
    shift = first_index % TILE if aligned else TILE - 1
    tiles = -(-(shift + row.length) // TILE)
    blocks = tiles * LANES < row.length
    along = row._replace(length=tiles * LANES) if blocks else row
    axes = sorted([*outer, along], key=lambda axis: axis.stride, reverse=True)
    return Rows(
        "blocks" if blocks else "elements",
        first_index,
        row.length,
        row.stride,
        axes.index(along) if blocks else -1,
        tuple(axes),
    )


def _merged(
    shape: Sequence[int], strides: Sequence[int], index_strides: Sequence[int]
) -> list[Axis]:
    """Merge axes that are contiguous in both memory and index; the last one has index stride 1."""
    merged: list[Axis] = []
    for axis in map(Axis, shape, strides, index_strides):
        if axis.length == 1:
            continue
        if merged:
            last = merged[-1]
            if (last.stride, last.index_stride) == (
                axis.stride * axis.length,
                axis.index_stride * axis.length,
            ):
                merged[-1] = axis._replace(length=last.length * axis.length)
                continue
        merged.append(axis)
    if not merged or merged[-1].index_stride != 1:
        merged.append(Axis(1, 1, 1))
    return merged


def plan(rows: Rows, region: Region) -> AnyArray:
    """Return the kernel's argument: an array of one `PLAN`, which CuPy passes by value."""
    arguments = np.zeros(1, PLAN)
    _, *numbers = region.distribution
    for name, number in zip(
        ("location", "scale", "upper", "first_word", "last_word"), numbers, strict=True
    ):
        arguments[name] = number
    arguments["seed"], arguments["draw"] = region.seed, region.draw
    arguments["first_index"] = rows.first_index
    arguments["items"] = rows.items
    arguments["columns"] = rows.columns
    arguments["column_stride"] = rows.column_stride
    arguments["row_axis"] = rows.row_axis
    arguments["axes"] = count = len(rows.axes)
    for name, values in zip(Axis._fields, zip(*rows.axes, strict=True), strict=True):
        arguments[name][0, :count] = values
    return arguments


def launch_shape(items: int, processors: int) -> tuple[int, int]:
    """Return the grid and block sizes for that number of items."""
    return min(-(-items // THREADS), BLOCKS_PER_PROCESSOR * processors), THREADS
