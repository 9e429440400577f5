"""The interfaces of TensorFlow's `compat.v1` and of Keras 2, on pyinit's random stream.

`pyinit.compat.v1` replaces `tf.compat.v1`, and `pyinit.compat.tf_keras` replaces `tf_keras`.
Neither needs TensorFlow. Their initializers return NumPy arrays, which `tf.Variable` accepts.
"""

from pyinit.compat.arguments import ArgumentError

__all__ = ["ArgumentError"]
