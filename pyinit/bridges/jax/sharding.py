"""Sharded tensors: each device draws its own shard."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental.layout import Format, with_layout_constraint
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec, Sharding

from pyinit.arguments import Shape, argument_error
from pyinit.bridges.jax.traced_draws import TracedDraw
from pyinit.dtypes import AnyArray
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.random import RandomInitializer
from pyinit.seeds import is_generator

#: Alignment, in bytes, of memory that JAX takes over without a copy.
_ALIGNMENT = 64

_ALLOWED = (
    "None, a jax.sharding.PartitionSpec over the mesh in use, a jax.sharding.Sharding, a "
    "jax.experimental.layout.Format, or a keras.distribution.TensorLayout of the jax backend"
)


def is_tracing() -> bool:
    """Return whether JAX traces the code that runs."""
    try:
        jax.sharding.get_mesh()
    except ValueError:
        return True
    return False


def mesh_in_use() -> Any:
    """Return the mesh of `jax.set_mesh()`, which is abstract in traced code; None without one."""
    mesh = jax.sharding.get_abstract_mesh() if is_tracing() else jax.sharding.get_mesh()
    return None if mesh.empty else mesh


def draw_with_layout(
    initializer: Any, shape: Shape, make_lazy: Callable[[], LazyTensor], layout: Any
) -> Any:
    """Return the tensor of a call with `layout=`.

    Args:
        initializer: The initializer that is called.
        shape: The checked shape.
        make_lazy: Makes the lazy tensor, and so takes the draw of a seed generator.
        layout: The argument.

    Raises:
        ValueError: `layout` is invalid, or the initializer has no seed and the tensor belongs to
            several processes.
    """
    placement = Placement("layout", layout, shape)
    check_seed(initializer, placement.sharding)
    if is_tracing() or not hasattr(placement.sharding, "mesh"):
        return draw_placed(make_lazy(), placement)
    # Keras' seed generator is sharded over the mesh of devices and fails under an abstract one
    with jax.set_mesh(placement.sharding.mesh):
        weights = make_lazy()
    return placement.draw(weights)


def check_seed(initializer: Any, sharding: Sharding) -> None:
    """Check that all processes that hold an array draw the same values.

    Raises:
        ValueError: They would draw different ones, since the initializer has no seed.
    """
    if jax.process_count() == 1 or not isinstance(initializer, RandomInitializer):
        return
    if not has_seed(initializer) and (is_tracing() or not sharding.is_fully_addressable):
        seed = initializer.seed if is_generator(initializer.seed) else None
        raise seed_error(f"{type(initializer).__name__}(seed={seed})")


def has_seed(initializer: RandomInitializer | None) -> bool:
    """Return whether an initializer, or its seed generator, was given a seed."""
    if initializer is None or not is_generator(initializer.seed):
        return initializer is not None and initializer.has_given_seed
    return initializer.seed.get_config().get("seed") is not None


def seed_error(received: str) -> ValueError:
    """Return the error for a draw without a seed in a job of several processes."""
    return ValueError(
        "Argument `seed` must be an integer, or a seed generator with a seed, in a job of several "
        f"processes ({jax.process_count()} here): without a seed, each process would draw other "
        f"values. Received: {received}"
    )


class Placement:
    """Where a tensor is placed: the argument `layout` or `out_sharding`, checked.

    Args:
        argument: The name of the argument, for messages.
        value: The argument.
        shape: The shape of the tensor.

    Raises:
        ValueError: The argument describes no sharding of that shape, or there is no mesh.
    """

    #: The sharding. Its mesh, if it has one, is a mesh of devices, unless JAX traces.
    sharding: Any

    def __init__(self, argument: str, value: Any, shape: Shape) -> None:
        sharding, self._memory_layout = getattr(value, "backend_layout", value), None
        if isinstance(sharding, Format):
            sharding, self._memory_layout = sharding.sharding, sharding.layout
        mesh = getattr(sharding, "mesh", None)
        # Keras' layouts have an abstract mesh
        if isinstance(sharding, PartitionSpec) or isinstance(mesh, AbstractMesh):
            mesh = mesh_in_use()
            if mesh is None:
                needed = (
                    f"{_ALLOWED}; no mesh is in use: enter `with jax.set_mesh(mesh):`, or pass "
                    "jax.sharding.NamedSharding(mesh, spec)"
                )
                raise argument_error(argument, value, needed)
            spec = sharding if isinstance(sharding, PartitionSpec) else sharding.spec
            try:
                sharding = NamedSharding(mesh, spec)
            except ValueError:
                needed = f"a PartitionSpec of the axes {mesh.axis_names} of the mesh in use"
                raise argument_error(argument, value, needed) from None
        elif not isinstance(sharding, Sharding):
            raise argument_error(argument, value, _ALLOWED)
        rank = len(getattr(sharding, "spec", ()))
        if rank > len(shape):
            needed = f"a sharding of at most {len(shape)} axes, for the shape {shape}"
            raise argument_error(argument, value, needed)
        if not is_tracing():
            try:
                sharding.shard_shape(shape)
            except ValueError as error:
                needed = f"a sharding that divides the shape {shape}: {error}"
                raise argument_error(argument, value, needed) from None
        self.sharding = sharding

    def draw(self, weights: LazyTensor) -> Any:
        """Return a lazy tensor as a `jax.Array` that is sharded over devices."""
        # devices that hold the same shard share one draw, and on the CPU its memory
        shards: dict[tuple[tuple[int, ...], ...], AnyArray] = {}

        def read(index: tuple[slice, ...]) -> AnyArray:
            key = tuple(
                axis.indices(length)[:2] for axis, length in zip(index, weights.shape, strict=True)
            )
            if key not in shards:
                out = aligned(tuple(stop - start for start, stop in key), weights.dtype)
                weights.read_into(out, [start for start, _ in key])
                shards[key] = out
            return shards[key]

        array = jax.make_array_from_callback(weights.shape, self.sharding, read)
        if self._memory_layout is None:
            return array
        return jax.device_put(array, Format(self._memory_layout, self.sharding))

    def in_traced_code(self, values: Any) -> Any:
        """Return a symbolic tensor, which has the sharding already, in the order in memory."""
        if self._memory_layout is None:
            return values
        return with_layout_constraint(values, self._memory_layout)


def draw_placed(weights: LazyTensor, placement: Placement | None) -> Any:
    """Return a lazy tensor as a `jax.Array`; without a placement, on the default device."""
    if is_tracing():
        draw = TracedDraw(lambda words: weights, (weights,), weights.shape, weights.dtype)
        return draw_traced(draw, np.zeros(1, np.uint32), placement)
    if placement is not None:
        return placement.draw(weights)
    values = aligned(weights.shape, weights.dtype)
    weights.read_into(values)
    return jax.device_put(values)


def draw_traced(draw: TracedDraw, words: Any, placement: Placement | None) -> Any:
    """Return the symbolic tensor of a traced draw; without a placement, XLA shards it."""
    if placement is None:
        return draw(words)
    return placement.in_traced_code(draw(words, placement.sharding))


def aligned(shape: Shape, dtype: np.dtype[Any]) -> AnyArray:
    """Return an empty array whose memory JAX can take over."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    array: AnyArray = memory[start : start + size].view(dtype).reshape(shape)
    return array
