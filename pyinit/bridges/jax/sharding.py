"""Sharded tensors: each device draws its own shard."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from pyinit.arguments import argument_error
from pyinit.dtypes import AnyArray
from pyinit.initializers.lazy import LazyTensor


def draw_sharded(make_lazy: Callable[[], LazyTensor], layout: Any) -> Any:
    """Return a lazy tensor as a `jax.Array` that is sharded over devices.

    Args:
        make_lazy: Makes the lazy tensor, and so takes the draw of a seed generator.
        layout: A `jax.sharding.Sharding`, or a `keras.distribution.TensorLayout` of the jax
            backend.

    Raises:
        ValueError: `layout` is neither of them, or `make_lazy` raises it.
    """
    jax = sys.modules.get("jax")
    sharding = getattr(layout, "backend_layout", layout)
    if jax is None or not isinstance(sharding, jax.sharding.Sharding):
        allowed = (
            "None, a jax.sharding.Sharding, or a keras.distribution.TensorLayout of the jax backend"
        )
        raise argument_error("layout", layout, allowed)
    if isinstance(getattr(sharding, "mesh", None), jax.sharding.AbstractMesh):
        # Keras' sharding has an abstract mesh; the mesh of devices is a global setting. Keras' seed
        # generator is sharded over the mesh of devices and fails under the abstract one.
        mesh = jax.sharding.get_mesh()
        sharding = jax.sharding.NamedSharding(mesh, sharding.spec)
        with jax.set_mesh(mesh):
            weights = make_lazy()
    else:
        weights = make_lazy()
    # devices that hold the same shard share one draw
    shards: dict[tuple[tuple[int, ...], ...], AnyArray] = {}

    def read(index: tuple[slice, ...]) -> AnyArray:
        key = tuple(axis.indices(n) for axis, n in zip(index, weights.shape, strict=True))
        if key not in shards:
            shards[key] = weights[index]
        return shards[key]

    return jax.make_array_from_callback(weights.shape, sharding, read)
