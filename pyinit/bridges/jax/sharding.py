"""Sharded tensors: each device draws its own shard."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from pyinit.arguments import argument_error, as_shape
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
    full = as_shape(shape)
    if isinstance(getattr(sharding, "mesh", None), jax.sharding.AbstractMesh):
        # Keras names the axes only, and sets the mesh of devices; its seed generator, which is
        # sharded over that one, refuses the abstract mesh
        mesh = jax.sharding.get_mesh()
        sharding = jax.sharding.NamedSharding(mesh, sharding.spec)
        with jax.set_mesh(mesh):
            one = initializer._of_one_draw()
    else:
        one = initializer._of_one_draw()
    # devices that hold the same part share it
    drawn: dict[tuple[tuple[int, int], ...], AnyArray] = {}

    def part(index: tuple[slice, ...]) -> AnyArray:
        ends = tuple(axis.indices(n)[:2] for axis, n in zip(index, full, strict=True))
        if ends not in drawn:
            drawn[ends] = one(
                full,
                dtype,
                device="cpu",
                partition_shape=[last - first for first, last in ends],
                partition_offset=[first for first, _ in ends],
            )
        return drawn[ends]

    return jax.make_array_from_callback(full, sharding, part)
