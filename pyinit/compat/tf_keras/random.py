"""Keras 2's initializers that draw, VarianceScaling and its children among them.

A seeded initializer repeats its values at every call, and so does an unseeded one. That is what
tf_keras does; its documentation says that the Glorot and He initializers give new values at every
call, which they do here if their seed is a `pyinit.SeedGenerator`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pyinit.compat.arguments import argument_errors, as_distribution
from pyinit.compat.tf_keras.base import Initializer
from pyinit.compat.values import UniformNumbers
from pyinit.initializers import orthogonal, random


class RandomNormal(Initializer, random.RandomNormal):
    """Draws from a normal distribution.

    Args:
        mean: The mean: a finite number.
        stddev: The standard deviation: a finite number, at least 0.
        seed: An integer or None, which repeat their values at every call, or a seed generator.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> values = tf_keras.RandomNormal(stddev=1.0, seed=1)((2, 3))

    Source: https://keras.io/2/api/layers/initializers/#randomnormal-class
    """

    @argument_errors()
    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(mean, stddev, seed)


class RandomUniform(Initializer, UniformNumbers):
    """Draws from a uniform distribution on [minval, maxval), of integers too.

    Args:
        minval: The lower end.
        maxval: The upper end, which is never drawn; None means 1, for floats.
        seed: An integer or None, which repeat their values at every call, or a seed generator.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> values = tf_keras.RandomUniform(0, 10, seed=1)((1000,), dtype="int32")
        >>> int(values.min()), int(values.max())
        (0, 9)

    Source: https://keras.io/2/api/layers/initializers/#randomuniform-class
    """

    @argument_errors()
    def __init__(
        self, minval: float = -0.05, maxval: float | None = 0.05, seed: Any = None
    ) -> None:
        super().__init__(minval, maxval, seed)


class TruncatedNormal(Initializer, random.TruncatedNormal):
    """Draws from a normal distribution truncated to two standard deviations.

    Args:
        mean: The mean: a finite number.
        stddev: The standard deviation before truncation: a finite number, at least 0.
        seed: An integer or None, which repeat their values at every call, or a seed generator.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> values = tf_keras.TruncatedNormal(stddev=1.0, seed=1)((1000,))
        >>> bool(abs(values).max() <= 2)
        True

    Source: https://keras.io/2/api/layers/initializers/#truncatednormal-class
    """

    @argument_errors()
    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(mean, stddev, seed)


class VarianceScaling(Initializer, random.VarianceScaling):
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
        seed: An integer or None, which repeat their values at every call, or a seed generator.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).
        AttributeError: `distribution` is not a string.

    Example:
        >>> from pyinit.compat import tf_keras
        >>> initializer = tf_keras.VarianceScaling(scale=0.1, mode="fan_in", distribution="uniform")
        >>> values = initializer(shape=(2, 2))

    Source: https://keras.io/2/api/layers/initializers/#variancescaling-class
    """

    @argument_errors()
    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
    ) -> None:
        super().__init__(scale, mode, as_distribution(distribution), seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        config = super().get_config()
        return {name: config[name] for name in ("scale", "mode", "distribution", "seed")}


class _FixedVarianceScaling(VarianceScaling):
    """VarianceScaling with a scale, mode and distribution that have a name of their own."""

    _fixed: ClassVar[tuple[float, str, str]]

    def __init__(self, seed: Any = None) -> None:
        super().__init__(*self._fixed, seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"seed": super().get_config()["seed"]}


class GlorotNormal(_FixedVarianceScaling):
    """The Glorot (Xavier) normal initializer.

    Draws from a truncated normal distribution with mean 0 and standard deviation
    `sqrt(2 / (fan_in + fan_out))`.

    Args:
        seed: An integer or None, which repeat their values at every call, or a seed generator,
            which gives new ones.

    Raises:
        ValueError: `seed` is none of these (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> values = tf_keras.GlorotNormal(seed=1)((2, 2))

    Source: https://keras.io/2/api/layers/initializers/#glorotnormal-class
    """

    _fixed = random.GlorotNormal._fixed


class GlorotUniform(_FixedVarianceScaling):
    """The Glorot (Xavier) uniform initializer.

    Draws from [-limit, limit) with `limit = sqrt(6 / (fan_in + fan_out))`.

    Args:
        seed: An integer or None, which repeat their values at every call, or a seed generator,
            which gives new ones.

    Raises:
        ValueError: `seed` is none of these (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> values = tf_keras.GlorotUniform(seed=1)((2, 2))

    Source: https://keras.io/2/api/layers/initializers/#glorotuniform-class
    """

    _fixed = random.GlorotUniform._fixed


class HeNormal(_FixedVarianceScaling):
    """The He (Kaiming) normal initializer.

    Draws from a truncated normal distribution with mean 0 and standard deviation
    `sqrt(2 / fan_in)`.

    Args:
        seed: An integer or None, which repeat their values at every call, or a seed generator,
            which gives new ones.

    Raises:
        ValueError: `seed` is none of these (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> values = tf_keras.HeNormal(seed=1)((2, 2))

    Source: https://keras.io/2/api/layers/initializers/#henormal-class
    """

    _fixed = random.HeNormal._fixed


class HeUniform(_FixedVarianceScaling):
    """The He (Kaiming) uniform initializer.

    Draws from [-limit, limit) with `limit = sqrt(6 / fan_in)`.

    Args:
        seed: An integer or None, which repeat their values at every call, or a seed generator,
            which gives new ones.

    Raises:
        ValueError: `seed` is none of these (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> values = tf_keras.HeUniform(seed=1)((2, 2))

    Source: https://keras.io/2/api/layers/initializers/#heuniform-class
    """

    _fixed = random.HeUniform._fixed


class LecunNormal(_FixedVarianceScaling):
    """The LeCun normal initializer.

    Draws from a truncated normal distribution with mean 0 and standard deviation
    `sqrt(1 / fan_in)`.

    Args:
        seed: An integer or None, which repeat their values at every call, or a seed generator,
            which gives new ones.

    Raises:
        ValueError: `seed` is none of these (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> values = tf_keras.LecunNormal(seed=1)((2, 2))

    Source: https://keras.io/2/api/layers/initializers/#lecunnormal-class
    """

    _fixed = random.LecunNormal._fixed


class LecunUniform(_FixedVarianceScaling):
    """The LeCun uniform initializer.

    Draws from [-limit, limit) with `limit = sqrt(3 / fan_in)`.

    Args:
        seed: An integer or None, which repeat their values at every call, or a seed generator,
            which gives new ones.

    Raises:
        ValueError: `seed` is none of these (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> values = tf_keras.LecunUniform(seed=1)((2, 2))

    Source: https://keras.io/2/api/layers/initializers/#lecununiform-class
    """

    _fixed = random.LecunUniform._fixed


class Orthogonal(Initializer, orthogonal.Orthogonal):
    """Fills a tensor with a random orthogonal matrix, times a factor.

    A tensor of shape (d1, ..., dk, n) is an (m, n) matrix, m = d1 ... dk.

    Args:
        gain: The factor: a finite number.
        seed: An integer or None, which repeat their values at every call, or a seed generator.

    Raises:
        ValueError: An argument is not as described; in the call, `shape` has a rank below 2 (the
            error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> q = tf_keras.Orthogonal(seed=1)((2, 2))
        >>> bool(abs(q[0] @ q[1]) < 1e-6)
        True

    Source: https://keras.io/2/api/layers/initializers/#orthogonal-class
    """

    _has_parts = False

    @argument_errors()
    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        super().__init__(gain, seed)
