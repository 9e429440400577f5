"""The classes of `tf.compat.v1.keras.initializers` that differ from those of `tf.compat.v1`."""

from __future__ import annotations

from typing import Any

import pyinit
from pyinit.compat.v1 import classes


class RandomNormal(classes.RandomNormal):
    _name = "keras.initializers.RandomNormal"

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 0.05,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(mean, stddev, seed, dtype)


class RandomUniform(classes.RandomUniform):
    _name = "keras.initializers.RandomUniform"

    def __init__(
        self,
        minval: float = -0.05,
        maxval: float | None = 0.05,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(minval, maxval, seed, dtype)


class TruncatedNormal(classes.TruncatedNormal):
    _name = "keras.initializers.TruncatedNormal"

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 0.05,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(mean, stddev, seed, dtype)


class HeNormal(classes.FixedVarianceScaling):
    _name = "keras.initializers.he_normal"
    _counterpart = pyinit.HeNormal


class HeUniform(classes.FixedVarianceScaling):
    _name = "keras.initializers.he_uniform"
    _counterpart = pyinit.HeUniform


class LecunNormal(classes.FixedVarianceScaling):
    _name = "keras.initializers.lecun_normal"
    _counterpart = pyinit.LecunNormal


class LecunUniform(classes.FixedVarianceScaling):
    _name = "keras.initializers.lecun_uniform"
    _counterpart = pyinit.LecunUniform
