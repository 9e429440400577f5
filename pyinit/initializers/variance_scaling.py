"""VarianceScaling and its subclasses."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any, Literal

import numpy as np

from pyinit.arguments import (
    Shape,
    argument_error,
    as_axes,
    as_batch_axes,
    as_number,
    exact_str,
    one_of,
)
from pyinit.initializers.fans import check_disjoint, fans_of_shape
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.random import RandomInitializer, RandomTensor
from pyinit.seeds import Seed, take_draw
from pyinit.stream import Distribution, rounded_distribution
from pyinit.stream.distributions import TRUNCATED_STDDEV, Family

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "VarianceScaling",
]

Mode = Literal["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]
DistributionName = Literal["truncated_normal", "untruncated_normal", "normal", "uniform"]

_FAMILIES: dict[str, Family] = {
    "uniform": "uniform",
    "truncated_normal": "truncated_normal",
    "untruncated_normal": "normal",
}
#: The number of units by which the scale is divided, by mode.
_N: dict[str, Callable[[int, int], float]] = {
    "fan_in": lambda fan_in, fan_out: fan_in,
    "fan_out": lambda fan_in, fan_out: fan_out,
    "fan_avg": lambda fan_in, fan_out: (fan_in + fan_out) / 2,
    "fan_geo_avg": lambda fan_in, fan_out: math.sqrt(fan_in * fan_out),
}
_DISTRIBUTIONS = tuple(_FAMILIES)
_MODES = tuple(_N)


class VarianceScaling(RandomInitializer):
    """Initializer that adapts its scale to the shape of the tensor.

    With `distribution="truncated_normal"` or `"untruncated_normal"`, values have mean 0 and
    standard deviation (after truncation) `sqrt(scale / n)`. With `"uniform"`, they lie in
    [-limit, limit) with `limit = sqrt(3 * scale / n)`. Here n is a number of units that `mode`
    chooses.

    Args:
        scale: The scaling factor: a positive, finite number.
        mode: The choice of n: `"fan_in"` for the number of input units, `"fan_out"` for that of
            output units, `"fan_avg"` for their arithmetic mean, or `"fan_geo_avg"` for their
            geometric mean, as in JAX; Keras' own class lacks it.
        distribution: `"truncated_normal"`, `"untruncated_normal"` or `"uniform"`; `"normal"` means
            the first.
        seed: An integer, a seed generator, or None for a fresh seed. With an integer or None, every
            call gives the same values; with a seed generator, every call gives new ones.
        input_axes: The axes that count inputs, if the shape alone is ambiguous.
        output_axes: The axes that count outputs; used only if both are given.
        batch_axes: The axis or axes along which independent weights are stacked, such as layers or
            experts: the fans are those of one member. In the configuration only if given, since
            Keras' own class has no such argument.

    Raises:
        ValueError: An argument is invalid, or does not fit the shape of a call.

    Example:
        >>> import pyinit
        >>> initializer = pyinit.VarianceScaling(scale=0.1, mode="fan_in", distribution="uniform")
        >>> values = initializer(shape=(2, 2))

    Source: https://keras.io/api/layers/initializers/#variancescaling-class
    """

    scale: float
    mode: str
    distribution: str
    input_axes: list[int] | None
    output_axes: list[int] | None
    batch_axes: list[int] | None

    def __init__(
        self,
        scale: float = 1.0,
        mode: Mode = "fan_in",
        distribution: DistributionName = "truncated_normal",
        seed: Seed = None,
        input_axes: Collection[int] | None = None,
        output_axes: Collection[int] | None = None,
        batch_axes: int | Collection[int] | None = None,
    ) -> None:
        allowed = "a positive, finite number"
        attributes = self.__dict__
        attributes["scale"] = as_number("scale", scale, allowed)
        if self.scale <= 0:
            raise argument_error("scale", scale, allowed)
        attributes["mode"] = one_of("mode", mode, _MODES)
        name = exact_str(distribution)
        lower = None if name is None else name.lower()
        attributes["distribution"] = (
            "truncated_normal"
            if lower == "normal"
            else one_of("distribution", lower or distribution, _DISTRIBUTIONS)
        )
        attributes["input_axes"] = as_axes("input_axes", input_axes)
        attributes["output_axes"] = as_axes("output_axes", output_axes)
        attributes["batch_axes"] = as_batch_axes(batch_axes)
        check_disjoint(self.batch_axes, self.input_axes, self.output_axes)
        super().__init__(seed)

    def _fans(self, shape: Shape) -> tuple[int, int]:
        return fans_of_shape(shape, self.input_axes, self.output_axes, self.batch_axes)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        fan_in, fan_out = self._fans(shape)
        scaled = self._scaled(self.scale / max(1.0, _N[self.mode](fan_in, fan_out)), dtype)
        return RandomTensor(shape, dtype, scaled, take_draw(self.seed, draw))

    def _scaled(self, variance: float, dtype: np.dtype[Any]) -> Distribution:
        """Return the distribution with that variance."""
        family = _FAMILIES[self.distribution]
        location, bound = 0.0, math.sqrt(variance)
        if family == "uniform":
            bound = math.sqrt(3 * variance)
            location = -bound
        elif family == "truncated_normal":
            bound /= TRUNCATED_STDDEV
        try:
            return rounded_distribution(family, location, bound, dtype, ("scale", "scale"))
        except ValueError:
            allowed = f"so small that all values are within the range of dtype {dtype.name}"
            raise argument_error("scale", self.scale, allowed) from None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **self._config_of_subclass(),
        }

    def _config_of_subclass(self) -> dict[str, Any]:
        """Return the configuration without scale, mode and distribution, which subclasses fix."""
        config = {
            **super().get_config(),
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }
        # Keras' own classes read the configuration of an initializer without batch axes
        if self.batch_axes is not None:
            config["batch_axes"] = self.batch_axes
        return config

    def _arguments(self) -> dict[str, Any]:
        axes = ("input_axes", "output_axes")
        arguments = super()._arguments().items()
        return {name: value for name, value in arguments if name not in axes or value is not None}


class _FixedVarianceScaling(VarianceScaling):
    """The base class of named combinations of scale, mode and distribution."""

    _fixed: tuple[float, Mode, DistributionName]

    def __init__(
        self,
        seed: Seed = None,
        input_axes: Collection[int] | None = None,
        output_axes: Collection[int] | None = None,
        batch_axes: int | Collection[int] | None = None,
    ) -> None:
        super().__init__(*self._fixed, seed, input_axes, output_axes, batch_axes)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return self._config_of_subclass()


class GlorotUniform(_FixedVarianceScaling):
    """The Glorot uniform initializer, also called Xavier uniform.

    Draws from [-limit, limit) with `limit = sqrt(6 / (fan_in + fan_out))`.

    Args:
        seed: An integer or a seed generator; see `VarianceScaling`.
        input_axes: The axes that count inputs, if the shape alone is ambiguous.
        output_axes: The axes that count outputs.
        batch_axes: The axes along which independent weights are stacked; see `VarianceScaling`.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> bool(abs(pyinit.GlorotUniform(seed=1)((3, 3))).max() <= 1)
        True

    Source: Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
    """

    _fixed = (1.0, "fan_avg", "uniform")


class GlorotNormal(_FixedVarianceScaling):
    """The Glorot normal initializer, also called Xavier normal.

    Draws from a truncated normal distribution with mean 0 and standard deviation (after truncation)
    `sqrt(2 / (fan_in + fan_out))`.

    Args:
        seed: An integer or a seed generator; see `VarianceScaling`.
        input_axes: The axes that count inputs, if the shape alone is ambiguous.
        output_axes: The axes that count outputs.
        batch_axes: The axes along which independent weights are stacked; see `VarianceScaling`.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> values = pyinit.GlorotNormal(seed=1)((2, 2))

    Source: Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
    """

    _fixed = (1.0, "fan_avg", "truncated_normal")


class HeNormal(_FixedVarianceScaling):
    """The He normal initializer, also called Kaiming normal.

    Draws from a truncated normal distribution with mean 0 and standard deviation (after truncation)
    `sqrt(2 / fan_in)`.

    Args:
        seed: An integer or a seed generator; see `VarianceScaling`.
        input_axes: The axes that count inputs, if the shape alone is ambiguous.
        output_axes: The axes that count outputs.
        batch_axes: The axes along which independent weights are stacked; see `VarianceScaling`.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> values = pyinit.HeNormal(seed=1)((2, 2))

    Source: He et al. 2015, https://arxiv.org/abs/1502.01852
    """

    _fixed = (2.0, "fan_in", "truncated_normal")


class HeUniform(_FixedVarianceScaling):
    """The He uniform initializer, also called Kaiming uniform.

    Draws from [-limit, limit) with `limit = sqrt(6 / fan_in)`.

    Args:
        seed: An integer or a seed generator; see `VarianceScaling`.
        input_axes: The axes that count inputs, if the shape alone is ambiguous.
        output_axes: The axes that count outputs.
        batch_axes: The axes along which independent weights are stacked; see `VarianceScaling`.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> values = pyinit.HeUniform(seed=1)((2, 2))

    Source: He et al. 2015, https://arxiv.org/abs/1502.01852
    """

    _fixed = (2.0, "fan_in", "uniform")


class LecunNormal(_FixedVarianceScaling):
    """The LeCun normal initializer.

    Draws from a truncated normal distribution with mean 0 and standard deviation (after truncation)
    `sqrt(1 / fan_in)`.

    Args:
        seed: An integer or a seed generator; see `VarianceScaling`.
        input_axes: The axes that count inputs, if the shape alone is ambiguous.
        output_axes: The axes that count outputs.
        batch_axes: The axes along which independent weights are stacked; see `VarianceScaling`.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> values = pyinit.LecunNormal(seed=1)((2, 2))

    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515
    """

    _fixed = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_FixedVarianceScaling):
    """The LeCun uniform initializer.

    Draws from [-limit, limit) with `limit = sqrt(3 / fan_in)`.

    Args:
        seed: An integer or a seed generator; see `VarianceScaling`.
        input_axes: The axes that count inputs, if the shape alone is ambiguous.
        output_axes: The axes that count outputs.
        batch_axes: The axes along which independent weights are stacked; see `VarianceScaling`.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> values = pyinit.LecunUniform(seed=1)((2, 2))

    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515
    """

    _fixed = (1.0, "fan_in", "uniform")
