"""The names of `tf.compat.v1.keras.initializers`, where Keras is Keras 2.

As in TensorFlow, `get`, `serialize` and `deserialize` are those of Keras 2, for the initializers of
`pyinit.compat.tf_keras`.
"""

import typing as _typing

from pyinit.compat.tf_keras import deserialize as deserialize
from pyinit.compat.tf_keras import get as get
from pyinit.compat.tf_keras import serialize as serialize
from pyinit.compat.v1 import classes as _v1
from pyinit.compat.v1.base import Initializer as Initializer
from pyinit.compat.v1.keras import classes as _keras

Constant = constant = _v1.Constant
Identity = identity = _v1.Identity
Ones = ones = _v1.Ones
Orthogonal = orthogonal = _v1.Orthogonal
RandomNormal = random_normal = normal = _keras.RandomNormal
RandomUniform = random_uniform = uniform = _keras.RandomUniform
TruncatedNormal = truncated_normal = _keras.TruncatedNormal
VarianceScaling = _v1.VarianceScaling
Zeros = zeros = _v1.Zeros
glorot_normal = _v1.GlorotNormal
glorot_uniform = _v1.GlorotUniform
he_normal = _keras.HeNormal
he_uniform = _keras.HeUniform
lecun_normal = _keras.LecunNormal
lecun_uniform = _keras.LecunUniform

if not _typing.TYPE_CHECKING:  # type checkers read the names above
    __all__ = [name for name in dir() if not name.startswith("_")]
