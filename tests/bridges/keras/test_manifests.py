"""Manifests of Keras models, and the recovered draws of seed generators."""

import keras
import numpy as np
import pytest
from keras import layers

import pyinit
import pyinit.keras
from pyinit.manifests.model import DifferenceError
from pyinit.manifests.writing import as_text


def stack(seed=None, generator=None, units=3):
    """Return a model of our initializers: seeded, unseeded, with a shared generator."""
    shared = generator or pyinit.SeedGenerator(7)
    return keras.Sequential(
        [
            keras.Input((8, 4)),
            layers.Dense(5, kernel_initializer=pyinit.HeNormal(seed), name="dense"),
            layers.LSTM(
                units,
                kernel_initializer=pyinit.GlorotUniform(shared),
                recurrent_initializer=pyinit.Orthogonal(seed=shared),
                bias_initializer=pyinit.RandomNormal(seed=shared),
                name="lstm",
            ),
            layers.BatchNormalization(name="norm"),
            layers.Dense(2, kernel_initializer=pyinit.TruncatedNormal(), name="out"),
        ]
    )


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("generator", ["ours", "keras", "unseeded"])
def test_weights_of_a_built_model(seed, generator):
    """Protects unseeded initializers, and draws of a shared generator, which keeps no record."""
    shared = {
        "ours": pyinit.SeedGenerator(7),
        "keras": keras.random.SeedGenerator(7),
        "unseeded": pyinit.SeedGenerator(),
    }[generator]
    model = stack(seed, shared)
    pinned = pyinit.create_manifest(model)
    tensors = {tensor.name: tensor for tensor in pinned.tensors}
    assert list(tensors) == [
        *("dense/kernel", "dense/bias"),
        *(f"lstm/lstm_cell/{name}" for name in ("kernel", "recurrent_kernel", "bias")),
        *(f"norm/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")),
        *("out/kernel", "out/bias"),
    ]
    draws = [[segment.draw for segment in tensors[f"lstm/lstm_cell/{name}"].segments]
             for name in ("kernel", "recurrent_kernel", "bias")]  # fmt: skip
    assert draws == [[0], [1], [2, 0, 3]]
    own = model.get_layer("dense").kernel_initializer
    assert tensors["dense/kernel"].segments[0].initializer.seed == own.seed
    assert pyinit.verify(pinned)
    assert pyinit.verify(pinned, model)


def test_one_seed_for_all():
    """Protects initialize() and create_manifest() with a seed, also for Keras' own classes."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, name="a"),
            layers.Flatten(),
            layers.Dense(2, kernel_initializer="orthogonal", name="b"),
        ]
    )
    with pytest.raises(DifferenceError, match=r"These weights have changed: a/kernel, b/kernel$"):
        pyinit.create_manifest(model, seed=42)
    pyinit.keras.initialize(model, seed=42)
    pinned = pyinit.create_manifest(model, seed=42)
    for tensor in pinned.tensors[::2]:
        seed = pyinit.derive_seed(42, tensor.name)
        assert tensor.segments[0].initializer.seed == seed
    assert pyinit.verify(pinned, model)
    before = as_text(pinned)
    frozen = keras.models.clone_model(model)
    frozen.get_layer("a").trainable = False
    pyinit.keras.initialize(frozen, seed=42)
    assert as_text(pyinit.create_manifest(frozen, seed=42)) == before


@pytest.mark.parametrize("name", ["MultiHeadAttention", "GroupQueryAttention"])
def test_attention(name):
    """Protects the fans of attention, whose layers clone initializers with their own axes."""
    arguments = {"num_heads": 2, "key_dim": 3}
    if name == "GroupQueryAttention":
        arguments = {"head_dim": 3, "num_query_heads": 2, "num_key_value_heads": 1}
    inputs = keras.Input((5, 4))
    layer = getattr(layers, name)(**arguments, kernel_initializer=pyinit.HeNormal(), name="x")
    model = keras.Model(inputs, layer(inputs, inputs))
    pinned = pyinit.create_manifest(model)
    kernels = [tensor for tensor in pinned.tensors if tensor.name.endswith("kernel")]
    assert len(kernels) == 4
    assert all(tensor.segments[0].initializer.input_axes is not None for tensor in kernels)
    assert pyinit.verify(pinned, model)


def test_other_seeds_are_reported():
    """Protects the report of a failed check: it names the seed of the other model."""
    pinned = pyinit.create_manifest(stack(1))
    found = pyinit.verify(pinned, stack(2, pyinit.SeedGenerator(8)))
    reasons = {difference.name: difference.reason for difference in found.differences}
    assert reasons["dense/kernel"].startswith("the seed is 2, not 1 (20 of 20 values differ, by")
    assert reasons["lstm/lstm_cell/recurrent_kernel"].startswith("the seed is 8, not 7 (")
    assert reasons["out/kernel"].startswith("the seed is ")
    found = pyinit.verify(pinned, stack(1, units=4))
    assert "lstm/lstm_cell/kernel: the shape is [5, 16], not [5, 12]" in repr(found)


def test_trained_models_are_refused():
    """Protects against a manifest of weights that no initializer draws."""
    model = stack(1)
    pinned = pyinit.create_manifest(model)
    for name in ("dense", "lstm"):
        weight = model.get_layer(name).weights[0]
        weight.assign(keras.ops.convert_to_numpy(weight) + 1)
    with pytest.raises(ValueError, match=r"lstm/lstm_cell/kernel: none of the 4 draws"):
        pyinit.create_manifest(model)
    found = pyinit.verify(pinned, model)
    assert [difference.name for difference in found.differences] == [
        "dense/kernel",
        "lstm/lstm_cell/kernel",
    ]
    assert "20 of 20 values differ, by at most 1;" in repr(found)
    with pytest.raises(DifferenceError, match=r"These weights have changed: kernel$"):
        pyinit.create_manifest(model.get_layer("dense"), seed=1)


def a_function(shape, dtype=None):
    return np.arange(shape[0], dtype=dtype)


@keras.saving.register_keras_serializable(package="tests")
class Own(layers.Layer):
    """A layer with an unseeded initializer and a random variable of its own."""

    def build(self, shape):  # noqa: D102
        self.scale = self.add_weight(shape=(2,), initializer=pyinit.HeNormal(), name="scale")
        self.offset = keras.Variable(pyinit.RandomNormal(), shape=(2,), name="offset")

    def call(self, x):  # noqa: D102
        return x


def test_weights_without_provenance_are_named():
    """Protects manifests from omitting weights silently."""
    inputs = keras.Input((2,))
    x = layers.Dense(2, name="theirs", bias_initializer=a_function)(inputs)
    model = keras.Model(inputs, Own(name="own")(x))
    with pytest.raises(ValueError, match="Argument `target` must be a model whose init") as e:
        pyinit.create_manifest(model)
    lines = str(e.value).splitlines()[1:]
    assert sorted(line.strip().partition(":")[0] for line in lines) == [
        "own/offset",
        "theirs/bias",
        "theirs/kernel",
    ]
    assert "Keras' own GlorotUniform, whose values depend on the backend" in str(e.value)
    assert "give the layer pyinit.GlorotUniform(), or create the manifest with a seed" in str(
        e.value
    )
    with pytest.raises(ValueError, match="Argument `target` must be built"):
        pyinit.create_manifest(keras.Sequential([layers.Dense(2)]), seed=1)


def test_constants_and_integers():
    """Protects weights that no optimizer trains, of every dtype, and constants of Keras."""
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Normalization(name="scaled"),
            layers.BatchNormalization(name="norm", renorm=True),
            layers.Dense(2, "relu", kernel_initializer="identity", name="eye"),
            layers.Dense(2, kernel_initializer=keras.initializers.Constant(0.1), name="tenth"),
        ]
    )
    pinned = pyinit.create_manifest(model)
    assert pyinit.verify(pinned, model)
    tensors = {tensor.name: tensor for tensor in pinned.tensors}
    assert tensors["scaled/count"].dtype in ("int32", "int64")  # depends on the backend
    assert repr(tensors["tenth/kernel"].segments[0].initializer) == "Constant(value=0.1)"
    assert repr(tensors["norm/moving_stddev"].segments[0].initializer) == "Constant(value=1.0)"


# JAX stores float64 as float32
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64:UserWarning")
@pytest.mark.parametrize("policy", ["float16", "bfloat16", "float64", "mixed_bfloat16"])
def test_dtypes(policy):
    """Protects models of other dtypes, also if a backend stores float64 as float32."""
    layer = layers.Dense(3, kernel_initializer=pyinit.HeNormal(), dtype=policy, name="x")
    model = keras.Sequential([keras.Input((4,)), layer])
    storage_dtype = keras.backend.standardize_dtype(layer.kernel.value.dtype)
    if storage_dtype != layer.kernel.dtype:
        assert policy == "float64"
        with pytest.raises(ValueError, match="float64, but the backend stores it as float32"):
            pyinit.create_manifest(model)
        return
    pinned = pyinit.create_manifest(model)
    assert {tensor.dtype for tensor in pinned.tensors} == {storage_dtype}
    assert pyinit.verify(pinned, model)
