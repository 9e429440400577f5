"""JAX and Flax: our initializers in the form of `jax.nn.initializers`.

Example:
    import pyinit.jax

    flax.linen.Dense(3, kernel_init=pyinit.jax.initializer(pyinit.HeNormal()))
"""

from pyinit.bridges.frameworks import framework_required

with framework_required("jax", "JAX"):
    from pyinit.bridges.jax.initializers import initializer

__all__ = ["initializer"]
