"""The names of `tf.compat.v1.keras.initializers`, where Keras is Keras 2.

`get`, `serialize` and `deserialize` are those of Keras 2 (and find the initializers of
`pyinit.compat.tf_keras`), as in TensorFlow.
"""

from pyinit.compat.tf_keras import deserialize, get, serialize
from pyinit.compat.v1.base import Initializer
from pyinit.compat.v1.constant import Constant, Identity, Ones, Zeros
from pyinit.compat.v1.keras.classes import (
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
)
from pyinit.compat.v1.random import GlorotNormal, GlorotUniform, Orthogonal, VarianceScaling

constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
normal = RandomNormal
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
uniform = RandomUniform
zeros = Zeros

__all__ = [
    "Constant",
    "Identity",
    "Initializer",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "uniform",
    "zeros",
]
