"""Initializers without randomness: Constant, Zeros, Ones, Identity."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from pyinit.arguments import Shape, argument_error, as_number, is_instance
from pyinit.dtypes import AnyArray, as_scalar, convert_values
from pyinit.initializers.base import Initializer
from pyinit.initializers.chunking import fill_constant
from pyinit.initializers.given_values import (
    GivenTensor,
    array_config,
    as_given_values,
    broadcast_given,
)
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.marginal import Marginal, sparse_marginal
from pyinit.initializers.summary import Spread

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
        fill_constant(out, self._value)

    def _fill_on_gpu(self, out: Any, offset: Shape | None = None) -> None:
        from pyinit.stream.gpu import arrays

        arrays.fill_constant(out, np.asarray(self._value).astype(out.dtype))

    def _parameters(self) -> tuple[Any, ...]:
        return (self._value,)

    def _spread(self) -> Spread | None:
        value = float(self._value)
        return Spread("constant", value, 0.0, value, value)

    def _marginal(self) -> Marginal:
        return Marginal(((float(self._value), 1.0),))

    def _identity(self) -> tuple[Any, ...]:
        # bits: 0.0 and -0.0 differ, and NaN equals itself
        return (*super()._identity()[:-1], self._value.tobytes())

    def _summary(self) -> str:
        return f"value={self._value}"


class Constant(Initializer):
    """Initializer that generates tensors with a constant value, or with given values.

    Args:
        value: A number or bool, or an array of them, which must broadcast to the shape of the call
            (usually it has that shape): an array of NumPy or another library, or nested lists.
            Later changes of the array have no effect. The values must be within the range of the
            requested dtype. A float dtype rounds them to nearest even and also holds infinities and
            NaN; other dtypes must represent them exactly.

    Raises:
        ValueError: `value` is neither a number nor an array of numbers; in the call, the dtype
            cannot hold a value, or the array does not broadcast to the shape.

    Example:
        >>> import numpy as np
        >>> import pyinit
        >>> pyinit.Constant(3)((2, 2), dtype="int8")
        array([[3, 3],
               [3, 3]], dtype=int8)
        >>> pyinit.Constant(np.array([[1, 2], [3, 4]]))((2, 2))
        array([[1., 2.],
               [3., 4.]], dtype=float32)

    Source: https://keras.io/api/layers/initializers/#constant-class
    """

    _follow: ClassVar[dict[str, tuple[str, ...]]] = {"value": ("_only_shape",)}

    value: Any
    #: The only shape that the initializer fills; None for any.
    _only_shape: Shape | None = None

    def __init__(self, value: Any = 0.0) -> None:
        attributes = self.__dict__
        attributes["value"] = value if type(value) is float else _as_constant(value)
        attributes["_only_shape"] = None

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        if self._only_shape is not None and shape != self._only_shape:
            allowed = f"{self._only_shape}, the shape of the array given as initializer"
            raise argument_error("shape", shape, allowed)
        if not isinstance(self.value, np.ndarray):
            return ConstantTensor(shape, dtype, as_scalar("value", self.value, dtype))
        broadcast_given("value", self.value, shape)
        return GivenTensor(shape, dtype, convert_values("value", self.value, dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; an array as Keras writes it."""
        if isinstance(self.value, np.ndarray):
            return {"value": array_config(self.value)}
        return {"value": self.value}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self.value, np.ndarray):
            self.value.flags.writeable = False  # copies and pickles can be written to

    def __repr__(self) -> str:
        if not isinstance(self.value, np.ndarray):
            return super().__repr__()
        shape, dtype = self.value.shape, self.value.dtype
        return f"{type(self).__name__}(value=<array of shape {shape} and dtype {dtype}>)"


def constant_of_own_shape(values: AnyArray) -> Constant:
    """Return a Constant that fills only tensors of the array's shape, as `get(array)` does."""
    constant = Constant(values)
    constant._only_shape = values.shape
    return constant


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
        fill_constant(out, 0)
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

    def _spread(self) -> Spread | None:
        return None

    def _marginal(self) -> Marginal:
        return sparse_marginal(float(self._value), min(self._shape), self.size)

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

    gain: float

    def __init__(self, gain: float = 1.0) -> None:
        self.__dict__["gain"] = as_number("gain", gain)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        if len(shape) != 2:
            raise argument_error("shape", shape, "of rank 2 for Identity")
        return IdentityTensor(shape, dtype, as_scalar("gain", self.gain, dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"gain": self.gain}


def _as_constant(value: Any) -> Any:
    """Return `value` as a Python number or bool, which need not be finite, or as an array."""
    values = as_given_values("value", value)
    if values is not None:
        return values
    if is_instance(value, dict):
        value = value["config"]["value"]
    elif type(value) is np.ndarray:
        value = value[()]
    if type(value) in (bool, np.bool_):
        return bool(value)
    allowed = "a number, a bool, or an array of these"
    return as_number("value", value, allowed, must_be_finite=False)
