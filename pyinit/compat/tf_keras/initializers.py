"""The names of `tf_keras.initializers`."""
# ruff: noqa: F403, F405 - the star stands for the classes

import typing as _typing

from pyinit.compat.tf_keras.base import Initializer as Initializer
from pyinit.compat.tf_keras.classes import *
from pyinit.compat.tf_keras.registry import deserialize as deserialize
from pyinit.compat.tf_keras.registry import get as get
from pyinit.compat.tf_keras.registry import serialize as serialize

constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros

if not _typing.TYPE_CHECKING:  # type checkers read the names above
    __all__ = [name for name in dir() if not name.startswith("_")]
