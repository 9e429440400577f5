"""The three distributions of the stream, as the kernels take them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np

from pyinit.arguments import argument_error
from pyinit.dtypes import round_to

Family = Literal["uniform", "normal", "truncated_normal"]


class Distribution(NamedTuple):
    """A distribution, as a kernel computes it: `min(location + scale * variate, upper)`.

    The variate is uniform on [0, 1), standard normal, or standard normal truncated to (-2, 2).
    The three numbers are exact in the type that the kernel computes in: float64 for values of
    float64, float32 for narrower ones.
    """

    family: Family
    location: float
    scale: float
    upper: float


#: An upper bound on abs(variate), by family and computing type.
_LARGEST_VARIATE = {
    ("normal", np.float32): 6.4,
    ("normal", np.float64): 9.2,
    ("truncated_normal", np.float32): 2.0,
    ("truncated_normal", np.float64): 2.0,
}


def rounded_distribution(
    family: Family, location: float, bound: float, dtype: np.dtype[Any], names: tuple[str, str]
) -> Distribution:
    """Round the parameters of a distribution, in double precision, for values of `dtype`.

    Args:
        family: `"uniform"` on [location, bound), `"normal"` with mean `location` and standard
            deviation `bound`, or `"truncated_normal"`: the same truncated at two standard
            deviations, where `bound` is the standard deviation before truncation.
        location: The lower end or the mean.
        bound: The upper end or the standard deviation.
        dtype: The float dtype of the values.
        names: The names of the caller's arguments for location and bound, for messages.

    Raises:
        ValueError: A parameter is too large for `dtype`: values could become infinite.
    """
    # normalise -0.0, which hashes equal to 0.0
    return _rounded(family, location + 0.0, bound + 0.0, dtype, names)


@lru_cache(maxsize=1024)
def _rounded(
    family: Family, location: float, bound: float, dtype: np.dtype[Any], names: tuple[str, str]
) -> Distribution:
    computing = np.float64 if dtype == np.float64 else np.float32
    with np.errstate(over="ignore"):
        for name, value in zip(names, (location, bound), strict=True):
            if _is_too_large(value, dtype):
                raise argument_error(name, value, f"within the range of dtype {dtype.name}")
        if family != "uniform":
            largest = abs(location) + _LARGEST_VARIATE[family, computing] * bound
            if _is_too_large(largest, dtype):
                allowed = f"so small that all values are within the range of dtype {dtype.name}"
                raise argument_error(names[1], bound, allowed)
        scale = float(computing(bound - location if family == "uniform" else bound))
    if np.isinf(scale):
        allowed = f"closer to {names[0]}={location} for dtype {dtype.name}"
        raise argument_error(names[1], bound, allowed)
    upper = np.inf
    if family == "uniform" and location < bound:
        upper = _largest_below(bound, dtype)
    return Distribution(family, float(computing(location)), scale, upper)


def _is_too_large(value: float, dtype: np.dtype[Any]) -> bool:
    return bool(np.isinf(round_to(np.asarray(value, np.float64), dtype).astype(np.float64)))


def _largest_below(bound: float, dtype: np.dtype[Any]) -> float:
    """Return the largest value of `dtype` below `bound`."""
    rounded = round_to(np.asarray(bound, np.float64), dtype)
    if float(rounded) < bound:
        return float(rounded)
    return float(np.nextafter(rounded, dtype.type(-np.inf)))
