"""Draw in traced code (`jax.jit`, `jax.vmap`, `jax.eval_shape`): the values are drawn when it runs.

Each device draws its own shard. On the CPU, a custom call fills the shard in XLA's memory. It is
an operation whose partition is ours (`custom_partitioning`), so XLA chooses its sharding from what
follows: `out_shardings`, a sharding constraint or the use of the values. On other platforms
JAX calls back to the host; XLA cannot partition a callback, so one device draws the full tensor
there, unless the sharding is an argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any
from weakref import WeakValueDictionary

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap
from jax.experimental.custom_partitioning import custom_partitioning
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec, Sharding

from pyinit.arguments import Shape
from pyinit.bridges.jax import xla_call
from pyinit.dtypes import AnyArray
from pyinit.initializers.lazy import LazyTensor

#: The name of the axis of a mesh of all devices in the order in which XLA numbers partitions.
_DEVICES = "devices"
#: The dtypes of words and of positions of tiles.
_WORD, _INDEX = np.dtype(np.uint32), np.dtype(np.int32)


class TracedDraw:
    """A draw whose seed is known when traced code runs.

    Args:
        make_lazy: Returns the lazy tensor, given the words that determine its seed.
        determining: What determines the values beside the words.
        shape: The shape of the tensor.
        dtype: Its dtype.
    """

    def __init__(
        self,
        make_lazy: Callable[[AnyArray], LazyTensor],
        determining: tuple[Any, ...],
        shape: Shape,
        dtype: np.dtype[Any],
    ) -> None:
        self._make_lazy = make_lazy
        self._digest = xla_call.digest_of(*determining, shape, dtype.name)
        xla_call.register(self._digest, self._fill, _WORD, _INDEX, dtype)
        self._shape = shape
        self._dtype = dtype
        # devices that draw at the same time share what their shards need whole
        self._lazy_tensors: WeakValueDictionary[bytes, LazyTensor] = WeakValueDictionary()

    def __call__(self, words: Any, sharding: Sharding | None = None) -> Any:
        """Return the symbolic tensor.

        Args:
            words: A symbolic or concrete array of 32-bit unsigned integers.
            sharding: How the tensor is sharded; None leaves that to XLA.
        """
        words = jnp.asarray(words, _WORD)
        sharding = _in_traced_code(sharding)

        def draw(words: Any) -> Any:
            return _constrained(self._draw_on_cpu(words), sharding, words.ndim - 1)

        def call_back(words: Any) -> Any:
            return _constrained(self._call_back(words, sharding), sharding, words.ndim - 1)

        if not xla_call.IS_AVAILABLE:
            return self._batched(call_back, words)
        mesh = jax.sharding.get_abstract_mesh()
        if AxisType.Explicit in mesh.axis_types and mesh.abstract_device is not None:
            # the result of platform_dependent() would be explicitly replicated
            is_cpu = mesh.abstract_device.device_kind == "cpu"
            return self._batched(draw if is_cpu else call_back, words)
        return self._batched(
            lambda words: jax.lax.platform_dependent(words, cpu=draw, default=call_back), words
        )

    def _batched(self, draw: Callable[[Any], Any], words: Any) -> Any:
        """Call `draw`, which takes words with leading batch axes, also under `jax.vmap`."""

        def rule(size: int, in_batched: list[bool], words: Any) -> tuple[Any, bool]:
            return self._batched(draw, words), True

        call = custom_vmap(draw)
        call.def_vmap(rule)
        return call(words)

    # ---- the values ----

    def _lazy(self, words: AnyArray) -> LazyTensor:
        key = words.tobytes()
        weights = self._lazy_tensors.get(key)
        if weights is None:
            weights = self._lazy_tensors.setdefault(key, self._make_lazy(words))
        return weights

    def _fill(self, out: AnyArray, words: AnyArray, tile: AnyArray) -> None:
        """Fill one tile of the tensor, or of the batch of tensors, that `words` determine.

        Args:
            out: The memory of the tile.
            words: The words of the whole batch.
            tile: The position of the tile along each axis. The last tile along an axis may extend
                beyond the tensor.
        """
        full = (*words.shape[:-1], *self._shape)
        offset = [int(position) * length for position, length in zip(tile, out.shape, strict=True)]
        held = tuple(
            min(length, max(0, total - start))
            for start, length, total in zip(offset, out.shape, full, strict=True)
        )
        if held != out.shape:
            out[...] = 0
        batch = len(full) - len(self._shape)
        values = out[tuple(map(slice, held))]
        if not values.size:
            return
        for index in product(*map(range, held[:batch])):
            member = tuple(start + i for start, i in zip(offset, index, strict=False))
            self._lazy(words[member]).read_into(values[index], offset[batch:])

    # ---- on the CPU ----

    def _draw_on_cpu(self, words: Any) -> Any:
        """Return the tensors of words with leading batch axes; XLA partitions the result."""
        full = (*words.shape[:-1], *self._shape)
        # an operand, not a constant of the partitioned function, which JAX's cache of compiled code
        # cannot see
        digest = jnp.asarray(self._digest)

        def draw(digest: Any, words: Any) -> Any:
            tile = jnp.zeros(len(full), _INDEX)
            return xla_call.fill_on_cpu(full, self._dtype, digest, words, tile)

        if not full:
            return draw(digest, words)
        partitioned = custom_partitioning(draw)

        def partition(mesh: Any, operands: Any, result: Any) -> Any:
            shape, tiles, devices = _tiles(result.sharding, full)
            flat_mesh = Mesh(np.array(devices), (_DEVICES,))

            def draw_tile(digest: Any, words: Any) -> Any:
                tile = jnp.asarray(tiles, _INDEX)[jax.lax.axis_index(_DEVICES)]
                return xla_call.fill_on_cpu(shape, self._dtype, digest, words, tile)

            replicated = NamedSharding(flat_mesh, PartitionSpec())
            sharding = replicated if shape == full else result.sharding
            return flat_mesh, draw_tile, sharding, (replicated, replicated)

        operand = ("d0", *(f"w{axis}" for axis in range(words.ndim)))
        result = tuple(f"t{axis}" for axis in range(len(full)))
        partitioned.def_partition(
            partition,
            infer_sharding_from_operands=lambda mesh, *_: NamedSharding(mesh, PartitionSpec()),
            sharding_rule=f"d0, {' '.join(operand[1:])} -> {' '.join(result)}",
            need_replication_factors=operand,
        )
        return partitioned(digest, words)

    # ---- on other platforms ----

    def _call_back(self, words: Any, sharding: Any) -> Any:
        """Return the tensors of words with leading batch axes, drawn by callbacks to the host."""
        batch = words.shape[:-1]
        full = (*batch, *self._shape)

        def draw(shape: Shape, words: Any, tile: Any) -> Any:
            def fill(words: Any, tile: Any) -> AnyArray:
                out = np.empty(shape, self._dtype)
                self._fill(out, np.asarray(words), np.asarray(tile))
                return out

            return jax.pure_callback(fill, jax.ShapeDtypeStruct(shape, self._dtype), words, tile)

        mesh = getattr(sharding, "mesh", None)
        if mesh is None or batch or not _divides(sharding, full):
            return draw(full, words, jnp.zeros(len(full), _INDEX))
        spec = (*sharding.spec, *(None,) * (len(full) - len(sharding.spec)))
        shape = tuple(
            length // math.prod(mesh.shape[name] for name in _names(axes))
            for length, axes in zip(full, spec, strict=True)
        )

        def draw_tile(words: Any) -> Any:
            tile = [jax.lax.axis_index(_names(axes)) if axes else 0 for axes in spec]
            return draw(shape, words, jnp.array(tile, _INDEX))

        sharded = jax.shard_map(
            draw_tile,
            mesh=mesh,
            in_specs=PartitionSpec(),
            out_specs=sharding.spec,
            check_vma=False,
        )
        return sharded(words)


def _tiles(sharding: Sharding, shape: Shape) -> tuple[Shape, list[list[int]], list[Any]]:
    """Return how a sharding divides a tensor.

    Returns:
        The shape of a tile; the position of each device's tile along each axis; the devices, in
        the order in which XLA numbers partitions. If the sharding is one of XLA's that does not
        divide the tensor evenly, the tile is the tensor.
    """
    padded = shape
    if isinstance(sharding, NamedSharding):
        # the last tile of an uneven axis extends beyond the tensor
        counts = [
            math.prod(sharding.mesh.shape[name] for name in _names(axes))
            for axes in (*sharding.spec, *(None,) * (len(shape) - len(sharding.spec)))
        ]
        padded = tuple(
            -(-length // count) * count for length, count in zip(shape, counts, strict=True)
        )
    try:
        indices = sharding.devices_indices_map(padded)
    except ValueError:
        devices = list(sharding.device_set)
        return shape, [[0] * len(shape)] * len(devices), devices
    tile = sharding.shard_shape(padded)
    positions = [
        [(axis.start or 0) // max(1, length) for axis, length in zip(index, tile, strict=True)]
        for index in indices.values()
    ]
    return tile, positions, list(indices)


def _names(axes: Any) -> tuple[Any, ...]:
    """Return the mesh axes of an entry of a PartitionSpec."""
    if axes is None or axes is PartitionSpec.UNCONSTRAINED:
        return ()
    return axes if isinstance(axes, tuple) else (axes,)


def _divides(sharding: Any, shape: Shape) -> bool:
    try:
        sharding.shard_shape(shape)
    except ValueError:
        return False
    return True


def _in_traced_code(sharding: Any) -> Any:
    """Return a sharding that traced code accepts.

    Without `jax.set_mesh()`, it accepts no explicit axes; these become automatic ones.
    """
    mesh = getattr(sharding, "mesh", None)
    if mesh is None or not jax.sharding.get_abstract_mesh().empty:
        return sharding
    auto = Mesh(mesh.devices, mesh.axis_names, axis_types=(AxisType.Auto,) * len(mesh.axis_names))
    return NamedSharding(auto, sharding.spec)


def _constrained(values: Any, sharding: Sharding | None, batch: int) -> Any:
    """Return a symbolic tensor with the sharding that an argument asked for.

    Args:
        values: The tensor, or a batch of them.
        sharding: The sharding of one tensor; None leaves it to XLA.
        batch: The number of leading batch axes.
    """
    if not isinstance(sharding, NamedSharding):
        if sharding is None or batch:
            return values
        return jax.lax.with_sharding_constraint(values, sharding)
    if AxisType.Explicit in sharding.mesh.axis_types:
        spec = PartitionSpec(*(None,) * batch, *sharding.spec)
        return jax.sharding.reshard(values, NamedSharding(sharding.mesh, spec))
    spec = PartitionSpec(*(PartitionSpec.UNCONSTRAINED,) * batch, *sharding.spec)
    return jax.lax.with_sharding_constraint(values, NamedSharding(sharding.mesh, spec))
