"""Orthogonal matrices."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from pyinit.arguments import Shape, argument_error, as_number
from pyinit.dtypes import AnyArray, constant_of, round_to
from pyinit.initializers.random import RandomInitializer
from pyinit.linalg import orthonormalize
from pyinit.runtime.threads import run_parallel
from pyinit.seeds import draw_key
from pyinit.stream import fill
from pyinit.stream.distributions import Parameters, parameters

_FLOAT64 = np.dtype(np.float64)
#: Values that are rounded at a time: their temporaries fit into a core's cache.
_ROUNDED_SIZE = 1 << 15


class Orthogonal(RandomInitializer):
    """Fills a tensor with a random orthogonal matrix, times a factor.

    A tensor of shape (d1, ..., dk, n) is an (m, n) matrix, m = d1 ... dk. It gets orthonormal
    columns if m >= n, else orthonormal rows. The matrix is uniform (Haar) among all such ones: the
    factor Q, with a positive diagonal in R, of a matrix of standard normal values. It is computed
    in float64 whatever the dtype, and rounded once. It depends on no linear algebra library: the
    order of every operation is defined, so the bits are the same on any machine and any number of
    threads. On a GPU, cuSOLVER factors the matrix in an order of its own: the result agrees with
    the CPU's, in float32 to 1e-6 times the factor. A part of the tensor costs as much as the full
    one, since every value depends on all others.

    Args:
        gain: The factor: a finite number.
        seed: An integer or a seed generator. An initializer seeded with an integer or None repeats
            its values at every call; one with a seed generator gives new ones.

    Raises:
        ValueError: An argument is not as described; in the call, `shape` has a rank below 2.

    Example:
        >>> import numpy as np
        >>> import pyinit
        >>> q = pyinit.Orthogonal(seed=1)((4, 3), dtype="float64")
        >>> bool(np.allclose(q.T @ q, np.eye(3)))
        True

    Sources: Saxe et al. 2014, https://arxiv.org/abs/1312.6120; F. Mezzadri, "How to generate
    random matrices from the classical compact groups", Notices of the AMS 54 (2007).
    """

    _parts_cost_all = True

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = as_number("gain", gain)
        super().__init__(seed)

    def _check_shape(self, shape: Shape) -> None:
        if len(shape) < 2:
            raise argument_error("shape", shape, "of rank 2 or more for Orthogonal")

    def _working_memory(self, full_shape: Shape) -> int:
        few, many = sorted((math.prod(full_shape[:-1]), full_shape[-1]))
        # the matrix and its Gram matrix
        return _FLOAT64.itemsize * few * (many + few)

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        constant_of("gain", self.gain, dtype)
        key = draw_key(self.seed)
        if out.size == 0:
            return
        rows, columns = math.prod(full_shape[:-1]), full_shape[-1]
        tall = np.empty((max(rows, columns), min(rows, columns)), _FLOAT64)
        fill(tall, _FLOAT64, _standard_normal(), key, tall.shape, (0, 0))
        orthonormalize(tall)
        full = (tall if rows >= columns else tall.T).reshape(full_shape)
        part = tuple(
            slice(first, first + length) for first, length in zip(offset, out.shape, strict=True)
        )
        _round_into(out, full[part], self.gain, dtype)

    def _fill_on_gpu(
        self, out: Any, dtype: np.dtype[Any], full_shape: Shape, offset: Shape
    ) -> None:
        from pyinit.linalg import cusolver
        from pyinit.stream.gpu import arrays

        constant_of("gain", self.gain, dtype)
        key = draw_key(self.seed)
        if out.size == 0:
            return
        rows, columns = math.prod(full_shape[:-1]), full_shape[-1]
        tall_shape = max(rows, columns), min(rows, columns)
        tall = arrays.empty(tall_shape, _FLOAT64, out.device.id)
        fill(tall, _FLOAT64, _standard_normal(), key, tall_shape, (0, 0))
        with out.device:
            q = cusolver.orthonormalized(tall, self.gain)
            full = (q if rows >= columns else q.T).reshape(full_shape)
            cusolver.write(out, full, offset, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"gain": self.gain, **super().get_config()}


def _standard_normal() -> Parameters:
    return parameters("normal", 0.0, 1.0, _FLOAT64, ("mean", "stddev"))


def _round_into(out: AnyArray, values: AnyArray, gain: float, dtype: np.dtype[Any]) -> None:
    """Writes `gain * values`, rounded once to `dtype`, without a copy of all of them."""
    axis = max(range(out.ndim), key=out.shape.__getitem__)
    step = max(1, _ROUNDED_SIZE * out.shape[axis] // out.size)
    before = (slice(None),) * axis

    def write(first: int) -> None:
        piece = (*before, slice(first, first + step))
        out[piece] = round_to(values[piece] * gain, dtype)

    run_parallel([partial(write, first) for first in range(0, out.shape[axis], step)])
