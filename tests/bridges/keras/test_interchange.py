"""Configurations and seeds, exchanged between Keras' classes and ours."""

import inspect
import json

import keras
import numpy as np
import pytest

import pyinit
from pyinit.initializers.registry import CLASSES, NAMES, snake_case
from tests.support import RANDOM, same_bits
from tests.support.keras_models import IN_KERAS


def test_every_name_of_keras_is_known():
    """Protects the aliases: they are those of Keras, and the names of the classes it lacks."""
    from keras.src.initializers import ALL_OBJECTS_DICT

    theirs = {name: cls.__name__ for name, cls in ALL_OBJECTS_DICT.items()}
    theirs = {name: cls for name, cls in theirs.items() if cls != "Initializer"}
    ours = {name: cls.__name__ for name, cls in NAMES.items()}
    for cls in set(CLASSES) - set(IN_KERAS):
        assert ours.pop(cls.__name__) == ours.pop(snake_case(cls.__name__)) == cls.__name__
    assert ours == theirs


@pytest.mark.parametrize("cls", IN_KERAS, ids=lambda cls: cls.__name__)
def test_signatures_are_keras_own(cls):
    """Protects names, order and defaults of the arguments: Keras' first, then the added ones."""
    theirs = inspect.signature(getattr(keras.initializers, cls.__name__)).parameters
    ours = inspect.signature(cls).parameters
    lacking = {pyinit.TruncatedNormal: [("lower", -2.0), ("upper", 2.0)]}.get(cls, [])
    if "batch_axes" in ours:
        lacking = [("batch_axes", None)]
    assert [(p.name, p.default) for p in ours.values()] == [
        *((p.name, p.default) for p in theirs.values()),
        *lacking,
    ]


@pytest.mark.parametrize("cls", IN_KERAS, ids=lambda cls: cls.__name__)
def test_configs_are_exchanged(cls):
    """Protects configs in both directions, through JSON."""
    ours = cls()
    theirs = getattr(keras.initializers, cls.__name__)()
    # Keras' Identity omits its gain from its config
    left_out = {"gain": 1.0} if cls is pyinit.Identity else {}
    assert json.loads(json.dumps(ours.get_config())) == {**theirs.get_config(), **left_out}
    assert type(theirs).from_config(ours.get_config()).get_config() == theirs.get_config()
    assert cls.from_config(theirs.get_config()).get_config() == ours.get_config()


@pytest.mark.parametrize("name", list(RANDOM))
def test_clones_and_configs_draw_the_same(name):
    """Protects from_config and clone: the same arguments, the same weights."""
    initializer = RANDOM[name](12)
    for again in (initializer.clone(), type(initializer).from_config(initializer.get_config())):
        assert again is not initializer
        assert same_bits(again((3, 4)), initializer((3, 4)))


@pytest.mark.parametrize("make", [pyinit.SeedGenerator, keras.random.SeedGenerator])
def test_seed_generators_are_exchanged(make):
    """Protects configs that hold a seed generator, ours or Keras'."""
    ours = pyinit.HeNormal(make(21, name="drawn"))
    theirs = keras.initializers.HeNormal.from_config(ours.get_config())
    assert isinstance(theirs.seed, keras.random.SeedGenerator)
    assert theirs.get_config() == ours.get_config()
    again = pyinit.HeNormal.from_config(json.loads(json.dumps(theirs.get_config())))
    assert isinstance(again.seed, pyinit.SeedGenerator)
    assert (again.seed.seed, again.seed.name) == (21, "drawn")
    assert same_bits(again((2, 3)), pyinit.HeNormal(21)((2, 3)))


def test_keras_seed_generator_is_a_seed():
    """Protects Keras' own generator as a seed: its state is (seed, draw), and moves on."""
    theirs, ours = keras.random.SeedGenerator(31), pyinit.SeedGenerator(31)
    first, second = pyinit.HeNormal(theirs), pyinit.HeNormal(ours)
    for _ in range(3):
        assert same_bits(first((2, 3)), second((2, 3)))
    assert np.asarray(theirs.state).tolist() == [31, 3]


@pytest.mark.parametrize("cls", IN_KERAS, ids=lambda cls: cls.__name__)
def test_serialized_dictionaries_are_read(cls):
    """Protects deserialize(): our own dictionaries, Keras', and those without a module."""
    ours = pyinit.serialize(cls())
    assert set(ours) == {"module", "class_name", "config", "registered_name"}
    theirs = keras.initializers.serialize(getattr(keras.initializers, cls.__name__)())
    bare = {"class_name": cls.__name__, "config": {}}
    for config in (ours, theirs, bare):
        assert type(pyinit.deserialize(config)) is cls
        assert type(pyinit.get(config)) is cls


def test_get_takes_what_a_layer_takes():
    """Protects get(): names, classes, instances, functions, arrays, None."""
    initializer = pyinit.HeNormal(1)
    assert pyinit.get(initializer) is initializer
    assert isinstance(pyinit.get(pyinit.HeNormal), pyinit.HeNormal)
    assert pyinit.get(len) is len
    assert pyinit.get(None) is None
    values = np.arange(6.0).reshape(2, 3)
    of_array = pyinit.get(values)
    assert same_bits(of_array((2, 3), "float16"), values.astype(np.float16))
    assert of_array([2, 3]).dtype == np.float32
    with pytest.raises(ValueError, match="Argument `shape` must"):
        of_array((3, 2))


def test_custom_classes_are_serialized_under_their_own_name():
    """Protects the user's subclasses."""

    class Halves(pyinit.Constant):
        def __init__(self, value=0.5):
            super().__init__(value)

    config = pyinit.serialize(Halves())
    assert (config["class_name"], config["registered_name"]) == ("Halves", None)
    assert type(pyinit.deserialize(config, {"Halves": Halves})) is Halves


def test_compute_fans_is_keras_own():
    """Protects fans of every rank, and by axes: they are those of Keras."""
    from keras.src.initializers.random_initializers import compute_fans

    for shape in [(), (5,), (5, 7), (3, 5, 7), (2, 3, 5, 7), (0, 4), (1, 2, 3, 4, 5)]:
        assert pyinit.compute_fans(shape) == compute_fans(shape)
    for axes in [([0], [1, 2]), ([0, 1], [2]), ([-1], [0]), ([], [1]), (None, [1]), ([1], None)]:
        assert pyinit.compute_fans((2, 3, 5), *axes) == compute_fans((2, 3, 5), *axes)
