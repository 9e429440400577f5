"""Initializers in the form of `jax.nn.initializers`, for Flax and other libraries on JAX."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pyinit.arguments import argument_error, as_index
from pyinit.bridges.jax.sharding import (
    Placement,
    draw_placed,
    draw_traced,
    is_tracing,
    mesh_in_use,
)
from pyinit.bridges.jax.traced_draws import TracedDraw
from pyinit.dtypes import AnyArray
from pyinit.initializers.base import Initializer, is_drawn_lazily
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import get_argument
from pyinit.seeds import as_seed

_KEYS = "an integer from -2**63 to 2**64 - 1, or one key of jax.random"


def initializer(initializer: Any) -> Callable[..., Any]:
    """Return an initializer in the form of `jax.nn.initializers`.

    The returned function takes `(key, shape, dtype=jnp.float32, out_sharding=None)`. The key
    replaces the initializer's own seed:

    - An integer is the seed.
    - A key of `jax.random`, typed or raw, is the seed `word[0] * 2**32 + word[1]` of its first two
      32-bit words. So `jax.random.key(42)` and 42 give the same values, and the keys of
      `jax.random.split()` are independent seeds.

    The values are those of the initializer with that seed. The axes of Flax's kernels, (*kernel,
    inputs, outputs), are in Keras' order. On the CPU, JAX takes over the drawn memory without a
    copy.

    In traced code, as in `jax.jit`, `jax.vmap` and `jax.eval_shape`, the values are drawn when the
    compiled code runs. On the CPU, each device draws its own shard, whether the sharding comes from
    `out_sharding`, from `out_shardings` of `jax.jit` or from a constraint. On other platforms, JAX
    calls back to the host, and only `out_sharding` divides the draw.

    If a mesh is in use (`jax.set_mesh`), the array is replicated over it unless `out_sharding` is
    given, as with JAX's own initializers.

    Args:
        initializer: An initializer, or anything else that `pyinit.get()` accepts.

    Returns:
        A function of `key`, `shape`, `dtype` (float64 needs `jax_enable_x64`, as always in JAX) and
        `out_sharding`: a `jax.sharding.PartitionSpec` over the mesh in use, a
        `jax.sharding.Sharding` or a `jax.experimental.layout.Format`. Each device then draws its
        own shard.

    Raises:
        TypeError: `initializer` is not an initializer of pyinit, or is of a subclass that overrides
            `__call__`, whose seed may not determine its values.
        ValueError: No initializer has that name. The returned function raises it if an argument is
            invalid.

    Example:
        >>> import jax
        >>> import pyinit.jax
        >>> he_normal = pyinit.jax.initializer(pyinit.HeNormal())
        >>> values = he_normal(jax.random.key(42), (4, 3))
        >>> bool((values == pyinit.HeNormal(seed=42)((4, 3))).all())
        True

    Source: https://docs.jax.dev/en/latest/jax.nn.initializers.html
    """
    ours = get_argument("initializer", initializer)
    if not is_drawn_lazily(ours):
        allowed = "an initializer of pyinit, its name or its configuration"
        raise argument_error("initializer", initializer, allowed, TypeError)

    def initialize(
        key: Any, shape: Collection[int], dtype: Any = jnp.float32, out_sharding: Any = None
    ) -> Any:
        # draw=0 checks the arguments without taking a draw of a seed generator
        checked = ours.lazy(shape, dtype, draw=0)
        full, array_dtype = checked.shape, _canonical_dtype(checked.dtype)
        words = _words(key)
        placement = None
        if out_sharding is not None:
            placement = Placement("out_sharding", out_sharding, full)
        if isinstance(words, jax.core.Tracer) or is_tracing():
            draw = TracedDraw(
                lambda words: _with_seed(ours, _seed_of_words(words)).lazy(full, array_dtype),
                (_with_seed(ours, 0),),
                full,
                array_dtype,
            )
            return draw_traced(draw, words, placement)
        mesh = mesh_in_use()
        if placement is None and mesh is not None:
            # as JAX's own initializers; a later sharding constraint needs an array of the mesh
            replicated = jax.sharding.PartitionSpec(*(None,) * len(full))
            placement = Placement("out_sharding", replicated, full)
        weights = _with_seed(ours, _seed_of_words(words)).lazy(full, array_dtype)
        return draw_placed(weights, placement)

    return initialize


def _canonical_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return float32 for float64, unless `jax_enable_x64` is set."""
    canonical: np.dtype[Any] = jax.dtypes.canonicalize_dtype(dtype)
    return canonical


def _words(key: Any) -> Any:
    """Return the words of a key or of an integer: a traced or a NumPy array."""
    if isinstance(key, jax.Array | np.ndarray):
        if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
            # an array of keys gives words of rank 2, which are rejected below
            key = jax.random.key_data(key)
        if key.dtype == np.uint32 and key.ndim == 1 and key.shape[0] >= 2:
            return key if isinstance(key, jax.core.Tracer) else np.asarray(key)
    if isinstance(key, jax.core.Tracer) or as_index(key) is None:
        raise argument_error("key", key, _KEYS)
    seed = as_seed("key", as_index(key), _KEYS) % 2**64
    return np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32)


def _seed_of_words(words: AnyArray) -> int:
    return int(words[0]) << 32 | int(words[1])


def _with_seed(initializer: Initializer, seed: int) -> Initializer:
    return (
        initializer.with_seed(seed) if isinstance(initializer, RandomInitializer) else initializer
    )
