"""The interfaces of TensorFlow's `compat.v1` and of Keras 2, on pyinit's random stream.

`pyinit.compat.v1` replaces `tf.compat.v1`, and `pyinit.compat.tf_keras` replaces `tf_keras`.
Neither needs TensorFlow. Their initializers return NumPy arrays, which `tf.Variable` accepts.
"""

from typing import TYPE_CHECKING, Any

from pyinit.compat.arguments import ArgumentError

if TYPE_CHECKING:
    from pyinit.compat import tf_keras as tf_keras
    from pyinit.compat import v1 as v1

__all__ = ["ArgumentError"]

if not TYPE_CHECKING:  # else a type checker would accept any name

    def __getattr__(name: str) -> Any:
        """Import `v1` or `tf_keras` on first access."""
        from importlib import import_module

        if name in ("tf_keras", "v1"):
            return import_module(f"pyinit.compat.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
