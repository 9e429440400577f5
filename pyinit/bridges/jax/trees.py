"""Trees of abstract arrays: their leaves, the names of these and where they are placed.

Flax is not imported here; its objects occur only in trees of users who have imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from pyinit.arguments import Shape, has_attribute, is_instance
from pyinit.bridges.jax.sharding import mesh_in_use

#: The collection of linen's variables that is no part of a name.
_PARAMS = "params"


@dataclass
class Leaf:
    """An array of a tree, abstract or concrete.

    Args:
        name: The keys on the path to it, joined by slashes.
        value: The array.
        held_by: The variable of nnx or the box of linen that holds it, or the array itself.
        layer: The layer of nnx that owns it, if that is known.
    """

    name: str
    value: Any
    held_by: Any
    layer: Any = None

    @property
    def path(self) -> str:
        """The name of its layer."""
        return self.name.rpartition("/")[0]

    @property
    def own_name(self) -> str:
        """Its name in its layer."""
        return self.name.rpartition("/")[2]

    @property
    def shape(self) -> Shape:
        """Its shape."""
        return tuple(self.value.shape)

    @property
    def is_array(self) -> bool:
        """Whether it has a shape and a dtype."""
        return has_attribute(self.value, "shape") and has_attribute(self.value, "dtype")

    @property
    def is_key(self) -> bool:
        """Whether it is a key of `jax.random`."""
        return bool(jax.numpy.issubdtype(self.value.dtype, jax.dtypes.prng_key))

    def with_value(self, value: Any) -> Any:
        """Return what holds the array, with another array in it."""
        if self.held_by is self.value:
            return value
        if hasattr(self.held_by, "replace_boxed"):
            return self.held_by.replace_boxed(value)
        return self.held_by.replace(value)

    def placement(self) -> Any:
        """Return where the array is placed: a sharding, a spec over the mesh in use, or None."""
        sharding: Any = getattr(self.value, "sharding", None)
        if isinstance(sharding, jax.sharding.SingleDeviceSharding):
            # that of most arrays, whether anybody chose it or not
            sharding = None
        if sharding is None and self.held_by is not self.value:
            sharding = self._placement_in_metadata()
        if sharding is None and mesh_in_use() is not None:
            return PartitionSpec(*(None,) * len(self.shape))
        return sharding

    def _placement_in_metadata(self) -> Any:
        """Return the placement that Flax's metadata describe; None if they do not, or for no mesh.

        As in linen, names of axes have no effect without a mesh.
        """
        from flax.core import spmd
        from flax.linen import LogicallyPartitioned, logical_to_mesh_axes

        if hasattr(self.held_by, "get_metadata"):
            metadata = self.held_by.get_metadata()
            mesh, axes = metadata.get("mesh"), metadata.get("out_sharding")
            spec = spmd.apply_rules(axes, metadata.get("sharding_rules")) if axes else None
        elif isinstance(self.held_by, LogicallyPartitioned):
            mesh = self.held_by.mesh
            spec = logical_to_mesh_axes(self.held_by.names, self.held_by.rules)
        else:
            mesh, spec = self.held_by.mesh, PartitionSpec(*self.held_by.names)
        if not isinstance(spec, PartitionSpec):
            return spec
        if mesh is not None:
            return NamedSharding(mesh, spec)
        return None if mesh_in_use() is None else spec


def leaves_of(tree: Any) -> tuple[list[Leaf], Callable[[list[Any]], Any]]:
    """Return the arrays of a tree, and a function that rebuilds it from their replacements.

    Args:
        tree: A module of nnx, or any tree of JAX: a state of nnx, variables of linen, dictionaries.
    """
    nnx = sys.modules.get("flax.nnx")
    layers: dict[str, Any] = {}
    merge = None
    if nnx is not None and isinstance(tree, nnx.Module):
        layers = {"/".join(map(str, path)): layer for path, layer in nnx.iter_modules(tree)}
        graph, tree = nnx.split(tree)
        merge = graph
    paths, structure = jax.tree_util.tree_flatten_with_path(tree, is_leaf=_holds_array)
    leaves = []
    for path, held_by in paths:
        keys = [jax.tree_util.keystr((key,), simple=True) for key in path]
        if len(keys) > 1 and keys[0] == _PARAMS:
            del keys[0]
        name = "/".join(keys)
        leaf = Leaf(name, _value(held_by), held_by)
        leaf.layer = layers.get(leaf.path)
        leaves.append(leaf)

    def rebuild(replacements: list[Any]) -> Any:
        rebuilt = structure.unflatten(replacements)
        return rebuilt if merge is None else sys.modules["flax.nnx"].merge(merge, rebuilt)

    return leaves, rebuild


def _holds_array(node: Any) -> bool:
    """Return whether a node is a variable of nnx or a box of linen."""
    nnx, meta = sys.modules.get("flax.nnx"), sys.modules.get("flax.core.meta")
    return (nnx is not None and is_instance(node, nnx.Variable)) or (
        meta is not None and is_instance(node, meta.Partitioned)
    )


def _value(held_by: Any) -> Any:
    if has_attribute(held_by, "get_raw_value"):
        return held_by.get_raw_value()
    return held_by.value if _holds_array(held_by) else held_by


def random_key(leaf: Leaf, seed: int) -> Any:
    """Return a key of `jax.random`, or an array of keys, of the implementation of a leaf."""
    name = leaf.value.dtype.name.removeprefix("key<").removesuffix(">")
    # Keras' generators, too, have 31 bits
    key = jax.random.key(np.int32(seed % 2**31), impl=_IMPLEMENTATIONS.get(name, name))
    return jax.random.split(key, leaf.shape) if leaf.shape else key


#: The names that JAX's dtypes have for the implementations of keys, where these differ.
_IMPLEMENTATIONS = {"fry": "threefry2x32", "urbg": "unsafe_rbg"}
