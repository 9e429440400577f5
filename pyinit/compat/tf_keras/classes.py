"""The classes of `tf_keras.initializers`.

Docstrings are derived from those of pyinit's own classes. Constructors are written out only where
the signature differs.

As in tf_keras, an initializer repeats its values at every call, seeded or not. Keras 2's
documentation says that the Glorot and He initializers give new values at every call; with a
`pyinit.SeedGenerator` as the seed, they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pyinit.compat.arguments import as_distribution, scaling_arguments
from pyinit.compat.tf_keras.base import CLASSES, Initializer
from pyinit.compat.values import UniformNumbers, ValuesOrConstant
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.initializers import constant, orthogonal, random, variance_scaling


class Constant(Initializer, ValuesOrConstant):
    _counterpart = ValuesOrConstant

    def __init__(self, value: Any = 0) -> None:
        super().__init__(value)


class Zeros(Initializer, constant.Zeros):
    _counterpart = constant.Zeros


class Ones(Initializer, constant.Ones):
    _counterpart = constant.Ones


class Identity(Initializer, constant.Identity):
    _counterpart = constant.Identity
    _dtypes = FLOAT_DTYPES
    _has_partitions = False


class RandomNormal(Initializer, random.RandomNormal):
    _counterpart = random.RandomNormal


class RandomUniform(Initializer, UniformNumbers):
    _counterpart = UniformNumbers


class TruncatedNormal(Initializer, random.TruncatedNormal):
    _counterpart = random.TruncatedNormal


class VarianceScaling(Initializer, variance_scaling.VarianceScaling):
    _counterpart: ClassVar[type[variance_scaling.VarianceScaling]] = (
        variance_scaling.VarianceScaling
    )
    _notes: ClassVar = {"AttributeError": "`distribution` is not a string."}

    def __init__(
        self,
        scale: float = 1.0,
        mode: variance_scaling.Mode = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
    ) -> None:
        super().__init__(scale, mode, as_distribution(distribution), seed)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        return {name: config[name] for name in ("scale", "mode", "distribution", "seed")}


class FixedVarianceScaling(VarianceScaling):
    """VarianceScaling with the scale, mode and distribution of its counterpart."""

    _notes: ClassVar = {}

    def __init__(self, seed: Any = None) -> None:
        super().__init__(*scaling_arguments(self._counterpart), seed)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"seed": super().get_config()["seed"]}


class GlorotNormal(FixedVarianceScaling):
    _counterpart = variance_scaling.GlorotNormal


class GlorotUniform(FixedVarianceScaling):
    _counterpart = variance_scaling.GlorotUniform


class HeNormal(FixedVarianceScaling):
    _counterpart = variance_scaling.HeNormal


class HeUniform(FixedVarianceScaling):
    _counterpart = variance_scaling.HeUniform


class LecunNormal(FixedVarianceScaling):
    _counterpart = variance_scaling.LecunNormal


class LecunUniform(FixedVarianceScaling):
    _counterpart = variance_scaling.LecunUniform


class Orthogonal(Initializer, orthogonal.Orthogonal):
    _counterpart = orthogonal.Orthogonal
    _has_partitions = False


if not TYPE_CHECKING:  # type checkers read the names above
    __all__ = list(CLASSES)
