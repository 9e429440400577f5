"""Initializers that TensorFlow has and Keras 3 lacks: given values, and random integers."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from pyinit.arguments import Shape, argument_error
from pyinit.dtypes import FLOAT_DTYPES, INTEGER_DTYPES, AnyArray, convert_values, is_float
from pyinit.initializers.chunking import memory_parts
from pyinit.initializers.constant import Constant, ConstantTensor
from pyinit.initializers.given_values import GivenTensor
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.random import RandomTensor, RandomUniform
from pyinit.seeds import DrawId, Seed, take_draw
from pyinit.stream import rounded_distribution

_FLOAT64 = FLOAT_DTYPES["float64"]
_UNIT = rounded_distribution("uniform", 0.0, 1.0, _FLOAT64, ("minval", "maxval"))


class ValuesOrConstant(Constant):
    """Initializer that generates tensors with a constant value, or with given values in C order.

    Args:
        value: A number or bool, or a list, tuple or array with one value for each element.
        extend: Whether to accept fewer values: the last one then fills the rest of the tensor.

    Raises:
        ValueError: An argument is invalid; in the call, there are too few or too many
            values.

    Example:
        >>> from pyinit.compat.values import ValuesOrConstant
        >>> ValuesOrConstant([1, 2, 3, 4])((2, 2))
        array([[1., 2.],
               [3., 4.]], dtype=float32)
    """

    _follow: ClassVar[dict[str, tuple[str, ...]]] = {"value": ("_only_shape", "_values")}

    def __init__(self, value: Any = 0, extend: bool = False) -> None:
        super().__init__(value)
        self._extend = extend
        self._values: AnyArray | None = None
        if isinstance(self.value, np.ndarray):
            self._values = self.value
            if self._values.size == 0:
                raise argument_error("value", value, "a number or bool, or one or more of them")
            # configurations keep the value as given
            self.__dict__["value"] = self._values if isinstance(value, dict) else value

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        if self._values is None:
            return super()._lazy(shape, dtype, draw)
        flat = convert_values("value", self._values, dtype).ravel()
        size = math.prod(shape)
        if flat.size > max(1, size) or (1 < flat.size < size and not self._extend):
            allowed = f"one value or {size} values, for shape={shape}"
            raise argument_error("value", self.value, allowed)
        if flat.size == 1:
            return ConstantTensor(shape, dtype, flat[0])
        if flat.size < size:
            flat = np.pad(flat, (0, size - flat.size), mode="edge")
        return GivenTensor(shape, dtype, flat.reshape(shape))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, with a list or an array as it was given."""
        return {"value": self.value}


class UniformNumbers(RandomUniform):
    """Initializer that draws floats or integers from a uniform distribution on [minval, maxval).

    An integer is `minval + floor(u * (maxval - minval))`, where u is the float64 that a uniform
    initializer on [0, 1) draws for the same element.

    Args:
        minval: The lower end, inclusive: a finite number; for integer dtypes, an integer.
        maxval: The upper end, exclusive: a finite number, at least `minval`, or None for 1; for
            integer dtypes, an integer greater than `minval`.
        seed: An integer, a seed generator, or None for a fresh seed. With an integer or None, every
            call gives the same values; with a seed generator, every call gives new ones.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> from pyinit.compat.values import UniformNumbers
        >>> values = UniformNumbers(0, 10, seed=1)((1000,), dtype="int32")
        >>> int(values.min()), int(values.max())
        (0, 9)
    """

    _follow: ClassVar[dict[str, tuple[str, ...]]] = {
        **RandomUniform._follow,
        "maxval": ("_has_maxval",),
    }
    _dtypes: ClassVar[dict[str, np.dtype[Any]]] = {
        **FLOAT_DTYPES,
        **{name: INTEGER_DTYPES[name] for name in ("int32", "int64")},
    }

    def __init__(
        self, minval: float = -0.05, maxval: float | None = 0.05, seed: Seed = None
    ) -> None:
        self._has_maxval = maxval is not None
        super().__init__(minval, 1 if maxval is None else maxval, seed)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        if is_float(dtype):
            return super()._lazy(shape, dtype, draw)
        minval, maxval = self._integer_ends(dtype)
        return UniformIntegerTensor(shape, dtype, minval, maxval, take_draw(self.seed, draw))

    def _integer_ends(self, dtype: np.dtype[Any]) -> tuple[int, int]:
        name = dtype.name
        if not isinstance(self.minval, int):
            raise argument_error("minval", self.minval, f"an integer for dtype {name}")
        if not self._has_maxval or not isinstance(self.maxval, int):
            received = self.maxval if self._has_maxval else None
            raise argument_error("maxval", received, f"an integer for dtype {name}")
        limits = np.iinfo(dtype)
        if self.minval < limits.min:
            raise argument_error("minval", self.minval, f"at least {limits.min} for dtype {name}")
        highest = min(limits.max + 1, self.minval + 2**53)
        if not self.minval < self.maxval <= highest:
            allowed = f"an integer from {self.minval + 1} to {highest} for dtype {name}"
            raise argument_error("maxval", self.maxval, allowed)
        return self.minval, self.maxval

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        return config if self._has_maxval else {**config, "maxval": None}


class UniformIntegerTensor(LazyTensor):
    """A lazy tensor of uniform integers.

    Args:
        shape: The shape.
        dtype: The integer dtype.
        minval: The smallest value.
        maxval: The largest value plus one.
        draw_id: The draw.
    """

    __slots__ = ("_draw_id", "_maxval", "_minval", "_uniform")

    def __init__(
        self, shape: Shape, dtype: np.dtype[Any], minval: int, maxval: int, draw_id: DrawId
    ) -> None:
        super().__init__(shape, dtype)
        self._minval = minval
        self._maxval = maxval
        self._draw_id = draw_id
        self._uniform = RandomTensor(shape, _FLOAT64, _UNIT, draw_id)

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        for part, first in memory_parts(out, offset, steps):
            uniform = np.empty(part.shape, _FLOAT64)
            self._uniform._fill(uniform, first, steps)
            # u is at most 1 - 2**-53 and the range at most 2**53: the product is below the range
            uniform *= self._maxval - self._minval
            integers = uniform.astype(np.int64)
            integers += self._minval
            part[...] = integers

    def _parameters(self) -> tuple[Any, ...]:
        return self._minval, self._maxval, self._draw_id

    def _summary(self) -> str:
        seed, draw = self._draw_id
        return f"uniform from {self._minval} to {self._maxval - 1}, seed={seed}, draw={draw}"
