"""The three distributions of the stream, as parameters that a kernel takes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np

from pyinit.arguments import argument_error
from pyinit.dtypes import round_to

Kind = Literal["uniform", "normal", "truncated_normal"]


class Parameters(NamedTuple):
    """What a kernel computes with: `min(location + scale * variate, upper)`.

    The variate is uniform on [0, 1), standard normal, or standard normal truncated to (-2, 2).
    The three numbers are exact in the column of the stream that the dtype belongs to (float64
    for float64, float32 for the others).
    """

    kind: Kind
    location: float
    scale: float
    upper: float


#: No variate lies further from 0: those of the outermost words, rounded up.
_LARGEST_VARIATE = {
    ("normal", np.float32): 6.4,
    ("normal", np.float64): 9.2,
    ("truncated_normal", np.float32): 2.0,
    ("truncated_normal", np.float64): 2.0,
}


def parameters(
    kind: Kind, location: float, bound: float, dtype: np.dtype[Any], names: tuple[str, str]
) -> Parameters:
    """A distribution's parameters, given in double precision, rounded for `dtype`.

    Args:
        kind: `"uniform"` on [location, bound), `"normal"` with mean `location` and standard
            deviation `bound`, or `"truncated_normal"`, the same cut at two standard deviations
            (`bound` is the one before the cut).
        location: The lower end or the mean.
        bound: The upper end or the standard deviation.
        dtype: The float dtype of the values.
        names: What the caller's arguments for the two are called, for the error's message.

    Raises:
        ValueError: A parameter is too large for `dtype`: values could become infinite.
    """
    # -0.0 is 0.0: equal for the cache, so that it must not differ in the values
    return _parameters(kind, location + 0.0, bound + 0.0, dtype, names)


@lru_cache(maxsize=1024)
def _parameters(
    kind: Kind, location: float, bound: float, dtype: np.dtype[Any], names: tuple[str, str]
) -> Parameters:
    column = np.float64 if dtype == np.float64 else np.float32
    with np.errstate(over="ignore"):
        for name, value in zip(names, (location, bound), strict=True):
            if _is_too_large(value, dtype):
                raise argument_error(name, value, f"within the range of dtype {dtype.name}")
        if kind != "uniform":
            furthest = abs(location) + _LARGEST_VARIATE[kind, column] * bound
            if _is_too_large(furthest, dtype):
                allowed = f"so small that all values are within the range of dtype {dtype.name}"
                raise argument_error(names[1], bound, allowed)
        scale = float(column(bound - location if kind == "uniform" else bound))
    if np.isinf(scale):
        raise argument_error(
            names[1], bound, f"closer to {names[0]}={location} for dtype {dtype.name}"
        )
    upper = np.inf
    if kind == "uniform" and location < bound:
        upper = _largest_below(bound, dtype)
    return Parameters(kind, float(column(location)), scale, upper)


def _is_too_large(value: float, dtype: np.dtype[Any]) -> bool:
    return bool(np.isinf(round_to(np.asarray(value, np.float64), dtype).astype(np.float64)))


def _largest_below(bound: float, dtype: np.dtype[Any]) -> float:
    """The largest value of `dtype` below `bound`."""
    rounded = round_to(np.asarray(bound, np.float64), dtype)
    if float(rounded) < bound:
        return float(rounded)
    return float(np.nextafter(rounded, dtype.type(-np.inf)))
