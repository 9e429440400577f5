"""Supported dtypes, the default dtype, and rounding."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import ml_dtypes
import numpy as np
import numpy.typing as npt

from pyinit import hooks
from pyinit.arguments import argument_error, attempt, exact_str, is_instance, one_of

AnyArray = npt.NDArray[Any]

FloatName = Literal["float16", "bfloat16", "float32", "float64"]
DTypeName = (
    FloatName
    | Literal["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"]
)


class _Named(Protocol):
    """A dtype of TensorFlow."""

    @property
    def name(self) -> str: ...


class _Sized(Protocol):
    """A dtype of torch."""

    @property
    def itemsize(self) -> int: ...


#: A dtype: its name, or an object of NumPy, JAX, TensorFlow or torch.
DTypeLike = DTypeName | np.dtype[Any] | type[Any] | _Named | _Sized

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
_FLOATS = frozenset(FLOAT_DTYPES.values())
NUMERIC_DTYPES = {**FLOAT_DTYPES, **INTEGER_DTYPES, "bool": BOOL}

#: What `set_floatx()` has set.
_floatx: FloatName | None = None


def floatx() -> FloatName:
    """Return the name of the default dtype of initializers.

    Returns:
        One of `"float16"`, `"bfloat16"`, `"float32"`, `"float64"`: what `set_floatx()` has set, or
        else `keras.config.floatx()` if Keras is loaded, or else `"float32"`.

    Example:
        >>> import pyinit
        >>> pyinit.floatx()
        'float32'

    Source: https://keras.io/api/utils/config_utils/
    """
    return _floatx or hooks.keras_floatx()


def set_floatx(dtype: FloatName) -> None:
    """Set the default dtype of initializers, whatever that of Keras is.

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

    Source: https://keras.io/api/utils/config_utils/
    """
    global _floatx
    _floatx = one_of("dtype", dtype, tuple(FLOAT_DTYPES))  # type: ignore[assignment]


#: NumPy recomputes dtype.name on each access, which takes longer than a small draw.
_NAMES = {dtype: name for name, dtype in NUMERIC_DTYPES.items()}

#: TensorFlow's other names for these dtypes.
_ALIASES = {"half": "float16", "float": "float32", "double": "float64"}

#: Python's own types, as Keras interprets them.
_PYTHON_DTYPES = {float: "float32", int: "int32", bool: "bool"}


def _name(dtype: Any) -> str | None:
    """Return the name of a dtype of NumPy, TensorFlow, JAX or torch; None for anything else."""
    if isinstance(dtype, np.dtype) and dtype in _NAMES:
        return _NAMES[dtype]
    text = exact_str(dtype)
    if text is not None:
        return text
    cls = type(dtype)
    if issubclass(cls, type):
        return _PYTHON_DTYPES[dtype] if dtype in _PYTHON_DTYPES else exact_str(dtype.__name__)
    if cls.__module__ == "torch":
        # torch's dtypes have no name; their str() is "torch.float32"
        return str(dtype).rpartition(".")[2]
    # other objects have names, too, such as paths
    return exact_str(dtype.name) if hasattr(dtype, "as_numpy_dtype") else None


def standardize_dtype(dtype: object, allowed: dict[str, np.dtype[Any]]) -> np.dtype[Any]:
    """Return a dtype as NumPy's.

    Args:
        dtype: A name (TensorFlow's `half`, `float` and `double` too), a dtype of NumPy, TensorFlow,
            JAX or torch, one of Python's own `float`, `int` and `bool` (as in Keras: float32,
            int32, bool), or None for `floatx()`.
        allowed: The dtypes that the initializer can fill, by name.

    Raises:
        ValueError: `dtype` is not one of the allowed dtypes.
    """
    if dtype is None:
        return FLOAT_DTYPES[floatx()]
    if type(dtype) is str and dtype in allowed:
        return allowed[dtype]  # the fast path
    if is_instance(dtype, np.dtype) and not dtype.isnative:
        raise argument_error("dtype", dtype, "of this machine's byte order")
    name = attempt(_name, dtype)
    if name is not None:
        # dtypes are falsy
        found = allowed.get(name)
        if found is None:
            found = allowed.get(_ALIASES.get(name, name))
        if found is not None:
            return found
    raise argument_error("dtype", dtype, "one of " + ", ".join(map(repr, allowed)))


def is_float(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype of this machine's byte order is one of the float dtypes."""
    # NumPy recomputes dtype.name on each access, which a small read would notice
    return dtype in _FLOATS


def round_to(values: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Round float64 values once, to nearest even, to a float dtype.

    ml_dtypes converts float64 to bfloat16 through float32, which would round twice.
    """
    if dtype == FLOAT_DTYPES["bfloat16"]:
        values = round_to_odd(values)
    return values.astype(dtype)


def round_to_odd(values: Any) -> Any:
    """Round float64 values to float32 so that rounding to 16 bits afterwards is correct.

    A value that float32 cannot represent becomes its neighbour with an odd significand, which is
    never half-way between two values of a narrower dtype.

    Args:
        values: An array of NumPy or CuPy.
    """
    nearest = values.astype(np.float32)
    back = nearest.astype(np.float64)
    return _to_odd(nearest, abs(back) > abs(values), (back != values) & (values == values))


def _to_odd(nearest: Any, is_beyond: Any, is_inexact: Any) -> Any:
    """Turn values rounded to nearest into values rounded to odd, in place.

    Args:
        nearest: An array of float32 or float64.
        is_beyond: True where rounding moved the value away from zero.
        is_inexact: True where rounding changed the value.
    """
    bits = nearest.view(f"u{nearest.itemsize}")
    bits -= is_beyond
    bits |= is_inexact
    return nearest


def cast(values: AnyArray, dtype: np.dtype[Any]) -> tuple[AnyArray, AnyArray]:
    """Convert values to a dtype; also return which of them it represents exactly."""
    with np.errstate(invalid="ignore", over="ignore"):
        converted = values.astype(dtype)
        back = converted.astype(values.dtype)
    return converted, (back == values) | ((back != back) & (values != values))


def as_scalar(name: str, value: int | float | bool, dtype: np.dtype[Any]) -> Any:
    """Return a number as a NumPy scalar of `dtype`, rounded once.

    Raises:
        ValueError: An integer dtype or bool does not represent the number, or a finite number would
            be infinite in a float dtype.
    """
    if is_float(dtype):
        with np.errstate(over="ignore"):
            rounded = round_to(np.asarray(_to_float64(value, dtype), np.float64), dtype)
        if np.isinf(rounded.astype(np.float64)) and np.isfinite(float(value)):
            raise argument_error(name, value, f"within the range of dtype {dtype.name}")
        return rounded[()]
    try:
        converted: int | None = int(value)
    except (OverflowError, ValueError):
        converted = None
    if dtype == BOOL:
        low, high = 0, 1
    else:
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    if converted is None or converted != value or not low <= converted <= high:
        raise argument_error(name, value, f"an integer from {low} to {high} for dtype {dtype.name}")
    return np.asarray(converted, dtype)[()]


def convert_values(name: str, values: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Return an array of numbers in `dtype`, each rounded once, as `as_scalar()` rounds one.

    Args:
        name: The name of the argument, for messages.
        values: An array of one of the supported dtypes.
        dtype: The dtype.

    Raises:
        ValueError: An integer dtype or bool does not represent one of the values, or a finite value
            would be infinite in a float dtype.
    """
    if values.dtype == dtype:
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        if is_float(dtype):
            converted = round_to(_all_to_float64(values, dtype), dtype)
            lost = np.isinf(converted.astype(np.float64)) & np.isfinite(values)
        else:
            converted = values.astype(dtype)
            lost = converted != values
            if is_float(values.dtype):
                # converting a float beyond the range of an integer dtype has no defined result
                low, high = (0, 1) if dtype == BOOL else (np.iinfo(dtype).min, np.iinfo(dtype).max)
                wide = values.astype(np.float64)
                lost |= ~((wide >= float(low)) & (wide < float(int(high) + 1)))
    if lost.any():
        as_scalar(name, values[lost][0].item(), dtype)  # raises
    return converted


def _all_to_float64(values: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Convert numbers to float64 so that rounding to `dtype` afterwards is correct."""
    wide: AnyArray = values.astype(np.float64)
    if values.dtype.kind in "iu" and dtype != np.float64:
        for index in zip(*np.nonzero(np.abs(wide) >= 2.0**53), strict=True):
            wide[index] = _to_float64(int(values[index]), dtype)
    return wide


def _to_float64(value: int | float | bool, dtype: np.dtype[Any]) -> float:
    """Convert a number to float64 so that rounding to `dtype` afterwards is correct.

    For a narrower dtype, an integer that float64 cannot represent is rounded to odd.
    """
    nearest = float(value)
    if dtype == np.float64 or not isinstance(value, int):
        return nearest
    back = int(nearest)
    return float(_to_odd(np.asarray(nearest), abs(back) > abs(value), back != value))
