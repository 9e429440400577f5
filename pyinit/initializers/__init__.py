"""The initializers: their classes, the functions with R's names, and look-up by name."""

from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import *
from pyinit.initializers.convolution import *
from pyinit.initializers.factories import *
from pyinit.initializers.fans import compute_fans
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.orthogonal import *
from pyinit.initializers.partitions import map_partitions
from pyinit.initializers.random import *
from pyinit.initializers.registry import (
    deserialize,
    deserialize_initializer,
    get,
    get_initializer,
    serialize,
    serialize_initializer,
)
from pyinit.initializers.stft import *
from pyinit.initializers.torch_names import *
from pyinit.initializers.variance_scaling import *

__all__ = [
    "STFT",
    "Constant",
    "DeltaOrthogonal",
    "Dirac",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LazyTensor",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "calculate_gain",
    "compute_fans",
    "deserialize",
    "deserialize_initializer",
    "get",
    "get_initializer",
    "initializer_constant",
    "initializer_delta_orthogonal",
    "initializer_dirac",
    "initializer_glorot_normal",
    "initializer_glorot_uniform",
    "initializer_he_normal",
    "initializer_he_uniform",
    "initializer_identity",
    "initializer_kaiming_normal",
    "initializer_kaiming_uniform",
    "initializer_lecun_normal",
    "initializer_lecun_uniform",
    "initializer_ones",
    "initializer_orthogonal",
    "initializer_random_normal",
    "initializer_random_uniform",
    "initializer_stft",
    "initializer_truncated_normal",
    "initializer_variance_scaling",
    "initializer_xavier_normal",
    "initializer_xavier_uniform",
    "initializer_zeros",
    "map_partitions",
    "serialize",
    "serialize_initializer",
]
