"""The dtypes that initializers fill, the default one, and rounding to them."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from pyinit.arguments import argument_error, one_of

AnyArray = npt.NDArray[Any]

FLOAT_DTYPES: dict[str, np.dtype[Any]] = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
}
INTEGER_DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(name)
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
}
BOOL = np.dtype(np.bool_)
NUMERIC_DTYPES = {**FLOAT_DTYPES, **INTEGER_DTYPES, "bool": BOOL}

_floatx = "float32"


def floatx() -> str:
    """The name of the dtype that an initializer fills when none is asked for.

    Returns:
        One of `"float16"`, `"bfloat16"`, `"float32"`, `"float64"`; `"float32"` unless
        `set_floatx()` has set another.

    Example:
        >>> import pyinit
        >>> pyinit.floatx()
        'float32'
    """
    return _floatx


def set_floatx(dtype: str) -> None:
    """Sets the dtype that initializers fill when none is asked for.

    Args:
        dtype: One of `"float16"`, `"bfloat16"`, `"float32"`, `"float64"`.

    Raises:
        ValueError: `dtype` is none of these.

    Example:
        >>> import pyinit
        >>> pyinit.set_floatx("float64")
        >>> pyinit.Zeros()((2,)).dtype
        dtype('float64')
        >>> pyinit.set_floatx("float32")
    """
    global _floatx
    _floatx = one_of("dtype", dtype, tuple(FLOAT_DTYPES))


#: NumPy makes a dtype's name anew each time, which takes longer than drawing a small tensor.
_NAMES = {dtype: name for name, dtype in NUMERIC_DTYPES.items()}

#: Python's own types, as Keras reads them.
_PYTHON_DTYPES = {float: "float32", int: "int32", bool: "bool"}


def _name(dtype: Any) -> str:
    """The name that a dtype of NumPy, TensorFlow, JAX or torch goes by."""
    if isinstance(dtype, str):
        return dtype
    if isinstance(dtype, np.dtype) and dtype in _NAMES:
        return _NAMES[dtype]
    if isinstance(dtype, type) and dtype in _PYTHON_DTYPES:
        return _PYTHON_DTYPES[dtype]
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None)
    # torch's dtypes have no name but print as "torch.float32"
    return name if isinstance(name, str) else str(dtype).rpartition(".")[2]


def standardize_dtype(dtype: object, allowed: dict[str, np.dtype[Any]]) -> np.dtype[Any]:
    """The NumPy dtype of that name, of a kind that the initializer can fill.

    Args:
        dtype: A name, a dtype of NumPy, TensorFlow, JAX or torch, one of Python's own `float`,
            `int` and `bool` (as in Keras: float32, int32, bool), or None for `floatx()`.
        allowed: The dtypes that the initializer can fill, by name.

    Raises:
        ValueError: `dtype` is none of the allowed ones.
    """
    if dtype is None:
        return FLOAT_DTYPES[_floatx]
    if isinstance(dtype, np.dtype) and not dtype.isnative:
        raise argument_error("dtype", dtype, "of this machine's byte order")
    found = allowed.get(_name(dtype))
    if found is None:
        raise argument_error("dtype", dtype, "one of " + ", ".join(map(repr, allowed)))
    return found


def round_to(values: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Float64 `values` rounded once, to nearest even, to the float `dtype`.

    A conversion of float64 to bfloat16 goes by way of float32 in ml_dtypes and so rounds twice;
    here float32 is rounded to odd on the way, which leaves the second rounding as the only one
    that counts.
    """
    if dtype != FLOAT_DTYPES["bfloat16"]:
        return values.astype(dtype)
    odd = values.astype(np.float32)
    inexact = odd != values
    np.nextafter(odd, np.float32(0), out=odd, where=np.abs(odd) > np.abs(values))
    bits = odd.view(np.uint32)
    np.bitwise_or(bits, np.uint32(1), out=bits, where=inexact & ~np.isnan(values))
    return odd.astype(dtype)


def cast(values: AnyArray, dtype: np.dtype[Any]) -> tuple[AnyArray, AnyArray]:
    """The values in another dtype, and which of them it holds exactly (NaN is NaN)."""
    with np.errstate(invalid="ignore", over="ignore"):
        held = values.astype(dtype)
        again = held.astype(values.dtype)
    return held, (again == values) | ((again != again) & (values != values))


def constant_of(name: str, value: int | float | bool, dtype: np.dtype[Any]) -> AnyArray:
    """A number as a 0-d array of `dtype`, rounded once.

    Raises:
        ValueError: An integer `dtype` or bool does not hold the number, or it is finite and a
            float `dtype` would make it infinite.
    """
    if dtype.name in FLOAT_DTYPES:
        with np.errstate(over="ignore"):
            rounded = round_to(np.asarray(_to_float64(value, dtype), np.float64), dtype)
        if np.isinf(rounded.astype(np.float64)) and np.isfinite(float(value)):
            raise argument_error(name, value, f"within the range of dtype {dtype.name}")
        return rounded
    try:
        held: int | None = int(value)
    except (OverflowError, ValueError):
        held = None
    if dtype == BOOL:
        low, high = 0, 1
    else:
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    if held is None or held != value or not low <= held <= high:
        raise argument_error(
            name, value, f"a whole number from {low} to {high} for dtype {dtype.name}"
        )
    return np.asarray(held, dtype)


def _to_float64(value: int | float | bool, dtype: np.dtype[Any]) -> float:
    """A number in float64, such that rounding that to `dtype` is the only rounding that counts.

    An integer that float64 does not hold is rounded to odd for a narrower dtype.
    """
    rounded = float(value)
    if dtype == np.float64 or not math.isfinite(rounded) or int(rounded) == value:
        return rounded
    if not isinstance(value, int):
        return rounded
    if abs(int(rounded)) > abs(value):
        rounded = math.nextafter(rounded, 0)
    bits = np.asarray(rounded).view(np.uint64)
    return float((bits | np.uint64(1)).view(np.float64))
