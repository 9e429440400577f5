"""The numbers of a plot of a tensor: a histogram, the theoretical density, a matrix of values."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyinit.arguments import Shape, argument_error, as_shape, has_attribute, is_instance
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray, DTypeLike, standardize_dtype
from pyinit.initializers.base import Initializer
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.marginal import Marginal
from pyinit.initializers.registry import get_argument
from pyinit.initializers.whole import CalledTensor

#: The shape if none is given.
DEFAULT_SHAPE = (256, 256)
#: The largest number of values in the histogram.
_MAX_VALUES = 1 << 20
#: The largest number of elements that may be computed together.
_MAX_JOINT_SIZE = 1 << 24
#: The largest number of rows and of columns in the image.
_MAX_ROWS = 512
_MAX_BINS = 60
#: The largest number of different values that are shown as bars, if the density is unknown.
_MAX_BARS = 12
_CURVE_POINTS = 400
#: How far the curve goes on beyond the histogram, relative to its width.
_MARGIN = 0.04


@dataclass(frozen=True)
class Atom:
    """A value that many elements have.

    Args:
        value: The value.
        share: The share of the elements that were read.
        expected: Its probability, or None if unknown.
    """

    value: float
    share: float
    expected: float | None


@dataclass(frozen=True)
class TensorNumbers:
    """The numbers of a plot of a tensor.

    Args:
        weights: The tensor.
        count: The number of values in the histogram.
        steps: The distance along each axis between the values in the histogram.
        infinite: The number of values that are not finite, which the plot leaves out.
        mean: The mean of the finite values.
        stddev: Their standard deviation.
        expected_mean: The theoretical mean, or None if unknown.
        expected_stddev: The theoretical standard deviation, or None if unknown.
        edges: The edges of the histogram's bins; empty if all values are atoms.
        heights: The density of the values in each bin, atoms excluded.
        curve: The positions and the values of the theoretical density; empty if unknown.
        atoms: Values that many elements have.
        corner: The shape of the part of the tensor in the image, from the origin.
        row_axes: The axes of the tensor that the rows of the image count, in C order.
        column_axes: The axes that its columns count.
        image: The values in the image, as a matrix.
    """

    weights: LazyTensor
    count: int
    steps: Shape
    infinite: int
    mean: float
    stddev: float
    expected_mean: float | None
    expected_stddev: float | None
    edges: AnyArray
    heights: AnyArray
    curve: tuple[AnyArray, AnyArray]
    atoms: tuple[Atom, ...]
    corner: Shape
    row_axes: tuple[int, ...]
    column_axes: tuple[int, ...]
    image: AnyArray

    @property
    def is_whole(self) -> bool:
        """Whether the histogram has all values of the tensor."""
        return self.count == self.weights.size


def as_lazy(
    initializer: Any, shape: Collection[int] | None = None, dtype: DTypeLike | None = None
) -> tuple[str, LazyTensor]:
    """Return the tensor to plot: `initializer` itself, or that of a call with a shape and a dtype.

    Returns:
        The name of the initializer, empty if there is none, and the tensor.

    Raises:
        ValueError: An argument is invalid.
    """
    if is_instance(initializer, LazyTensor):
        if shape is not None and as_shape(shape) != initializer.shape:
            raise argument_error("shape", shape, "None, since a lazy tensor has a shape")
        if dtype is not None and standardize_dtype(dtype, NUMERIC_DTYPES) != initializer.dtype:
            raise argument_error("dtype", dtype, "None, since a lazy tensor has a dtype")
        return "", _checked(initializer)
    found = get_argument("initializer", initializer)
    if found is None:
        raise argument_error("initializer", None, "an initializer, its name or a lazy tensor")
    is_array = not callable(initializer) and has_attribute(initializer, "shape")
    if shape is None:
        shape = initializer.shape if is_array else DEFAULT_SHAPE
    full = as_shape(shape)
    # before the draw of a seed generator is taken
    if math.prod(full) == 0:
        raise argument_error("shape", shape, "of at least one element")
    if is_instance(found, Initializer):
        return "" if is_array else repr(found), _checked(found.lazy(full, dtype))
    weights = CalledTensor(full, standardize_dtype(dtype, NUMERIC_DTYPES), found)
    return getattr(found, "__name__", type(found).__name__), _checked(weights)


def _checked(weights: LazyTensor) -> LazyTensor:
    if weights.size == 0:
        raise argument_error("shape", weights.shape, "of at least one element")
    if weights.joint_size > _MAX_JOINT_SIZE:
        allowed = (
            f"of at most {_MAX_JOINT_SIZE} elements for a tensor whose elements depend on each "
            "other, which is computed whole"
        )
        raise argument_error("shape", weights.shape, allowed)
    return weights


def tensor_numbers(weights: LazyTensor) -> TensorNumbers:
    """Compute the numbers of a plot; of a large tensor, only a part is read."""
    steps = _steps(weights.shape)
    row_axes, column_axes = _view_axes(weights.ndim)
    corner = _corner(weights.shape, row_axes, column_axes)
    values = _read(weights, tuple(slice(None, None, step) for step in steps))
    is_whole = all(step == 1 for step in steps)
    first = tuple(slice(length) for length in corner)
    part = values[first] if is_whole else _read(weights, first)
    finite = values[np.isfinite(values)]
    spread = weights._spread()
    marginal = weights._marginal()
    if marginal is not None and not is_whole and not marginal.is_uniform:
        marginal = None
    atoms, others = _split(finite, marginal)
    edges, heights = _histogram(others, marginal)
    mean, stddev = _moments(finite)
    return TensorNumbers(
        weights=weights,
        count=values.size,
        steps=steps,
        infinite=values.size - finite.size,
        mean=mean,
        stddev=stddev,
        expected_mean=spread.mean if spread else None,
        expected_stddev=spread.stddev if spread else None,
        edges=edges,
        heights=heights,
        curve=_curve(edges, marginal),
        atoms=atoms,
        corner=corner,
        row_axes=row_axes,
        column_axes=column_axes,
        image=_matrix(part, row_axes, column_axes),
    )


def _read(weights: LazyTensor, index: tuple[slice, ...]) -> AnyArray:
    """Return a part of the tensor in float64, at the cost of the part."""
    values: AnyArray = np.asarray(weights[(*index, ...)])
    return values.astype(np.float64)


def _steps(shape: Shape) -> Shape:
    """Return the steps along each axis that leave at most `_MAX_VALUES` elements."""
    steps = [1] * len(shape)
    counts = list(shape)
    while math.prod(counts) > _MAX_VALUES:
        axis = counts.index(max(counts))
        steps[axis] *= 2
        counts[axis] = -(-shape[axis] // steps[axis])
    return tuple(steps)


def _view_axes(rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the axes that count the rows and the columns of the image.

    The last axis counts columns. In a kernel of four or more axes, the axis of the receptive field
    before the inputs does, too, so that the image is a grid of (inputs, outputs) matrices.
    """
    columns = [rank - 1] if rank else []
    if rank > 3:
        columns.insert(0, rank - 3)
    return tuple(axis for axis in range(rank) if axis not in columns), tuple(columns)


def _corner(shape: Shape, *views: tuple[int, ...]) -> Shape:
    """Return the shape of the part in the image: as many whole matrices of a grid as fit."""
    corner = list(shape)
    for axes in views:
        room = _MAX_ROWS
        for axis in reversed(axes):
            corner[axis] = min(shape[axis], max(1, room))
            room //= corner[axis]
    return tuple(corner)


def _matrix(part: AnyArray, row_axes: Shape, column_axes: Shape) -> AnyArray:
    rows = math.prod(part.shape[axis] for axis in row_axes)
    return part.transpose(*row_axes, *column_axes).reshape(rows, -1)


def _moments(values: AnyArray) -> tuple[float, float]:
    if values.size == 0:
        return math.nan, math.nan
    with np.errstate(over="ignore", invalid="ignore"):
        return float(values.mean()), float(values.std())


def _split(values: AnyArray, marginal: Marginal | None) -> tuple[tuple[Atom, ...], AnyArray]:
    """Return the atoms and the other values."""
    if values.size == 0:
        return (), values
    if marginal is None:
        found, counts = np.unique(values, return_counts=True)
        if len(found) > _MAX_BARS:
            return (), values
        shares = counts / values.size
        return tuple(map(Atom, found.tolist(), shares.tolist(), [None] * len(found))), values[:0]
    atoms = []
    for value, probability in marginal.atoms:
        is_atom = values == value
        atoms.append(Atom(value, float(is_atom.mean()), probability))
    is_other = ~np.isin(values, [atom.value for atom in atoms])
    return tuple(atoms), values[is_other]


def _histogram(values: AnyArray, marginal: Marginal | None) -> tuple[AnyArray, AnyArray]:
    """Return the edges of the bins and the density of the values in each."""
    if values.size == 0:
        return np.empty(0), np.empty(0)
    low, high = float(values.min()), float(values.max())
    if marginal is not None and marginal.density is not None:
        low, high = min(low, marginal.span[0]), max(high, marginal.span[1])
    if low == high:
        low, high = low - max(abs(low), 1.0) / 2, high + max(abs(high), 1.0) / 2
    # the rule of Rice
    bins = min(_MAX_BINS, max(5, math.ceil(2 * values.size ** (1 / 3))))
    position = np.linspace(0.0, 1.0, bins + 1)
    # without the difference of the ends, which may overflow
    edges = low * (1 - position) + high * position
    counts, _ = np.histogram(values, edges)
    return edges, counts / values.size / np.diff(edges)


def _curve(edges: AnyArray, marginal: Marginal | None) -> tuple[AnyArray, AnyArray]:
    if edges.size == 0 or marginal is None or marginal.density is None:
        return np.empty(0), np.empty(0)
    low, high = edges[0], edges[-1]
    margin = _MARGIN * (high / 2 - low / 2) * 2
    position = np.linspace(0.0, 1.0, _CURVE_POINTS)
    inside = low * (1 - position) + high * position
    # beyond its bounds, the density falls to 0
    ends = [low - margin, np.nextafter(low, -np.inf)], [np.nextafter(high, np.inf), high + margin]
    x = np.concatenate([ends[0], inside, ends[1]])
    return x, marginal.density(x)
