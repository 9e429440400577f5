"""Initializers without chance: Constant, Zeros, Ones, Identity."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyinit.arguments import Shape, argument_error, as_number
from pyinit.dtypes import AnyArray, constant_of
from pyinit.initializers.base import Initializer


class Constant(Initializer):
    """Fills a tensor with one value.

    Args:
        value: A number or bool; the dtype asked for must be able to hold it (floats are rounded
            to nearest even). It may be infinite or NaN for float dtypes.

    Raises:
        ValueError: `value` is not a number.

    Example:
        >>> import pyinit
        >>> pyinit.Constant(3)((2, 2), dtype="int8")
        array([[3, 3],
               [3, 3]], dtype=int8)

    Source: https://keras.io/api/layers/initializers/#constant-class
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = _as_constant(value)

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        out[...] = constant_of("value", self.value, dtype)

    def _fill_on_gpu(
        self, out: Any, dtype: np.dtype[Any], full_shape: Shape, offset: Shape
    ) -> None:
        _fill_constant_on_gpu(out, constant_of("value", self.value, dtype))

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"value": self.value}


class Zeros(Initializer):
    """Fills a tensor with zeros.

    Example:
        >>> import pyinit
        >>> pyinit.Zeros()((2, 2))
        array([[0., 0.],
               [0., 0.]], dtype=float32)

    Source: https://keras.io/api/layers/initializers/#zeros-class
    """

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        out.fill(0)

    def _fill_on_gpu(
        self, out: Any, dtype: np.dtype[Any], full_shape: Shape, offset: Shape
    ) -> None:
        _fill_constant_on_gpu(out, np.zeros((), dtype))


class Ones(Initializer):
    """Fills a tensor with ones.

    Example:
        >>> import pyinit
        >>> pyinit.Ones()((2, 2), dtype="bool")
        array([[ True,  True],
               [ True,  True]])

    Source: https://keras.io/api/layers/initializers/#ones-class
    """

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        out.fill(1)

    def _fill_on_gpu(
        self, out: Any, dtype: np.dtype[Any], full_shape: Shape, offset: Shape
    ) -> None:
        _fill_constant_on_gpu(out, np.ones((), dtype))


class Identity(Initializer):
    """Fills a matrix with the identity, times a factor.

    Args:
        gain: The factor: a finite number.

    Raises:
        ValueError: `gain` is not a finite number; in the call, `shape` is not of rank 2.

    Example:
        >>> import pyinit
        >>> pyinit.Identity()((2, 3))
        array([[1., 0., 0.],
               [0., 1., 0.]], dtype=float32)

    Source: https://keras.io/api/layers/initializers/#identity-class
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = as_number("gain", gain)

    def _check_shape(self, shape: Shape) -> None:
        if len(shape) != 2:
            raise argument_error("shape", shape, "of rank 2 for Identity")

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        gain = constant_of("gain", self.gain, dtype)
        out.fill(0)
        first = max(offset)
        last = min(offset[0] + out.shape[0], offset[1] + out.shape[1])
        diagonal = np.arange(first, max(first, last))
        out[diagonal - offset[0], diagonal - offset[1]] = gain

    def _fill_on_gpu(
        self, out: Any, dtype: np.dtype[Any], full_shape: Shape, offset: Shape
    ) -> None:
        from pyinit.stream.gpu import arrays

        gain = constant_of("gain", self.gain, dtype).astype(out.dtype)
        arrays.fill_identity(out, gain, offset)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"gain": self.gain}


def _fill_constant_on_gpu(out: Any, value: AnyArray) -> None:
    from pyinit.stream.gpu import arrays

    # `out` may be of float64 where the dtype is a narrower one
    arrays.fill_constant(out, value.astype(out.dtype))


def _as_constant(value: Any) -> float | bool:
    """`value` as a Python number or bool; unlike other arguments it need not be finite."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return float(value)
    return as_number("value", value, "a number or bool (a scalar)")
