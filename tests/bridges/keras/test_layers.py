"""Our initializers in Keras' layers, on the backend that Keras has in this process."""

import copy
import pickle

import keras
import numpy as np
import pytest

import pyinit
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.initializers.registry import CLASSES
from tests.support import same_bits
from tests.support.keras_models import IN_KERAS, LAYERS, build, initializer_arguments, values

ARGUMENTS = initializer_arguments()
CASES = [(layer, argument) for layer in ARGUMENTS for argument in ARGUMENTS[layer]]
POLICIES = {
    "float32": "float32",
    "float16": "float16",
    "bfloat16": "bfloat16",
    "mixed_bfloat16": "float32",
}


def drawn(initializer, shape, dtype="float32") -> np.ndarray:
    """Return the expected weight of an initializer, in the form of `values`."""
    array = initializer(tuple(shape), dtype=dtype)
    return array.astype(np.float32) if dtype == "bfloat16" else array


def test_every_layer_with_an_initializer_is_tested():
    """Protects the list of layers: a newer Keras may add one."""
    assert set(ARGUMENTS) == set(LAYERS)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("layer", "argument"), CASES, ids=lambda case: case)
def test_layers_hold_our_values(layer, argument, policy):
    """Protects every initializer argument of every layer, under every float policy."""
    initializer = pyinit.RandomNormal(0.5, 0.25, 7)
    weights = build(layer, dtype=keras.DTypePolicy(policy), **{argument: initializer}).weights
    dtype = POLICIES[policy]
    assert {weight.dtype for weight in weights} == {dtype}
    ours = [w for w in weights if same_bits(values(w), drawn(initializer, w.shape, dtype))]
    assert ours, [weight.path for weight in weights]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_serves_a_layer(cls):
    """Protects every initializer in add_weight(), by object and as the value of a variable."""
    initializer = cls()
    is_kernel = cls in (pyinit.STFT, pyinit.DeltaOrthogonal, pyinit.Dirac)
    shape = (6, 1, 4) if is_kernel else (6, 4)
    layer = keras.layers.Layer()
    weight = layer.add_weight(shape=shape, initializer=initializer)
    assert same_bits(values(weight), initializer(shape))
    variable = keras.Variable(initializer, shape=shape, dtype="float16")
    assert same_bits(values(variable), initializer(shape, "float16"))


class Subclassed(keras.Model):
    """A model whose layers are built by its first call."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3, kernel_initializer=pyinit.HeNormal(4))

    def call(self, inputs):
        """The forward pass."""
        return self.dense(inputs)


def functional() -> keras.Model:
    inputs = keras.Input((5,))
    return keras.Model(inputs, keras.layers.Dense(3, kernel_initializer=pyinit.HeNormal(4))(inputs))


@pytest.mark.parametrize(
    "make",
    [
        functional,
        Subclassed,
        lambda: keras.Sequential([keras.layers.Dense(3, kernel_initializer=pyinit.HeNormal(4))]),
    ],
    ids=["functional", "subclassed", "sequential"],
)
def test_every_kind_of_model_holds_our_values(make):
    """Protects models built at construction and models built by their first call."""
    model = make()
    outputs = values(model(np.ones((2, 5), "float32")))
    kernel = pyinit.HeNormal(4)((5, 3))
    assert same_bits(values(model.weights[0]), kernel)
    np.testing.assert_allclose(outputs, np.ones((2, 5)) @ kernel, rtol=1e-5)


def test_optimizers_hold_our_values():
    """Protects an optimizer's own variables."""
    optimizer = keras.optimizers.SGD()
    kernel = keras.Variable(pyinit.HeNormal(1), shape=(3, 2))
    slot = optimizer.add_variable_from_reference(kernel, "slot", pyinit.Constant(0.5))
    assert same_bits(values(slot), np.full((3, 2), 0.5, np.float32))
    variable = optimizer.add_variable((4,), pyinit.RandomUniform(seed=2))
    assert same_bits(values(variable), pyinit.RandomUniform(seed=2)((4,)))


def test_attention_gets_the_axes():
    """Protects the fans of attention, whose axes Keras passes to its own classes only."""
    attention = build("MultiHeadAttention", kernel_initializer=pyinit.GlorotUniform(5))
    expected = {
        "query": ((5, 2, 3), [0], [1, 2]),
        "key": ((5, 2, 3), [0], [1, 2]),
        "value": ((5, 2, 3), [0], [1, 2]),
        "attention_output": ((2, 3, 5), [0, 1], [2]),
    }
    kernels = {w.path.split("/")[-2]: w for w in attention.weights if w.name == "kernel"}
    assert set(kernels) == set(expected)
    for name, (shape, inputs, outputs) in expected.items():
        values_of_axes = pyinit.GlorotUniform(5, inputs, outputs)(shape)
        assert same_bits(values(kernels[name]), values_of_axes)
        assert not same_bits(values_of_axes, pyinit.GlorotUniform(5)(shape))


@pytest.mark.parametrize("name", ["DepthwiseConv2D", "SeparableConv2D"])
def test_depthwise_convolutions_take_the_users_axes(name):
    """Protects the axes that docs/keras.md shows; without them, the fans are Keras' own."""
    axes = {"input_axes": [0, 1], "output_axes": [0, 1, 3]}
    sizes = {"filters": 8} if name == "SeparableConv2D" else {}
    limits = []
    for arguments in ({}, axes):
        layer = getattr(keras.layers, name)(
            kernel_size=3,
            depth_multiplier=2,
            depthwise_initializer=pyinit.HeUniform(seed=5, **arguments),
            **sizes,
        )
        layer.build((None, 8, 8, 64))
        kernel = values(getattr(layer, "depthwise_kernel", layer.weights[0]))
        assert kernel.shape == (3, 3, 64, 2)
        assert same_bits(kernel, pyinit.HeUniform(seed=5, **arguments)((3, 3, 64, 2)))
        limits.append(np.abs(kernel).max())
        again = type(layer).from_config(layer.get_config())
        again.build((None, 8, 8, 64))
        assert same_bits(values(again.weights[0]), values(layer.weights[0]))
    # sqrt(6 / fan_in), with a fan_in of 9 * 64 and of 9
    assert 0.99 < limits[0] / (6 / 576) ** 0.5 <= 1
    assert 0.99 < limits[1] / (6 / 9) ** 0.5 <= 1


@pytest.mark.parametrize("name", ["EinsumDense", "MultiHeadAttention", "GroupQueryAttention"])
def test_attention_gets_the_axes_that_keras_gets(name, monkeypatch):
    """Protects the fans: Keras passes the same axes to its own class."""
    passed = {}
    for module in (keras.initializers, pyinit):
        axes = passed[module] = []
        cls = module.VarianceScaling
        call = cls.__call__

        def note(self, shape, *args, axes=axes, call=call, **kwargs):
            axes.append((tuple(shape), list(self.input_axes), list(self.output_axes)))
            return call(self, shape, *args, **kwargs)

        monkeypatch.setattr(cls, "__call__", note)
        build(name, kernel_initializer=cls(2.0, "fan_out", seed=1))
    assert passed[pyinit] == passed[keras.initializers]
    assert passed[pyinit]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_ours_are_keras_initializers(cls):
    """Protects isinstance(), __class__, and construction, which makes our own class."""
    initializer = cls()
    theirs = keras.initializers.Initializer
    if cls in IN_KERAS:
        theirs = getattr(keras.initializers, cls.__name__)
    assert isinstance(initializer, theirs)
    assert isinstance(initializer, keras.initializers.Initializer)
    assert isinstance(initializer, cls)
    assert type(initializer) is cls
    shown = initializer.__class__
    assert issubclass(shown, cls)
    assert issubclass(shown, theirs)
    assert shown == cls
    assert shown.__name__ == cls.__name__
    assert type(shown.from_config(initializer.get_config())) is cls
    others = {"VarianceScaling", "RandomNormal", "Zeros"} - {c.__name__ for c in cls.__mro__}
    for name in others:
        assert not isinstance(initializer, getattr(keras.initializers, name))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_initializers_are_copied(random_class, protocol):
    """Protects both implementations of pickle, and copy, which read __class__."""
    initializer = random_class(3)
    pickled = pickle._dumps(initializer, protocol)
    again = [
        copy.copy(initializer),
        copy.deepcopy(initializer),
        pickle.loads(pickle.dumps(initializer, protocol)),
        pickle.loads(pickled),
    ]
    for other in again:
        assert type(other) is type(initializer)
        assert same_bits(other((4, 3)), initializer((4, 3)))


@pytest.mark.parametrize("dtype", ["int32", "bool", "float8_e4m3fn"])
def test_a_dtype_that_cannot_be_drawn_is_refused(dtype):
    """Protects the error of integer dtypes, for which Keras gives zeros."""
    layer = keras.layers.Layer()
    with pytest.raises(ValueError, match=f"Argument `dtype` must be .*{dtype}"):
        layer.add_weight(shape=(2, 3), dtype=dtype, initializer=pyinit.HeNormal(1))


def test_constants_serve_integer_weights():
    """Protects constants of integer and bool weights."""
    weight = keras.layers.Layer().add_weight(
        shape=(2, 3), dtype="int32", initializer=pyinit.Constant(3), trainable=False
    )
    assert same_bits(values(weight), np.full((2, 3), 3, np.int32))


# JAX stores float64 as float32
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64:UserWarning")
def test_a_policy_of_the_users_own():
    """Protects a layer whose policy is the user's class."""

    class Halves(keras.DTypePolicy):
        """Weights in float64, computation in float16."""

        def _parse_name(self, name):
            return "float16", "float64"

    layer = keras.layers.Dense(3, kernel_initializer=pyinit.HeNormal(1), dtype=Halves("halves"))
    layer.build((None, 4))
    assert values(layer.kernel).dtype.name in {"float64", "float32"}
    np.testing.assert_allclose(values(layer.kernel), pyinit.HeNormal(1)((4, 3)), rtol=1e-6)


def test_an_unknown_dimension_is_refused():
    """Protects the error of a shape with None, which shows the shape."""
    with pytest.raises(ValueError, match=r"\(None, 3\)"):
        keras.layers.Layer().add_weight(shape=(None, 3), initializer=pyinit.HeNormal(1))
    with pytest.raises(ValueError, match=r"Argument `shape` must .*None"):
        pyinit.HeNormal(1)((None, 3))


# JAX stores float64 as float32
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64:UserWarning")
@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_dtypes_of_the_backend_are_known(dtype):
    """Protects a dtype given as the backend's own object."""
    tensor = keras.ops.zeros((1,), dtype)
    array = pyinit.HeNormal(1)((2, 3), dtype=tensor.dtype)
    assert array.dtype.name == keras.backend.standardize_dtype(tensor.dtype)


@pytest.mark.parametrize("equation", ["ebd,edh->ebh", "bed,edh->beh"])
@pytest.mark.parametrize("batch_axes", [0, [0]])
def test_experts_have_the_fans_of_one(equation, batch_axes):
    """Protects EinsumDense over experts, whose axis Keras counts as an output."""
    shape = (4, None, 8) if equation.startswith("e") else (None, 4, 8)
    sizes = tuple({"e": 4, "h": 16}.get(axis) for axis in equation[-2:])
    initializer = pyinit.GlorotNormal(5, batch_axes=batch_axes)
    layer = keras.layers.EinsumDense(equation, sizes, kernel_initializer=initializer)
    layer.build(shape)
    expected = pyinit.GlorotNormal(5, batch_axes=0)((4, 8, 16))
    assert same_bits(values(layer.kernel), expected)
    again = keras.layers.EinsumDense.from_config(layer.get_config())
    again.build(shape)
    assert same_bits(values(again.kernel), expected)
    # counted from the end, the axis is not known to be the output that Keras counts from the start
    layer = keras.layers.EinsumDense(
        equation, sizes, kernel_initializer=pyinit.GlorotNormal(5, batch_axes=-3)
    )
    with pytest.raises(ValueError, match=r"`batch_axes` must be axes that are not in output_axes"):
        layer.build(shape)


@pytest.mark.parametrize("batch_axes", [0, 3, -1, [-2, -1]])
def test_copies_keep_axes(batch_axes):
    """Protects the user's axes in the copies that Keras makes, which are of our class."""
    axes = {"input_axes": [1], "output_axes": [2], "batch_axes": batch_axes}
    initializer = pyinit.HeNormal(5, **axes)
    config = initializer.get_config()
    assert initializer.__class__.from_config(config).get_config() == config
