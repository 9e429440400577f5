"""The distributions of the stream, as the kernels take them."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from pyinit.arguments import argument_error
from pyinit.dtypes import AnyArray, round_to
from pyinit.stream import quantiles

Family = Literal["uniform", "normal", "truncated_normal", "bounded_normal"]
#: The families in the order of kernel.c.
FAMILIES: tuple[Family, ...] = get_args(Family)

#: The number of 64-bit words.
_WORDS = 1 << 64
#: The distance from the mode beyond which the normal density is negligible, and the number of nodes
#: that integrate it to the precision of float64.
_REACH, _NODES = 12.0, 200


class Distribution(NamedTuple):
    """A distribution, as a kernel computes it: `min(location + scale * variate, upper)`.

    The variate is uniform on [0, 1), standard normal, standard normal truncated to (-2, 2), or, for
    `"bounded_normal"`, the float64 normal quantile of the element's word, mapped to the words from
    `first_word` to `last_word`.
    The three numbers are exact in the type that the kernel computes in: float64 for values of
    float64 and for `"bounded_normal"`, otherwise float32.
    """

    family: Family
    location: float
    scale: float
    upper: float
    first_word: int = 0
    last_word: int = _WORDS - 1


#: Standard deviation of a standard normal truncated to (-2, 2); Keras' own constant, to the digit.
TRUNCATED_STDDEV = 0.87962566103423978

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


def bounded_normal(
    mean: float, stddev: float, lower: float, upper: float, dtype: np.dtype[Any]
) -> Distribution:
    """Return a normal distribution truncated to [lower, upper], for values of `dtype`.

    Args:
        mean: The mean before truncation.
        stddev: The standard deviation before truncation.
        lower: The lower bound in standard deviations, which may be infinite.
        upper: The upper bound, likewise.
        dtype: The float dtype of the values.

    Raises:
        ValueError: Values could become infinite in `dtype`, or no word lies between the bounds.
    """
    # normalise -0.0, which hashes equal to 0.0
    return _bounded(mean + 0.0, stddev + 0.0, lower, upper, dtype)


@lru_cache(maxsize=1024)
def _bounded(
    mean: float, stddev: float, lower: float, upper: float, dtype: np.dtype[Any]
) -> Distribution:
    first, last = words_between(lower, upper)
    with np.errstate(over="ignore"):
        ends = np.array([mean + stddev * _normal_quantile(word) for word in (first, last)])
        if np.isinf(round_to(ends, dtype).astype(np.float64)).any():
            name, value = ("mean", mean) if _is_too_large(mean, dtype) else ("stddev", stddev)
            allowed = f"such that all values are within the range of dtype {dtype.name}"
            raise argument_error(name, value, allowed)
    return Distribution("bounded_normal", mean, stddev, np.inf, first, last)


def moments(distribution: Distribution) -> tuple[float, float, float, float]:
    """Return the mean, the standard deviation and the bounds of a distribution.

    The standard deviation is that of the values: after truncation, if they are truncated.
    """
    family, location, scale, _, first, last = distribution
    if family == "uniform":
        return location + scale / 2, scale / math.sqrt(12), location, location + scale
    if family == "normal":
        return location, scale, -math.inf, math.inf
    if family == "truncated_normal":
        return location, scale * TRUNCATED_STDDEV, location - 2 * scale, location + 2 * scale
    low, high = _bounds_of_words(first, last)
    mean, stddev = _truncated_moments(low, high)
    return location + scale * mean, scale * stddev, location + scale * low, location + scale * high


def density(distribution: Distribution, values: AnyArray) -> AnyArray:
    """Return the probability density of a distribution, whose scale is positive, at values."""
    family, location, scale, _, first, last = distribution
    if family == "uniform":
        inside = (values >= location) & (values <= location + scale)
        return np.where(inside, 1 / scale, 0.0)
    variates = (values - location) / scale
    low, high = -math.inf, math.inf
    if family == "truncated_normal":
        low, high = -2.0, 2.0
    elif family == "bounded_normal":
        low, high = _bounds_of_words(first, last)
    mode = min(max(low, 0.0), high)
    _, weights = _relative_to_mode(low, high, mode)
    inside = (variates >= low) & (variates <= high)
    steps = np.where(inside, variates - mode, 0.0)
    relative = np.exp(-steps * (steps / 2 + mode)) / math.fsum(weights)
    return np.where(inside, relative / scale, 0.0)


def _bounds_of_words(first: int, last: int) -> tuple[float, float]:
    """Return the bounds of the normal quantiles of a range of words, which may be infinite."""
    low = -math.inf if first == 0 else _normal_quantile(first)
    high = math.inf if last == _WORDS - 1 else _normal_quantile(last)
    return low, high


def _truncated_moments(low: float, high: float) -> tuple[float, float]:
    """Return the mean and the standard deviation of a standard normal truncated to [low, high]."""
    mode = min(max(low, 0.0), high)
    distance, weights = _relative_to_mode(low, high, mode)
    total = math.fsum(weights)
    # exactly 0 for symmetric bounds
    mean = math.fsum(weights * distance) / total
    return mode + mean, math.sqrt(math.fsum(weights * (distance - mean) ** 2) / total)


def _relative_to_mode(low: float, high: float, mode: float) -> tuple[AnyArray, AnyArray]:
    """Return nodes, as distances from the mode, and weights that integrate a truncated density.

    The density is relative to that of the mode: in a tail or between bounds that are close, the
    closed formulas lose all digits.
    """
    first, last = max(low - mode, -_REACH), min(high - mode, _REACH)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    distance = (first + last) / 2 + (last - first) / 2 * nodes
    return distance, weights * np.exp(-distance * (distance / 2 + mode)) * ((last - first) / 2)


@lru_cache(maxsize=1024)
def words_between(lower: float, upper: float) -> tuple[int, int]:
    """Return the first and the last of the words whose normal quantile lies in [lower, upper).

    Args:
        lower: The lower bound, which may be infinite.
        upper: The upper bound, which may be infinite.

    Raises:
        ValueError: There is none: both bounds lie in one tail, or are almost equal.
    """
    first, end = _first_word(lower), _first_word(upper)
    if first >= end:
        allowed = (
            f"such that some of the 2**64 quantiles of the stream lie between it and {upper=}; all "
            f"quantiles are within {_normal_quantile(_WORDS - 1):.2f} standard deviations"
        )
        raise argument_error("lower", lower, allowed)
    return first, end - 1


def _first_word(bound: float) -> int:
    """Return the word from which on, by bisection, the normal quantile is at least `bound`."""
    first, last = 0, _WORDS
    while first < last:
        middle = (first + last) // 2
        if _normal_quantile(middle) >= bound:
            last = middle
        else:
            first = middle + 1
    return first


def _normal_quantile(word: int) -> float:
    """Return the float64 normal quantile of the stream at a 64-bit word."""
    high, low = (np.array([half], np.uint32) for half in (word >> 32, word & 0xFFFFFFFF))
    return float(quantiles.normal_float64(high, low)[0])


def _is_too_large(value: float, dtype: np.dtype[Any]) -> bool:
    return bool(np.isinf(round_to(np.asarray(value, np.float64), dtype).astype(np.float64)))


def _largest_below(bound: float, dtype: np.dtype[Any]) -> float:
    """Return the largest value of `dtype` below `bound`."""
    rounded = round_to(np.asarray(bound, np.float64), dtype)
    if float(rounded) < bound:
        return float(rounded)
    return float(np.nextafter(rounded, dtype.type(-np.inf)))
