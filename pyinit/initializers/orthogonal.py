"""Orthogonal matrices."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Collection, Iterator
from functools import partial
from operator import mul
from typing import Any

import numpy as np

from pyinit.arguments import Shape, argument_error, as_batch_axes, as_number
from pyinit.dtypes import AnyArray, as_scalar, round_to
from pyinit.initializers.fans import axes_of_shape, fans_of_shape
from pyinit.initializers.lazy import LazyTensor, slices_of
from pyinit.initializers.marginal import (
    Marginal,
    constant_marginal,
    continuous_marginal,
    sphere_density,
)
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.summary import Spread
from pyinit.linalg import orthonormalize
from pyinit.runtime.threads import run_parallel
from pyinit.seeds import DrawId, Seed, take_draw
from pyinit.stream import Distribution, Region, fill, index_strides

__all__ = ["Orthogonal"]

_FLOAT64 = np.dtype(np.float64)
_STANDARD_NORMAL = Distribution("normal", 0.0, 1.0, math.inf)
#: Values rounded at a time, so that their temporaries fit into a core's cache.
_ROUNDED_SIZE = 1 << 15


class OrthogonalTensor(LazyTensor):
    """A lazy tensor of orthogonal matrices, one for each member of a stack, times a factor.

    The matrix of a member is computed from the normal values at the member's own indices in the
    tensor. It is kept until a member in another slice along the leading batch axes is read.

    Args:
        shape: The shape, of rank 2 or more without the batch axes.
        dtype: The float dtype.
        gain: The factor.
        draw_id: The draw.
        batch_axes: The axes along which members are stacked, in ascending order.
    """

    __slots__ = (
        "_batch_axes",
        "_draw_id",
        "_gain",
        "_kept",
        "_kept_slice",
        "_lock",
        "_matrix_axes",
    )

    def __init__(
        self,
        shape: Shape,
        dtype: np.dtype[Any],
        gain: float,
        draw_id: DrawId,
        batch_axes: Shape = (),
    ) -> None:
        super().__init__(shape, dtype)
        self._gain = gain
        self._draw_id = draw_id
        self._batch_axes = batch_axes
        self._matrix_axes = tuple(axis for axis in range(len(shape)) if axis not in batch_axes)
        self._lock = threading.Lock()
        #: Computed members of one slice along the leading batch axes, by their indices.
        self._kept: dict[Shape, AnyArray] = {}
        self._kept_slice: Shape = ()

    @property
    def joint_size(self) -> int:
        """The number of consecutive elements that are computed together."""
        return max(1, math.prod(self._shape[self._leading_axes :]))

    @property
    def needs_whole(self) -> bool:
        """Whether reading any partition computes the whole tensor, once per object."""
        return self._leading_axes == 0

    @property
    def working_memory(self) -> int:
        """The memory of the float64 matrices and of a Gram matrix, in bytes."""
        many, few = self._tall_shape()
        kept = math.prod(self._shape[axis] for axis in self._batch_axes[self._leading_axes :])
        return _FLOAT64.itemsize * few * (kept * many + few)

    @property
    def operations(self) -> int:
        """The operations of two Cholesky QR factorizations of each matrix."""
        many, few = self._tall_shape()
        members = math.prod(self._shape[axis] for axis in self._batch_axes)
        return 4 * members * many * few**2

    @property
    def _leading_axes(self) -> int:
        """The number of batch axes that precede all axes of the matrices."""
        return self._matrix_axes[0]

    def _member_shape(self) -> Shape:
        return tuple(self._shape[axis] for axis in self._matrix_axes)

    def _tall_shape(self) -> tuple[int, int]:
        *others, columns = self._member_shape()
        rows = math.prod(others)
        return max(rows, columns), min(rows, columns)

    def _draw_normal(self, tall: Any, member: Shape) -> None:
        """Fill a tall matrix with the standard normal values at a member's indices, in C order."""
        strides = index_strides(self._shape)
        batch_strides = (strides[axis] for axis in self._batch_axes)
        first_index = sum(map(mul, batch_strides, member))
        own_strides = tuple(strides[axis] for axis in self._matrix_axes)
        fill(
            tall.reshape(self._member_shape()),
            Region(_FLOAT64, _STANDARD_NORMAL, *self._draw_id, first_index, own_strides),
        )

    def _from_tall(self, tall: Any) -> Any:
        """Return the tall matrix, or its transpose, in the shape of a member."""
        shape = self._member_shape()
        is_tall = math.prod(shape[:-1]) >= shape[-1]
        return (tall if is_tall else tall.T).reshape(shape)

    def _members(
        self, out: Any, offset: Shape | None, steps: Shape | None
    ) -> Iterator[tuple[Shape, Any, tuple[slice, ...]]]:
        """Iterate over the members in a partition.

        Yields:
            The indices of a member, the view of `out` that it fills, and the slices that fill it.
        """
        if out.size == 0:
            return
        every = slices_of(out.shape, offset or (0,) * self.ndim, steps)
        chosen = tuple(every[axis] for axis in self._matrix_axes)
        ranges = [range(out.shape[axis]) for axis in self._batch_axes]
        for position in itertools.product(*ranges):
            index: list[Any] = [slice(None)] * self.ndim
            member = []
            for axis, k in zip(self._batch_axes, position, strict=True):
                index[axis] = k
                member.append(every[axis].start + every[axis].step * k)
            yield tuple(member), out[tuple(index)], chosen

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        for member, values, chosen in self._members(out, offset, steps):
            _round_into(values, self._member(member)[chosen], self._gain, self._dtype)

    def _member(self, member: Shape) -> AnyArray:
        """Return the matrix of a member in float64, without the factor."""
        with self._lock:
            if member not in self._kept:
                leading = member[: self._leading_axes]
                if leading != self._kept_slice:
                    self._kept.clear()
                    self._kept_slice = leading
                tall = np.empty(self._tall_shape(), _FLOAT64)
                self._draw_normal(tall, member)
                orthonormalize(tall)
                self._kept[member] = self._from_tall(tall)
            return self._kept[member]

    def _fill_on_gpu(self, out: Any, offset: Shape | None = None) -> None:
        from pyinit.linalg import cusolver
        from pyinit.stream.gpu import arrays

        for member, values, chosen in self._members(out, offset, None):
            tall = arrays.empty(self._tall_shape(), _FLOAT64, out.device.id)
            self._draw_normal(tall, member)
            with out.device:
                q = self._from_tall(cusolver.orthonormalized(tall, self._gain))
                cusolver.write(values, q[chosen], self._dtype)

    def _parameters(self) -> tuple[Any, ...]:
        return self._gain, self._draw_id, self._batch_axes

    def _spread(self) -> Spread:
        # an element of a unit vector, of a direction that is uniformly distributed
        bound = abs(self._gain)
        stddev = bound / math.sqrt(max(1, self._tall_shape()[0]))
        return Spread("orthogonal", 0.0, stddev, -bound, bound)

    def _marginal(self) -> Marginal:
        # each column of a tall matrix is uniformly distributed on a sphere
        dimension, radius = self._tall_shape()[0], abs(self._gain)
        if radius == 0:
            return constant_marginal(0.0, self._dtype)
        if dimension < 2:
            return Marginal(((-radius, 0.5), (radius, 0.5)))
        density = sphere_density(dimension, radius)
        return continuous_marginal(density, (0.0, radius / math.sqrt(dimension), -radius, radius))

    def _summary(self) -> str:
        seed, draw = self._draw_id
        stacked = f", batch_axes={list(self._batch_axes)}" if self._batch_axes else ""
        return f"orthogonal, gain={self._gain}{stacked}, seed={seed}, draw={draw}"


class Orthogonal(RandomInitializer):
    """Initializer that generates an orthogonal matrix.

    A tensor of shape (d1, ..., dk, n) is an (m, n) matrix, m = d1 ... dk. It has orthonormal
    columns if m >= n, else orthonormal rows. The matrix is uniformly distributed (Haar measure): it
    is the factor Q of a matrix of standard normal values, where R has a positive diagonal. It is
    computed in float64 for every dtype and rounded once. The order of every operation is defined
    and no linear algebra library is called, so the bits are the same on every CPU and any number of
    threads. On a GPU, cuSOLVER factors the matrix; the result agrees with the CPU's to 1e-6 times
    `gain` in float32.

    Every value of a matrix depends on all others, so a partition costs as much as the full matrix.
    A lazy tensor computes the matrix once, when it is first read.

    Args:
        gain: The factor of the matrix: a finite number.
        seed: An integer, a seed generator, or None for a fresh seed. With an integer or None, every
            call gives the same values; with a seed generator, every call gives new ones.
        batch_axes: The axis or axes along which independent matrices are stacked, such as layers or
            experts. Each matrix is computed from the normal values at its own indices in the
            tensor, and a partition costs as much as the matrices in it. In the configuration only
            if given, since Keras' own class has no such argument.

    Raises:
        ValueError: An argument is invalid; in the call, `shape` has too few axes.

    Example:
        >>> import numpy as np
        >>> import pyinit
        >>> q = pyinit.Orthogonal(seed=1)((4, 3), dtype="float64")
        >>> bool(np.allclose(q.T @ q, np.eye(3)))
        True

    Sources: Saxe et al. 2014, https://arxiv.org/abs/1312.6120; F. Mezzadri, "How to generate
    random matrices from the classical compact groups", Notices of the AMS 54 (2007).
    """

    gain: float
    batch_axes: list[int] | None

    def __init__(
        self,
        gain: float = 1.0,
        seed: Seed = None,
        batch_axes: int | Collection[int] | None = None,
    ) -> None:
        self.__dict__.update(gain=as_number("gain", gain), batch_axes=as_batch_axes(batch_axes))
        super().__init__(seed)

    def _fans(self, shape: Shape) -> tuple[int, int]:
        return fans_of_shape(shape, None, None, self.batch_axes)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        batch: Shape = ()
        if self.batch_axes is not None:
            batch = axes_of_shape("batch_axes", self.batch_axes, shape)
        if len(shape) - len(batch) < 2:
            stacked = f" without batch_axes={self.batch_axes}" if batch else ""
            raise argument_error("shape", shape, f"of rank 2 or more{stacked} for Orthogonal")
        as_scalar("gain", self.gain, dtype)  # raises if it is beyond the range of the dtype
        return OrthogonalTensor(shape, dtype, self.gain, take_draw(self.seed, draw), batch)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = {"gain": self.gain, **super().get_config()}
        if self.batch_axes is not None:
            config["batch_axes"] = self.batch_axes
        return config


def _round_into(out: AnyArray, values: AnyArray, gain: float, dtype: np.dtype[Any]) -> None:
    """Write `gain * values`, rounded once to `dtype`, without a full-size temporary."""
    axis = max(range(out.ndim), key=out.shape.__getitem__)
    step = max(1, _ROUNDED_SIZE * out.shape[axis] // out.size)
    before = (slice(None),) * axis

    def write(first: int) -> None:
        chunk = (*before, slice(first, first + step))
        out[chunk] = round_to(values[chunk] * gain, dtype)

    run_parallel([partial(write, first) for first in range(0, out.shape[axis], step)])
