"""Sharded models of Flax: bridges/jax/test_sharding.py runs the functions on eight devices.

The arguments are the names of the functions to run.
"""

import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import pyinit
import pyinit.jax
from tests.support import same_bits
from tests.support.recorded_reads import reads

KEY = jax.random.key(42)
RULES = [("embed", "data"), ("mlp", "model"), ("data", "data"), ("model", "model")]
SPEC = PartitionSpec("data", "model")
he_normal = pyinit.jax.initializer("he_normal")


def meshes():
    """Yield a mesh of each type of axes."""
    for types in (AxisType.Auto, AxisType.Explicit):
        yield jax.make_mesh((4, 2), ("data", "model"), axis_types=(types,) * 2)


class Block(nnx.Module):
    """Two layers whose kernels are sharded."""

    def __init__(self, rngs, kernel_init=he_normal):
        sharded = nnx.with_partitioning(kernel_init, ("data", "model"))
        self.up = nnx.Linear(8, 16, kernel_init=sharded, rngs=rngs)
        self.down = nnx.Linear(16, 8, kernel_init=sharded, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)


def seeds_of(model):
    """Return the keys with which nnx called the initializers of two kernels."""
    keys = []

    def noting(key, shape, dtype=jnp.float32, **options):
        keys.append(key)
        return jnp.zeros(shape, dtype)

    with nnx.use_eager_sharding(False):
        model(nnx.Rngs(0), noting)
    return keys


def check_nnx():
    """Check modules that are made eagerly, in nnx.jit and by nnx.eval_shape, under a mesh."""
    keys = seeds_of(Block)
    for mesh in meshes():
        sharding = NamedSharding(mesh, SPEC)
        with jax.set_mesh(mesh):
            abstract = nnx.eval_shape(lambda: Block(nnx.Rngs(0)))
            eager = Block(nnx.Rngs(0))
            reads.clear()
            compiled = nnx.jit(lambda: Block(nnx.Rngs(0)))()
            jax.block_until_ready(nnx.state(compiled))
            assert set(reads) == {(2, 8), (4, 4)}, reads
            specs = nnx.get_partition_spec(nnx.state(abstract))
            assert specs["up"]["kernel"].get_value() == SPEC
            for model in (eager, compiled):
                for layer, key in zip((model.up, model.down), keys, strict=True):
                    values = layer.kernel.get_value()
                    assert values.sharding.is_equivalent_to(sharding, 2)
                    assert same_bits(np.asarray(values), np.asarray(he_normal(key, values.shape)))


def check_stacked():
    """Check layers that nnx.vmap and nn.scan stack in compiled code."""
    mesh = next(meshes())
    with jax.set_mesh(mesh):

        @nnx.split_rngs(splits=4)
        @nnx.vmap(transform_metadata={nnx.PARTITION_NAME: None})
        def make(rngs):
            return Block(rngs)

        eager = make(nnx.Rngs(0))
        reads.clear()
        compiled = nnx.jit(lambda: make(nnx.Rngs(0)))()
        kernel = jax.block_until_ready(compiled.up.kernel.get_value())
        assert kernel.shape == (4, 8, 16)
        assert kernel.sharding.spec == PartitionSpec(None, "data", "model")
        assert same_bits(np.asarray(kernel), np.asarray(eager.up.kernel.get_value()))
        assert max(map(np.prod, reads)) == 16, reads

    class Layer(nn.Module):
        @nn.compact
        def __call__(self, x, _):
            init = nn.with_partitioning(he_normal, ("data", "model"))
            return nn.Dense(8, kernel_init=init, name="dense")(x), None

    scanned = nn.scan(
        Layer,
        variable_axes={"params": 0},
        split_rngs={"params": True},
        length=3,
        metadata_params={nn.PARTITION_NAME: None},
    )()
    inputs = jnp.ones((1, 8))
    specs = nn.get_partition_spec(jax.eval_shape(scanned.init, KEY, inputs, None))
    shardings = jax.tree.map(lambda spec: NamedSharding(mesh, spec), specs)
    expected = scanned.init(KEY, inputs, None)["params"]["dense"]["kernel"].value
    reads.clear()
    sharded = jax.jit(scanned.init, out_shardings=shardings)(KEY, inputs, None)
    kernel = sharded["params"]["dense"]["kernel"].value.block_until_ready()
    assert same_bits(np.asarray(kernel), np.asarray(expected))
    assert kernel.sharding.shard_shape(kernel.shape) == (3, 2, 4)
    assert set(reads) == {(2, 4)}, reads


class Model(nn.Module):
    """A model of linen with both kinds of annotations."""

    @nn.compact
    def __call__(self, x):
        """Return the outputs of two layers."""
        x = nn.Dense(16, kernel_init=nn.with_partitioning(he_normal, ("data", "model")))(x)
        logical = nn.with_logical_partitioning(he_normal, ("embed", "mlp"))
        return nn.Dense(8, kernel_init=logical)(x)


def check_linen():
    """Check linen's annotations, eager and in compiled code; linen takes automatic axes only."""
    inputs = jnp.ones((1, 8))
    mesh = next(meshes())
    with jax.set_mesh(mesh), nn.logical_axis_rules(RULES):
        abstract = jax.eval_shape(Model().init, KEY, inputs)
        specs = nn.logical_to_mesh(nn.get_partition_spec(abstract))
        shardings = jax.tree.map(lambda spec: NamedSharding(mesh, spec), specs)
        reads.clear()
        compiled = jax.jit(Model().init, out_shardings=shardings)(KEY, inputs)
        jax.block_until_ready(compiled)
        assert set(reads) == {(2, 8), (4, 4)}, reads
        eager = Model().init(KEY, inputs)
        for name in ("Dense_0", "Dense_1"):
            kernel = compiled["params"][name]["kernel"].value
            assert kernel.sharding.spec == SPEC
            expected = eager["params"][name]["kernel"].value
            assert same_bits(np.asarray(kernel), np.asarray(expected))


def check_trees():
    """Check `pyinit.jax.init()`: each leaf is placed as it says, and drawn by shards."""
    with nnx.use_eager_sharding(False):
        plain = pyinit.jax.init(nnx.eval_shape(lambda: Block(nnx.Rngs(0))), "he_normal", 42)
    inputs = jnp.ones((1, 8))
    expected = pyinit.jax.init(jax.eval_shape(Model().init, KEY, inputs), seed=42)
    for mesh in meshes():
        sharding = NamedSharding(mesh, SPEC)
        replicated = NamedSharding(mesh, PartitionSpec())

        def check(values, unsharded, where=sharding):
            assert values.sharding.is_equivalent_to(where, values.ndim), values.sharding
            if not jnp.issubdtype(values.dtype, jax.dtypes.prng_key):
                assert same_bits(np.asarray(values), np.asarray(unsharded))

        with jax.set_mesh(mesh):
            abstract = nnx.eval_shape(lambda: Block(nnx.Rngs(0)))
            state = nnx.get_abstract_model(lambda: Block(nnx.Rngs(0)), mesh)[1]
            reads.clear()
            module = pyinit.jax.init(abstract, "he_normal", 42)
            assert {size for size in reads if len(size) == 2} == {(2, 8), (4, 4)}, reads
        # the shardings of the leaves have a mesh of their own
        filled = pyinit.jax.init(state, "he_normal", 42)
        for got in (module, nnx.merge(nnx.split(abstract)[0], filled)):
            check(got.up.kernel.get_value(), plain.up.kernel.get_value())
            check(got.down.kernel.get_value(), plain.down.kernel.get_value())
            check(got.up.bias.get_value(), plain.up.bias.get_value(), replicated)
            check(got.dropout.rngs.key.get_value(), None, replicated)
        abstract = jax.eval_shape(Model().init, KEY, inputs)
        with jax.set_mesh(mesh), nn.logical_axis_rules(RULES):
            variables = pyinit.jax.init(abstract, seed=42)
        for name in ("Dense_0", "Dense_1"):
            boxed = variables["params"][name]["kernel"]
            assert type(boxed) is type(abstract["params"][name]["kernel"])
            check(boxed.value, expected["params"][name]["kernel"].value)
        tree = {"dense": {"kernel": jax.ShapeDtypeStruct((8, 16), "float32", sharding=sharding)}}
        compiled = jax.jit(lambda: pyinit.jax.init(tree, seed=42))  # noqa: B023
        eager = pyinit.jax.init(tree, seed=42)["dense"]["kernel"]
        check(eager, pyinit.GlorotUniform(pyinit.derive_seed(42, "dense/kernel"))((8, 16)))
        check(compiled()["dense"]["kernel"], eager)
        uneven = nn.Partitioned(jax.ShapeDtypeStruct((7, 2), "float32"), ("data", None))
        for boxed, reason in (
            (uneven, "divides the shape"),
            (uneven.replace(names=("expert",)), "of the axes"),
        ):
            with jax.set_mesh(mesh), pytest.raises(ValueError, match=f"a/kernel: .*{reason}"):
                pyinit.jax.init({"a": {"kernel": boxed}}, seed=1)


if __name__ == "__main__":
    assert jax.device_count() == 8
    for function in sys.argv[1:]:
        globals()[function]()
