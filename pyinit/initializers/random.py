"""Initializers that draw from the random stream."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from operator import mul
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pyinit import hooks
from pyinit.arguments import Shape, argument_error, as_axes, as_number, one_of
from pyinit.dtypes import FLOAT_DTYPES, AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.fans import fans_of_shape
from pyinit.initializers.lazy import LazyTensor
from pyinit.seeds import (
    DrawId,
    Seed,
    SeedGenerator,
    as_seed,
    fresh_seed,
    is_generator,
    take_draw,
)
from pyinit.stream import Distribution, Region, distribution, fill, index_strides
from pyinit.stream.distributions import Family

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
]

Mode = Literal["fan_in", "fan_out", "fan_avg"]
DistributionName = Literal["truncated_normal", "untruncated_normal", "normal", "uniform"]

#: Standard deviation of a standard normal truncated to (-2, 2); Keras' own constant, to the digit.
_TRUNCATED_STDDEV = 0.87962566103423978

_ALLOWED_SEEDS = "an integer from -2**63 to 2**64 - 1, a seed generator or None"
_MODES = ("fan_in", "fan_out", "fan_avg")
_FAMILIES: dict[str, Family] = {
    "uniform": "uniform",
    "truncated_normal": "truncated_normal",
    "untruncated_normal": "normal",
}


class RandomTensor(LazyTensor):
    """A lazy tensor of independent random values.

    Args:
        shape: The shape.
        dtype: The float dtype.
        distribution: The distribution, rounded for that dtype.
        draw_id: The draw.
    """

    __slots__ = ("_distribution", "_draw_id", "_index_strides")

    def __init__(
        self, shape: Shape, dtype: np.dtype[Any], distribution: Distribution, draw_id: DrawId
    ) -> None:
        super().__init__(shape, dtype)
        self._distribution = distribution
        self._draw_id = draw_id
        self._index_strides = index_strides(shape)

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        strides = self._index_strides
        first_index = 0 if offset is None else sum(map(mul, offset, strides))
        if steps is not None:
            strides = tuple(map(mul, strides, steps))
        fill(out, Region(self._dtype, self._distribution, *self._draw_id, first_index, strides))

    # the stream dispatches on the array
    _fill_on_gpu = _fill

    def _parameters(self) -> tuple[Any, ...]:
        return self._distribution, self._draw_id

    def _summary(self) -> str:
        seed, draw = self._draw_id
        return f"{self._distribution.family}, seed={seed}, draw={draw}"


class RandomInitializer(Initializer):
    """The base class of the initializers that take a seed.

    Args:
        seed: An integer from -2**63 to 2**64 - 1, a seed generator (`SeedGenerator` or Keras'
            own), the configuration of one, or None for a fresh seed.
    """

    _dtypes = FLOAT_DTYPES

    def __init__(self, seed: Seed = None) -> None:
        if isinstance(seed, dict):
            seed = _generator_of(seed)
        if seed is not None and (type(seed) is int or not is_generator(seed)):
            seed = as_seed("seed", seed, _ALLOWED_SEEDS)
        #: The seed in use: an integer or a seed generator.
        self.seed: Any = fresh_seed() if seed is None else seed
        self._given_seed = seed

    @property
    def has_given_seed(self) -> bool:
        """Whether the constructor was given a seed, rather than None."""
        return self._given_seed is not None

    def with_seed(self, seed: int) -> Self:
        """Return a copy that draws from an integer seed.

        Args:
            seed: An integer from -2**63 to 2**64 - 1.

        Raises:
            ValueError: `seed` is not such an integer.

        Example:
            >>> import pyinit
            >>> pyinit.HeNormal().with_seed(3)
            HeNormal(seed=3)
        """
        seeded = copy.copy(self)
        seeded.seed = seeded._given_seed = as_seed("seed", seed)
        return seeded

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        seed = self._given_seed
        return {"seed": _generator_config(seed) if is_generator(seed) else seed}

    def _arguments(self) -> dict[str, Any]:
        arguments = {
            name: value
            for name, value in self.get_config().items()
            if name not in ("input_axes", "output_axes") or value is not None
        }
        arguments.pop("seed")
        return {**arguments, "seed": self.seed}


def _generator_config(generator: Any) -> dict[str, Any]:
    """Return a seed generator's configuration, in Keras' form."""
    return hooks.shared_config(generator) or {
        "module": "keras.random",
        "class_name": "SeedGenerator",
        "config": generator.get_config(),
        "registered_name": None,
    }


def _generator_of(config: dict[str, Any]) -> Any:
    shared = hooks.shared_generator(config)
    if shared is not None:
        return shared
    if config.get("class_name") != "SeedGenerator" or not isinstance(config.get("config"), dict):
        raise argument_error(
            "seed", config, "the configuration of a SeedGenerator, if it is a dictionary"
        )
    return SeedGenerator.from_config(config["config"])


class _NormalInitializer(RandomInitializer):
    """The base class of the normal distributions: a mean and a standard deviation."""

    _family: Family

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        self.mean = as_number("mean", mean)
        self.stddev = _as_stddev(stddev)
        super().__init__(seed)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        normal = distribution(self._family, self.mean, self.stddev, dtype, ("mean", "stddev"))
        return RandomTensor(shape, dtype, normal, take_draw(self.seed, draw))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class RandomNormal(_NormalInitializer):
    """Initializer that draws from a normal distribution.

    Args:
        mean: The mean: a finite number.
        stddev: The standard deviation: a finite number, at least 0.
        seed: An integer, a seed generator, or None for a fresh seed. With an integer or None, every
            call gives the same values; with a seed generator, every call gives new ones.

    Raises:
        ValueError: An argument is not as described.

    Example:
        >>> import pyinit
        >>> pyinit.RandomNormal(stddev=1.0, seed=1)((2, 3)).shape
        (2, 3)

    Source: https://keras.io/api/layers/initializers/#randomnormal-class
    """

    _family = "normal"


class TruncatedNormal(_NormalInitializer):
    """Initializer that draws from a normal distribution truncated to two standard deviations.

    Each value is a quantile of the truncated distribution. No value is redrawn, so each depends on
    its own random bits alone.

    Args:
        mean: The mean: a finite number.
        stddev: The standard deviation before truncation: a finite number, at least 0.
        seed: An integer, a seed generator, or None for a fresh seed. With an integer or None, every
            call gives the same values; with a seed generator, every call gives new ones.

    Raises:
        ValueError: An argument is not as described.

    Example:
        >>> import pyinit
        >>> values = pyinit.TruncatedNormal(stddev=1.0, seed=1)((1000,))
        >>> bool(abs(values).max() <= 2)
        True

    Source: https://keras.io/api/layers/initializers/#truncatednormal-class
    """

    _family = "truncated_normal"


class RandomUniform(RandomInitializer):
    """Initializer that draws from a uniform distribution on [minval, maxval).

    Args:
        minval: The lower end, inclusive: a finite number.
        maxval: The upper end, exclusive: a finite number, at least `minval`. If they are equal,
            all values are `minval`.
        seed: An integer, a seed generator, or None for a fresh seed. With an integer or None, every
            call gives the same values; with a seed generator, every call gives new ones.

    Raises:
        ValueError: An argument is not as described.

    Example:
        >>> import pyinit
        >>> values = pyinit.RandomUniform(0, 1, seed=1)((1000,))
        >>> bool(values.min() >= 0 and values.max() < 1)
        True

    Source: https://keras.io/api/layers/initializers/#randomuniform-class
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        self.minval = as_number("minval", minval)
        self.maxval = as_number("maxval", maxval)
        if self.minval > self.maxval:
            raise argument_error("minval", minval, f"at most maxval={maxval!r}")
        super().__init__(seed)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        uniform = distribution("uniform", self.minval, self.maxval, dtype, ("minval", "maxval"))
        return RandomTensor(shape, dtype, uniform, take_draw(self.seed, draw))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


class VarianceScaling(RandomInitializer):
    """Initializer that adapts its scale to the shape of the tensor.

    With `distribution="truncated_normal"` or `"untruncated_normal"`, values have mean 0 and
    standard deviation (after truncation) `sqrt(scale / n)`. With `"uniform"`, they lie in
    [-limit, limit) with `limit = sqrt(3 * scale / n)`. Here n is the number of input units, the
    number of output units, or their average.

    Args:
        scale: The scaling factor: a positive, finite number.
        mode: The choice of n: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"`, `"untruncated_normal"` or `"uniform"`; `"normal"` means
            the first.
        seed: An integer, a seed generator, or None for a fresh seed. With an integer or None, every
            call gives the same values; with a seed generator, every call gives new ones.
        input_axes: The axes that count inputs, where the shape alone does not tell.
        output_axes: The axes that count outputs; used only if both are given.

    Raises:
        ValueError: An argument is not as described.

    Example:
        >>> import pyinit
        >>> initializer = pyinit.VarianceScaling(scale=0.1, mode="fan_in", distribution="uniform")
        >>> values = initializer(shape=(2, 2))

    Source: https://keras.io/api/layers/initializers/#variancescaling-class
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: Mode = "fan_in",
        distribution: DistributionName = "truncated_normal",
        seed: Seed = None,
        input_axes: Iterable[int] | None = None,
        output_axes: Iterable[int] | None = None,
    ) -> None:
        allowed = "a positive, finite number"
        self.scale = as_number("scale", scale, allowed)
        if self.scale <= 0:
            raise argument_error("scale", scale, allowed)
        self.mode = one_of("mode", mode, _MODES)
        lower = distribution.lower() if isinstance(distribution, str) else distribution
        self.distribution = one_of(
            "distribution", "truncated_normal" if lower == "normal" else lower, tuple(_FAMILIES)
        )
        self.input_axes = as_axes("input_axes", input_axes)
        self.output_axes = as_axes("output_axes", output_axes)
        super().__init__(seed)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        fan_in, fan_out = fans_of_shape(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        scaled = self._scaled(self.scale / max(1.0, fans[self.mode]), dtype)
        return RandomTensor(shape, dtype, scaled, take_draw(self.seed, draw))

    def _scaled(self, variance: float, dtype: np.dtype[Any]) -> Distribution:
        """Return the distribution with that variance."""
        family = _FAMILIES[self.distribution]
        location, bound = 0.0, math.sqrt(variance)
        if family == "uniform":
            bound = math.sqrt(3 * variance)
            location = -bound
        elif family == "truncated_normal":
            bound /= _TRUNCATED_STDDEV
        try:
            return distribution(family, location, bound, dtype, ("scale", "scale"))
        except ValueError:
            allowed = f"so small that all values are within the range of dtype {dtype.name}"
            raise argument_error("scale", self.scale, allowed) from None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **self._config_of_child(),
        }

    def _config_of_child(self) -> dict[str, Any]:
        """Return the configuration without scale, mode and distribution, which children fix."""
        return {
            **super().get_config(),
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _FixedVarianceScaling(VarianceScaling):
    """The base class of named combinations of scale, mode and distribution."""

    _fixed: tuple[float, Mode, DistributionName]

    def __init__(
        self,
        seed: Seed = None,
        input_axes: Iterable[int] | None = None,
        output_axes: Iterable[int] | None = None,
    ) -> None:
        super().__init__(*self._fixed, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return self._config_of_child()


class GlorotUniform(_FixedVarianceScaling):
    """The Glorot uniform initializer, also called Xavier uniform.

    Draws from [-limit, limit) with `limit = sqrt(6 / (fan_in + fan_out))`.

    Args:
        seed: An integer or a seed generator; see `VarianceScaling`.
        input_axes: The axes that count inputs, where the shape alone does not tell.
        output_axes: The axes that count outputs.

    Raises:
        ValueError: An argument is not as described.

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
        input_axes: The axes that count inputs, where the shape alone does not tell.
        output_axes: The axes that count outputs.

    Raises:
        ValueError: An argument is not as described.

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
        input_axes: The axes that count inputs, where the shape alone does not tell.
        output_axes: The axes that count outputs.

    Raises:
        ValueError: An argument is not as described.

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
        input_axes: The axes that count inputs, where the shape alone does not tell.
        output_axes: The axes that count outputs.

    Raises:
        ValueError: An argument is not as described.

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
        input_axes: The axes that count inputs, where the shape alone does not tell.
        output_axes: The axes that count outputs.

    Raises:
        ValueError: An argument is not as described.

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
        input_axes: The axes that count inputs, where the shape alone does not tell.
        output_axes: The axes that count outputs.

    Raises:
        ValueError: An argument is not as described.

    Example:
        >>> import pyinit
        >>> values = pyinit.LecunUniform(seed=1)((2, 2))

    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515
    """

    _fixed = (1.0, "fan_in", "uniform")


def _as_stddev(stddev: Any) -> float:
    allowed = "a finite number, at least 0"
    number = as_number("stddev", stddev, allowed)
    if number < 0:
        raise argument_error("stddev", stddev, allowed)
    return number
