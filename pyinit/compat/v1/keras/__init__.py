"""The initializers of `tf.compat.v1.keras`."""

from pyinit.compat.v1.keras import initializers

__all__ = ["initializers"]
