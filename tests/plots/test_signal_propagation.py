"""The spread of a signal through dense layers: against definition, finite differences and Keras."""

import json

import numpy as np
import pytest

import pyinit
from pyinit.plots.signal_propagation import ACTIVATIONS, signal_propagation
from tests.support import DATA

CASES = json.loads((DATA / "signal_propagation.json").read_text())


def drawn(name, shape, seed=1):
    """Draw a standard normal array as the definition says."""
    initializer = pyinit.RandomNormal(0, 1, pyinit.derive_seed(seed, name))
    return initializer(shape).astype(np.float64)


def output(x, kernels, function):
    for kernel in kernels:
        x = function(x @ kernel)
    return x


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_definition(activation):
    """Protects the definition: seeds, input, formulas, and gradients, by finite differences."""
    depth, width, rows = 3, 6, 4
    found = signal_propagation(
        ["he_normal"], depth=depth, width=width, activation=activation, batch_size=rows
    )
    function = ACTIVATIONS[activation][0]
    kernels = [
        pyinit.HeNormal(pyinit.derive_seed(1, f"layer_{layer}/kernel"))((width, width))
        for layer in range(1, depth + 1)
    ]
    x, gradient = drawn("input", (rows, width)), drawn("gradient", (rows, width))
    kernels = [kernel.astype(np.float64) for kernel in kernels]
    for layer in range(depth + 1):
        at_layer = output(x, kernels[:layer], function)
        assert found.activations[0, layer] == pytest.approx(np.std(at_layer), rel=1e-12)
        differences = np.empty_like(x)
        step = 1e-6
        for index in np.ndindex(x.shape):
            losses = []
            for sign in (1, -1):
                moved = at_layer.copy()
                moved[index] += sign * step
                losses.append(np.sum(gradient * output(moved, kernels[layer:], function)))
            differences[index] = (losses[0] - losses[1]) / (2 * step)
        assert found.gradients[0, layer] == pytest.approx(np.std(differences), rel=1e-6)


def test_activations_are_those_of_keras():
    """Protects users who choose an activation by its name in Keras."""
    keras = pytest.importorskip("keras")
    z = np.linspace(-30, 30, 601)
    for name, (function, _) in ACTIVATIONS.items():
        expected = np.asarray(getattr(keras.activations, name)(z.astype(np.float32)))
        np.testing.assert_allclose(function(z), expected, rtol=2e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["arguments"]["activation"])
def test_committed_numbers(case):
    """Protects other implementations of the definition, which read the same file."""
    found = signal_propagation(case["initializers"], **case["arguments"])
    np.testing.assert_allclose(found.activations, case["activations"], rtol=1e-9)
    np.testing.assert_allclose(found.gradients, case["gradients"], rtol=1e-9)


def test_labels():
    """Protects the legend: the arguments that are not the defaults, without the seed."""
    initializers = [
        "he_normal",
        pyinit.HeNormal(seed=3),
        pyinit.RandomNormal(stddev=0.3),
        pyinit.HeNormal,
        {"class_name": "Orthogonal", "config": {"gain": 2}},
        pyinit.Constant(np.ones(4)),
        pyinit.VarianceScaling(2.0, "fan_out", batch_axes=()),
    ]
    assert signal_propagation(initializers, depth=1, width=4).labels == (
        "he_normal",
        "HeNormal()",
        "RandomNormal(stddev=0.3)",
        "HeNormal() (2)",
        "Orthogonal(gain=2)",
        "Constant(value=array of shape (4,))",
        "VarianceScaling(scale=2.0, mode='fan_out')",
    )
    assert signal_propagation("zeros", depth=1, width=4).labels == ("zeros",)
    assert signal_propagation({"a": "zeros"}, depth=1, width=4).labels == ("a",)


def test_seeds():
    """Protects comparisons: initializers of one plot differ in their distribution alone."""
    generator = pyinit.SeedGenerator(5)
    given = [pyinit.HeNormal(seed=1), pyinit.HeNormal(seed=2), pyinit.HeNormal(seed=generator)]
    found = signal_propagation(given, depth=3, width=8)
    assert (found.activations == found.activations[0]).all()
    assert generator.state == (5, 0)
    other = signal_propagation(given, depth=3, width=8, seed=2)
    assert (other.activations[0] != found.activations[0]).all()


def test_signals_that_explode_or_vanish():
    """Protects the numbers of bad initializers: 0, infinity and NaN, without a warning."""
    zeros = signal_propagation("zeros", depth=3, width=8)
    assert zeros.activations[0, 0] > 0
    assert (zeros.activations[0, 1:] == 0).all()
    assert (zeros.gradients[0, :-1] == 0).all()
    huge = signal_propagation(pyinit.Constant(1e38), depth=12, width=8)
    assert np.isfinite(huge.activations[0, :5]).all()
    assert not np.isfinite(huge.activations[0, -1])
    # squares of 1e200 would overflow
    assert signal_propagation(pyinit.Constant(1e38), depth=6, width=8).activations[0, -1] > 1e200


ERRORS = {
    "depth": ({"depth": 0}, "`depth` must be a positive integer. Received: depth=0"),
    "float": ({"depth": 2.0}, "`depth` must be a positive integer. Received: depth=2.0"),
    "width": ({"width": "8"}, "`width` must be a positive integer"),
    "batch_size": ({"batch_size": True}, "`batch_size` must be a positive integer"),
    "activation": ({"activation": "gelu"}, "`activation` must be one of 'linear', 'relu'"),
    "seed": ({"seed": None}, "`seed` must be an integer from -2"),
    "none": ({"initializers": []}, "`initializers` must be at least one initializer"),
    "name": ({"initializers": ["he"]}, "`initializers` must be the name of an initializer"),
    "null": ({"initializers": [None]}, "`initializers` must be initializers of pyinit"),
    "callable": ({"initializers": [print]}, "`initializers` must be initializers of pyinit"),
    "label": ({"initializers": {1: "zeros"}}, "`initializers` must be a dictionary whose keys"),
    "rank": ({"initializers": [pyinit.Dirac()]}, r"fill the shape \(8, 8\) \(.*rank 3, 4 or 5"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    """Protects users who make a mistake: the message names the argument."""
    arguments, message = ERRORS[name]
    with pytest.raises(ValueError, match=message):
        signal_propagation(**{"initializers": "zeros", "depth": 2, "width": 8, **arguments})
