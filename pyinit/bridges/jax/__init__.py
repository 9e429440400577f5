"""The bridge to JAX: initializers in the form of `jax.nn.initializers`, and sharded tensors."""
