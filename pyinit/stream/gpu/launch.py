"""Which thread draws which elements: the arguments of a launch, in integers alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from pyinit.dtypes import AnyArray
from pyinit.stream.distributions import Parameters
from pyinit.stream.reference import LANES, TILE

#: A thread block: a multiple of a warp, small enough for any device and number of registers.
THREADS = 256
#: Thread blocks for each multiprocessor: enough to keep it busy; threads draw several items.
BLOCKS_PER_PROCESSOR = 32
MAX_AXES = 65

#: The fields of `pyinit_plan` in kernel.cu.
#:
#: location, scale, upper   the distribution's parameters
#: seed, draw   the key
#: first_index  the flat C-order index, in the full tensor, of the first element
#: items        how many items there are: Philox blocks of rows, or elements
#: columns      the length of a row
#: column_stride   the distance of a row's elements in memory, in elements
#: row_axis     which axis counts a row's blocks; -1 where items are elements
#: axes         how many axes there are, neighbours in memory along the last one
#: length, stride, index_stride   of each axis: its items, and by how much memory and index grow
#:              along it
PLAN = np.dtype(
    [
        *[(name, np.float64) for name in ("location", "scale", "upper")],
        *[(name, np.uint64) for name in ("seed", "draw", "first_index", "items", "columns")],
        *[(name, np.int64) for name in ("column_stride", "row_axis", "axes")],
        ("length", np.uint64, MAX_AXES),
        *[(name, np.int64, MAX_AXES) for name in ("stride", "index_stride")],
    ]
)


class Axis(NamedTuple):
    """An axis of items: their number, and by how much memory and index grow from one to the next.

    Along a row's own axis items are blocks, `LANES` of which make `TILE` elements.
    """

    length: int
    stride: int
    index_stride: int


class Rows(NamedTuple):
    """What is drawn: rows of neighbouring indices, wherever they go in memory."""

    kernel: Literal["blocks", "elements"]
    first_index: int
    columns: int
    column_stride: int
    row_axis: int
    axes: tuple[Axis, ...]

    @property
    def items(self) -> int:
        """How many items the kernel's threads share."""
        return math.prod(axis.length for axis in self.axes)


def rows_of(shape: Sequence[int], strides: Sequence[int], steps: Sequence[int], start: int) -> Rows:
    """How to draw a part of a tensor.

    A Philox block holds four elements of a row. Where rows are long, a thread draws a block and all
    that the row has of it; where they are short, it draws an element. Either way the items are
    counted in the order of memory, so that a warp writes neighbours.

    Args:
        shape: The part's shape, without an axis of length 0.
        strides: The distance of neighbours along each axis in memory, in elements.
        steps: The distance of neighbours along each axis in flat index.
        start: The flat index of the first element.
    """
    *outer, row = _merged(shape, strides, steps)
    aligned = all(axis.index_stride % TILE == 0 for axis in outer)
    # where in its tile a row starts: the same for all, or anywhere
    shift = start % TILE if aligned else TILE - 1
    tiles = -(-(shift + row.length) // TILE)
    blocks = tiles * LANES < row.length
    along = row._replace(length=tiles * LANES) if blocks else row
    axes = sorted([*outer, along], key=lambda axis: axis.stride, reverse=True)
    return Rows(
        "blocks" if blocks else "elements",
        start,
        row.length,
        row.stride,
        axes.index(along) if blocks else -1,
        tuple(axes),
    )


def _merged(shape: Sequence[int], strides: Sequence[int], steps: Sequence[int]) -> list[Axis]:
    """The axes, those merged that are one in memory and in index; the last one has step 1."""
    merged: list[Axis] = []
    for axis in map(Axis, shape, strides, steps):
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


def plan(rows: Rows, parameters: Parameters, key: tuple[int, int]) -> AnyArray:
    """The kernel's argument: an array of one `PLAN`, which CuPy passes by value."""
    arguments = np.zeros(1, PLAN)
    arguments["location"] = parameters.location
    arguments["scale"] = parameters.scale
    arguments["upper"] = parameters.upper
    arguments["seed"], arguments["draw"] = key
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
    """The number of thread blocks, and of threads in each, for so many items."""
    return min(-(-items // THREADS), BLOCKS_PER_PROCESSOR * processors), THREADS
