"""The distribution of an initializer's values for a shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pyinit.arguments import Shape


class Spread(NamedTuple):
    """The distribution of one element of a tensor, as the last fields of a `Summary`."""

    distribution: str | None
    mean: float | None = None
    stddev: float | None = None
    minval: float | None = None
    maxval: float | None = None


@dataclass(frozen=True)
class Summary:
    """The fans and the distribution of an initializer's values for a shape.

    Args:
        shape: The shape.
        fan_in: The number of input units.
        fan_out: The number of output units.
        distribution: `"uniform"`, `"normal"`, `"truncated_normal"`, `"orthogonal"` or `"constant"`.
            None, like the fields below, if the distribution is unknown or is not the same for all
            elements, as in an identity matrix.
        mean: The mean of the values.
        stddev: The standard deviation of the values: after truncation, if they are truncated.
        minval: The lower bound of the values, or -inf.
        maxval: The upper bound of the values, or inf.

    Example:
        >>> import pyinit
        >>> pyinit.RandomNormal(seed=1).summary((4, 3))
        Summary(shape=(4, 3), fan_in=4, fan_out=3, distribution='normal', mean=0.0, stddev=0.05,
            minval=-inf, maxval=inf)

    Source: https://keras.io/api/layers/initializers/
    """

    shape: Shape
    fan_in: int
    fan_out: int
    distribution: str | None
    mean: float | None
    stddev: float | None
    minval: float | None
    maxval: float | None
