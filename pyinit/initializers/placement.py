"""Tensors composed of drawn weights, such as the fused parameters of recurrent layers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray
from pyinit.initializers.lazy import LazyTensor


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The place of a drawn weight in a tensor.

    Args:
        axes: The tensor's axes, in the order of the weight's; None for the same order. With
            `groups`, those of the divided tensor.
        rows: The half-open range of the tensor's rows that the weight occupies; None for all rows.
        groups: The number of equal groups that the rows are divided into, as in a grouped
            convolution: the axes (rows, ...) become (groups, rows of a group, ...). None if they
            are not divided.
        gates: A permutation of the equally long gates along the weight's last axis: gate i of the
            tensor is gate `gates[i]` of the drawn weight. None for the same order.
    """

    axes: tuple[int, ...] | None = None
    rows: tuple[int, int] | None = None
    groups: int | None = None
    gates: tuple[int, ...] | None = None

    def place(self, values: Any) -> Any:
        """Return the view of a tensor's values that the weight occupies, in its order of axes."""
        rows = values if self.rows is None else values[slice(*self.rows)]
        if self.groups is not None:
            # dividing an axis gives a view for any strides
            rows = rows.reshape(self.groups, rows.shape[0] // self.groups, *rows.shape[1:])
        return rows if self.axes is None else rows.transpose(self.axes)

    def drawn_shape(self, shape: Shape) -> Shape:
        """Return the shape of the weight in a tensor of `shape`."""
        if self.rows is None and self.groups is None:
            return shape if self.axes is None else tuple(shape[axis] for axis in self.axes)
        # strides of 0: a view that takes no memory
        drawn: Shape = self.place(np.broadcast_to(np.float32(0), shape)).shape
        return drawn

    def read_into(self, out: AnyArray, weights: LazyTensor, offset: Shape) -> None:
        """Write the elements of a weight that lie in a partition of the tensor.

        Args:
            out: The partition, of any strides; elements outside the weight stay as they are.
            weights: The drawn weight.
            offset: The start of the partition.
        """
        if self.rows is not None:
            start, stop = self.rows
            above = max(start - offset[0], 0)
            out = out[above : max(stop - offset[0], 0)]
            offset = (max(offset[0] - start, 0), *offset[1:])
        if out.size == 0:
            return
        if self.groups is None:
            self._read_axes(out, weights, offset)
            return
        size = weights.shape[1 if self.axes is None else self.axes.index(1)]
        for group, group_offset in _divided_rows(out, offset, size):
            self._read_axes(group, weights, group_offset)

    def _read_axes(self, out: AnyArray, weights: LazyTensor, offset: Shape) -> None:
        """Write a partition whose axes are those of the tensor, divided into groups if it is."""
        if self.axes is not None:
            out, offset = out.transpose(self.axes), tuple(offset[axis] for axis in self.axes)
        if self.gates is None:
            weights.read_into(out, offset)
            return
        for gate, gate_offset in self._gates_of(out, weights.shape[-1], offset):
            weights.read_into(gate, gate_offset)

    def _gates_of(
        self, out: AnyArray, length: int, offset: Shape
    ) -> Iterator[tuple[AnyArray, Shape]]:
        """Iterate over the gates in a partition, and their offsets in the drawn weight."""
        assert self.gates is not None
        size = length // len(self.gates)
        first = offset[-1]
        for k, drawn in enumerate(self.gates):
            start, stop = max(first, k * size), min(first + out.shape[-1], (k + 1) * size)
            if start < stop:
                gate = out[..., start - first : stop - first]
                yield gate, (*offset[:-1], start + (drawn - k) * size)


def _divided_rows(out: AnyArray, offset: Shape, size: int) -> Iterator[tuple[AnyArray, Shape]]:
    """Divide the rows of a partition into groups of `size` rows of the tensor.

    Returns:
        An iterator of (partition, offset) with the axes (groups, rows of a group, ...): the end of
        a group, whole groups, and the start of a group, as far as the partition has them.
    """
    first, last = offset[0], offset[0] + out.shape[0]
    whole = min(-(-first // size) * size, last), max(last // size * size, first)
    for start, stop in pairwise(sorted({first, *whole, last})):
        length = size if (start % size, stop % size) == (0, 0) else stop - start
        rows = out[start - first : stop - first]
        divided = rows.reshape(-1, length, *out.shape[1:])
        yield divided, (start // size, start % size, *offset[1:])


class ComposedTensor(LazyTensor):
    """A lazy tensor composed of weights, each at a place of its own.

    Args:
        shape: The shape.
        dtype: The dtype.
        weights: The placements and weights; where two overlap, the later one overrides.
    """

    __slots__ = ("_weights",)

    def __init__(
        self,
        shape: Shape,
        dtype: np.dtype[Any],
        *weights: tuple[Placement, LazyTensor],
    ) -> None:
        super().__init__(shape, dtype)
        self._weights = weights

    @property
    def needs_whole(self) -> bool:
        """Whether reading any partition computes a whole weight, once per object."""
        return any(weights.needs_whole for _, weights in self._weights)

    @property
    def joint_size(self) -> int:
        """The number of consecutive elements that are computed together."""
        return max((self._joint_size_of(*weight) for weight in self._weights), default=1)

    def _joint_size_of(self, placement: Placement, weights: LazyTensor) -> int:
        """Return the joint size of a weight, in the order of this tensor's elements."""
        size = weights.joint_size
        if size == 1:
            return 1
        # the weight's axes before those whose elements are computed together
        leading = 0
        while math.prod(weights.shape[leading:]) > size:
            leading += 1
        axes = placement.axes or tuple(range(self.ndim))
        in_order = axes[:leading] == tuple(range(leading))
        return math.prod(self._shape[leading:]) if in_order else max(1, self.size)

    @property
    def working_memory(self) -> int:
        """The memory that reading needs besides the result, in bytes."""
        # a weight that is computed whole stays in memory
        return sum(weights.working_memory for _, weights in self._weights)

    @property
    def operations(self) -> int:
        """The operations of all weights."""
        return sum(weights.operations for _, weights in self._weights)

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        first = offset or (0,) * self.ndim
        if steps is None:
            for placement, weights in self._weights:
                placement.read_into(out, weights, first)
            return
        # read one index at a time along an axis with a step
        axis = next(axis for axis, step in enumerate(steps) if step != 1)
        others = (*steps[:axis], 1, *steps[axis + 1 :])
        for k in range(out.shape[axis]):
            start = (*first[:axis], first[axis] + k * steps[axis], *first[axis + 1 :])
            row = out[(slice(None),) * axis + (slice(k, k + 1),)]
            self._fill(row, start, None if set(others) == {1} else others)

    def _parameters(self) -> tuple[Any, ...]:
        return self._weights

    def _summary(self) -> str:
        return ", ".join(weights._summary() for _, weights in self._weights)
