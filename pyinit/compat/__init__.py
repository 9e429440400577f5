"""The interfaces of TensorFlow's `compat.v1` and of Keras 2, on the same random stream.

`pyinit.compat.v1` stands in for `tf.compat.v1`, `pyinit.compat.tf_keras` for `tf_keras`. Neither
needs TensorFlow; their initializers return NumPy arrays, which `tf.Variable` takes as they are.
"""
