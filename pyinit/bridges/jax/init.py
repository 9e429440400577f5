"""`init()`: fill a tree of abstract arrays with initial weights."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax

from pyinit.arguments import argument_error
from pyinit.bridges.initializer_arguments import InitializerArguments
from pyinit.bridges.jax.sharding import Placement, draw_placed, has_seed, seed_error
from pyinit.bridges.jax.trees import Leaf, leaves_of, random_key
from pyinit.bridges.name_patterns import NamePatterns
from pyinit.bridges.problems import check_problems
from pyinit.initializers.base import is_drawn_lazily
from pyinit.initializers.constant import Constant
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.variance_scaling import VarianceScaling
from pyinit.seeds import as_seed, derive_seed, fresh_seed

#: The kind of a weight by its name in its layer, as Flax's layers name them.
_KINDS = {"kernel": "kernel", "embedding": "embeddings", "bias": "bias"}
#: Weights and statistics that start as a constant, as Flax's layers set them.
_CONSTANTS = {"scale": 1, "mean": 0, "var": 1, "negative_slope": 0.01, "count": 0}
#: The other entries of a layer that has a constant of that name.
_BESIDE = {"mean": {"var"}, "var": {"mean"}, "count": {"key"}}
_TREE = (
    "a module of nnx, or a tree of abstract arrays by name, such as nnx.eval_shape() and "
    "jax.eval_shape(model.init, key, inputs) return"
)
_PROJECTIONS = ("query", "key", "value")


def init(
    tree: Any,
    initializer: Any = None,
    seed: int | None = None,
    *,
    recurrent_initializer: Any = None,
    embeddings_initializer: Any = None,
    bias_initializer: Any = None,
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    """Fill a tree of abstract arrays with initial weights, each from the seed of its name.

    The tree is a module or a state from `nnx.eval_shape()`, the variables of a linen model from
    `jax.eval_shape(model.init, ...)`, or any other tree of `jax.ShapeDtypeStruct`. Nothing is
    allocated except the result: each device draws its own shard of each array.

    With a seed, each array is drawn with `derive_seed(seed, name)`. The name consists of the keys
    on the path to the array, joined by slashes, without linen's collection `params`:
    `"encoder/layers_0/kernel"`. It is the name that `pyinit.keras.initialize()` gives to the weight
    of a Keras model whose layers have these names.

    An array is placed as its leaf specifies: by the sharding of a `jax.ShapeDtypeStruct`, or else
    by Flax's partitioning metadata over the mesh in use (`jax.set_mesh`), with logical axis rules.
    Without either, it is replicated over the mesh in use or, without a mesh, placed on the default
    device.

    Args:
        tree: The tree.
        initializer: The initializer of kernels; anything that `pyinit.get()` accepts. None means
            the default of Keras' layers, `"glorot_uniform"`, and the defaults of the next two
            arguments.
        seed: An integer from -2**63 to 2**64 - 1, which replaces the initializers' own seeds. With
            None, an initializer that was given a seed draws every weight from it; otherwise the
            arrays are drawn as with a fresh seed. Required in a job of several processes.
        recurrent_initializer: The initializer of the recurrent kernels of Flax's cells. None means
            `initializer`, or `"orthogonal"` if that is None too.
        embeddings_initializer: The initializer of embeddings. None means `initializer`, or
            `"uniform"` if that is None too.
        bias_initializer: The initializer of biases; None means `"zeros"`.
        parameters: Initializers of single arrays, by name or by pattern, in which `*` stands for
            any characters, `?` for one and `[13]` for one of these. A name takes precedence over
            patterns, and a later pattern over earlier ones. None leaves arrays as they are.
            Required for arrays whose names are not those of Flax's own layers.

    Returns:
        A tree like `tree`, with `jax.Array` in place of the abstract arrays. For a module of nnx,
        a new module.

    Raises:
        TypeError: `tree` is a single array or no tree, or an initializer is not callable.
        ValueError: An argument is invalid, a key of `parameters` matches nothing, no seed is given
            in a job of several processes, or an array cannot be drawn: its name is unknown, its
            initializer does not support its dtype, it cannot be sharded as specified, or the axes
            of its kernel are ambiguous. The error lists all such arrays; nothing is drawn.

    Example:
        >>> import jax
        >>> import pyinit.jax
        >>> kernel = jax.ShapeDtypeStruct((4, 3), "float32")
        >>> weights = pyinit.jax.init({"dense": {"kernel": kernel}}, "he_normal", seed=42)
        >>> expected = pyinit.HeNormal(pyinit.derive_seed(42, "dense/kernel"))((4, 3))
        >>> bool((weights["dense"]["kernel"] == expected).all())
        True

    Source: https://flax.readthedocs.io/en/stable/guides/flax_gspmd.html
    """
    seed = None if seed is None else as_seed("seed", seed)
    by_kind = InitializerArguments(
        initializer, recurrent_initializer, embeddings_initializer, bias_initializer
    ).by_kind()
    leaves, rebuild = leaves_of(tree)
    if any(not leaf.name for leaf in leaves):
        raise argument_error("tree", tree, _TREE, TypeError)
    chosen = NamePatterns(parameters, "the tree").choose([leaf.name for leaf in leaves])
    draws = _Rules(leaves, by_kind, chosen, seed).draws()
    check_problems(
        "tree",
        "a tree of arrays that can be drawn",
        ((draw.leaf.name, draw.problem) for draw in draws),
    )
    return rebuild([draw.run() for draw in draws])


@dataclass
class _Draw:
    """How an array of the tree is drawn.

    Args:
        leaf: The array.
        seed: The seed of a key of `jax.random`.
        initializer: The initializer of any other array; None if it stays as it is.
        placement: Where it is placed; None means the default device.
        problem: Why it cannot be drawn; empty if it can.
    """

    leaf: Leaf
    seed: int | None = None
    initializer: Any = None
    placement: Placement | None = None
    problem: str = ""

    def run(self) -> Any:
        """Return the leaf with its values."""
        if self.seed is not None:
            key = random_key(self.leaf, self.seed)
            if self.placement is not None:
                key = jax.device_put(key, self.placement.sharding)
            return self.leaf.with_value(key)
        if self.initializer is None:
            return self.leaf.held_by
        weights = self.initializer.lazy(self.leaf.shape, self.leaf.value.dtype)
        return self.leaf.with_value(draw_placed(weights, self.placement))


class _Rules:
    """How the arrays of a tree are drawn.

    Args:
        leaves: The arrays.
        by_kind: The initializer of each kind of weight.
        chosen: The initializers of single arrays, by name.
        seed: The seed of the whole tree, or None.
    """

    def __init__(
        self,
        leaves: list[Leaf],
        by_kind: Mapping[str, Any],
        chosen: Mapping[str, Any],
        seed: int | None,
    ) -> None:
        self._leaves = leaves
        self._by_kind = by_kind
        self._chosen = chosen
        self._seed = seed
        self._names = Counter(leaf.name for leaf in leaves)
        self._shapes = {leaf.name: leaf.shape for leaf in leaves if leaf.is_array}
        #: The names of the entries of each layer.
        self._children: dict[str, set[str]] = {}
        for leaf in leaves:
            path = leaf.name
            while path:
                path, _, name = path.rpartition("/")
                self._children.setdefault(path, set()).add(name)

    def draws(self) -> list[_Draw]:
        """Return the draw of each array, or its problem."""
        draws = []
        for leaf in self._leaves:
            draw = _Draw(leaf)
            try:
                self._complete(draw)
            except ValueError as error:
                draw.problem = str(error)
            draws.append(draw)
        return draws

    def _complete(self, draw: _Draw) -> None:
        leaf = draw.leaf
        if leaf.name in self._chosen and self._chosen[leaf.name] is None:
            return
        if self._names[leaf.name] > 1:
            raise ValueError("several arrays have this name, which decides their seeds")
        if not leaf.is_array:
            raise ValueError(
                f"it is no array but an object of class {type(leaf.value).__name__}; `parameters` "
                "takes None to keep it"
            )
        where = leaf.placement()
        if where is not None:
            draw.placement = Placement("sharding", where, leaf.shape)
        if leaf.is_key and leaf.name not in self._chosen:
            draw.seed = self._seed_of(leaf, None)
        else:
            draw.initializer = self._seeded(leaf, self._initializer(leaf))
            # draw=0 checks the arguments without taking a draw of a seed generator
            draw.initializer.lazy(leaf.shape, leaf.value.dtype, draw=0)

    def _seeded(self, leaf: Leaf, initializer: Any) -> Any:
        """Return the initializer with the seed and the fan axes of an array."""
        if not is_drawn_lazily(initializer):
            name = getattr(initializer, "__qualname__", type(initializer).__qualname__)
            raise ValueError(f"its initializer, {name}, takes no seed: it must be one of pyinit's")
        if not isinstance(initializer, RandomInitializer):
            return initializer
        seed = self._seed_of(leaf, initializer)
        seeded = copy.copy(initializer) if seed is None else initializer.with_seed(seed)
        return self._with_axes(leaf, seeded)

    def _seed_of(self, leaf: Leaf, initializer: RandomInitializer | None) -> int | None:
        """Return the seed of an array; None if its initializer keeps its own."""
        seed = self._seed
        if seed is None:
            if jax.process_count() > 1 and not has_seed(initializer):
                raise seed_error("seed=None")
            if initializer is not None and initializer.has_given_seed:
                return None
            # the fresh seed of an unseeded initializer serves as the seed of the whole tree
            seed = fresh_seed() if initializer is None else initializer.seed
        return derive_seed(seed, leaf.name)

    def _initializer(self, leaf: Leaf) -> Any:
        """Return the initializer of an array.

        Raises:
            ValueError: Its name is not one of Flax's layers.
        """
        if leaf.name in self._chosen:
            return self._chosen[leaf.name]
        kind = _KINDS.get(leaf.own_name)
        if kind is not None:
            return self._by_kind["recurrent" if self._is_recurrent(leaf) else kind]
        if leaf.own_name in _CONSTANTS and self._is_flax(leaf):
            return Constant(_CONSTANTS[leaf.own_name])
        raise ValueError(
            "its name is not one of Flax's layers; `parameters` takes an initializer for it, by "
            "name or pattern, or None to keep it"
        )

    def _is_flax(self, leaf: Leaf) -> bool:
        """Return whether a layer of Flax has a constant of this name."""
        return self._children[leaf.path] >= _BESIDE.get(leaf.own_name, set())

    def _is_recurrent(self, leaf: Leaf) -> bool:
        """Return whether a kernel is that of a cell's state: `hi` beside `ii`, `h` beside `i`."""
        cell, _, layer = leaf.path.rpartition("/")
        if leaf.own_name != "kernel":
            return False
        prefix = "dense_" if layer == "dense_h" else ""
        gate = layer.removeprefix(prefix)
        if not gate.startswith("h") or len(gate) > 2:
            return False
        of_inputs = f"{prefix}i{gate[1:]}"
        # nnx names the kernel of the forget gate `if_`
        return bool(self._children[cell] & {of_inputs, f"{of_inputs}_"})

    def _with_axes(self, leaf: Leaf, initializer: RandomInitializer) -> RandomInitializer:
        """Return the initializer with the fan axes of a kernel of Flax, unless it has its own.

        Raises:
            ValueError: The kernel is neither a matrix nor that of a convolution.
        """
        if not isinstance(initializer, VarianceScaling) or leaf.own_name != "kernel":
            return initializer
        own = (initializer.input_axes, initializer.output_axes, initializer.batch_axes)
        if any(axes is not None for axes in own):
            return initializer
        inputs = self._inputs(leaf)
        if inputs is not None:
            initializer.input_axes = list(range(inputs))
            initializer.output_axes = list(range(inputs, len(leaf.shape)))
            return initializer
        bias = self._shapes.get(f"{leaf.path}/bias" if leaf.path else "bias")
        if bias is not None and bias != leaf.shape[-1:]:
            raise ValueError(
                f"the kernel of shape {leaf.shape} is neither a matrix nor that of a convolution, "
                f"since its bias has the shape {bias}; `parameters` takes an initializer with "
                "batch_axes, or with input_axes and output_axes"
            )
        return initializer

    def _inputs(self, leaf: Leaf) -> int | None:
        """Return the number of axes that are inputs, the others being outputs; None if unknown."""
        layer, rank = leaf.layer, len(leaf.shape)
        if hasattr(layer, "out_features") and isinstance(layer.out_features, tuple):
            return None if layer.batch_axis else len(layer.in_features)
        attention, _, projection = leaf.path.rpartition("/")
        if rank == 3 and self._children.get(attention, set()).issuperset(_PROJECTIONS):
            if projection in _PROJECTIONS:
                return 1
            if projection == "out":
                return 2
        return None
