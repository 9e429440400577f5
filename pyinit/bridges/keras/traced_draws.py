"""Draw in traced code, where the state of a seed generator is symbolic.

The backend calls back to the host when the traced code runs and its state has a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray

if TYPE_CHECKING:
    from pyinit.initializers.random import RandomInitializer
    from pyinit.seeds import TracedDrawError


def draw_traced(
    initializer: RandomInitializer, shape: Shape, dtype: np.dtype[Any], error: TracedDrawError
) -> Any:
    """Return the symbolic tensor of a call.

    Args:
        initializer: The initializer, with a seed generator.
        shape: The checked shape.
        dtype: The checked dtype.
        error: The error that its draw has raised.

    Raises:
        TracedDrawError: The backend cannot call back.
    """
    backend = keras.backend.backend()
    if backend == "torch" and error.state.is_meta:
        # Keras asks for the shape only
        return keras.ops.empty(shape, dtype=dtype.name)
    if backend == "jax":
        import jax

        dtype = jax.dtypes.canonicalize_dtype(dtype)

    def draw(state: Any) -> AnyArray:
        seed, index = error.draw_id(np.asarray(state))
        return np.asarray(initializer.with_seed(seed).lazy(shape, dtype, draw=index))

    if backend == "jax":
        result = jax.ShapeDtypeStruct(shape, dtype)
        return jax.pure_callback(draw, result, error.state, vmap_method="sequential")
    if backend == "tensorflow":
        import tensorflow as tf

        values = tf.numpy_function(draw, [error.state], tf.as_dtype(dtype))
        values.set_shape(shape)
        return values
    raise error
