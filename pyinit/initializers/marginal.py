"""The distribution of the values of a whole tensor, for plots."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyinit.dtypes import AnyArray, round_to

#: The reach of the span, in standard deviations from the mean.
_REACH = 4.0


@dataclass(frozen=True)
class Marginal:
    """The distribution of the element at a random position of a tensor.

    Args:
        atoms: The values of positive probability, and these probabilities.
        density: The probability density of the other values, a function of an array; None if there
            are no others. Its integral is 1, whatever the probability of the atoms.
        span: A range that has almost all of the other values: at most four standard deviations from
            their mean, and within their bounds.
        is_uniform: Whether all elements have this distribution. If not, that of a part of the
            tensor is another one.
    """

    atoms: tuple[tuple[float, float], ...] = ()
    density: Callable[[AnyArray], AnyArray] | None = None
    span: tuple[float, float] = (math.nan, math.nan)
    is_uniform: bool = True


def continuous_marginal(
    density: Callable[[AnyArray], AnyArray], moments: tuple[float, float, float, float]
) -> Marginal:
    """Return a distribution without atoms, of that mean, standard deviation and bounds."""
    mean, stddev, lower, upper = moments
    span = max(lower, mean - _REACH * stddev), min(upper, mean + _REACH * stddev)
    return Marginal(density=density, span=span)


def constant_marginal(value: float, dtype: np.dtype[Any]) -> Marginal:
    """Return the distribution of a constant, rounded to a float dtype."""
    return Marginal(((float(round_to(np.asarray(value, np.float64), dtype)), 1.0),))


def sparse_marginal(value: float, count: int, size: int) -> Marginal:
    """Return the distribution of a tensor of zeros, except for `count` equal elements."""
    if count == size or value == 0:
        return Marginal(((value, 1.0),))
    share = count / max(1, size)
    return Marginal(((0.0, 1 - share), (value, share)), is_uniform=False)


def sphere_density(dimension: int, radius: float) -> Callable[[AnyArray], AnyArray]:
    """Return the density of a coordinate of a uniformly distributed point of a sphere.

    Args:
        dimension: The dimension of the space around the sphere, at least 2.
        radius: The radius, positive.

    Source: the density is `(1 - t**2)**((n - 3) / 2) / B(1 / 2, (n - 1) / 2)` on [-1, 1], where n
    is the dimension and B the beta function; K. T. Fang, S. Kotz and K. W. Ng, "Symmetric
    Multivariate and Related Distributions" (1990), section 3.1.
    """
    log_beta = math.lgamma(0.5) + math.lgamma((dimension - 1) / 2) - math.lgamma(dimension / 2)

    def density(values: AnyArray) -> AnyArray:
        with np.errstate(divide="ignore", over="ignore"):
            inside = np.maximum(1 - (values / radius) ** 2, 0.0)
            power = (dimension - 3) / 2
            logarithm = power * np.log(inside) if power else np.zeros_like(inside)
            return np.where(abs(values) <= radius, np.exp(logarithm - log_beta) / radius, 0.0)

    return density
