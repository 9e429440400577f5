"""Orthogonal matrices."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from pyinit.arguments import Shape, argument_error, as_number
from pyinit.dtypes import AnyArray, as_scalar, round_to
from pyinit.initializers.lazy import LazyTensor, WholeTensor
from pyinit.initializers.random import RandomInitializer
from pyinit.linalg import orthonormalize
from pyinit.runtime.threads import run_parallel
from pyinit.seeds import DrawId, Seed, take_draw
from pyinit.stream import Distribution, Region, fill, index_strides

__all__ = ["Orthogonal"]

_FLOAT64 = np.dtype(np.float64)
_STANDARD_NORMAL = Distribution("normal", 0.0, 1.0, math.inf)
#: Values rounded at a time, so that their temporaries fit into a core's cache.
_ROUNDED_SIZE = 1 << 15


class OrthogonalTensor(WholeTensor):
    """A lazy tensor that is an orthogonal matrix, times a factor.

    Args:
        shape: The shape, of rank 2 or more.
        dtype: The float dtype.
        gain: The factor.
        draw_id: The draw.
    """

    __slots__ = ("_draw_id", "_gain")

    def __init__(self, shape: Shape, dtype: np.dtype[Any], gain: float, draw_id: DrawId) -> None:
        super().__init__(shape, dtype)
        self._gain = gain
        self._draw_id = draw_id

    @property
    def working_memory(self) -> int:
        """The memory of the float64 matrix and its Gram matrix, in bytes."""
        many, few = self._tall_shape()
        return _FLOAT64.itemsize * few * (many + few)

    def _tall_shape(self) -> tuple[int, int]:
        rows, columns = math.prod(self._shape[:-1]), self._shape[-1]
        return max(rows, columns), min(rows, columns)

    def _draw_normal(self, tall: Any) -> None:
        """Fill the tall matrix with standard normal values."""
        strides = index_strides(tall.shape)
        fill(tall, Region(_FLOAT64, _STANDARD_NORMAL, *self._draw_id, 0, strides))

    def _from_tall(self, tall: Any) -> Any:
        """Return the tall matrix, or its transpose, in the shape of the tensor."""
        is_tall = math.prod(self._shape[:-1]) >= self._shape[-1]
        return (tall if is_tall else tall.T).reshape(self._shape)

    def _compute(self) -> AnyArray:
        tall = np.empty(self._tall_shape(), _FLOAT64)
        self._draw_normal(tall)
        orthonormalize(tall)
        q: AnyArray = self._from_tall(tall)
        return q

    def _write(self, out: AnyArray, values: AnyArray) -> None:
        _round_into(out, values, self._gain, self._dtype)

    def _fill_on_gpu(self, out: Any, offset: Shape | None = None) -> None:
        from pyinit.linalg import cusolver
        from pyinit.stream.gpu import arrays

        if out.size == 0:
            return
        tall = arrays.empty(self._tall_shape(), _FLOAT64, out.device.id)
        self._draw_normal(tall)
        with out.device:
            q = self._from_tall(cusolver.orthonormalized(tall, self._gain))
            cusolver.write(out, q, offset or (0,) * self.ndim, self._dtype)

    def _parameters(self) -> tuple[Any, ...]:
        return self._gain, self._draw_id

    def _summary(self) -> str:
        seed, draw = self._draw_id
        return f"orthogonal, gain={self._gain}, seed={seed}, draw={draw}"


class Orthogonal(RandomInitializer):
    """Initializer that generates an orthogonal matrix.

    A tensor of shape (d1, ..., dk, n) is an (m, n) matrix, m = d1 ... dk. It has orthonormal
    columns if m >= n, else orthonormal rows. The matrix is uniformly distributed (Haar measure): it
    is the factor Q of a matrix of standard normal values, where R has a positive diagonal. It is
    computed in float64 for every dtype and rounded once. The order of every operation is defined
    and no linear algebra library is called, so the bits are the same on every CPU and any number of
    threads. On a GPU, cuSOLVER factors the matrix; the result agrees with the CPU's to 1e-6 times
    `gain` in float32.

    Every value depends on all others, so a partition costs as much as the full tensor. A lazy
    tensor computes the matrix once, when it is first read.

    Args:
        gain: The factor of the matrix: a finite number.
        seed: An integer, a seed generator, or None for a fresh seed. With an integer or None, every
            call gives the same values; with a seed generator, every call gives new ones.

    Raises:
        ValueError: An argument is invalid; in the call, `shape` has a rank below 2.

    Example:
        >>> import numpy as np
        >>> import pyinit
        >>> q = pyinit.Orthogonal(seed=1)((4, 3), dtype="float64")
        >>> bool(np.allclose(q.T @ q, np.eye(3)))
        True

    Sources: Saxe et al. 2014, https://arxiv.org/abs/1312.6120; F. Mezzadri, "How to generate
    random matrices from the classical compact groups", Notices of the AMS 54 (2007).
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        self.gain = as_number("gain", gain)
        super().__init__(seed)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        if len(shape) < 2:
            raise argument_error("shape", shape, "of rank 2 or more for Orthogonal")
        as_scalar("gain", self.gain, dtype)  # raises if it is beyond the range of the dtype
        return OrthogonalTensor(shape, dtype, self.gain, take_draw(self.seed, draw))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"gain": self.gain, **super().get_config()}


def _round_into(out: AnyArray, values: AnyArray, gain: float, dtype: np.dtype[Any]) -> None:
    """Write `gain * values`, rounded once to `dtype`, without a full-size temporary."""
    axis = max(range(out.ndim), key=out.shape.__getitem__)
    step = max(1, _ROUNDED_SIZE * out.shape[axis] // out.size)
    before = (slice(None),) * axis

    def write(first: int) -> None:
        chunk = (*before, slice(first, first + step))
        out[chunk] = round_to(values[chunk] * gain, dtype)

    run_parallel([partial(write, first) for first in range(0, out.shape[axis], step)])
