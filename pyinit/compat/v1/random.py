"""Initializers of `compat.v1` that draw, VarianceScaling and its children among them."""

from __future__ import annotations

from typing import Any, ClassVar

from pyinit.arguments import Shape, argument_error, as_number
from pyinit.compat.arguments import as_distribution
from pyinit.compat.v1.base import Initializer
from pyinit.compat.values import UniformNumbers
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.initializers import base, orthogonal, random


class RandomUniform(Initializer):
    """Draws from a uniform distribution on [minval, maxval), of integers too.

    Args:
        minval: The lower end.
        maxval: The upper end, which is never drawn; None means 1, for floats.
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.
        dtype: The dtype of a call that gives none: a float one, int32 or int64.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> values = v1.random_uniform_initializer(0, 10, seed=1, dtype="int32")((1000,))
        >>> int(values.min()), int(values.max())
        (0, 9)

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/random_uniform_initializer
    """

    _dtypes = UniformNumbers._dtypes

    def __init__(
        self,
        minval: float = 0.0,
        maxval: float | None = None,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self._setup(dtype)

    def _current(self, seed: Any) -> base.Initializer:
        return random.RandomUniform(self.minval, 1 if self.maxval is None else self.maxval, seed)

    def _filling(self, full_shape: Shape, seed: Any) -> base.Initializer:
        return UniformNumbers(self.minval, self.maxval, seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {
            "minval": self.minval,
            "maxval": self.maxval,
            "seed": self.seed,
            "dtype": self.dtype.name,
        }


class RandomNormal(Initializer):
    """Draws from a normal distribution.

    Args:
        mean: The mean: a finite number.
        stddev: The standard deviation: a finite number, at least 0.
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.
        dtype: The dtype of a call that gives none: a float one.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> initializer = v1.random_normal_initializer(seed=1)
        >>> bool((initializer((2, 3)) == initializer((2, 3))).any())
        False

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/random_normal_initializer
    """

    _dtypes = FLOAT_DTYPES

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 1.0,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self._setup(dtype)

    def _current(self, seed: Any) -> base.Initializer:
        return random.RandomNormal(self.mean, self.stddev, seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {
            "mean": self.mean,
            "stddev": self.stddev,
            "seed": self.seed,
            "dtype": self.dtype.name,
        }


class TruncatedNormal(Initializer):
    """Draws from a normal distribution truncated to two standard deviations.

    Args:
        mean: The mean: a finite number.
        stddev: The standard deviation before truncation: a finite number, at least 0.
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.
        dtype: The dtype of a call that gives none: a float one.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> values = v1.truncated_normal_initializer(seed=1)((1000,))
        >>> bool(abs(values).max() <= 2)
        True

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/truncated_normal_initializer
    """

    _dtypes = FLOAT_DTYPES

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 1.0,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self._setup(dtype)

    def _current(self, seed: Any) -> base.Initializer:
        return random.TruncatedNormal(self.mean, self.stddev, seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {
            "mean": self.mean,
            "stddev": self.stddev,
            "seed": self.seed,
            "dtype": self.dtype.name,
        }


class UniformUnitScaling(Initializer):
    """Draws from a uniform distribution whose width suits the number of inputs.

    The values lie in [-limit, limit) with `limit = factor * sqrt(3 / n)`, n the product of all
    dimensions but the last. Unlike in `VarianceScaling`, n is 1 for a vector.

    Args:
        factor: A number whose square is positive and finite.
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.
        dtype: The dtype of a call that gives none: a float one.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> values = v1.uniform_unit_scaling_initializer(seed=1)((3, 1000))
        >>> bool(abs(values).max() <= 1)
        True

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/uniform_unit_scaling_initializer
    """

    _dtypes = FLOAT_DTYPES

    def __init__(
        self, factor: float = 1.0, seed: int | None = None, dtype: Any = "float32"
    ) -> None:
        self.factor = factor
        self.seed = seed
        self._setup(dtype)

    def _scaling(self, seed: Any, input_axes: list[int] | None) -> random.VarianceScaling:
        allowed = "a number whose square is positive and finite"
        factor = float(as_number("factor", self.factor, allowed))
        if not 0 < factor * factor < float("inf"):
            raise argument_error("factor", self.factor, allowed)
        output_axes = None if input_axes is None else [-1]
        return random.VarianceScaling(
            factor * factor, "fan_in", "uniform", seed, input_axes, output_axes
        )

    def _current(self, seed: Any) -> base.Initializer:
        return self._scaling(seed, None)

    def _filling(self, full_shape: Shape, seed: Any) -> base.Initializer:
        # a matrix and more is what VarianceScaling itself takes it for
        return self._scaling(seed, [] if len(full_shape) == 1 else None)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"factor": self.factor, "seed": self.seed, "dtype": self.dtype.name}


class VarianceScaling(Initializer):
    """Draws weights whose variance suits the numbers of inputs and outputs of the tensor.

    With `distribution="truncated_normal"` (or `"normal"`, the same) or `"untruncated_normal"` the
    values have mean 0 and standard deviation (after truncation) `sqrt(scale / n)`, with
    `"uniform"` they lie in [-limit, limit) with `limit = sqrt(3 * scale / n)`, where n is the
    number of input units, the number of output units, or their average.

    Args:
        scale: A positive, finite number.
        mode: What n is: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"`, `"normal"`, `"untruncated_normal"` or `"uniform"`.
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.
        dtype: The dtype of a call that gives none: a float one.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).
        AttributeError: `distribution` is not a string.

    Example:
        >>> from pyinit.compat import v1
        >>> initializer = v1.variance_scaling_initializer(scale=2.0, seed=1, dtype="float64")
        >>> initializer((2, 3)).dtype
        dtype('float64')

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/variance_scaling_initializer
    """

    _dtypes = FLOAT_DTYPES

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.scale = scale
        self.mode = mode
        self.distribution = as_distribution(distribution)
        self.seed = seed
        self._setup(dtype)

    def _current(self, seed: Any) -> base.Initializer:
        return random.VarianceScaling(self.scale, self.mode, self.distribution, seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "seed": self.seed,
            "dtype": self.dtype.name,
        }


class FixedVarianceScaling(VarianceScaling):
    """VarianceScaling with a scale, mode and distribution that have a name of their own."""

    #: The current initializer of that name.
    _class: ClassVar[type[random._FixedVarianceScaling]]

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*self._class._fixed, seed)

    def _current(self, seed: Any) -> base.Initializer:
        return self._class(seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"seed": self.seed}


class _Glorot(FixedVarianceScaling):
    """What the two Glorot initializers have beyond those of He and LeCun: an idle `dtype`."""

    def __init__(self, seed: int | None = None, dtype: Any = "float32") -> None:
        super().__init__(seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"seed": self.seed, "dtype": self.dtype.name}


class GlorotUniform(_Glorot):
    """The Glorot (Xavier) uniform initializer.

    Draws from [-limit, limit) with `limit = sqrt(6 / (fan_in + fan_out))`.

    Args:
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.
        dtype: Without effect, as in TensorFlow: a call without a dtype gives float32.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> bool(abs(v1.glorot_uniform_initializer(seed=1)((3, 3))).max() <= 1)
        True

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/glorot_uniform_initializer
    """

    _class = random.GlorotUniform


class GlorotNormal(_Glorot):
    """The Glorot (Xavier) normal initializer.

    Draws from a truncated normal distribution with mean 0 and standard deviation
    `sqrt(2 / (fan_in + fan_out))`.

    Args:
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.
        dtype: Without effect, as in TensorFlow: a call without a dtype gives float32.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> values = v1.glorot_normal_initializer(seed=1)((2, 2))

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/glorot_normal_initializer
    """

    _class = random.GlorotNormal


class Orthogonal(Initializer):
    """Fills a tensor with a random orthogonal matrix, times a factor.

    A tensor of shape (d1, ..., dk, n) is an (m, n) matrix, m = d1 ... dk.

    Args:
        gain: The factor: a finite number.
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.
        dtype: The dtype of a call that gives none: a float one.

    Raises:
        ValueError: An argument is not as described; in the call, the variable has a rank below 2
            (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> q = v1.orthogonal_initializer(seed=1)((2, 2))
        >>> bool(abs(abs(q[0] @ q[1])) < 1e-6)
        True

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/orthogonal_initializer
    """

    _dtypes = FLOAT_DTYPES

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = "float32") -> None:
        self.gain = gain
        self.seed = seed
        self._setup(dtype)

    def _current(self, seed: Any) -> base.Initializer:
        return orthogonal.Orthogonal(self.gain, seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"gain": self.gain, "seed": self.seed, "dtype": self.dtype.name}


def he_normal(seed: int | None = None) -> VarianceScaling:
    """The He (Kaiming) normal initializer, as a `VarianceScaling`."""
    return VarianceScaling(*random.HeNormal._fixed, seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """The He (Kaiming) uniform initializer, as a `VarianceScaling`."""
    return VarianceScaling(*random.HeUniform._fixed, seed)


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """The LeCun normal initializer, as a `VarianceScaling`."""
    return VarianceScaling(*random.LecunNormal._fixed, seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """The LeCun uniform initializer, as a `VarianceScaling`."""
    return VarianceScaling(*random.LecunUniform._fixed, seed)
