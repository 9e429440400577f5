"""The initializers: their classes, the functions with R's names, and look-up by name."""

from pyinit.initializers import constant, factories, orthogonal, random, stft
from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import *
from pyinit.initializers.factories import *
from pyinit.initializers.fans import compute_fans
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.orthogonal import *
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

__all__ = [
    "Initializer",
    "LazyTensor",
    "compute_fans",
    "deserialize",
    "deserialize_initializer",
    "get",
    "get_initializer",
    "serialize",
    "serialize_initializer",
]
__all__ += constant.__all__
__all__ += factories.__all__
__all__ += orthogonal.__all__
__all__ += random.__all__
__all__ += stft.__all__
