"""The initializers of `tf.compat.v1`, by the names that they have there.

Each call of an initializer gives new values; a new initializer with the same seed starts the same
sequence, and `set_random_seed()` makes those without a seed reproducible.

>>> from pyinit.compat import v1
>>> initializer = v1.variance_scaling_initializer(scale=2.0, seed=1)
>>> first, second = initializer((2, 2)), initializer((2, 2))
>>> bool((first == second).any())
False
>>> bool((v1.variance_scaling_initializer(scale=2.0, seed=1)((2, 2)) == first).all())
True
"""

from pyinit.compat.v1 import initializers, keras
from pyinit.compat.v1.constant import Constant, Ones, Zeros
from pyinit.compat.v1.random import (
    GlorotNormal,
    GlorotUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    UniformUnitScaling,
    VarianceScaling,
)
from pyinit.compat.v1.seeds import set_random_seed

constant_initializer = Constant
glorot_normal_initializer = GlorotNormal
glorot_uniform_initializer = GlorotUniform
ones_initializer = Ones
orthogonal_initializer = Orthogonal
random_normal_initializer = RandomNormal
random_uniform_initializer = RandomUniform
truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling_initializer = VarianceScaling
zeros_initializer = Zeros

__all__ = [
    "constant_initializer",
    "glorot_normal_initializer",
    "glorot_uniform_initializer",
    "initializers",
    "keras",
    "ones_initializer",
    "orthogonal_initializer",
    "random_normal_initializer",
    "random_uniform_initializer",
    "set_random_seed",
    "truncated_normal_initializer",
    "uniform_unit_scaling_initializer",
    "variance_scaling_initializer",
    "zeros_initializer",
]
