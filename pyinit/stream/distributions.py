"""The three distributions of the stream, as parameters that a kernel takes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np

from pyinit.arguments import invalid
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


@lru_cache(maxsize=1024)
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
        ValueError: A parameter is too large for `dtype`.
    """
    column = np.float64 if dtype == np.float64 else np.float32
    with np.errstate(over="ignore"):
        for name, value in zip(names, (location, bound), strict=True):
            if np.isinf(round_to(np.asarray(value, np.float64), dtype).astype(np.float64)):
                raise invalid(name, value, f"within the range of dtype {dtype.name}")
        scale = float(column(bound - location if kind == "uniform" else bound))
    if np.isinf(scale):
        raise invalid(names[1], bound, f"closer to {names[0]}={location} for dtype {dtype.name}")
    upper = np.inf
    if kind == "uniform" and location < bound:
        upper = _largest_below(bound, dtype)
    return Parameters(kind, float(column(location)), scale, upper)


def _largest_below(bound: float, dtype: np.dtype[Any]) -> float:
    """The largest value of `dtype` below `bound`."""
    rounded = round_to(np.asarray(bound, np.float64), dtype)
    if float(rounded) < bound:
        return float(rounded)
    return float(np.nextafter(rounded, dtype.type(-np.inf)))
