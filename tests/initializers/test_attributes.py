"""Attributes that are set later, and names of arguments, are checked as in the constructor."""

import copy
import inspect
import pickle

import pytest

import pyinit
from pyinit.compat import ArgumentError, tf_keras, v1
from pyinit.initializers.registry import CLASSES
from tests.support import same_bits

#: A class, an argument, a bad value, and a good one.
SETTINGS = [
    (pyinit.VarianceScaling, "mode", "rubbish", "fan_out"),
    (pyinit.VarianceScaling, "scale", -1, 2),
    (pyinit.VarianceScaling, "distribution", "t", "normal"),
    (pyinit.HeNormal, "input_axes", 0, [0]),
    (pyinit.RandomNormal, "stddev", "0.1", 0.1),
    (pyinit.RandomUniform, "minval", 2, -2),
    (pyinit.Orthogonal, "gain", None, 2),
    (pyinit.Identity, "gain", "1", 2),
    (pyinit.Constant, "value", "1", [1, 2]),
    (pyinit.STFT, "window", "hand", [1, 2]),
    (pyinit.GlorotUniform, "seed", 0.5, 7),
    (pyinit.SeedGenerator, "seed", 0.5, 7),
    (pyinit.SeedGenerator, "name", 3, "weights"),
    (tf_keras.VarianceScaling, "mode", "rubbish", "fan_out"),
    (tf_keras.Constant, "value", {1: 2}, [1, 2]),
    (v1.random_normal_initializer, "stddev", "0.1", 0.1),
    (v1.glorot_uniform_initializer, "seed", 0.5, 7),
]


@pytest.mark.parametrize(("cls", "name", "bad", "good"), SETTINGS)
def test_attributes_are_checked(cls, name, bad, good):
    """Protects attributes: a bad value is an error at once, a good one is as in the constructor."""
    changed = cls()
    with pytest.raises(ValueError, match=f"Argument `{name}` must be"):
        setattr(changed, name, bad)
    assert getattr(changed, name) == getattr(cls(), name) or name in ("seed", "name")
    setattr(changed, name, good)
    expected = cls(**{name: good}).get_config()
    assert changed.get_config() == {**changed.get_config(), name: expected[name]}
    assert type(changed.get_config()[name]) is type(expected[name])


@pytest.mark.parametrize(
    "cls", [*CLASSES, pyinit.SeedGenerator, tf_keras.HeNormal, v1.initializers.ones]
)
def test_other_attributes_are_errors(cls):
    """Protects against a misspelt attribute, which would be ignored."""
    with pytest.raises(AttributeError, match=f"{cls.__name__} has no attribute 'typo'"):
        cls().typo = 3


def test_messages_name_the_nearest_attribute():
    """Protects the hints."""
    with pytest.raises(AttributeError, match=r"no attribute 'sed' \(did you mean 'seed'\?\)"):
        pyinit.HeNormal().sed = 3
    with pytest.raises(AttributeError, match="'scale' of HeNormal cannot be set: use VarianceSc"):
        pyinit.HeNormal().scale = 3
    with pytest.raises(AttributeError, match="'state' of SeedGenerator cannot be set"):
        pyinit.SeedGenerator().state = (1, 2)


def test_values_follow_the_attributes():
    """Protects the values, and the arguments that are not set: an unseeded seed stays."""
    initializer = pyinit.VarianceScaling()
    seed = initializer.seed
    initializer.mode, initializer.scale = "fan_out", 3.0
    assert (initializer.seed, initializer.get_config()["seed"]) == (seed, None)
    expected = pyinit.VarianceScaling(3.0, "fan_out", seed=seed)
    assert same_bits(initializer((2, 3)), expected((2, 3)))
    generator = pyinit.SeedGenerator(1)
    generator.next()
    generator.name = "other"
    assert generator.state == (1, 1)
    generator.seed = 5
    assert generator.state == (5, 0)
    old = v1.random_normal_initializer(seed=1)
    old((2,))
    old.seed = 2
    assert same_bits(old((2,)), v1.random_normal_initializer(seed=2)((2,)))
    assert tf_keras.RandomUniform(0, None).get_config()["maxval"] is None


def test_subclasses_of_users_have_attributes_of_their_own():
    """Protects users' classes: their arguments and attributes, and the checks of ours."""

    class Shifted(pyinit.RandomNormal):
        def __init__(self, shift, *args, **kwargs):
            self.shift = shift
            super().__init__(*args, **kwargs)
            self.later = 1

    shifted = Shifted(3, stddev=2.0, seed=1)
    shifted.shift, shifted.more = 4, 5
    assert (shifted.shift, shifted.later, shifted.stddev) == (4, 1, 2.0)
    with pytest.raises(ValueError, match="Argument `stddev` must"):
        shifted.stddev = -1
    for one in (copy.copy(shifted), pickle.loads(pickle.dumps(pyinit.HeNormal(1)))):
        assert one.seed == 1
    assert list(inspect.signature(Shifted).parameters) == ["shift", "args", "kwargs"]


@pytest.mark.parametrize(
    ("cls", "args", "arguments", "message"),
    [
        (pyinit.HeNormal, (), {"sed": 1}, r"no argument 'sed' \(did you mean 'seed'\?\)"),
        (pyinit.RandomNormal, (), {"std": 1}, r"no argument 'std' \(did you mean 'stddev'\?\)"),
        (pyinit.Zeros, (), {"value": 1}, r"no argument 'value'\. It takes no arguments"),
        (pyinit.Zeros, (1,), {}, "Too many arguments"),
        (pyinit.GlorotUniform, (1, None, None, None, 2), {}, r"Too many .*5\. It takes seed"),
        (pyinit.LecunNormal, (1,), {"seed": 1}, "received the argument 'seed' twice"),
        (pyinit.SeedGenerator, (), {"sead": 1}, r"did you mean 'seed'\?"),
        (tf_keras.HeNormal, (), {"sed": 1}, r"no argument 'sed' \(did you mean 'seed'\?\)"),
        (v1.initializers.zeros, (), {"dtyp": "int8"}, r"did you mean 'dtype'\?"),
    ],
)
def test_misspelt_arguments_name_the_public_class(cls, args, arguments, message):
    """Protects the error for an unknown argument: the class, the argument, the nearest name."""
    with pytest.raises(TypeError, match=message) as raised:
        cls(*args, **arguments)
    assert f"{cls.__name__}()" in str(raised.value)


def test_subclasses_without_a_constructor_take_no_arguments():
    """Protects against arguments that would be ignored."""

    class Halves(pyinit.Initializer):
        pass

    with pytest.raises(TypeError, match=r"Too many arguments for Halves\(\): 1"):
        Halves(3)


@pytest.mark.parametrize("cls", CLASSES)
def test_signatures_are_those_of_the_constructors(cls):
    """Protects help() and inspect, which would show the signature of __new__."""
    if cls in (pyinit.Zeros, pyinit.Ones):
        assert not inspect.signature(cls).parameters
        return
    names = list(inspect.signature(cls.__init__).parameters)[1:]
    assert list(inspect.signature(cls).parameters) == names
    assert list(inspect.signature(cls()).parameters)[:2] == ["shape", "dtype"]


def test_errors_of_compat_stay_argument_errors():
    """Protects except clauses for either exception."""
    with pytest.raises(ArgumentError):
        tf_keras.HeNormal().seed = "1"
