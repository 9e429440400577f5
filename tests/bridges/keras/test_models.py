"""One seed for a whole model, on the backend of this process."""

import keras
import numpy as np
import pytest

import pyinit
import pyinit.keras
from tests.support import same_bits
from tests.support.keras_models import LAYERS, MODELS, build, initializer_arguments, values

layers = keras.layers


def by_path(model) -> dict[str, np.ndarray]:
    """Return the weights by Keras' path, without the model's name."""
    return {w.path.removeprefix(f"{model.name}/"): values(w) for w in model.weights}


def stack(*names: str) -> keras.Model:
    """Return a functional model of layers of 4 units, with names in order."""
    x = inputs = keras.Input((4,))
    for name in names:
        x = layers.Dense(4, name=name, bias_initializer="random_normal")(x)
    return keras.Model(inputs, x)


def test_weights_are_drawn_with_the_documented_seeds():
    """Protects the definition: derive_seed() of the path, in our class of the same name."""
    model = stack("first", "second")
    pyinit.keras.initialize(model, seed=42)
    for path, weight in by_path(model).items():
        cls = pyinit.GlorotUniform if path.endswith("kernel") else pyinit.RandomNormal
        assert same_bits(weight, cls(seed=pyinit.derive_seed(42, path))(weight.shape))


def test_other_layers_do_not_matter():
    """Protects a weight from layers that are added, removed or reordered."""
    model = stack("a", "b", "c")
    pyinit.keras.initialize(model, 1)
    before = by_path(model)
    assert len({weight.tobytes() for weight in before.values()}) == len(before)
    for names in (("a", "b", "c"), ("new", "a", "b", "c"), ("c", "a"), ("c", "b", "a", "z")):
        other = stack(*names)
        pyinit.keras.initialize(other, 1)
        kept = {path: w for path, w in by_path(other).items() if path in before}
        assert len(kept) == 2 * len({"a", "b", "c"} & set(names))
        assert all(same_bits(weight, before[path]) for path, weight in kept.items())


def test_the_seed_matters():
    """Protects the seed's use, and its sign modulo 2**64."""
    model = stack("a")
    drawn = []
    for seed in (1, 2, -1, 2**64 - 1):
        pyinit.keras.initialize(model, seed)
        drawn.append(by_path(model)["a/kernel"])
    assert not same_bits(drawn[0], drawn[1])
    assert same_bits(drawn[2], drawn[3])


@pytest.mark.parametrize("name", MODELS)
def test_copies_get_the_same_weights(name, tmp_path):
    """Protects paths: a loaded or cloned model has the same."""
    make, _ = MODELS[name]
    model = make()
    model.save(tmp_path / "model.keras")
    pyinit.keras.initialize(model, 5)
    expected = [values(weight) for weight in model.weights]
    for again in (
        keras.models.clone_model(model),
        keras.saving.load_model(tmp_path / "model.keras"),
    ):
        pyinit.keras.initialize(again, 5)
        for weight, other in zip(again.weights, expected, strict=True):
            assert same_bits(values(weight), other)


ARGUMENTS = initializer_arguments()
SKIPPED = ("moving_mean_initializer", "moving_variance_initializer")
CASES = [(n, a) for n in ARGUMENTS for a in ARGUMENTS[n] if a not in SKIPPED]


@pytest.mark.parametrize(("layer", "argument"), CASES, ids=lambda case: case)
def test_every_layer_is_drawn(layer, argument):
    """Protects every initializer argument of every layer, for a class of Keras."""
    model = build(layer, **{argument: keras.initializers.RandomNormal(0.5, 0.25)})
    before = by_path(model)
    pyinit.keras.initialize(model, 3)
    changed = 0
    for path, weight in by_path(model).items():
        expected = pyinit.RandomNormal(0.5, 0.25, pyinit.derive_seed(3, path))(weight.shape)
        if same_bits(weight, expected):
            assert not same_bits(weight, before[path])
            changed += 1
    assert changed > 0
    assert set(LAYERS) == set(ARGUMENTS)


def test_attention_keeps_its_axes():
    """Protects the fans of attention in initialize()."""
    attention = build("MultiHeadAttention", kernel_initializer="he_normal")
    pyinit.keras.initialize(attention, 3)
    query = by_path(attention)["query/kernel"]
    assert same_bits(
        query, pyinit.HeNormal(pyinit.derive_seed(3, "query/kernel"), [0], [1, 2])((5, 2, 3))
    )


def test_lstm_keeps_its_forget_bias():
    """Protects the bias that Keras composes of an initializer's values and ones."""
    model = layers.LSTM(3, bias_initializer=pyinit.RandomNormal(seed=1), name="lstm")
    model.build((2, 4, 5))
    pyinit.keras.initialize(model, 3)
    bias = by_path(model)["lstm_cell/bias"]
    seeded = pyinit.RandomNormal(seed=pyinit.derive_seed(3, "lstm_cell/bias"))
    expected = np.concatenate([seeded((3,)), np.ones(3, np.float32), seeded((6,))])
    assert same_bits(bias, expected)


def test_the_optimizer_and_metrics_stay():
    """Protects metrics and the optimizer, which are no weights; constants are set again."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="out")])
    model.compile(keras.optimizers.Adam(), "mse")
    model.optimizer.build(model.trainable_variables)
    for variable in (*model.variables, *model.optimizer.variables):
        variable.assign(np.full(tuple(variable.shape), 7, variable.dtype))
    pyinit.keras.initialize(model, 1)
    assert np.all(by_path(model)["out/bias"] == 0)
    assert all(np.all(values(variable) == 7) for variable in model.optimizer.variables)


def test_frozen_layers_are_drawn():
    """Protects frozen layers: initialize() draws their weights too."""
    model, frozen = stack("a", "b"), stack("a", "b")
    frozen.get_layer("a").trainable = False
    for each in (model, frozen):
        pyinit.keras.initialize(each, 1)
    expected = by_path(model)
    assert all(same_bits(weight, expected[path]) for path, weight in by_path(frozen).items())


@keras.saving.register_keras_serializable(package="tests")
class Scale(layers.Layer):
    """A layer with unnamed weights, and a sublayer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(4, name="inner")

    def build(self, input_shape):
        """Makes the weights."""
        self.first = self.add_weight(input_shape[-1:], "random_normal")
        self.second = self.add_weight(shape=input_shape[-1:])
        self.inner.build(input_shape)

    def call(self, inputs):
        """The forward pass."""
        return self.inner(inputs * self.first + self.second)


def test_weights_without_names_are_counted():
    """Protects custom layers: generated names are numbered across the process."""
    for _ in range(2):
        model = keras.Sequential([keras.Input((4,)), Scale(name="scale")])
        pyinit.keras.initialize(model, 1)
        first, second, *_ = model.weights
        one = pyinit.RandomNormal(seed=pyinit.derive_seed(1, "scale/variable"))
        two = pyinit.GlorotUniform(pyinit.derive_seed(1, "scale/variable_1"))
        assert same_bits(values(first), one((4,)))
        assert same_bits(values(second), two((4,)))
        inner = pyinit.GlorotUniform(pyinit.derive_seed(1, "scale/inner/kernel"))
        assert same_bits(values(model.weights[2]), inner((4, 4)))


def test_policies_are_kept():
    """Protects weights of narrow dtypes."""
    model = layers.Dense(3, dtype="bfloat16")
    model.build((None, 4))
    pyinit.keras.initialize(model, 1)
    expected = pyinit.GlorotUniform(pyinit.derive_seed(1, "kernel"))((4, 3), "bfloat16")
    assert same_bits(values(model.kernel), expected.astype(np.float32))


def ones(shape, dtype=None):
    """Return ones: a user's function as initializer."""
    return keras.ops.ones(shape, dtype)


class Ramp(pyinit.Initializer):
    """A user's initializer without a seed."""

    def __call__(self, shape, dtype=None, **kwargs):
        """The values."""
        return np.arange(np.prod(shape), dtype=dtype or "float32").reshape(shape)


class OfKeras(keras.initializers.HeNormal):
    """A user's subclass of a class of Keras."""


class NoConfig(layers.Layer):
    """A layer that cannot be rebuilt."""

    def __init__(self, units):
        super().__init__(name="no_config")
        self.dense = units

    def build(self, input_shape):
        """Makes the weight."""
        self.kernel = self.add_weight(shape=(input_shape[-1], 3), name="kernel")

    def get_config(self):
        """Nothing."""
        return {}


class Direct(layers.Layer):
    """A layer with a weight not made by add_weight()."""

    def build(self, input_shape):
        """Makes the weight."""
        self.kernel = keras.Variable(pyinit.HeNormal(), shape=(input_shape[-1], 3), name="kernel")


class Twice(layers.Layer):
    """A layer with two weights of the same name."""

    def build(self, input_shape):
        """Makes the weights."""
        self.one = self.add_weight(shape=(3,), name="kernel")
        self.two = self.add_weight(shape=(3,), name="kernel")


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (lambda: layers.Dense(3, kernel_initializer=ones), "ones is a function"),
        (lambda: layers.Dense(3, kernel_initializer=Ramp()), "Ramp is neither constant nor"),
        (lambda: layers.Dense(3, kernel_initializer=OfKeras()), "OfKeras is neither constant nor"),
        (lambda: NoConfig(3), "NoConfig cannot be rebuilt"),
        (
            lambda: Plain(object(), 3),
            r"must override `get_config\(\)` .* implement `get_config\(\)`\.",
        ),
        (Direct, r"was not made by add_weight\(\)"),
    ],
    ids=["function", "ours", "keras", "no config", "no get_config", "variable"],
)
def test_weights_that_cannot_be_drawn_are_named(layer, reason):
    """Protects the error that names the weights; nothing is changed."""
    drawn = layers.Dense(3, name="drawn")
    model = keras.Sequential([drawn, layer()])
    model.layers[0].build((None, 4))
    model.layers[1].build((None, 3))
    model.built = True
    before = values(drawn.kernel)
    with pytest.raises(
        ValueError, match=rf"(?s)cannot:.*{model.layers[1].name}/kernel: .*{reason}"
    ):
        pyinit.keras.initialize(model, 1)
    assert same_bits(values(drawn.kernel), before)


class Plain(keras.layers.Layer):
    """A layer without get_config(), whose arguments Keras cannot save."""

    def __init__(self, value, units):
        super().__init__()
        self.units = units

    def build(self, shape):
        """Make a kernel."""
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")


def test_arrays_are_set_again():
    """Protects arrays as initial values, given to layers of a layer or as a Constant."""
    kernel = np.arange(12, dtype="float32").reshape(4, 3)
    bias = np.array([1.0, 2.0, 3.0], "float32")
    for take in (lambda array: array, keras.initializers.Constant, pyinit.Constant, pyinit.get):
        model = keras.Sequential(
            [
                keras.Input((5, 4)),
                layers.TimeDistributed(
                    layers.Dense(3, kernel_initializer=take(kernel), bias_initializer=take(bias)),
                    name="dense",
                ),
                layers.Dense(2, name="last"),
            ]
        )
        expected = [values(weight) for weight in model.layers[0].weights]
        assert same_bits(expected[0], kernel)
        for weight in model.weights:
            weight.assign(weight + 1)
        pyinit.keras.initialize(model, 1)
        for weight, array in zip(model.layers[0].weights, expected, strict=True):
            assert same_bits(values(weight), array)
        manifest = pyinit.create_manifest(model, 1)
        assert pyinit.verify(manifest, model)
        assert [tensor.class_names for tensor in manifest.tensors[:2]] == ["Constant"] * 2
        assert pyinit.keras.initialize(model, 1) is None  # the functions have their names again


def test_a_large_array_is_recorded_by_its_fingerprint():
    """Protects models with an embedding matrix: the manifest stays small and is verified."""
    table = np.arange(1025 * 1024, dtype="float32").reshape(1025, 1024)
    embedding = layers.Embedding(1025, 1024, embeddings_initializer=pyinit.Constant(table))
    embedding.build(None)
    manifest = pyinit.create_manifest(embedding, 1)
    assert manifest.tensors[0].segments == ()
    assert manifest.tensors[0].fingerprint == pyinit.fingerprint(table)
    assert pyinit.verify(manifest, embedding)


def test_weights_with_one_path_are_refused():
    """Protects against two weights with the same seed."""
    layer = Twice()
    layer.build((None, 3))
    with pytest.raises(ValueError, match=r"distinct paths.*kernel \(2 weights\)"):
        pyinit.keras.initialize(layer, 1)


def test_subclasses_are_drawn():
    """Protects the user's subclasses, whose call computes the values."""

    class Half(pyinit.HeNormal):
        """HeNormal, halved."""

        def __call__(self, *args, **kwargs):
            """The values."""
            return super().__call__(*args, **kwargs) / 2

    layer = layers.Dense(3, kernel_initializer=Half())
    layer.build((None, 4))
    pyinit.keras.initialize(layer, 1)
    expected = pyinit.HeNormal(pyinit.derive_seed(1, "kernel"))((4, 3)) / 2
    assert same_bits(values(layer.kernel), expected)


def test_bad_arguments_are_refused():
    """Protects the errors."""
    with pytest.raises(TypeError, match="Argument `model` must be a Keras model"):
        pyinit.keras.initialize([1], 1)
    with pytest.raises(ValueError, match="Argument `seed` must be"):
        pyinit.keras.initialize(stack("a"), 1.5)
    unbuilt = keras.Sequential([layers.Dense(3, name="late")], name="whole")
    with pytest.raises(ValueError, match=r"must be built.*whole, late"):
        pyinit.keras.initialize(unbuilt, 1)
