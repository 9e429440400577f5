"""The initializers of `tf.compat.v1`, under TensorFlow's names.

Every call of an initializer gives new values. A new initializer with the same seed starts the same
sequence, and `set_random_seed()` makes initializers without a seed reproducible.

>>> from pyinit.compat import v1
>>> initializer = v1.variance_scaling_initializer(scale=2.0, seed=1)
>>> first, second = initializer((2, 2)), initializer((2, 2))
>>> bool((first == second).any())
False
>>> bool((v1.variance_scaling_initializer(scale=2.0, seed=1)((2, 2)) == first).all())
True
"""

import typing as _typing

from pyinit import hooks as _hooks
from pyinit.compat.v1 import base as _base
from pyinit.compat.v1 import classes as _classes
from pyinit.compat.v1 import initializers as initializers
from pyinit.compat.v1 import keras as keras
from pyinit.compat.v1.seeds import set_random_seed as set_random_seed

constant_initializer = _classes.Constant
glorot_normal_initializer = _classes.GlorotNormal
glorot_uniform_initializer = _classes.GlorotUniform
ones_initializer = _classes.Ones
orthogonal_initializer = _classes.Orthogonal
random_normal_initializer = _classes.RandomNormal
random_uniform_initializer = _classes.RandomUniform
truncated_normal_initializer = _classes.TruncatedNormal
uniform_unit_scaling_initializer = _classes.UniformUnitScaling
variance_scaling_initializer = _classes.VarianceScaling
zeros_initializer = _classes.Zeros

_hooks.export_to_tf_keras(
    _base.__name__,
    "pyinit_v1",
    {name.replace(".", "_"): cls for name, cls in _base.CLASSES.items()},
)

if not _typing.TYPE_CHECKING:  # type checkers read the names above
    __all__ = [name for name in dir() if name.endswith("_initializer")]
    __all__ += ["initializers", "keras", "set_random_seed"]
