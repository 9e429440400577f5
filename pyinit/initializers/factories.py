"""The factories with the names of the R interface."""

from __future__ import annotations

from typing import Any

from pyinit.initializers.constant import Constant, Identity, Ones, Zeros
from pyinit.initializers.orthogonal import Orthogonal
from pyinit.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from pyinit.initializers.stft import STFT


def initializer_constant(value: float = 0) -> Constant:
    """Fills a tensor with one value: see `Constant`."""
    return Constant(value)


def initializer_zeros() -> Zeros:
    """Fills a tensor with zeros: see `Zeros`."""
    return Zeros()


def initializer_ones() -> Ones:
    """Fills a tensor with ones: see `Ones`."""
    return Ones()


def initializer_identity(gain: float = 1) -> Identity:
    """Fills a matrix with the identity, times a factor: see `Identity`."""
    return Identity(gain)


def initializer_stft(
    side: str = "real",
    window: Any = "hann",
    scaling: str | None = "density",
    periodic: bool = False,
) -> STFT:
    """Convolution kernels that compute a short-time Fourier transform: see `STFT`."""
    return STFT(side, window, scaling, periodic)


def initializer_random_normal(
    mean: float = 0, stddev: float = 0.05, seed: Any = None
) -> RandomNormal:
    """Draws from a normal distribution: see `RandomNormal`."""
    return RandomNormal(mean, stddev, seed)


def initializer_random_uniform(
    minval: float = -0.05, maxval: float = 0.05, seed: Any = None
) -> RandomUniform:
    """Draws from a uniform distribution: see `RandomUniform`."""
    return RandomUniform(minval, maxval, seed)


def initializer_truncated_normal(
    mean: float = 0, stddev: float = 0.05, seed: Any = None
) -> TruncatedNormal:
    """Draws from a truncated normal distribution: see `TruncatedNormal`."""
    return TruncatedNormal(mean, stddev, seed)


def initializer_variance_scaling(
    scale: float = 1,
    mode: str = "fan_in",
    distribution: str = "truncated_normal",
    seed: Any = None,
) -> VarianceScaling:
    """Draws weights whose variance suits the shape of the tensor: see `VarianceScaling`."""
    return VarianceScaling(scale, mode, distribution, seed)


def initializer_glorot_normal(seed: Any = None) -> GlorotNormal:
    """The Glorot (Xavier) normal initializer: see `GlorotNormal`."""
    return GlorotNormal(seed)


def initializer_glorot_uniform(seed: Any = None) -> GlorotUniform:
    """The Glorot (Xavier) uniform initializer: see `GlorotUniform`."""
    return GlorotUniform(seed)


def initializer_he_normal(seed: Any = None) -> HeNormal:
    """The He (Kaiming) normal initializer: see `HeNormal`."""
    return HeNormal(seed)


def initializer_he_uniform(seed: Any = None) -> HeUniform:
    """The He (Kaiming) uniform initializer: see `HeUniform`."""
    return HeUniform(seed)


def initializer_lecun_normal(seed: Any = None) -> LecunNormal:
    """The LeCun normal initializer: see `LecunNormal`."""
    return LecunNormal(seed)


def initializer_lecun_uniform(seed: Any = None) -> LecunUniform:
    """The LeCun uniform initializer: see `LecunUniform`."""
    return LecunUniform(seed)


def initializer_orthogonal(gain: float = 1, seed: Any = None) -> Orthogonal:
    """Fills a tensor with a random orthogonal matrix, times a factor: see `Orthogonal`."""
    return Orthogonal(gain, seed)
