"""Tensors that are sharded over eight devices of JAX, as this library and JAX draw them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.model import Case
from benchmarks.ours import INITIALIZERS
from benchmarks.timing import Draw

#: JAX's own initializer with `out_shardings` of `jax.jit`.
THEIRS = "JAX, 8 shards, jit"
#: This library, eager.
EAGER = "pyinit, 8 shards"
#: This library with `out_shardings` of `jax.jit`.
JIT = "pyinit, 8 shards, jit"

_DEVICES = 8


def load(threads: int) -> Callable[[Case], Draw]:
    """Import JAX with eight devices on the host; return a function from cases to calls."""
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={_DEVICES}"
    import jax

    import pyinit.jax

    theirs: dict[str, Any] = {
        "uniform": jax.nn.initializers.uniform(0.1),
        "normal": jax.nn.initializers.normal(0.05),
        "truncated_normal": jax.nn.initializers.truncated_normal(0.05),
    }
    mesh = jax.make_mesh((_DEVICES // 2, 2), ("data", "model"))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data", "model"))
    key = jax.random.key(1)

    def draw_of(case: Case) -> Draw:
        dtype = jax.numpy.dtype(case.dtype)
        if case.method == THEIRS:
            function = theirs[case.distribution]
        else:
            function = pyinit.jax.initializer(INITIALIZERS[case.distribution]())
        if case.method == EAGER:
            call = partial(function, key, case.shape, dtype, out_sharding=sharding)
        else:
            compiled = jax.jit(function, static_argnums=(1, 2), out_shardings=sharding)
            call = partial(compiled, key, case.shape, dtype)
        return lambda: call().block_until_ready()

    return draw_of
