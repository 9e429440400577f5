"""Initializers that draw from the random stream."""

from __future__ import annotations

import copy
import math
from functools import partial
from operator import mul
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pyinit import hooks
from pyinit.arguments import Shape, argument_error, as_number, exact_str, is_instance, shown
from pyinit.dtypes import FLOAT_DTYPES, AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.marginal import Marginal, constant_marginal, continuous_marginal
from pyinit.initializers.summary import Spread
from pyinit.seeds import (
    DrawId,
    Seed,
    SeedGenerator,
    as_seed,
    fresh_seed,
    is_generator,
    take_draw,
)
from pyinit.stream import Distribution, Region, fill, index_strides, rounded_distribution
from pyinit.stream.distributions import bounded_normal, density, moments, words_between

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
]

_ALLOWED_SEEDS = "an integer from -2**63 to 2**64 - 1, a seed generator or None"


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
        # super().__init__() inlined: its call takes noticeable time for a small tensor
        self._shape = shape
        self._dtype = dtype
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

    def _spread(self) -> Spread:
        family = self._distribution.family
        name = "truncated_normal" if family == "bounded_normal" else family
        return Spread(name, *moments(self._distribution))

    def _marginal(self) -> Marginal:
        if self._distribution.scale == 0:
            return constant_marginal(self._distribution.location, self._dtype)
        return continuous_marginal(
            partial(density, self._distribution), moments(self._distribution)
        )

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
    _follow: ClassVar[dict[str, tuple[str, ...]]] = {"seed": ("_given_seed",)}

    #: The seed in use: an integer or a seed generator.
    seed: Any
    _given_seed: Any

    def __init__(self, seed: Seed = None) -> None:
        if type(seed) is not int and is_instance(seed, dict):
            seed = _generator_of(seed)
        if seed is not None and (type(seed) is int or not is_generator(seed)):
            seed = as_seed("seed", seed, _ALLOWED_SEEDS)
        attributes = self.__dict__
        attributes["seed"] = fresh_seed() if seed is None else seed
        attributes["_given_seed"] = seed

    @property
    def has_given_seed(self) -> bool:
        """Whether the constructor was given a seed, rather than None."""
        return self._given_seed is not None

    @property
    def has_fresh_seed(self) -> bool:
        """Whether the seed was made up here, so that another process has another one."""
        if is_generator(self.seed):
            return self.seed.get_config().get("seed") is None
        return not self.has_given_seed

    def with_seed(self, seed: int) -> Self:
        """Return a copy that draws from an integer seed.

        Args:
            seed: An integer from -2**63 to 2**64 - 1.

        Raises:
            ValueError: `seed` is not an integer in that range.

        Example:
            >>> import pyinit
            >>> pyinit.HeNormal().with_seed(3)
            HeNormal(seed=3)
        """
        seeded = copy.copy(self)
        integer = as_seed("seed", seed)
        seeded.__dict__.update(seed=integer, _given_seed=integer)
        return seeded

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        seed = self._given_seed
        return {"seed": _generator_config(seed) if is_generator(seed) else seed}

    def _arguments(self) -> dict[str, Any]:
        arguments = self.get_config()
        del arguments["seed"]
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
    is_generator_config = exact_str(config.get("class_name")) == "SeedGenerator"
    if not is_generator_config or not is_instance(config.get("config"), dict):
        raise argument_error(
            "seed", config, "the configuration of a SeedGenerator if it is a dictionary"
        )
    return SeedGenerator.from_config(config["config"])


class _NormalInitializer(RandomInitializer):
    """The base class of the normal distributions: a mean and a standard deviation."""

    mean: float
    stddev: float

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        self.__dict__.update(mean=as_number("mean", mean), stddev=_as_stddev(stddev))
        super().__init__(seed)

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
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> pyinit.RandomNormal(stddev=1.0, seed=1)((2, 3)).shape
        (2, 3)

    Source: https://keras.io/api/layers/initializers/#randomnormal-class
    """

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        normal = rounded_distribution("normal", self.mean, self.stddev, dtype, ("mean", "stddev"))
        return RandomTensor(shape, dtype, normal, take_draw(self.seed, draw))


class TruncatedNormal(_NormalInitializer):
    """Initializer that draws from a truncated normal distribution.

    By default, it is truncated at two standard deviations from the mean. Each value is a quantile
    of the truncated distribution at its own random bits; none is redrawn.

    Args:
        mean: The mean before truncation: a finite number.
        stddev: The standard deviation before truncation: a finite number, at least 0.
        seed: An integer, a seed generator, or None for a fresh seed. With an integer or None, every
            call gives the same values; with a seed generator, every call gives new ones.
        lower: The lower bound, in standard deviations from the mean, as in JAX: a number or
            -infinity. torch's `trunc_normal_` has values as bounds: `lower=(a - mean) / stddev`.
        upper: The upper bound, in standard deviations from the mean: a number above `lower`, or
            infinity. Values lie from `mean + lower * stddev` to `mean + upper * stddev`, up to
            rounding. At least one of the 2**64 quantiles of the stream, all of which lie within
            9.16 standard deviations, must lie between the bounds. The configuration has the bounds
            only if they are not -2 and 2, the fixed bounds of Keras' class.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> values = pyinit.TruncatedNormal(stddev=1.0, seed=1)((1000,))
        >>> bool(abs(values).max() <= 2)
        True

    Source: https://keras.io/api/layers/initializers/#truncatednormal-class
    """

    lower: float
    upper: float

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 0.05,
        seed: Seed = None,
        lower: float = -2.0,
        upper: float = 2.0,
    ) -> None:
        self.__dict__.update(lower=_as_bound("lower", lower), upper=_as_bound("upper", upper))
        if not self.lower < self.upper:
            raise argument_error("lower", lower, f"less than upper={shown(upper)}")
        if not self._has_default_bounds():
            words_between(self.lower, self.upper)  # raises if there are none
        super().__init__(mean, stddev, seed)

    def _has_default_bounds(self) -> bool:
        return self.lower == -2 and self.upper == 2

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        if self._has_default_bounds():
            truncated = rounded_distribution(
                "truncated_normal", self.mean, self.stddev, dtype, ("mean", "stddev")
            )
        else:
            truncated = bounded_normal(self.mean, self.stddev, self.lower, self.upper, dtype)
        return RandomTensor(shape, dtype, truncated, take_draw(self.seed, draw))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; the bounds only if they are not the defaults."""
        config = super().get_config()
        if not self._has_default_bounds():
            config |= {"lower": self.lower, "upper": self.upper}
        return config


class RandomUniform(RandomInitializer):
    """Initializer that draws from a uniform distribution on [minval, maxval).

    Args:
        minval: The lower end, inclusive: a finite number.
        maxval: The upper end, exclusive: a finite number, at least `minval`. If they are equal,
            all values are `minval`.
        seed: An integer, a seed generator, or None for a fresh seed. With an integer or None, every
            call gives the same values; with a seed generator, every call gives new ones.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> import pyinit
        >>> values = pyinit.RandomUniform(0, 1, seed=1)((1000,))
        >>> bool(values.min() >= 0 and values.max() < 1)
        True

    Source: https://keras.io/api/layers/initializers/#randomuniform-class
    """

    minval: float
    maxval: float

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        self.__dict__.update(minval=as_number("minval", minval), maxval=as_number("maxval", maxval))
        if self.minval > self.maxval:
            raise argument_error("minval", minval, f"at most maxval={shown(maxval)}")
        super().__init__(seed)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        uniform = rounded_distribution(
            "uniform", self.minval, self.maxval, dtype, ("minval", "maxval")
        )
        return RandomTensor(shape, dtype, uniform, take_draw(self.seed, draw))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


def _as_bound(name: str, bound: Any) -> float:
    """Return a number that may be infinite."""
    allowed = "a number, which may be infinite"
    number = as_number(name, bound, allowed, must_be_finite=False)
    if math.isnan(number):
        raise argument_error(name, bound, allowed)
    return number


def _as_stddev(stddev: Any) -> float:
    allowed = "a finite number, at least 0"
    number = as_number("stddev", stddev, allowed)
    if number < 0:
        raise argument_error("stddev", stddev, allowed)
    return number
