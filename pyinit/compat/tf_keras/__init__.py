"""Keras 2's initializers, under the names of `tf_keras.initializers`.

The names are available both here and in the submodule `initializers`: `from pyinit.compat.tf_keras
import HeNormal` works, and so does code that uses `tf_keras.initializers`.

>>> from pyinit.compat import tf_keras
>>> tf_keras.initializers.he_normal is tf_keras.HeNormal
True
"""

from typing import TYPE_CHECKING

from pyinit.compat.tf_keras import initializers as initializers
from pyinit.compat.tf_keras.initializers import *  # noqa: F403

if not TYPE_CHECKING:  # type checkers read the names above
    __all__ = [*initializers.__all__, "initializers"]
