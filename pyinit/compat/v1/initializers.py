"""The names of `tf.compat.v1.initializers`."""

import typing as _typing

from pyinit.compat.v1 import classes as _classes
from pyinit.compat.v1.classes import he_normal as he_normal
from pyinit.compat.v1.classes import he_uniform as he_uniform
from pyinit.compat.v1.classes import lecun_normal as lecun_normal
from pyinit.compat.v1.classes import lecun_uniform as lecun_uniform

constant = _classes.Constant
glorot_normal = _classes.GlorotNormal
glorot_uniform = _classes.GlorotUniform
identity = _classes.Identity
ones = _classes.Ones
orthogonal = _classes.Orthogonal
random_normal = _classes.RandomNormal
random_uniform = _classes.RandomUniform
truncated_normal = _classes.TruncatedNormal
uniform_unit_scaling = _classes.UniformUnitScaling
variance_scaling = _classes.VarianceScaling
zeros = _classes.Zeros

if not _typing.TYPE_CHECKING:  # type checkers read the names above
    __all__ = [name for name in dir() if not name.startswith("_")]
