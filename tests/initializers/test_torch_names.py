"""The names of torch.nn.init, compared with torch where it is installed."""

import math

import numpy as np
import pytest

import pyinit
from pyinit.initializers.torch_names import NONLINEARITIES
from tests.support import same_bits

SHAPE = (200, 300)
NAMES = ("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal")
#: Arguments that torch and pyinit have in common.
CASES = [
    *[(name, {}) for name in NAMES],
    *[(name, {"gain": gain}) for name in NAMES[:2] for gain in (0.3, 5 / 3)],
    *[(name, {"a": a}) for name in NAMES[2:] for a in (0.2, -1.5, math.sqrt(5))],
    *[(name, {"mode": "fan_out"}) for name in NAMES[2:]],
    *[
        (name, {"nonlinearity": nonlinearity})
        for name in NAMES[2:]
        for nonlinearity in NONLINEARITIES
    ],
]


def make(name, **arguments):
    return getattr(pyinit, f"initializer_{name}")(**arguments)


def bound_of(initializer, shape=SHAPE):
    """Return the standard deviation or the limit of a distribution in float64."""
    distribution = initializer.lazy(shape, "float64")._distribution
    return -distribution.location if distribution.family == "uniform" else distribution.scale


@pytest.mark.parametrize("name", NAMES)
def test_get_knows_the_names(name):
    """Protects the names of users of torch, also in configurations."""
    expected = make(name, seed=3)
    for found in (pyinit.get(name), pyinit.get({"class_name": name, "config": {}})):
        assert isinstance(found, pyinit.VarianceScaling)
        assert same_bits(found.with_seed(3)((4, 5)), expected((4, 5)))
    config = {"class_name": name, "config": {"seed": 3, "batch_axes": [0]}}
    assert pyinit.get(config).batch_axes == [0]
    with pytest.raises(
        ValueError, match=f"Argument `config` must be a dictionary of arguments of .*{name}"
    ):
        pyinit.get({"class_name": name, "config": {"slope": 3}})
    plan = [{"name": "w", "shape": [4, 5], "initializer": name}]
    (tensor,) = pyinit.create_manifest(plan, seed=1).tensors
    assert type(tensor.segments[0].initializer) is pyinit.VarianceScaling


def test_uniform_ones_are_those_of_keras():
    """Protects the bits: torch's defaults are Glorot uniform and He uniform."""
    for name, cls in (("xavier_uniform", "GlorotUniform"), ("kaiming_uniform", "HeUniform")):
        assert same_bits(make(name, seed=1)(SHAPE), getattr(pyinit, cls)(seed=1)(SHAPE))


def test_normal_ones_are_not_truncated():
    """Protects torch's distribution: Keras' Glorot normal and He normal are truncated."""
    for name, cls in (("xavier_normal", "GlorotNormal"), ("kaiming_normal", "HeNormal")):
        values, theirs = make(name, seed=1)(SHAPE), getattr(pyinit, cls)(seed=1)(SHAPE)
        assert abs(values).max() > 4 * values.std()
        assert abs(theirs).max() < 2.3 * theirs.std()
        assert abs(values.std() / theirs.std() - 1) < 0.01


@pytest.mark.backends
@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
def test_gains_are_those_of_torch(nonlinearity):
    """Protects the values: they are torch's, to the last bit."""
    torch = pytest.importorskip("torch")
    assert pyinit.calculate_gain(nonlinearity) == torch.nn.init.calculate_gain(nonlinearity)
    if nonlinearity == "leaky_relu":
        for slope in (0, 0.2, -3, 1e3, np.float32(0.25)):
            theirs = torch.nn.init.calculate_gain(nonlinearity, float(slope))
            assert pyinit.calculate_gain(nonlinearity, slope) == theirs


@pytest.mark.backends
@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_bounds_are_those_of_torch(name, arguments):
    """Protects limits and standard deviations: they are those that torch draws with."""
    torch = pytest.importorskip("torch")
    drawn_with = []

    class Noting(torch.Tensor):
        def uniform_(self, low, high, **_):
            assert low == -high
            drawn_with.append(high)
            return self

        def normal_(self, mean, std, **_):
            assert mean == 0
            drawn_with.append(std)
            return self

    # torch's matrices are (outputs, inputs)
    getattr(torch.nn.init, f"{name}_")(torch.empty(SHAPE[::-1]).as_subclass(Noting), **arguments)
    assert bound_of(make(name, seed=1, **arguments)) == pytest.approx(drawn_with[0], rel=1e-15)


@pytest.mark.parametrize(
    ("nonlinearity", "gain"), [("sigmoid", 1), ("tanh", 5 / 3), ("relu", 2**0.5), ("selu", 0.75)]
)
def test_gains(nonlinearity, gain):
    """Protects the gains without torch, and their use in kaiming_*."""
    assert pyinit.calculate_gain(nonlinearity) == gain
    initializer = pyinit.initializer_kaiming_normal(nonlinearity=nonlinearity, seed=1)
    assert bound_of(initializer) == pytest.approx(gain / math.sqrt(SHAPE[0]), rel=1e-15)


MISTAKES = [
    *[("nonlinearity", lambda v=v: pyinit.calculate_gain(v)) for v in ("ReLU", "gelu", None, 3)],
    *[("param", lambda v=v: pyinit.calculate_gain("leaky_relu", v)) for v in ("a", math.nan, True)],
    ("param", lambda: pyinit.calculate_gain("relu", 0.2)),
    *[("gain", lambda v=v: make("xavier_uniform", gain=v)) for v in (0, -1, math.inf, "1", None)],
    *[("gain", lambda v=v: make("xavier_normal", gain=v)) for v in (1e200, 1e-200, 10**200)],
    *[("a", lambda v=v: make("kaiming_normal", a=v)) for v in (None, "0", math.nan, 1e200)],
    ("a", lambda: make("kaiming_uniform", a=0.1, nonlinearity="relu")),
    *[("mode", lambda v=v: make("kaiming_normal", mode=v)) for v in ("fan_avg", None)],
    ("nonlinearity", lambda: make("kaiming_uniform", nonlinearity="gelu")),
    ("seed", lambda: make("kaiming_uniform", seed="x")),
    ("batch_axes", lambda: make("xavier_normal", batch_axes="x")),
]


@pytest.mark.parametrize(("name", "call"), MISTAKES)
def test_mistakes_are_named(name, call):
    """Protects users of torch's names from arguments that are ignored."""
    with pytest.raises(ValueError, match=rf"Argument `{name}` must be .*Received: {name}="):
        call()
