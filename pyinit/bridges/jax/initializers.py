"""Initializers in the form of `jax.nn.initializers`, which Flax and others on JAX take."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pyinit.arguments import Shape, argument_error, as_index, as_shape
from pyinit.bridges.jax.sharding import draw_sharded
from pyinit.dtypes import AnyArray, standardize_dtype
from pyinit.initializers.base import Initializer
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import get
from pyinit.seeds import as_seed

#: How memory must be aligned for JAX to take it over without a copy.
_ALIGNMENT = 64

_KEYS = "an integer from -2**63 to 2**64 - 1, or one key of jax.random"


def initializer(initializer: Any) -> Callable[..., Any]:
    """One of our initializers in the form of `jax.nn.initializers`.

    The function that is returned takes `(key, shape, dtype=jnp.float32, out_sharding=None)`. The
    key takes the place of the initializer's own seed:

    - an integer is the seed,
    - a key of `jax.random`, of either kind, is the seed `word[0] * 2**32 + word[1]` of its first
      two 32-bit words. So `jax.random.key(42)` and 42 are the same, and keys that
      `jax.random.split()` makes are seeds with nothing in common.

    The values are those of our initializer with that seed, and the layout of Flax's kernels,
    (*kernel, inputs, outputs), is Keras'. On the CPU, JAX takes the memory over as it is.

    Where the key is traced, as in `jax.jit`, `jax.vmap` and `jax.eval_shape`, the function becomes
    a call back to the host (`jax.pure_callback`), which draws when the compiled code runs. With an
    integer it draws while tracing, and the weights become constants of the compiled code.

    Args:
        initializer: An initializer, or whatever else `pyinit.get()` takes.

    Returns:
        A function of `key`, `shape`, `dtype` (as with JAX, float64 needs `jax_enable_x64`) and
        `out_sharding`, a `jax.sharding.Sharding`: then each device's part is drawn on its own.

    Raises:
        TypeError: `initializer` is not one that gives the same values for the same seed: one of
            ours, or a subclass that does not override its call.
        ValueError: There is no initializer of that name. In the call: an argument is not as
            described.

    Example:
        >>> import jax
        >>> import pyinit.jax
        >>> he_normal = pyinit.jax.initializer(pyinit.HeNormal())
        >>> values = he_normal(jax.random.key(42), (4, 3))
        >>> bool((values == pyinit.HeNormal(seed=42)((4, 3))).all())
        True

    Source: https://docs.jax.dev/en/latest/jax.nn.initializers.html
    """
    ours = get(initializer)
    if not isinstance(ours, Initializer) or type(ours).__call__ is not Initializer.__call__:
        raise TypeError(
            "Argument `initializer` must be an initializer of pyinit, or what pyinit.get() makes "
            f"one of. Received: initializer={initializer!r}"
        )

    def initialize(
        key: Any, shape: Iterable[int], dtype: Any = jnp.float32, out_sharding: Any = None
    ) -> Any:
        full = as_shape(shape)
        array_dtype = _as_jax_has_it(standardize_dtype(dtype, ours._dtypes))
        ours._check_shape(full)
        words = _words(key)
        if isinstance(words, jax.core.Tracer):
            if out_sharding is not None:
                raise argument_error(
                    "out_sharding", out_sharding, "None where the key is traced (in jax.jit)"
                )
            return jax.pure_callback(
                lambda drawn: _draw(ours, _seed(drawn), full, array_dtype),
                jax.ShapeDtypeStruct(full, array_dtype),
                words,
                vmap_method="sequential",
            )
        seed = _seed(words) if isinstance(words, np.ndarray) else words
        if out_sharding is not None:
            return draw_sharded(_seeded(ours, seed), full, array_dtype, out_sharding)
        return jax.device_put(_draw(ours, seed, full, array_dtype))

    return initialize


def _as_jax_has_it(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Float32 for float64, unless `jax_enable_x64` is set."""
    canonical: np.dtype[Any] = jax.dtypes.canonicalize_dtype(dtype)
    return canonical


def _words(key: Any) -> Any:
    """The words of a key, traced or in a NumPy array; or the integer that it is."""
    if isinstance(key, jax.Array | np.ndarray):
        if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
            # of several keys, the words have an axis more
            key = jax.random.key_data(key)
        if key.dtype == np.uint32 and key.ndim == 1 and key.shape[0] >= 2:
            return key if isinstance(key, jax.core.Tracer) else np.asarray(key)
    if isinstance(key, jax.core.Tracer) or as_index(key) is None:
        raise argument_error("key", key, _KEYS)
    return as_seed("key", as_index(key), _KEYS)


def _seed(words: Any) -> int:
    return int(words[0]) << 32 | int(words[1])


def _seeded(initializer: Initializer, seed: int) -> Initializer:
    if not isinstance(initializer, RandomInitializer):
        return initializer
    seeded = copy.copy(initializer)
    seeded.seed = seed
    return seeded


def _draw(initializer: Initializer, seed: int, shape: Shape, dtype: np.dtype[Any]) -> AnyArray:
    out = _aligned(shape, dtype)
    return _seeded(initializer, seed)(shape, dtype, out=out)


def _aligned(shape: Shape, dtype: np.dtype[Any]) -> AnyArray:
    """An array that JAX can take over."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    array: AnyArray = memory[start : start + size].view(dtype).reshape(shape)
    return array
