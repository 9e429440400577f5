"""The names of `torch.nn.init`: Xavier and Kaiming initializers, and their gains.

Each function returns a `VarianceScaling` with torch's distribution. Unlike Keras' `GlorotNormal`
and `HeNormal`, the normal ones are not truncated.

Source: https://docs.pytorch.org/docs/stable/nn.init.html
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Literal, get_args

from pyinit.arguments import argument_error, as_number, one_of
from pyinit.initializers.variance_scaling import DistributionName, VarianceScaling
from pyinit.seeds import Seed

__all__ = [
    "calculate_gain",
    "initializer_kaiming_normal",
    "initializer_kaiming_uniform",
    "initializer_xavier_normal",
    "initializer_xavier_uniform",
]

KaimingMode = Literal["fan_in", "fan_out"]
Nonlinearity = Literal[
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "selu",
]

NONLINEARITIES: tuple[str, ...] = get_args(Nonlinearity)
#: The gains that have no parameter.
_GAINS = {
    **dict.fromkeys(NONLINEARITIES, 1.0),
    **{"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4},
}
#: The slope of a leaky ReLU below zero, if none is given.
_DEFAULT_SLOPE = 0.01


def calculate_gain(nonlinearity: Nonlinearity, param: float | None = None) -> float:
    """Return the recommended gain of a nonlinearity, as `torch.nn.init.calculate_gain` does.

    The gain is 1 for `"linear"`, `"sigmoid"` and the convolutions, 5/3 for `"tanh"`, sqrt(2) for
    `"relu"`, sqrt(2 / (1 + param**2)) for `"leaky_relu"` and 3/4 for `"selu"`.

    Args:
        nonlinearity: `"linear"`, `"conv1d"`, `"conv2d"`, `"conv3d"`, `"conv_transpose1d"`,
            `"conv_transpose2d"`, `"conv_transpose3d"`, `"sigmoid"`, `"tanh"`, `"relu"`,
            `"leaky_relu"` or `"selu"`.
        param: The slope of a leaky ReLU below zero; None means 0.01. Other nonlinearities take
            None only.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> pyinit.calculate_gain("tanh")
        1.6666666666666667
        >>> pyinit.Orthogonal(gain=pyinit.calculate_gain("leaky_relu", 0.2), seed=1)
        Orthogonal(gain=1.3867504905630728, seed=1)

    Source: https://docs.pytorch.org/docs/stable/nn.init.html
    """
    one_of("nonlinearity", nonlinearity, NONLINEARITIES)
    if nonlinearity != "leaky_relu":
        if param is not None:
            raise argument_error("param", param, "None unless nonlinearity='leaky_relu'")
        return _GAINS[nonlinearity]
    slope = _DEFAULT_SLOPE if param is None else float(as_number("param", param))
    return math.sqrt(_leaky_variance(slope))


def _leaky_variance(slope: float) -> float:
    """Return the square of the gain of a leaky ReLU."""
    return 2 / (1 + slope * slope)


def initializer_xavier_uniform(
    gain: float = 1, seed: Seed = None, batch_axes: int | Collection[int] | None = None
) -> VarianceScaling:
    """Construct the initializer `torch.nn.init.xavier_uniform_`, which is Glorot uniform.

    Draws from [-limit, limit) with `limit = gain * sqrt(6 / (fan_in + fan_out))`.

    Args:
        gain: The factor of the values: a positive number. See `calculate_gain()`.
        seed: An integer or a seed generator; see `VarianceScaling`.
        batch_axes: The axes along which independent weights are stacked; see `VarianceScaling`.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_xavier_uniform(gain=2, seed=1)
        VarianceScaling(scale=4.0, mode='fan_avg', distribution='uniform', seed=1)

    Source: https://docs.pytorch.org/docs/stable/nn.init.html
    """
    return VarianceScaling(_xavier_scale(gain), "fan_avg", "uniform", seed, batch_axes=batch_axes)


def initializer_xavier_normal(
    gain: float = 1, seed: Seed = None, batch_axes: int | Collection[int] | None = None
) -> VarianceScaling:
    """Construct the initializer `torch.nn.init.xavier_normal_`.

    Draws from a normal distribution, not truncated, with mean 0 and standard deviation
    `gain * sqrt(2 / (fan_in + fan_out))`.

    Args:
        gain: The factor of the values: a positive number. See `calculate_gain()`.
        seed: An integer or a seed generator; see `VarianceScaling`.
        batch_axes: The axes along which independent weights are stacked; see `VarianceScaling`.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_xavier_normal(seed=1)
        VarianceScaling(scale=1.0, mode='fan_avg', distribution='untruncated_normal', seed=1)

    Source: https://docs.pytorch.org/docs/stable/nn.init.html
    """
    return VarianceScaling(
        _xavier_scale(gain), "fan_avg", "untruncated_normal", seed, batch_axes=batch_axes
    )


def initializer_kaiming_uniform(
    a: float = 0,
    mode: KaimingMode = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    seed: Seed = None,
    batch_axes: int | Collection[int] | None = None,
) -> VarianceScaling:
    """Construct the initializer `torch.nn.init.kaiming_uniform_`; by default, He uniform.

    Draws from [-limit, limit) with `limit = gain * sqrt(3 / n)`, where n is `fan_in` or `fan_out`
    and the gain that of `calculate_gain(nonlinearity, a)`. The default of torch's layers `Linear`
    and `Conv` is `a=math.sqrt(5)`.

    Args:
        a: The slope of a leaky ReLU below zero; 0 for other nonlinearities.
        mode: The choice of n: `"fan_in"` or `"fan_out"`.
        nonlinearity: The name of a nonlinearity that `calculate_gain()` knows.
        seed: An integer or a seed generator; see `VarianceScaling`.
        batch_axes: The axes along which independent weights are stacked; see `VarianceScaling`.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_kaiming_uniform(nonlinearity="relu", seed=1)
        VarianceScaling(scale=2.0, mode='fan_in', distribution='uniform', seed=1)

    Source: https://docs.pytorch.org/docs/stable/nn.init.html
    """
    return _kaiming("uniform", a, mode, nonlinearity, seed, batch_axes)


def initializer_kaiming_normal(
    a: float = 0,
    mode: KaimingMode = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    seed: Seed = None,
    batch_axes: int | Collection[int] | None = None,
) -> VarianceScaling:
    """Construct the initializer `torch.nn.init.kaiming_normal_`.

    Draws from a normal distribution, not truncated, with mean 0 and standard deviation
    `gain / sqrt(n)`, where n is `fan_in` or `fan_out` and the gain that of
    `calculate_gain(nonlinearity, a)`.

    Args:
        a: The slope of a leaky ReLU below zero; 0 for other nonlinearities.
        mode: The choice of n: `"fan_in"` or `"fan_out"`.
        nonlinearity: The name of a nonlinearity that `calculate_gain()` knows.
        seed: An integer or a seed generator; see `VarianceScaling`.
        batch_axes: The axes along which independent weights are stacked; see `VarianceScaling`.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_kaiming_normal(mode="fan_out", seed=1)
        VarianceScaling(scale=2.0, mode='fan_out', distribution='untruncated_normal', seed=1)

    Source: https://docs.pytorch.org/docs/stable/nn.init.html
    """
    return _kaiming("untruncated_normal", a, mode, nonlinearity, seed, batch_axes)


def _xavier_scale(gain: float) -> float:
    """Return the scale of a gain: its square."""
    allowed = "a positive number whose square is within the range of float64"
    number = float(as_number("gain", gain, allowed))
    scale = number * number
    if number <= 0 or scale == 0 or math.isinf(scale):
        raise argument_error("gain", gain, allowed)
    return scale


def _kaiming(
    distribution: DistributionName,
    a: float,
    mode: KaimingMode,
    nonlinearity: Nonlinearity,
    seed: Seed,
    batch_axes: int | Collection[int] | None,
) -> VarianceScaling:
    slope = float(as_number("a", a))
    one_of("mode", mode, ("fan_in", "fan_out"))
    one_of("nonlinearity", nonlinearity, NONLINEARITIES)
    if nonlinearity == "leaky_relu":
        scale = _leaky_variance(slope)
        if scale == 0:
            raise argument_error("a", a, "a number whose square is within the range of float64")
    elif slope != 0:
        raise argument_error("a", a, "0 unless nonlinearity='leaky_relu'")
    else:
        # not the square of sqrt(2), which is not exact
        scale = 2.0 if nonlinearity == "relu" else _GAINS[nonlinearity] ** 2
    return VarianceScaling(scale, mode, distribution, seed, batch_axes=batch_axes)
