"""Initializers that TensorFlow has and Keras 3 lacks: given values, and random integers."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from pyinit.arguments import Shape, argument_error
from pyinit.dtypes import FLOAT_DTYPES, INTEGER_DTYPES, AnyArray, round_to
from pyinit.initializers.constant import Constant
from pyinit.initializers.random import RandomUniform
from pyinit.seeds import draw_key
from pyinit.stream import fill
from pyinit.stream.distributions import parameters

_FLOAT64 = FLOAT_DTYPES["float64"]


class ValuesOrConstant(Constant):
    """Fills a tensor with one value, or with given values in C order.

    Args:
        value: A number or bool, or a list, tuple or array with one for each element.
        extend: Whether to accept fewer values: the last one then fills the rest of the tensor.

    Raises:
        ValueError: An argument is not as described; in the call, there are too few or too many
            values.

    Example:
        >>> from pyinit.compat.values import ValuesOrConstant
        >>> ValuesOrConstant([1, 2, 3, 4])((2, 2))
        array([[1., 2.],
               [3., 4.]], dtype=float32)
    """

    def __init__(self, value: Any = 0, extend: bool = False) -> None:
        self._extend = extend
        self._values: AnyArray | None = None
        if isinstance(value, list | tuple | np.ndarray) and np.ndim(value):
            self._values = np.asarray(value)
            if self._values.dtype.kind not in "biuf" or self._values.size == 0:
                raise argument_error("value", value, "a number or bool, or one or more of them")
            # configurations keep the value as given
            self.value = value  # type: ignore[assignment]
        else:
            super().__init__(value)

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        if self._values is None:
            super()._fill(out, dtype, full_shape, offset)
            return
        flat = _converted(self._values, dtype).ravel()
        size = math.prod(full_shape)
        if flat.size > max(1, size) or (1 < flat.size < size and not self._extend):
            allowed = f"one value or {size} values, for shape={full_shape}"
            raise argument_error("value", self.value, allowed)
        full = np.full(size, flat[-1], dtype)
        full[: flat.size] = flat
        part = tuple(
            slice(first, first + length) for first, length in zip(offset, out.shape, strict=True)
        )
        out[...] = full.reshape(full_shape)[part]


def _converted(values: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Return `values` in a float dtype, rounded once, or in an integer dtype, exactly."""
    with np.errstate(over="ignore", invalid="ignore"):
        if dtype.name in FLOAT_DTYPES:
            converted = round_to(values.astype(np.float64), dtype)
            lost = np.isinf(converted.astype(np.float64)) & np.isfinite(values)
        else:
            converted = values.astype(dtype)
            lost = converted != values
    if lost.any():
        raise argument_error("value", values[lost][0], f"within the values of dtype {dtype.name}")
    return converted


class UniformNumbers(RandomUniform):
    """Draws floats, or integers, from a uniform distribution on [minval, maxval).

    An integer is `minval + floor(u * (maxval - minval))`, where u is the float64 that a uniform
    initializer on [0, 1) draws for the same element.

    Args:
        minval: The lower end: a finite number, an integer for integer dtypes.
        maxval: The upper end, which is never drawn: a finite number, at least `minval`, or None for
            1; for integer dtypes, an integer greater than `minval`.
        seed: An integer or a seed generator. An initializer seeded with an integer or None repeats
            its values at every call; one with a seed generator gives new ones.

    Raises:
        ValueError: An argument is not as described.

    Example:
        >>> from pyinit.compat.values import UniformNumbers
        >>> values = UniformNumbers(0, 10, seed=1)((1000,), dtype="int32")
        >>> int(values.min()), int(values.max())
        (0, 9)
    """

    _dtypes: ClassVar[dict[str, np.dtype[Any]]] = {
        **FLOAT_DTYPES,
        **{name: INTEGER_DTYPES[name] for name in ("int32", "int64")},
    }

    def __init__(
        self, minval: float = -0.05, maxval: float | None = 0.05, seed: Any = None
    ) -> None:
        self._has_maxval = maxval is not None
        super().__init__(minval, 1 if maxval is None else maxval, seed)

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        if dtype.name in FLOAT_DTYPES:
            super()._fill(out, dtype, full_shape, offset)
            return
        minval, maxval = self._integer_ends(dtype)
        uniform = np.empty(out.shape, _FLOAT64)
        law = parameters("uniform", 0.0, 1.0, _FLOAT64, ("minval", "maxval"))
        fill(uniform, _FLOAT64, law, draw_key(self.seed), full_shape, offset)
        # u is at most 1 - 2**-53 and the range at most 2**53: the product stays below the range
        uniform *= maxval - minval
        out[...] = np.floor(uniform).astype(np.int64) + minval

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
        """The arguments that construct such an initializer."""
        config = super().get_config()
        return config if self._has_maxval else {**config, "maxval": None}
