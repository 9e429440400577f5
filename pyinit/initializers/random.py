"""Initializers that draw from the random stream, VarianceScaling and its children among them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from pyinit import hooks
from pyinit.arguments import Shape, argument_error, as_axes, as_number, one_of
from pyinit.dtypes import FLOAT_DTYPES, AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.fans import compute_fans
from pyinit.seeds import SeedGenerator, as_seed, draw_key, fresh_seed, is_generator
from pyinit.stream import fill
from pyinit.stream.distributions import Kind, Parameters, parameters

if TYPE_CHECKING:
    from typing_extensions import Self

#: Standard deviation of a standard normal truncated to (-2, 2); Keras' own constant, to the digit.
_TRUNCATED_STDDEV = 0.87962566103423978

_MODES = ("fan_in", "fan_out", "fan_avg")
_KINDS: dict[str, Kind] = {
    "uniform": "uniform",
    "truncated_normal": "truncated_normal",
    "untruncated_normal": "normal",
}


class RandomInitializer(Initializer):
    """The base class of the initializers that take a seed.

    Args:
        seed: An integer from -2**63 to 2**64 - 1, a seed generator (`SeedGenerator` or Keras'
            own), the configuration of one, or None for a fresh seed.
    """

    _dtypes = FLOAT_DTYPES

    def __init__(self, seed: Any = None) -> None:
        if isinstance(seed, dict):
            seed = _generator_of(seed)
        if seed is None:
            self.seed: Any = fresh_seed()
        elif is_generator(seed):
            self.seed = seed
        else:
            seed = as_seed(
                "seed", seed, "an integer from -2**63 to 2**64 - 1, a seed generator or None"
            )
            self.seed = seed
        self._init_seed = seed

    def _fill_on_gpu(
        self, out: Any, dtype: np.dtype[Any], full_shape: Shape, offset: Shape
    ) -> None:
        self._fill(out, dtype, full_shape, offset)

    def _of_one_draw(self) -> Self:
        one = copy.copy(self)
        one.seed = draw_key(self.seed)
        return one

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        seed = self._init_seed
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
    """A seed generator's configuration, in the form in which Keras reads and writes its own."""
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
    """What the normal distributions share: a mean and a standard deviation."""

    _kind: Kind

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean = as_number("mean", mean)
        self.stddev = _as_stddev(stddev)
        super().__init__(seed)

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        law = parameters(self._kind, self.mean, self.stddev, dtype, ("mean", "stddev"))
        fill(out, dtype, law, draw_key(self.seed), full_shape, offset)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class RandomNormal(_NormalInitializer):
    """Draws from a normal distribution.

    Args:
        mean: The mean: a finite number.
        stddev: The standard deviation: a finite number, at least 0.
        seed: An integer or a seed generator. An initializer seeded with an integer or None repeats
            its values at every call; one with a seed generator gives new ones.

    Raises:
        ValueError: An argument is not as described.

    Example:
        >>> import pyinit
        >>> pyinit.RandomNormal(stddev=1.0, seed=1)((2, 3)).shape
        (2, 3)

    Source: https://keras.io/api/layers/initializers/#randomnormal-class
    """

    _kind = "normal"


class TruncatedNormal(_NormalInitializer):
    """Draws from a normal distribution truncated to two standard deviations.

    Each value comes from the quantile function of the truncated distribution, not by drawing again
    until a value fits, so it stands where it stands whatever the others are.

    Args:
        mean: The mean: a finite number.
        stddev: The standard deviation before truncation: a finite number, at least 0.
        seed: An integer or a seed generator. An initializer seeded with an integer or None repeats
            its values at every call; one with a seed generator gives new ones.

    Raises:
        ValueError: An argument is not as described.

    Example:
        >>> import pyinit
        >>> values = pyinit.TruncatedNormal(stddev=1.0, seed=1)((1000,))
        >>> bool(abs(values).max() <= 2)
        True

    Source: https://keras.io/api/layers/initializers/#truncatednormal-class
    """

    _kind = "truncated_normal"


class RandomUniform(RandomInitializer):
    """Draws from a uniform distribution on [minval, maxval).

    Args:
        minval: The lower end, which can be drawn: a finite number.
        maxval: The upper end, which is never drawn: a finite number, at least `minval`. With both
            the same, that is the only value.
        seed: An integer or a seed generator. An initializer seeded with an integer or None repeats
            its values at every call; one with a seed generator gives new ones.

    Raises:
        ValueError: An argument is not as described.

    Example:
        >>> import pyinit
        >>> values = pyinit.RandomUniform(0, 1, seed=1)((1000,))
        >>> bool(values.min() >= 0 and values.max() < 1)
        True

    Source: https://keras.io/api/layers/initializers/#randomuniform-class
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval = as_number("minval", minval)
        self.maxval = as_number("maxval", maxval)
        if self.minval > self.maxval:
            raise argument_error("minval", minval, f"at most maxval={maxval!r}")
        super().__init__(seed)

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        law = parameters("uniform", self.minval, self.maxval, dtype, ("minval", "maxval"))
        fill(out, dtype, law, draw_key(self.seed), full_shape, offset)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


class VarianceScaling(RandomInitializer):
    """Draws weights whose variance suits the numbers of inputs and outputs of the tensor.

    With `distribution="truncated_normal"` or `"untruncated_normal"` the values have mean 0 and
    standard deviation (after truncation) `sqrt(scale / n)`, with `"uniform"` they lie in
    [-limit, limit) with `limit = sqrt(3 * scale / n)`, where n is the number of input units, the
    number of output units, or their average.

    Args:
        scale: A positive, finite number.
        mode: What n is: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"`, `"untruncated_normal"` or `"uniform"`; `"normal"` means
            the first.
        seed: An integer or a seed generator. An initializer seeded with an integer or None repeats
            its values at every call; one with a seed generator gives new ones.
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
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
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
            "distribution", "truncated_normal" if lower == "normal" else lower, tuple(_KINDS)
        )
        self.input_axes = as_axes("input_axes", input_axes)
        self.output_axes = as_axes("output_axes", output_axes)
        super().__init__(seed)

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        fan_in, fan_out = compute_fans(full_shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        law = self._law(self.scale / max(1.0, fans[self.mode]), dtype)
        fill(out, dtype, law, draw_key(self.seed), full_shape, offset)

    def _law(self, variance: float, dtype: np.dtype[Any]) -> Parameters:
        """The distribution with that variance."""
        kind = _KINDS[self.distribution]
        location, bound = 0.0, math.sqrt(variance)
        if kind == "uniform":
            bound = math.sqrt(3 * variance)
            location = -bound
        elif kind == "truncated_normal":
            bound /= _TRUNCATED_STDDEV
        try:
            return parameters(kind, location, bound, dtype, ("scale", "scale"))
        except ValueError:
            allowed = f"so small that all values are within the range of dtype {dtype.name}"
            raise argument_error("scale", self.scale, allowed) from None

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **self._config_of_child(),
        }

    def _config_of_child(self) -> dict[str, Any]:
        """What the config of an initializer with a fixed scale, mode and distribution holds."""
        return {
            **super().get_config(),
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _FixedVarianceScaling(VarianceScaling):
    """VarianceScaling with a scale, mode and distribution that have a name of their own."""

    _fixed: tuple[float, str, str]

    def __init__(
        self,
        seed: Any = None,
        input_axes: Iterable[int] | None = None,
        output_axes: Iterable[int] | None = None,
    ) -> None:
        super().__init__(*self._fixed, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return self._config_of_child()


class GlorotUniform(_FixedVarianceScaling):
    """The Glorot (Xavier) uniform initializer.

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
    """The Glorot (Xavier) normal initializer.

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
    """The He (Kaiming) normal initializer.

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
    """The He (Kaiming) uniform initializer.

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
