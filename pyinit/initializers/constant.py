"""Initializers without randomness: Constant, Zeros, Ones, Identity."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyinit.arguments import Shape, argument_error, as_number
from pyinit.dtypes import AnyArray, as_scalar
from pyinit.initializers.base import Initializer
from pyinit.initializers.lazy import LazyTensor

__all__ = ["Constant", "Identity", "Ones", "Zeros"]


class ConstantTensor(LazyTensor):
    """A lazy tensor whose elements are all the same.

    Args:
        shape: The shape.
        dtype: The dtype.
        value: The value, a scalar of that dtype.
    """

    __slots__ = ("_value",)

    def __init__(self, shape: Shape, dtype: np.dtype[Any], value: Any) -> None:
        # super().__init__() inlined: its call takes noticeable time for a small tensor
        self._shape = shape
        self._dtype = dtype
        self._value = value

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        out.fill(self._value)

    def _fill_on_gpu(self, out: Any, offset: Shape | None = None) -> None:
        from pyinit.stream.gpu import arrays

        arrays.fill_constant(out, np.asarray(self._value).astype(out.dtype))

    def _parameters(self) -> tuple[Any, ...]:
        return (self._value,)

    def _identity(self) -> tuple[Any, ...]:
        # bits: 0.0 and -0.0 differ, and NaN equals itself
        return (*super()._identity()[:-1], self._value.tobytes())

    def _summary(self) -> str:
        return f"value={self._value}"


class Constant(Initializer):
    """Initializer that generates tensors with a constant value.

    Args:
        value: A number or bool, within the range of the requested dtype. A float dtype rounds it to
            nearest even and also holds infinities and NaN; other dtypes must represent it exactly.

    Raises:
        ValueError: `value` is not a number; in the call, the dtype cannot hold it.

    Example:
        >>> import pyinit
        >>> pyinit.Constant(3)((2, 2), dtype="int8")
        array([[3, 3],
               [3, 3]], dtype=int8)

    Source: https://keras.io/api/layers/initializers/#constant-class
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = _as_constant(value)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        return ConstantTensor(shape, dtype, as_scalar("value", self.value, dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"value": self.value}


class Zeros(Initializer):
    """Initializer that generates tensors of zeros.

    Example:
        >>> import pyinit
        >>> pyinit.Zeros()((2, 2))
        array([[0., 0.],
               [0., 0.]], dtype=float32)

    Source: https://keras.io/api/layers/initializers/#zeros-class
    """

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        return ConstantTensor(shape, dtype, dtype.type(0))


class Ones(Initializer):
    """Initializer that generates tensors of ones.

    Example:
        >>> import pyinit
        >>> pyinit.Ones()((2, 2), dtype="bool")
        array([[ True,  True],
               [ True,  True]])

    Source: https://keras.io/api/layers/initializers/#ones-class
    """

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        return ConstantTensor(shape, dtype, dtype.type(1))


class IdentityTensor(ConstantTensor):
    """A lazy identity matrix, times a constant factor.

    Args:
        shape: The shape, of rank 2.
        dtype: The dtype.
        value: The factor, a scalar of that dtype.
    """

    __slots__ = ()

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        out.fill(0)
        first, step = offset or (0, 0), steps or (1, 1)
        # the shorter axis bounds the diagonal, and so the memory for its positions
        short, long = sorted((0, 1), key=out.shape.__getitem__)
        position = np.arange(out.shape[short])
        index = first[short] + step[short] * position
        other, rest = np.divmod(index - first[long], step[long])
        is_inside = (rest == 0) & (other >= 0) & (other < out.shape[long])
        diagonal = {short: position[is_inside], long: other[is_inside]}
        out[diagonal[0], diagonal[1]] = self._value

    def _fill_on_gpu(self, out: Any, offset: Shape | None = None) -> None:
        from pyinit.stream.gpu import arrays

        arrays.fill_identity(out, np.asarray(self._value).astype(out.dtype), offset or (0, 0))

    def _summary(self) -> str:
        return f"identity, gain={self._value}"


class Identity(Initializer):
    """Initializer that generates the identity matrix.

    Args:
        gain: The factor of the identity matrix: a finite number.

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

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        if len(shape) != 2:
            raise argument_error("shape", shape, "of rank 2 for Identity")
        return IdentityTensor(shape, dtype, as_scalar("gain", self.gain, dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"gain": self.gain}


def _as_constant(value: Any) -> float | bool:
    """Return `value` as a Python number or bool; it need not be finite."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return float(value)
    return as_number("value", value, "a number or bool (a scalar)")
