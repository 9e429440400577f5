"""One of two processes of `jax.distributed`: bridges/jax/test_processes.py runs both.

The arguments are the address of the coordinator, the number of this process, and what to do.
Prints one line of JSON: the SHA-256 of each tensor, from all of its shards.
"""

import hashlib
import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import numpy as np
import pytest
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import pyinit
import pyinit.jax
from tests.support.recorded_reads import reads

SHAPE = (16, 12)


def digest(array):
    """Return the SHA-256 of a tensor that several processes hold."""
    values = multihost_utils.process_allgather(array, tiled=True)
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def draw_with_jax():
    """Draw in JAX: eager, in compiled code and as a tree; and the errors without a seed."""
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    sharding = NamedSharding(mesh, PartitionSpec("data", "model"))
    initialize, key = pyinit.jax.initializer("he_normal"), jax.random.key(42)
    tree = {"dense": {"kernel": jax.ShapeDtypeStruct(SHAPE, "float32", sharding=sharding)}}
    drawn = {
        "layout": pyinit.HeNormal(42)(SHAPE, layout=sharding),
        "eager": initialize(key, SHAPE, out_sharding=sharding),
        "jit": jax.jit(lambda: initialize(key, SHAPE), out_shardings=sharding)(),
        "jit, out_sharding": jax.jit(lambda: initialize(key, SHAPE, out_sharding=sharding))(),
    }
    jax.block_until_ready(drawn)
    assert set(reads) == {(4, 6)}, reads
    drawn["init"] = pyinit.jax.init(tree, seed=42)["dense"]["kernel"]
    with jax.set_mesh(mesh):
        drawn["mesh in use"] = initialize(key, SHAPE)
        drawn["spec"] = pyinit.HeNormal(42)(SHAPE, layout=sharding.spec)
        with pytest.raises(ValueError, match=r"`seed` must be .* several processes"):
            jax.jit(lambda: pyinit.HeNormal()(SHAPE, layout=sharding.spec))()
    for unseeded in (
        pyinit.HeNormal(),
        pyinit.HeNormal(pyinit.SeedGenerator()),
        pyinit.Orthogonal(),
    ):
        with pytest.raises(ValueError, match=r"`seed` must be .* several processes"):
            unseeded(SHAPE, layout=sharding)
    for given in (None, "he_normal", pyinit.HeNormal(pyinit.SeedGenerator())):
        with pytest.raises(ValueError, match=r"`seed` must be .* several processes"):
            pyinit.jax.init(tree, given)
    # a tensor of this process alone, initializers without a seed, a generator with one
    own = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    pyinit.HeNormal()(SHAPE, layout=own)
    pyinit.Zeros()(SHAPE, layout=sharding)
    pyinit.jax.init({"dense": {"bias": tree["dense"]["kernel"]}})
    generator = pyinit.SeedGenerator(42)
    drawn["generator"] = pyinit.HeNormal(generator)(SHAPE, layout=sharding)
    pyinit.jax.init(tree, pyinit.HeNormal(7))
    return drawn


def draw_with_keras():
    """Draw a Keras model that is distributed over both processes."""
    import keras

    import pyinit.keras

    devices = keras.distribution.DeviceMesh((4, 2), ["batch", "model"])
    layout_map = keras.distribution.LayoutMap(devices)
    layout_map[".*kernel"] = (None, "model")
    keras.distribution.set_distribution(
        keras.distribution.ModelParallel(layout_map=layout_map, batch_dim_name="batch")
    )

    def model(initializer):
        dense = keras.layers.Dense(12, kernel_initializer=initializer, name="dense")
        return keras.Sequential([keras.Input((16,)), dense])

    with pytest.raises(ValueError, match=r"`seed` must be .* several processes"):
        model(pyinit.HeNormal())
    built = model(pyinit.HeNormal(42))
    drawn = {"built": built.layers[0].kernel.value}
    pyinit.keras.initialize(built, 42)
    drawn["initialize"] = built.layers[0].kernel.value
    return drawn


if __name__ == "__main__":
    address, process, what = sys.argv[1:]
    jax.distributed.initialize(address, num_processes=2, process_id=int(process))
    assert jax.process_count() == 2
    tensors = {"jax": draw_with_jax, "keras": draw_with_keras}[what]()
    print(json.dumps({name: digest(tensor) for name, tensor in tensors.items()}))
