"""JAX and Flax: initializers in the form of `jax.nn.initializers`, and whole trees of weights.

Example:
    import pyinit.jax

    flax.linen.Dense(3, kernel_init=pyinit.jax.initializer(pyinit.HeNormal()))
    variables = pyinit.jax.init(jax.eval_shape(model.init, key, inputs), seed=42)
"""

from pyinit.bridges.frameworks import framework_required

with framework_required("jax", "JAX"):
    from pyinit.bridges.jax.init import init
    from pyinit.bridges.jax.initializers import initializer

__all__ = ["init", "initializer"]
