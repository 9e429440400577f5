"""Basic indexing of a tensor that is not in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, TypeAlias

import numpy as np

from pyinit.arguments import Shape, as_index, is_instance, shown

if TYPE_CHECKING:
    from types import EllipsisType

#: An index of basic indexing: integers, slices and at most one Ellipsis.
Index: TypeAlias = "SupportsIndex | slice | EllipsisType | tuple[Any, ...]"

_ALLOWED = "only integers, slices (`:`) and one ellipsis (`...`) are valid indices of a lazy tensor"


class Selection(NamedTuple):
    """The elements that an index selects.

    Args:
        shape: The shape of the result.
        view: An index into the result, whose view has one axis for each axis of the tensor, in
            the order of increasing indices.
        offset: The first element, along each axis of the tensor.
        steps: The positive distance between selected elements along each axis; None if all are 1.
    """

    shape: Shape
    view: tuple[Any, ...]
    offset: Shape
    steps: Shape | None


def select(index: Index, shape: Shape) -> Selection:
    """Resolve an index of a tensor of `shape`, as NumPy's basic indexing.

    Raises:
        IndexError: `index` is not a basic index, or lies outside `shape`.
    """
    entries = _expanded(index if is_instance(index, tuple) else (index,), len(shape))
    kept: list[int] = []
    view: list[Any] = []
    offset: list[int] = []
    steps: list[int] = []
    for axis, (entry, length) in enumerate(zip(entries, shape, strict=True)):
        if type(entry) is slice:
            first, stop, step = _bounds(entry, length)
            count = len(range(first, stop, step))
            kept.append(count)
            view.append(slice(None) if step > 0 else slice(None, None, -1))
            offset.append(first if step > 0 else first + max(count - 1, 0) * step)
            # a step beyond the axis need not fit into 64 bits
            steps.append(abs(step) if count > 1 else 1)
        else:
            view.append(np.newaxis)
            offset.append(_position(entry, axis, length))
            steps.append(1)
    return Selection(
        tuple(kept), tuple(view), tuple(offset), None if set(steps) <= {1} else tuple(steps)
    )


def _expanded(entries: tuple[Any, ...], rank: int) -> list[Any]:
    """Replace the ellipsis and omitted trailing axes by full slices."""
    ellipses = [at for at, entry in enumerate(entries) if entry is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError(f"{_ALLOWED}. Received: {len(ellipses)} ellipses")
    given = len(entries) - len(ellipses)
    if given > rank:
        raise IndexError(f"too many indices: the tensor has {rank} axes, {given} were indexed")
    at = ellipses[0] if ellipses else len(entries)
    missing = [slice(None)] * (rank - given)
    return [*entries[:at], *missing, *entries[at + len(ellipses) :]]


def _bounds(entry: slice, length: int) -> tuple[int, int, int]:
    """Return the start, stop and step of a slice of an axis."""
    start, stop, step = entry.start, entry.stop, entry.step
    if start is stop is step is None:
        return 0, length, 1
    step = _bound(step, entry)
    if step == 0:
        raise IndexError(f"the step of a slice must not be 0. Received: {shown(entry)}")
    return slice(_bound(start, entry), _bound(stop, entry), step).indices(length)


def _bound(value: Any, entry: slice) -> int | None:
    number = None if value is None else as_index(value)
    if number is None is not value:
        raise IndexError(f"slice indices must be integers or None. Received: {shown(entry)}")
    return number


def _position(entry: Any, axis: int, length: int) -> int:
    position = as_index(entry)
    if position is None:
        raise IndexError(f"{_ALLOWED}. Received: {shown(entry)}")
    if not -length <= position < length:
        raise IndexError(
            f"index {shown(position)} is out of bounds for axis {axis} with size {length}"
        )
    return position % length
