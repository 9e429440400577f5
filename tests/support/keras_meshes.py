"""Keras models on meshes of eight devices: bridges/keras/test_distribution.py runs this.

Prints one line of JSON: for each way to distribute a model, the SHA-256 of each of its weights.
"""

import hashlib
import json
import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import keras
import numpy as np

import pyinit
import pyinit.keras


def model_parallel(shape):
    """Return a distribution over a mesh, which shards all kernels and embeddings."""
    devices = keras.distribution.DeviceMesh(shape, ["batch", "model"])
    layout_map = keras.distribution.LayoutMap(devices)
    layout_map["tokens/embeddings"] = ("model", None)
    layout_map["(up|down)/kernel"] = (None, "model")
    layout_map["(up|down)/bias"] = ("model",)
    layout_map["attention/(query|key|value)/kernel"] = ("model", None, None)
    return keras.distribution.ModelParallel(layout_map=layout_map, batch_dim_name="batch")


DISTRIBUTIONS = {
    "one device": lambda: None,
    "data parallel": lambda: keras.distribution.DataParallel(
        devices=keras.distribution.list_devices()
    ),
    "1 x 8": lambda: model_parallel((1, 8)),
    "2 x 4": lambda: model_parallel((2, 4)),
    "4 x 2": lambda: model_parallel((4, 2)),
}


def build():
    """Build a model with initializers of all kinds."""
    tokens = keras.Input((6,), dtype="int32")
    x = keras.layers.Embedding(
        16, 8, embeddings_initializer=pyinit.RandomUniform(seed=1), name="tokens"
    )(tokens)
    x = keras.layers.MultiHeadAttention(
        2, 4, kernel_initializer=pyinit.GlorotUniform(seed=2), name="attention"
    )(x, x)
    x = keras.layers.Dense(
        16, kernel_initializer=pyinit.HeNormal(seed=pyinit.SeedGenerator(3)), name="up"
    )(x)
    x = keras.layers.Dense(8, kernel_initializer=pyinit.Orthogonal(seed=4), name="down")(x)
    return keras.Model(tokens, keras.layers.LayerNormalization(name="norm")(x))


def digests(model):
    """Return the SHA-256 of each weight, from the shards of all devices."""
    found = {}
    for weight in model.weights:
        values = np.ascontiguousarray(weight.value)
        for shard in weight.value.addressable_shards:
            assert (np.asarray(shard.data) == values[shard.index]).all(), weight.path
        found[weight.path] = hashlib.sha256(values.tobytes()).hexdigest()
    return found


def main():
    """Build the model with each distribution, and initialize it from one seed."""
    results = {}
    for name, make in DISTRIBUTIONS.items():
        keras.distribution.set_distribution(make())
        model = build()
        sharded = model.get_layer("up").kernel.value.sharding
        assert len(sharded.device_set) == (1 if name == "one device" else 8)
        is_sharded = sharded.shard_shape((8, 16)) != (8, 16)
        assert is_sharded == (" x " in name), name
        results[name] = {"built": digests(model)}
        pyinit.keras.initialize(model, seed=42)
        results[name]["initialized"] = digests(model)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
