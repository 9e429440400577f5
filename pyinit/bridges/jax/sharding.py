"""Sharded tensors: each device draws its own shard."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from pyinit.arguments import argument_error
from pyinit.dtypes import AnyArray
from pyinit.initializers.base import Initializer


def draw_sharded(initializer: Initializer, shape: Iterable[int], dtype: Any, layout: Any) -> Any:
    """The tensor that the initializer draws, as a `jax.Array` sharded over devices.

    Args:
        initializer: The initializer.
        shape: The shape of the full tensor.
        dtype: As in the initializer's call.
        layout: A `jax.sharding.Sharding`, or a `keras.distribution.TensorLayout` of the jax
            backend.

    Raises:
        ValueError: `layout` is neither, or an argument is not as the initializer needs it.
    """
    jax = sys.modules.get("jax")
    sharding = getattr(layout, "backend_layout", layout)
    if jax is None or not isinstance(sharding, jax.sharding.Sharding):
        allowed = (
            "None, a jax.sharding.Sharding, or a keras.distribution.TensorLayout of the jax backend"
        )
        raise argument_error("layout", layout, allowed)
    if isinstance(getattr(sharding, "mesh", None), jax.sharding.AbstractMesh):
        # Keras names the axes and sets the mesh of devices. Its seed generator is sharded over that
        # mesh and refuses the abstract one.
        mesh = jax.sharding.get_mesh()
        sharding = jax.sharding.NamedSharding(mesh, sharding.spec)
        with jax.set_mesh(mesh):
            weights = initializer.lazy(shape, dtype)
    else:
        weights = initializer.lazy(shape, dtype)
    # devices that hold the same slice share it
    drawn: dict[tuple[tuple[int, int, int], ...], AnyArray] = {}

    def shard(index: tuple[slice, ...]) -> AnyArray:
        ends = tuple(
            axis.indices(length) for axis, length in zip(index, weights.shape, strict=True)
        )
        if ends not in drawn:
            drawn[ends] = weights[index]
        return drawn[ends]

    return jax.make_array_from_callback(weights.shape, sharding, shard)
