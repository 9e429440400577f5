"""The initializers that `tf.compat.v1.keras` has beyond those of `tf.compat.v1`."""

from __future__ import annotations

from typing import Any

from pyinit.compat.v1 import random as v1_random
from pyinit.initializers import random


class RandomNormal(v1_random.RandomNormal):
    """Draws from a normal distribution, with Keras' default for `stddev`.

    Args:
        mean: The mean: a finite number.
        stddev: The standard deviation: a finite number, at least 0.
        seed: An integer, or None. Every call gives new values.
        dtype: The dtype of a call that gives none: a float one.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> values = v1.keras.initializers.RandomNormal(seed=1)((2, 2))

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/keras/initializers/RandomNormal
    """

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 0.05,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(mean, stddev, seed, dtype)


class RandomUniform(v1_random.RandomUniform):
    """Draws from a uniform distribution, with Keras' defaults for its ends.

    Args:
        minval: The lower end.
        maxval: The upper end, which is never drawn; None means 1, for floats.
        seed: An integer, or None. Every call gives new values.
        dtype: The dtype of a call that gives none: a float one, int32 or int64.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> values = v1.keras.initializers.RandomUniform(seed=1)((2, 2))

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/keras/initializers/RandomUniform
    """

    def __init__(
        self,
        minval: float = -0.05,
        maxval: float | None = 0.05,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(minval, maxval, seed, dtype)


class TruncatedNormal(v1_random.TruncatedNormal):
    """Draws from a truncated normal distribution, with Keras' default for `stddev`.

    Args:
        mean: The mean: a finite number.
        stddev: The standard deviation before truncation: a finite number, at least 0.
        seed: An integer, or None. Every call gives new values.
        dtype: The dtype of a call that gives none: a float one.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> values = v1.keras.initializers.TruncatedNormal(seed=1)((2, 2))

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/keras/initializers/TruncatedNormal
    """

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 0.05,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(mean, stddev, seed, dtype)


class HeNormal(v1_random.FixedVarianceScaling):
    """The He (Kaiming) normal initializer.

    Draws from a truncated normal distribution with mean 0 and standard deviation
    `sqrt(2 / fan_in)`.

    Args:
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.

    Raises:
        ValueError: `seed` is none of these (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> v1.keras.initializers.he_normal(seed=1).migrate()
        HeNormal(seed=1)

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/keras/initializers/he_normal
    """

    _class = random.HeNormal


class HeUniform(v1_random.FixedVarianceScaling):
    """The He (Kaiming) uniform initializer.

    Draws from [-limit, limit) with `limit = sqrt(6 / fan_in)`.

    Args:
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.

    Raises:
        ValueError: `seed` is none of these (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> values = v1.keras.initializers.he_uniform(seed=1)((2, 2))

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/keras/initializers/he_uniform
    """

    _class = random.HeUniform


class LecunNormal(v1_random.FixedVarianceScaling):
    """The LeCun normal initializer.

    Draws from a truncated normal distribution with mean 0 and standard deviation
    `sqrt(1 / fan_in)`.

    Args:
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.

    Raises:
        ValueError: `seed` is none of these (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> values = v1.keras.initializers.lecun_normal(seed=1)((2, 2))

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/keras/initializers/lecun_normal
    """

    _class = random.LecunNormal


class LecunUniform(v1_random.FixedVarianceScaling):
    """The LeCun uniform initializer.

    Draws from [-limit, limit) with `limit = sqrt(3 / fan_in)`.

    Args:
        seed: An integer, or None. Every call gives new values; a new initializer with the same
            seed starts the same sequence.

    Raises:
        ValueError: `seed` is none of these (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> values = v1.keras.initializers.lecun_uniform(seed=1)((2, 2))

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/keras/initializers/lecun_uniform
    """

    _class = random.LecunUniform
