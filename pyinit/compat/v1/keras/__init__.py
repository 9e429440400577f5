"""`tf.compat.v1.keras`, as far as it holds initializers."""

from pyinit.compat.v1.keras import initializers

__all__ = ["initializers"]
