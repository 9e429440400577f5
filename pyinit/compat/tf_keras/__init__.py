"""The initializers of Keras 2 (tf_keras), by the names that they have there.

They stand here and in `initializers`, so that both `from pyinit.compat.tf_keras import HeNormal`
and, where tf_keras was imported, `from pyinit.compat import tf_keras` go on as before.

>>> from pyinit.compat import tf_keras
>>> tf_keras.initializers.he_normal is tf_keras.HeNormal
True
"""

from pyinit.compat.tf_keras import initializers
from pyinit.compat.tf_keras.initializers import *  # noqa: F403

__all__ = [*initializers.__all__, "initializers"]
