"""initialize() and create_manifest(model, seed): all weights of a model start again."""

import keras
import numpy as np
import pytest

import pyinit
import pyinit.keras
from pyinit.bridges.keras.models import keras_weights
from pyinit.manifests.model import DifferenceError
from pyinit.manifests.writing import as_text
from tests.support import same_bits
from tests.support.keras_models import values

layers = keras.layers


@keras.saving.register_keras_serializable(package="tests")
class Everything(layers.Layer):
    """A layer with fixed projections, counters, tables and seed generators of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeded = keras.random.SeedGenerator(7)
        self.unseeded = keras.random.SeedGenerator()

    def build(self, input_shape):
        """Makes the variables."""
        size = input_shape[-1]
        self.projection = self.add_weight((size, 2), "random_normal", trainable=False, name="p")
        self.steps = self.add_weight((), "zeros", dtype="int32", trainable=False, name="steps")
        self.table = keras.Variable(np.arange(3, dtype="float32"), trainable=False, name="table")
        self.scale = keras.Variable(np.float32(0.5), name="scale")

    def call(self, x):
        """The forward pass."""
        return x


def everything() -> keras.Model:
    """Return a model with each kind of variable that is not trained."""
    inputs = keras.Input((4,))
    normalization = layers.Normalization(name="scaled")
    x = layers.BatchNormalization(name="norm")(normalization(inputs))
    x = Everything(name="own")(x)
    x = layers.SpectralNormalization(layers.Dense(3, name="dense"), name="spectral")(x)
    x = layers.Dropout(0.5)(layers.Dropout(0.5, seed=3, name="seeded")(x))
    x = layers.Reshape((1, 3))(x)
    return keras.Model(inputs, layers.MultiHeadAttention(1, 2, dropout=0.1, name="heads")(x, x))


def perturb(model) -> None:
    """Change every variable."""
    for variable in model.variables:
        variable.assign(keras.ops.convert_to_numpy(variable) + 1)


def test_everything_starts_again():
    """Protects initialization of statistics, counters and generators, and its manifest."""
    model = everything()
    model.get_layer("scaled").adapt(np.arange(8.0).reshape(2, 4).astype("float32"))
    perturb(model)
    pyinit.keras.initialize(model, 42)
    pinned = pyinit.create_manifest(model, 42)
    found = {tensor.name: tensor for tensor in pinned.tensors}
    assert len(found) == len(model.variables)
    assert pyinit.verify(pinned, model)

    def seed(name):
        return pyinit.derive_seed(42, name)

    own = model.get_layer("own")
    assert same_bits(values(own.projection), pyinit.RandomNormal(seed=seed("own/p"))((4, 2)))
    assert same_bits(values(own.table), np.arange(3, dtype="float32"))
    assert (values(own.scale), values(own.steps)) == (0.5, 0)
    vector = values(model.get_layer("spectral").vector_u)
    expected = pyinit.TruncatedNormal(stddev=0.02, seed=seed("spectral/vector_u"))
    assert same_bits(vector, expected((1, 3)))
    norm = model.get_layer("norm")
    assert np.all(values(norm.moving_mean) == 0)
    assert np.all(values(norm.moving_variance) == 1)
    # the layer computes with a copy of its statistics
    inputs = np.ones((1, 4), "float32")
    assert np.allclose(values(model.get_layer("scaled")(inputs)), inputs)
    states = {
        "own/seed_generator_state": 7,
        "own/seed_generator_state_1": seed("own/seed_generator_state_1") % 2**31,
        "seeded/seed_generator_state": 3,
        "dropout/seed_generator_state": seed("dropout/seed_generator_state") % 2**31,
        "heads/dropout/seed_generator_state": seed("heads/dropout/seed_generator_state") % 2**31,
    }
    assert {name for name in found if "seed_generator" in name} == set(states)
    for generator, name in ((own.seeded, 0), (own.unseeded, 1)):
        state = [list(states.values())[name], 0]
        assert keras.ops.convert_to_numpy(generator.state).tolist() == state


def test_generated_names_do_not_matter_for_states():
    """Protects models with unnamed dropout layers, also inside other layers, from other models."""
    texts = []
    for _ in range(2):
        model = everything()
        pyinit.keras.initialize(model, 1)
        texts.append(as_text(pyinit.create_manifest(model, 1)))
    assert texts[0] == texts[1]
    taken = layers.Dropout(0.1, name="dropout_1")
    model = keras.Sequential([keras.Input((2,)), taken, layers.Dropout(0.1), layers.Dropout(0.1)])
    names = [name.split("/")[0] for name in arrays(model)]
    assert sorted(names) == ["dropout", "dropout_1", "dropout_2"]


def test_a_manifest_without_a_seed_has_no_states():
    """Protects two builds of one model, whose unseeded generators differ, and older manifests."""

    def build():
        dense = layers.Dense(3, kernel_initializer=pyinit.HeNormal(1), name="dense")
        return keras.Sequential([keras.Input((4,)), dense, layers.Dropout(0.5, name="drop")])

    pinned = pyinit.create_manifest(build())
    assert [tensor.name for tensor in pinned.tensors] == ["dense/kernel", "dense/bias"]
    found = pyinit.verify(pinned, build())
    assert found
    assert repr(found).endswith(
        "Not compared, since the manifest has no states of seed generators: "
        "drop/seed_generator_state"
    )


def test_states_are_compared_with_models():
    """Protects manifests with a seed: they detect a generator that has drawn."""
    model = everything()
    pyinit.keras.initialize(model, 42)
    pinned = pyinit.create_manifest(model, 42)
    model.get_layer("own").seeded.next()
    found = pyinit.verify(pinned, model)
    assert [difference.name for difference in found.differences] == ["own/seed_generator_state"]
    with pytest.raises(DifferenceError, match=r"changed: own/seed_generator_state$"):
        pyinit.create_manifest(model, 42)
    without = {name: array for name, array in arrays(model).items() if "seed_gen" not in name}
    found = pyinit.verify(pinned, without)
    assert found
    assert len(found.not_compared) == 5
    assert found.checked == len(pinned.tensors) - 5


def arrays(model) -> dict:
    """Return the weights and states of a model by name."""
    weights = keras_weights("model", model)
    return {weight.path: keras.ops.convert_to_numpy(weight.variable) for weight in weights}


def test_states_of_recurrent_layers_are_reset():
    """Protects stateful layers, whose states are not weights."""
    layer = layers.SimpleRNN(2, stateful=True, name="rnn")
    model = keras.Sequential([keras.Input(batch_shape=(1, 3, 2)), layer])
    layer.states[0].assign(np.ones((1, 2)))
    pyinit.keras.initialize(model, 1)
    assert np.all(values(layer.states[0]) == 0)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
@pytest.mark.parametrize("mode", ["int8", "int4"])
@pytest.mark.parametrize("lora", [False, True])
def test_quantized_kernels_are_named(mode, lora):
    """Protects quantized models from kernels of zeros, and from half an initialization."""
    layer = layers.Dense(4, name="dense")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="first"), layer])
    if lora:
        layer.enable_lora(2)
    layer.quantize(mode)
    before = arrays(model)
    remedy = rf"its layer is quantized to {mode}: .* before model\.quantize\(\)"
    with pytest.raises(ValueError, match=rf"\n  dense/kernel, dense/kernel_scale.*: {remedy}"):
        pyinit.keras.initialize(model, 1)
    assert all(same_bits(values, before[name]) for name, values in arrays(model).items())
    with pytest.raises(ValueError, match=remedy):
        pyinit.create_manifest(model, 1)
    assert pyinit.verify(pyinit.create_manifest(model, values=True), model)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
def test_lora_and_float8_start_again():
    """Protects layers that add weights after they were built, also in another order."""
    layer = layers.Dense(4, name="dense")
    model = keras.Sequential([keras.Input((4,)), layer, layers.Dense(4, name="scaled")])
    layer.enable_lora(2)
    model.get_layer("scaled").quantize("float8")
    perturb(model)
    pyinit.keras.initialize(model, 1)
    pinned = pyinit.create_manifest(model, 1)
    assert pyinit.verify(pinned, model)
    found = {tensor.name: tensor.class_names for tensor in pinned.tensors}
    assert found["dense/kernel"] == found["scaled/kernel"] == "GlorotUniform"
    assert found["dense/lora_kernel_a"] == "HeUniform"
    assert found["dense/lora_kernel_b"] == "Zeros"
    assert found["scaled/kernel_scale"] == "Ones"


@keras.saving.register_keras_serializable(package="tests")
class Queue(layers.Layer):
    """A layer with a random variable that is not made by add_weight()."""

    def build(self, input_shape):
        """Makes the variables."""
        self.queue = keras.Variable(keras.random.normal((3,)), trainable=False, name="queue")
        self.bias = self.add_weight((2,), "ones", name="bias")


def test_other_random_variables_are_named():
    """Protects against variables whose initializer is unknown."""
    layer = Queue(name="queue")
    layer.build((None, 2))
    layer.bias.assign(np.zeros(2))
    with pytest.raises(ValueError, match=r"queue: it was not made by add_weight\(\).*make it with"):
        pyinit.keras.initialize(layer, 1)
    assert np.all(values(layer.bias) == 0)
    assert pyinit.verify(pyinit.create_manifest(layer, values=True), layer)


def test_no_message_recommends_the_last_step():
    """Protects users who have just called initialize() from being told to call it."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="dense")])
    pyinit.keras.initialize(model, 42)
    with pytest.raises(ValueError, match="create the manifest with a seed") as theirs:
        pyinit.create_manifest(model)
    dense = layers.Dense(3, kernel_initializer=pyinit.HeNormal(1), name="dense")
    model = keras.Sequential([keras.Input((4,)), dense])
    pyinit.keras.initialize(model, 42)
    with pytest.raises(DifferenceError, match=r"pass the same seed to create_manifest") as ours:
        pyinit.create_manifest(model)
    assert "initialize(model, 42)" not in f"{theirs.value} {ours.value}"
    with pytest.raises(
        DifferenceError, match=r"are those that pyinit\.keras\.initialize\(model, 1\)"
    ):
        pyinit.create_manifest(model, 1)
