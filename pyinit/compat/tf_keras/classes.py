"""The classes of `tf_keras.initializers`.

Docstrings are derived from those of pyinit's own classes. Constructors are written out only where
the signature differs.

As in tf_keras, an initializer repeats its values at every call, seeded or not. Keras 2's
documentation says that the Glorot and He initializers give new values at every call; with a
`pyinit.SeedGenerator` as the seed, they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pyinit
from pyinit.compat.arguments import (
    MODE_NOTE,
    Mode,
    as_distribution,
    as_mode,
    scaling_arguments,
)
from pyinit.compat.tf_keras.base import CLASSES, Initializer
from pyinit.compat.values import UniformNumbers, ValuesOrConstant
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.seeds import Seed


class Constant(Initializer, ValuesOrConstant):
    _counterpart = ValuesOrConstant

    def __init__(self, value: Any = 0) -> None:
        super().__init__(value)


class Zeros(Initializer, pyinit.Zeros):
    _counterpart = pyinit.Zeros


class Ones(Initializer, pyinit.Ones):
    _counterpart = pyinit.Ones


class Identity(Initializer, pyinit.Identity):
    _counterpart = pyinit.Identity
    _dtypes = FLOAT_DTYPES
    _takes_partitions = False


class RandomNormal(Initializer, pyinit.RandomNormal):
    _counterpart = pyinit.RandomNormal


class RandomUniform(Initializer, UniformNumbers):
    _counterpart = UniformNumbers


class TruncatedNormal(Initializer, pyinit.TruncatedNormal):
    _counterpart = pyinit.TruncatedNormal

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(mean, stddev, seed)


class VarianceScaling(Initializer, pyinit.VarianceScaling):
    _counterpart: ClassVar[type[pyinit.VarianceScaling]] = pyinit.VarianceScaling
    _notes: ClassVar = {"AttributeError": "`distribution` is not a string.", "mode": MODE_NOTE}

    def __init__(
        self,
        scale: float = 1.0,
        mode: Mode = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
    ) -> None:
        super().__init__(scale, as_mode(mode), as_distribution(distribution), seed)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        return {name: config[name] for name in ("scale", "mode", "distribution", "seed")}


class FixedVarianceScaling(VarianceScaling):
    """VarianceScaling with the scale, mode and distribution of its counterpart."""

    _notes: ClassVar = {}

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(*scaling_arguments(self._counterpart), seed)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"seed": super().get_config()["seed"]}


class GlorotNormal(FixedVarianceScaling):
    _counterpart = pyinit.GlorotNormal


class GlorotUniform(FixedVarianceScaling):
    _counterpart = pyinit.GlorotUniform


class HeNormal(FixedVarianceScaling):
    _counterpart = pyinit.HeNormal


class HeUniform(FixedVarianceScaling):
    _counterpart = pyinit.HeUniform


class LecunNormal(FixedVarianceScaling):
    _counterpart = pyinit.LecunNormal


class LecunUniform(FixedVarianceScaling):
    _counterpart = pyinit.LecunUniform


class Orthogonal(Initializer, pyinit.Orthogonal):
    _counterpart = pyinit.Orthogonal
    _takes_partitions = False

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        super().__init__(gain, seed)


if not TYPE_CHECKING:  # type checkers read the names above
    __all__ = list(CLASSES)
