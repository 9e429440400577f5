"""The numbers of a plot: densities, histograms, the parts of large tensors that are read."""

import math

import numpy as np
import pytest
import scipy.stats

import pyinit
from pyinit.plots.tensor_numbers import as_lazy, tensor_numbers


def numbers_of(*arguments):
    return tensor_numbers(as_lazy(*arguments)[1])


def he_stddev(fan_in):
    """Return the standard deviation before truncation."""
    return math.sqrt(2 / fan_in) / 0.87962566103423978


#: A tensor and its distribution by SciPy.
DENSITIES = {
    "uniform": (pyinit.RandomUniform(-1, 3, seed=1), scipy.stats.uniform(-1, 4)),
    "normal": (pyinit.RandomNormal(0.5, 2, seed=1), scipy.stats.norm(0.5, 2)),
    "truncated": (
        pyinit.TruncatedNormal(0.5, 2, seed=1),
        scipy.stats.truncnorm(-2, 2, loc=0.5, scale=2),
    ),
    "one_side": (
        pyinit.TruncatedNormal(0.5, 2, 1, 0, math.inf),
        scipy.stats.truncnorm(0, math.inf, loc=0.5, scale=2),
    ),
    "bounds": (
        pyinit.TruncatedNormal(0.5, 2, 1, -1, 3),
        scipy.stats.truncnorm(-1, 3, loc=0.5, scale=2),
    ),
    "tail": (
        pyinit.TruncatedNormal(0.5, 2, 1, 5, 6),
        scipy.stats.truncnorm(5, 6, loc=0.5, scale=2),
    ),
    "he_normal": (pyinit.HeNormal(seed=1), scipy.stats.truncnorm(-2, 2, scale=he_stddev(100))),
    "glorot_uniform": (pyinit.GlorotUniform(seed=1), scipy.stats.uniform(-0.2, 0.4)),
    "orthogonal": (
        pyinit.Orthogonal(2, seed=1),
        # a coordinate of a point on a sphere of radius 2, shifted to [0, 1], has a beta
        # distribution
        scipy.stats.beta(99 / 2, 99 / 2, loc=-2, scale=4),
    ),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_densities_are_those_of_scipy(name):
    """Protects the curve that readers compare the histogram with."""
    initializer, expected = DENSITIES[name]
    x, density = numbers_of(initializer, (100, 50)).curve
    # float32 rounds the parameters, which shifts the bounds
    inside = slice(6, -6)
    np.testing.assert_allclose(density[inside], expected.pdf(x[inside]), rtol=2e-5)
    assert density[0] == density[-1] == 0 or initializer.__class__.__name__ in (
        "RandomNormal",
        "Orthogonal",
        "TruncatedNormal",
    )


@pytest.mark.parametrize("name", DENSITIES)
def test_values_have_that_density(name):
    """Protects the match of curve and histogram: values are drawn from the density shown."""
    initializer, expected = DENSITIES[name]
    if name == "orthogonal":
        # the elements of one matrix depend on each other: one element of many matrices
        initializer = pyinit.Orthogonal(2, seed=1, batch_axes=0)
        values = initializer.lazy((2000, 100, 1), "float64")[:, 0, 0]
    else:
        values = initializer.lazy((100, 50), "float64")[...].ravel()
    assert scipy.stats.kstest(values, expected.cdf).pvalue > 1e-3


def test_the_histogram_is_that_of_the_values():
    """Protects the bars: densities, whose area is 1."""
    values = pyinit.HeNormal(seed=3)((100, 70))
    numbers = numbers_of(pyinit.HeNormal(seed=3), (100, 70))
    expected, _ = np.histogram(values.astype(np.float64), numbers.edges, density=True)
    np.testing.assert_allclose(numbers.heights, expected)
    assert np.sum(numbers.heights * np.diff(numbers.edges)) == pytest.approx(1)
    assert numbers.mean == pytest.approx(values.astype(np.float64).mean())
    assert numbers.stddev == pytest.approx(values.astype(np.float64).std())
    assert numbers.expected_mean == 0
    assert numbers.expected_stddev == pytest.approx(math.sqrt(2 / 100))


ATOMS = {
    "zeros": (pyinit.Zeros(), (3, 4), [(0, 1, 1)]),
    "constant": (pyinit.Constant(0.1), (3,), [(float(np.float32(0.1)), 1, 1)]),
    "identity": (pyinit.Identity(3), (4, 6), [(0, 20 / 24, 20 / 24), (3, 4 / 24, 4 / 24)]),
    "one_by_one": (pyinit.Identity(3), (1, 1), [(3, 1, 1)]),
    "dirac": (pyinit.Dirac(2), (3, 4, 8), [(0, 88 / 96, 88 / 96), (1, 8 / 96, 8 / 96)]),
    "no_variance": (pyinit.RandomNormal(0.1, 0, 1), (5,), [(float(np.float32(0.1)), 1, 1)]),
    "no_gain": (pyinit.Orthogonal(0, 1), (5, 2), [(0, 1, 1)]),
    "delta": (pyinit.DeltaOrthogonal(seed=1), (3, 3, 4, 4), [(0, 8 / 9, 8 / 9)]),
    "array": (
        np.array([1.0, 1.0, 5.0, 2.0]),
        None,
        [(1, 0.5, None), (2, 0.25, None), (5, 0.25, None)],
    ),
    "bool": (pyinit.Ones(), (2, 2), [(1, 1, 1)]),
}


@pytest.mark.parametrize("name", ATOMS)
def test_atoms(name):
    """Protects the bars of values that many elements have, and their probabilities."""
    initializer, shape, expected = ATOMS[name]
    numbers = numbers_of(initializer, shape, "bool" if name == "bool" else None)
    found = [(atom.value, atom.share, atom.expected) for atom in numbers.atoms]
    assert [atom[0] for atom in found] == [atom[0] for atom in expected]
    for index in (1, 2):
        assert [atom[index] for atom in found] == pytest.approx([atom[index] for atom in expected])
    assert (numbers.edges.size > 0) == (name == "delta")


def test_the_sign_of_a_single_element():
    """Protects the smallest orthogonal matrix: 1 and -1 are equally likely."""
    atoms = numbers_of(pyinit.Orthogonal(seed=1), (1, 1)).atoms
    assert [(atom.value, atom.expected) for atom in atoms] == [(-1, 0.5), (1, 0.5)]
    assert sum(atom.share for atom in atoms) == 1


def test_values_that_are_not_finite():
    """Protects plots of constants such as NaN: they are counted, not drawn."""
    numbers = numbers_of(np.array([1.0, math.nan, math.inf, 3.0]))
    assert (numbers.count, numbers.infinite, numbers.mean) == (4, 2, 2)
    assert numbers_of(pyinit.Constant(math.nan), (2, 2)).infinite == 4


def test_a_large_tensor_is_read_in_part():
    """Protects memory and time: this tensor has 8 PB."""
    weights = pyinit.HeNormal(seed=1).lazy((1_000_000, 1000, 2_000_000))
    numbers = tensor_numbers(weights)
    assert 2**18 < numbers.count <= 2**20
    assert not numbers.is_whole
    assert numbers.corner == (1, 512, 512)
    np.testing.assert_array_equal(numbers.image, weights[0, :512, :512])
    sample = weights[tuple(slice(None, None, step) for step in numbers.steps)].astype(np.float64)
    assert numbers.count == sample.size
    assert numbers.mean == sample.mean()


def test_a_part_has_no_theory_that_holds_for_the_whole():
    """Protects honesty: ones are more frequent in a part of an identity matrix."""
    numbers = numbers_of(pyinit.Identity(), (100_000, 1000))
    assert not numbers.is_whole
    assert [atom.expected for atom in numbers.atoms] == [None, None]


VIEWS = {
    (): lambda x: x.reshape(1, 1),
    (5,): lambda x: x.reshape(1, 5),
    (4, 3): lambda x: x,
    (3, 4, 5): lambda x: x.reshape(12, 5),
    (2, 3, 4, 5): lambda x: np.block([[x[i, j] for j in range(3)] for i in range(2)]),
    (2, 3, 2, 4, 5): lambda x: np.concatenate(
        [np.block([list(x[i, j]) for j in range(3)]) for i in range(2)]
    ),
}


@pytest.mark.parametrize("shape", VIEWS, ids=str)
def test_views(shape):
    """Protects the image: which element is at which place."""
    weights = pyinit.HeNormal(seed=1).lazy(shape)
    np.testing.assert_array_equal(tensor_numbers(weights).image, VIEWS[shape](weights[...]))


def test_kernels_are_cut_between_matrices():
    """Protects images of large kernels: they show whole matrices, in C order."""
    numbers = numbers_of(pyinit.HeNormal(seed=1), (3, 3, 200, 300))
    assert numbers.corner == (2, 1, 200, 300)


ERRORS = {
    "empty": (
        (pyinit.Zeros(), (0, 3)),
        "`shape` must be of at least one element.*shape=\\(0, 3\\)",
    ),
    "empty_lazy": ((pyinit.Zeros().lazy((0, 3)),), "`shape` must be of at least one element"),
    "whole": ((pyinit.Orthogonal(), (5000, 5000)), "`shape` must be of at most 16777216 elements"),
    "none": ((None,), "`initializer` must be an initializer, its name or a lazy tensor"),
    "number": ((3,), "`initializer` must be a name"),
    "name": (("he_norm",), "did you mean 'he_normal'"),
    "shape": (("he_normal", 5), "`shape` must be a sequence"),
    "dtype": (("he_normal", (2, 2), "int8"), "`dtype` must be one of"),
    "other_shape": ((pyinit.Zeros().lazy((2, 3)), (3, 2)), "`shape` must be None, since"),
    "other_dtype": ((pyinit.Zeros().lazy((2, 3)), (2, 3), "int8"), "`dtype` must be None, since"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    """Protects users who make a mistake: the message names the argument."""
    arguments, message = ERRORS[name]
    with pytest.raises(ValueError, match=message):
        numbers_of(*arguments)


def test_any_callable():
    """Protects initializers of others, which are called."""
    numbers = numbers_of(lambda shape, dtype: np.full(shape, 2, dtype), (3, 4))
    assert [(atom.value, atom.share) for atom in numbers.atoms] == [(2, 1)]
    assert numbers.image.shape == (3, 4)


def test_draws():
    """Protects seed generators: a plot takes one draw, a failed plot none."""
    generator = pyinit.SeedGenerator(1)
    numbers_of(pyinit.HeNormal(seed=generator), (3, 4))
    assert generator.state == (1, 1)
    for shape in [(0, 3), (-1,)]:
        with pytest.raises(ValueError, match="shape"):
            numbers_of(pyinit.HeNormal(seed=generator), shape)
    assert generator.state == (1, 1)
