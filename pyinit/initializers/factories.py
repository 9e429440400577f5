"""Functions with the names of the R interface, one for each initializer."""

from __future__ import annotations

from typing import Any, Literal

from pyinit.initializers.constant import Constant, Identity, Ones, Zeros
from pyinit.initializers.orthogonal import Orthogonal
from pyinit.initializers.random import RandomNormal, RandomUniform, TruncatedNormal
from pyinit.initializers.stft import STFT
from pyinit.initializers.variance_scaling import (
    DistributionName,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Mode,
    VarianceScaling,
)
from pyinit.seeds import Seed

__all__ = [
    "initializer_constant",
    "initializer_glorot_normal",
    "initializer_glorot_uniform",
    "initializer_he_normal",
    "initializer_he_uniform",
    "initializer_identity",
    "initializer_lecun_normal",
    "initializer_lecun_uniform",
    "initializer_ones",
    "initializer_orthogonal",
    "initializer_random_normal",
    "initializer_random_uniform",
    "initializer_stft",
    "initializer_truncated_normal",
    "initializer_variance_scaling",
    "initializer_zeros",
]


def initializer_constant(value: float = 0) -> Constant:
    """Construct a `Constant` initializer."""
    return Constant(value)


def initializer_zeros() -> Zeros:
    """Construct a `Zeros` initializer."""
    return Zeros()


def initializer_ones() -> Ones:
    """Construct an `Ones` initializer."""
    return Ones()


def initializer_identity(gain: float = 1) -> Identity:
    """Construct an `Identity` initializer."""
    return Identity(gain)


def initializer_stft(
    side: Literal["real", "imag"] = "real",
    window: Any = "hann",
    scaling: Literal["density", "spectrum"] | None = "density",
    periodic: bool = False,
) -> STFT:
    """Construct an `STFT` initializer."""
    return STFT(side, window, scaling, periodic)


def initializer_random_normal(
    mean: float = 0, stddev: float = 0.05, seed: Seed = None
) -> RandomNormal:
    """Construct a `RandomNormal` initializer."""
    return RandomNormal(mean, stddev, seed)


def initializer_random_uniform(
    minval: float = -0.05, maxval: float = 0.05, seed: Seed = None
) -> RandomUniform:
    """Construct a `RandomUniform` initializer."""
    return RandomUniform(minval, maxval, seed)


def initializer_truncated_normal(
    mean: float = 0, stddev: float = 0.05, seed: Seed = None
) -> TruncatedNormal:
    """Construct a `TruncatedNormal` initializer."""
    return TruncatedNormal(mean, stddev, seed)


def initializer_variance_scaling(
    scale: float = 1,
    mode: Mode = "fan_in",
    distribution: DistributionName = "truncated_normal",
    seed: Seed = None,
) -> VarianceScaling:
    """Construct a `VarianceScaling` initializer."""
    return VarianceScaling(scale, mode, distribution, seed)


def initializer_glorot_normal(seed: Seed = None) -> GlorotNormal:
    """Construct a `GlorotNormal` initializer."""
    return GlorotNormal(seed)


def initializer_glorot_uniform(seed: Seed = None) -> GlorotUniform:
    """Construct a `GlorotUniform` initializer."""
    return GlorotUniform(seed)


def initializer_he_normal(seed: Seed = None) -> HeNormal:
    """Construct a `HeNormal` initializer."""
    return HeNormal(seed)


def initializer_he_uniform(seed: Seed = None) -> HeUniform:
    """Construct a `HeUniform` initializer."""
    return HeUniform(seed)


def initializer_lecun_normal(seed: Seed = None) -> LecunNormal:
    """Construct a `LecunNormal` initializer."""
    return LecunNormal(seed)


def initializer_lecun_uniform(seed: Seed = None) -> LecunUniform:
    """Construct a `LecunUniform` initializer."""
    return LecunUniform(seed)


def initializer_orthogonal(gain: float = 1, seed: Seed = None) -> Orthogonal:
    """Construct an `Orthogonal` initializer."""
    return Orthogonal(gain, seed)
