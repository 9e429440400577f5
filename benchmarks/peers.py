"""The peers, and how each of them draws a case.

Only `load` imports a peer, in a separate process.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks import sharded
from benchmarks.model import Case
from benchmarks.timing import Draw

#: Returns the call of a case, or None if the library has no such call.
DrawOf = Callable[[Case], Draw | None]


@dataclass(frozen=True)
class Peer:
    """A library, or Keras on one backend.

    Attributes:
        name: The name of its process.
        modules: The modules that it needs.
        methods: The methods that are measured.
        load: Imports it, sets the number of threads and returns a function from cases to calls.
        backend: The Keras backend.
        is_deep_learning: Whether it is a deep learning library.
        is_sharded: Whether its methods, ours among them, draw sharded tensors only.
    """

    name: str
    modules: tuple[str, ...]
    methods: tuple[str, ...]
    load: Callable[[int], DrawOf]
    backend: str | None = None
    is_deep_learning: bool = True
    is_sharded: bool = False

    def missing(self) -> str | None:
        """Return the first of its modules that is not installed."""
        return next((name for name in self.modules if importlib.util.find_spec(name) is None), None)


def _load_numpy(threads: int) -> DrawOf:
    import numpy as np

    generator = np.random.default_rng(1)
    draws: dict[str, Any] = {"uniform": generator.random, "normal": generator.standard_normal}

    def draw_of(case: Case) -> Draw | None:
        draw = draws.get(case.distribution)
        if draw is None or case.dtype not in ("float32", "float64") or case.order != "C":
            return None
        out = np.zeros(case.shape, case.dtype)
        return lambda: draw(dtype=out.dtype, out=out)

    return draw_of


def _load_torch(threads: int) -> DrawOf:
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    init = torch.nn.init
    fillers: dict[str, Callable[[Any], object]] = {
        "uniform": lambda tensor: init.uniform_(tensor, -0.05, 0.05),
        "normal": lambda tensor: init.normal_(tensor, 0.0, 0.05),
        "truncated_normal": lambda tensor: init.trunc_normal_(tensor, 0.0, 0.05, -0.1, 0.1),
        "orthogonal": init.orthogonal_,
    }

    def draw_of(case: Case) -> Draw:
        fill = fillers[case.distribution]
        tensor = torch.zeros(case.shape, dtype=getattr(torch, case.dtype))
        return lambda: fill(tensor)

    return draw_of


def _load_tensorflow(threads: int) -> DrawOf:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    functions: dict[str, Callable[..., object]] = {
        "uniform": partial(tf.random.stateless_uniform, minval=-0.05, maxval=0.05),
        "normal": partial(tf.random.stateless_normal, stddev=0.05),
        "truncated_normal": partial(tf.random.stateless_truncated_normal, stddev=0.05),
    }

    def draw_of(case: Case) -> Draw | None:
        function = functions.get(case.distribution)
        if function is None:
            return None
        seed = tf.constant([1, 0])
        return lambda: function(case.shape, seed, dtype=case.dtype)

    return draw_of


def _load_jax(threads: int) -> DrawOf:
    os.environ["JAX_ENABLE_X64"] = "1"  # otherwise float64 becomes float32
    import jax

    initializers = jax.nn.initializers
    functions: dict[str, Any] = {
        # uniform() draws from [0, scale), which is no slower than our interval
        "uniform": initializers.uniform(0.1),
        "normal": initializers.normal(0.05),
        "truncated_normal": initializers.truncated_normal(0.05),
        "orthogonal": initializers.orthogonal(),
    }
    key = jax.random.key(1)

    def draw_of(case: Case) -> Draw:
        function = functions[case.distribution]
        if case.method == "JAX, jit":
            function = jax.jit(function, static_argnums=(1, 2))
        dtype = jax.numpy.dtype(case.dtype)
        return lambda: function(key, case.shape, dtype).block_until_ready()

    return draw_of


def _load_keras(threads: int) -> DrawOf:
    backend = os.environ["KERAS_BACKEND"]
    if backend == "torch":
        import torch

        torch.set_num_threads(threads)
    elif backend == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    import keras

    if keras.backend.backend() != backend:
        raise ImportError(f"Keras runs on {keras.backend.backend()}, not on {backend}")
    initializers = keras.initializers
    made = {
        "uniform": initializers.RandomUniform(-0.05, 0.05, seed=1),
        "normal": initializers.RandomNormal(0.0, 0.05, seed=1),
        "truncated_normal": initializers.TruncatedNormal(0.0, 0.05, seed=1),
        "orthogonal": initializers.Orthogonal(seed=1),
    }

    def draw_of(case: Case) -> Draw:
        initializer = made[case.distribution]
        if backend == "jax":
            return lambda: initializer(case.shape, case.dtype).block_until_ready()
        return lambda: initializer(case.shape, case.dtype)

    return draw_of


_KERAS_MODULES = {
    "numpy": ("keras", "jax"),  # Keras' NumPy backend imports JAX
    "jax": ("keras", "jax"),
    "torch": ("keras", "torch"),
    "tensorflow": ("keras", "tensorflow"),
}

NUMPY = Peer("numpy", ("numpy",), ("NumPy Generator",), _load_numpy, is_deep_learning=False)

#: JAX with several devices, which are fixed when it starts.
SHARDED = Peer(
    "jax-sharded",
    ("jax",),
    (sharded.THEIRS, sharded.EAGER, sharded.JIT),
    sharded.load,
    is_deep_learning=False,
    is_sharded=True,
)

PEERS: tuple[Peer, ...] = (
    NUMPY,
    Peer("torch", ("torch",), ("torch",), _load_torch),
    Peer("tensorflow", ("tensorflow",), ("TensorFlow",), _load_tensorflow),
    Peer("jax", ("jax",), ("JAX", "JAX, jit"), _load_jax),
    *(
        Peer(f"keras-{backend}", modules, (f"Keras, {backend}",), _load_keras, backend)
        for backend, modules in _KERAS_MODULES.items()
    ),
    SHARDED,
)

#: The methods of deep learning libraries.
DEEP_LEARNING = tuple(method for peer in PEERS if peer.is_deep_learning for method in peer.methods)
