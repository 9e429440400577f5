"""Sharded tensors of Keras on JAX: bridges/keras/test_distribution.py runs it on four devices."""

import jax
import keras
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

import pyinit
import pyinit.keras
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.random import RandomTensor
from tests.support import RANDOM, same_bits

SHAPE = (4, 6)
#: The shape and the start of each slice that was read from a random tensor.
reads = []


def record_read(self, out, offset=None):
    """Record a slice of a lazy tensor, and read it."""
    LazyTensor.read_into(self, out, offset)
    reads.append((out.shape, tuple(offset)))


def check_array(array, expected, spec):
    """Check that each device holds its shard of the expected values."""
    assert array.sharding.is_equivalent_to(NamedSharding(array.sharding.mesh, spec), array.ndim)
    for shard in array.addressable_shards:
        assert same_bits(np.asarray(shard.data), expected[shard.index])


def check_values() -> None:
    """Check that shards have the values of the full tensor, for every class and dtype."""
    for make in RANDOM.values():
        for dtype in set(FLOAT_DTYPES) - {"float64"}:
            expected = make(3)(SHAPE, dtype)
            for spec in (
                PartitionSpec("batch", "model"),
                PartitionSpec(None, "model"),
                PartitionSpec(),
            ):
                array = make(3)(SHAPE, dtype, layout=NamedSharding(MESH, spec))
                check_array(array, expected, spec)


def check_shards() -> None:
    """Check that a device draws its shard alone, and that devices share a replicated shard."""
    reads.clear()
    pyinit.HeNormal(1)(SHAPE, layout=NamedSharding(MESH, PartitionSpec("batch", "model")))
    assert sorted(reads) == [((2, 3), (i, j)) for i in (0, 2) for j in (0, 3)], reads
    reads.clear()
    pyinit.HeNormal(1)(SHAPE, layout=NamedSharding(MESH, PartitionSpec(None, "model")))
    assert sorted(reads) == [((4, 3), (0, 0)), ((4, 3), (0, 3))], reads


def check_generators() -> None:
    """Check that all shards of a tensor belong to one draw of a seed generator."""
    for generator in (pyinit.SeedGenerator(5), keras.random.SeedGenerator(5)):
        layout = NamedSharding(MESH, PartitionSpec("batch"))
        reference = pyinit.SeedGenerator(5)
        for _ in range(3):
            array = pyinit.HeNormal(generator)(SHAPE, layout=layout)
            check_array(array, pyinit.HeNormal(reference)(SHAPE), PartitionSpec("batch"))


def check_subclasses() -> None:
    """Check that a subclass that overrides the call computes its values once."""

    class Half(pyinit.HeNormal):
        def __call__(self, *args, **kwargs):
            return super().__call__(*args, **kwargs) / 2

    spec = PartitionSpec("batch")
    array = Half(1)(SHAPE, layout=NamedSharding(MESH, spec))
    check_array(array, pyinit.HeNormal(1)(SHAPE) / 2, spec)


def check_errors() -> None:
    """Check the errors of invalid layouts, and of arguments that exclude a layout."""
    layout = NamedSharding(MESH, PartitionSpec("batch"))
    for options in (
        {"layout": "batch"},
        {"layout": layout, "device": "cpu"},
        {"layout": layout, "out": np.empty(SHAPE, np.float32)},
        {"layout": layout, "partition_shape": (1, 1), "partition_offset": (0, 0)},
    ):
        with pytest.raises(ValueError, match="Argument `layout` must be"):
            pyinit.Zeros()(SHAPE, **options)


def check_layouts_of_keras() -> None:
    """Check Keras' layouts, for a variable and in a call."""
    devices = keras.distribution.DeviceMesh((2, 2), ["batch", "model"])
    variable = keras.Variable(
        pyinit.HeNormal(1),
        shape=SHAPE,
        layout=keras.distribution.TensorLayout(("batch", None), devices),
    )
    check_array(variable.value, pyinit.HeNormal(1)(SHAPE), PartitionSpec("batch", None))
    tensor = pyinit.HeNormal(1)(
        SHAPE, layout=keras.distribution.TensorLayout((None, "model"), devices)
    )
    check_array(tensor, pyinit.HeNormal(1)(SHAPE), PartitionSpec(None, "model"))


def check_models() -> None:
    """Check a model that Keras shards, as it is built and as `initialize()` draws it."""
    devices = keras.distribution.DeviceMesh((2, 2), ["batch", "model"])
    layout_map = keras.distribution.LayoutMap(devices)
    layout_map[".*kernel"] = (None, "model")
    layout_map[".*bias"] = ("model",)
    keras.distribution.set_distribution(
        keras.distribution.ModelParallel(layout_map=layout_map, batch_dim_name="batch")
    )
    for generator in (pyinit.SeedGenerator(5), keras.random.SeedGenerator(5)):
        model = keras.Sequential(
            [
                keras.Input((6,)),
                keras.layers.Dense(8, kernel_initializer=pyinit.HeNormal(generator), name="a"),
                keras.layers.Dense(4, kernel_initializer=pyinit.HeNormal(generator), name="b"),
            ]
        )
        reference = pyinit.SeedGenerator(5)
        for layer in model.layers:
            expected = pyinit.HeNormal(reference)(layer.kernel.shape)
            check_array(layer.kernel.value, expected, PartitionSpec(None, "model"))

    reads.clear()
    pyinit.keras.initialize(model, 42)
    assert sorted(reads) == sorted(
        [((6, 4), (0, 0)), ((6, 4), (0, 4)), ((8, 2), (0, 0)), ((8, 2), (0, 2))]
    ), reads
    for layer in model.layers:
        seed = pyinit.derive_seed(42, f"{layer.name}/kernel")
        expected = pyinit.HeNormal(seed)(layer.kernel.shape)
        check_array(layer.kernel.value, expected, PartitionSpec(None, "model"))


if __name__ == "__main__":
    assert jax.device_count() == 4
    RandomTensor.read_into = record_read
    MESH = jax.make_mesh((2, 2), ("batch", "model"))
    check_values()
    check_shards()
    check_generators()
    check_subclasses()
    check_errors()
    check_layouts_of_keras()
    check_models()
