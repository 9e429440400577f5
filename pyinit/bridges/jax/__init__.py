"""The bridge to JAX: initializers in JAX's form, sharded tensors, traced draws and trees."""
