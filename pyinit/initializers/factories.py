"""Functions with the names of the R interface, one for each initializer.

Source: https://keras3.posit.co/reference/index.html
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from pyinit.initializers.constant import Constant, Identity, Ones, Zeros
from pyinit.initializers.convolution import DeltaOrthogonal, Dirac
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
    "initializer_delta_orthogonal",
    "initializer_dirac",
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
    """Construct a `Constant` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_constant(3)
        Constant(value=3)
    """
    return Constant(value)


def initializer_zeros() -> Zeros:
    """Construct a `Zeros` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_zeros()
        Zeros()
    """
    return Zeros()


def initializer_ones() -> Ones:
    """Construct a `Ones` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_ones()
        Ones()
    """
    return Ones()


def initializer_identity(gain: float = 1) -> Identity:
    """Construct an `Identity` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_identity(2)
        Identity(gain=2)
    """
    return Identity(gain)


def initializer_dirac(groups: int = 1) -> Dirac:
    """Construct a `Dirac` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_dirac(2)
        Dirac(groups=2)
    """
    return Dirac(groups)


def initializer_stft(
    side: Literal["real", "imag"] = "real",
    window: Any = "hann",
    scaling: Literal["density", "spectrum"] | None = "density",
    periodic: bool = False,
) -> STFT:
    """Construct an `STFT` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_stft()
        STFT(side='real', window='hann', periodic=False, scaling='density')
    """
    return STFT(side, window, scaling, periodic)


def initializer_random_normal(
    mean: float = 0, stddev: float = 0.05, seed: Seed = None
) -> RandomNormal:
    """Construct a `RandomNormal` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_random_normal(seed=1)
        RandomNormal(mean=0, stddev=0.05, seed=1)
    """
    return RandomNormal(mean, stddev, seed)


def initializer_random_uniform(
    minval: float = -0.05, maxval: float = 0.05, seed: Seed = None
) -> RandomUniform:
    """Construct a `RandomUniform` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_random_uniform(seed=1)
        RandomUniform(minval=-0.05, maxval=0.05, seed=1)
    """
    return RandomUniform(minval, maxval, seed)


def initializer_truncated_normal(
    mean: float = 0,
    stddev: float = 0.05,
    seed: Seed = None,
    lower: float = -2,
    upper: float = 2,
) -> TruncatedNormal:
    """Construct a `TruncatedNormal` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_truncated_normal(seed=1)
        TruncatedNormal(mean=0, stddev=0.05, seed=1)
        >>> positive = pyinit.initializer_truncated_normal(seed=1, lower=0, upper=float("inf"))
        >>> bool(positive((1000,)).min() >= 0)
        True
    """
    return TruncatedNormal(mean, stddev, seed, lower, upper)


def initializer_variance_scaling(
    scale: float = 1,
    mode: Mode = "fan_in",
    distribution: DistributionName = "truncated_normal",
    seed: Seed = None,
    batch_axes: int | Collection[int] | None = None,
) -> VarianceScaling:
    """Construct a `VarianceScaling` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_variance_scaling(scale=2, seed=1)
        VarianceScaling(scale=2, mode='fan_in', distribution='truncated_normal', seed=1)
    """
    return VarianceScaling(scale, mode, distribution, seed, batch_axes=batch_axes)


def initializer_glorot_normal(
    seed: Seed = None, batch_axes: int | Collection[int] | None = None
) -> GlorotNormal:
    """Construct a `GlorotNormal` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_glorot_normal(seed=1)
        GlorotNormal(seed=1)
    """
    return GlorotNormal(seed, batch_axes=batch_axes)


def initializer_glorot_uniform(
    seed: Seed = None, batch_axes: int | Collection[int] | None = None
) -> GlorotUniform:
    """Construct a `GlorotUniform` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_glorot_uniform(seed=1)
        GlorotUniform(seed=1)
    """
    return GlorotUniform(seed, batch_axes=batch_axes)


def initializer_he_normal(
    seed: Seed = None, batch_axes: int | Collection[int] | None = None
) -> HeNormal:
    """Construct a `HeNormal` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_he_normal(seed=1)
        HeNormal(seed=1)
    """
    return HeNormal(seed, batch_axes=batch_axes)


def initializer_he_uniform(
    seed: Seed = None, batch_axes: int | Collection[int] | None = None
) -> HeUniform:
    """Construct a `HeUniform` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_he_uniform(seed=1)
        HeUniform(seed=1)
    """
    return HeUniform(seed, batch_axes=batch_axes)


def initializer_lecun_normal(
    seed: Seed = None, batch_axes: int | Collection[int] | None = None
) -> LecunNormal:
    """Construct a `LecunNormal` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_lecun_normal(seed=1)
        LecunNormal(seed=1)
    """
    return LecunNormal(seed, batch_axes=batch_axes)


def initializer_lecun_uniform(
    seed: Seed = None, batch_axes: int | Collection[int] | None = None
) -> LecunUniform:
    """Construct a `LecunUniform` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_lecun_uniform(seed=1)
        LecunUniform(seed=1)
    """
    return LecunUniform(seed, batch_axes=batch_axes)


def initializer_orthogonal(
    gain: float = 1, seed: Seed = None, batch_axes: int | Collection[int] | None = None
) -> Orthogonal:
    """Construct an `Orthogonal` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_orthogonal(seed=1)
        Orthogonal(gain=1, seed=1)
    """
    return Orthogonal(gain, seed, batch_axes)


def initializer_delta_orthogonal(gain: float = 1, seed: Seed = None) -> DeltaOrthogonal:
    """Construct a `DeltaOrthogonal` initializer; the class documents the arguments and errors.

    Example:
        >>> import pyinit
        >>> pyinit.initializer_delta_orthogonal(seed=1)
        DeltaOrthogonal(gain=1, seed=1)
    """
    return DeltaOrthogonal(gain, seed)
