"""Where a drawn weight stands in a tensor that has its axes in another order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray
from pyinit.initializers.base import Initializer


@dataclass(frozen=True, kw_only=True)
class Placement:
    """How a weight stands in a tensor.

    Args:
        axes: Which of the tensor's axes are those of the weight, in the weight's order; None if
            they are the same.
        rows: From which of the tensor's rows to which (that one not included); None for all.
        gates: For each of the equal blocks of the weight's place along its last axis, which block
            of the drawn weight it is; None if they stand in the same order.
    """

    axes: tuple[int, ...] | None = None
    rows: tuple[int, int] | None = None
    gates: tuple[int, ...] | None = None

    def place(self, values: Any) -> Any:
        """Where the weight stands among the tensor's values, with its own order of axes."""
        rows = values if self.rows is None else values[slice(*self.rows)]
        return rows if self.axes is None else rows.transpose(self.axes)

    def drawn_shape(self, shape: Shape) -> Shape:
        """The shape of the weight in a tensor of `shape`."""
        # without memory
        drawn: Shape = self.place(np.broadcast_to(np.float32(0), shape)).shape
        return drawn

    def fill(self, initializer: Initializer, out: AnyArray, shape: Shape, offset: Shape) -> None:
        """Draws what a part of the tensor has of the weight.

        Args:
            initializer: What draws the weight.
            out: The part, of any strides and of the tensor's dtype; what is not the weight's stays
                as it is.
            shape: The tensor's.
            offset: Where the part starts.
        """
        drawn = self.drawn_shape(shape)
        if self.rows is not None:
            first, last = self.rows
            above = max(first - offset[0], 0)
            out = out[above : max(last - offset[0], 0)]
            offset = (max(offset[0] - first, 0), *offset[1:])
        if out.size == 0:
            return
        if self.axes is not None:
            out, offset = out.transpose(self.axes), tuple(offset[axis] for axis in self.axes)
        if self.gates is None:
            initializer._fill(out, out.dtype, drawn, offset)
        elif initializer._parts_cost_all:
            whole = np.empty(drawn, out.dtype)
            initializer._fill(whole, out.dtype, drawn, (0,) * len(drawn))
            for block, start in self._blocks(out, drawn, offset):
                block[...] = whole[
                    tuple(slice(f, f + n) for n, f in zip(block.shape, start, strict=True))
                ]
        else:
            for block, start in self._blocks(out, drawn, offset):
                initializer._fill(block, out.dtype, drawn, start)

    def _blocks(
        self, out: AnyArray, drawn: Shape, offset: Shape
    ) -> Iterator[tuple[AnyArray, Shape]]:
        """The part's blocks, and where each one starts in the drawn weight."""
        assert self.gates is not None
        size = drawn[-1] // len(self.gates)
        first = offset[-1]
        last = first + out.shape[-1]
        for here, there in enumerate(self.gates):
            start, end = max(first, here * size), min(last, (here + 1) * size)
            if start < end:
                block = out[..., start - first : end - first]
                yield block, (*offset[:-1], start + (there - here) * size)
