"""`initializer.summary(shape)`: fans, and the distribution of the values."""

import math

import numpy as np
import pytest
from scipy import stats

import pyinit
from tests.support import RANDOM

SHAPE = (3, 3, 16, 32)


@pytest.mark.parametrize(
    ("initializer", "distribution", "stddev", "maxval"),
    [
        (pyinit.HeNormal(), "truncated_normal", math.sqrt(2 / 144), None),
        (pyinit.GlorotNormal(), "truncated_normal", math.sqrt(2 / 432), None),
        (pyinit.LecunUniform(), "uniform", math.sqrt(1 / 144), math.sqrt(3 / 144)),
        (pyinit.HeUniform(), "uniform", math.sqrt(2 / 144), math.sqrt(6 / 144)),
        (pyinit.RandomNormal(1.0, 2.0), "normal", 2.0, math.inf),
        (pyinit.RandomUniform(-1.0, 3.0), "uniform", 4 / math.sqrt(12), 3.0),
        (pyinit.TruncatedNormal(0.0, 1.0), "truncated_normal", 0.87962566103423978, 2.0),
        (pyinit.Orthogonal(2.0), "orthogonal", 2 / math.sqrt(144), 2.0),
        (pyinit.Constant(3), "constant", 0.0, 3.0),
        (pyinit.Zeros(), "constant", 0.0, 0.0),
    ],
)
def test_known_scales(initializer, distribution, stddev, maxval):
    """Protects the published formulas, as users see them."""
    summary = initializer.summary(SHAPE)
    assert (summary.shape, summary.fan_in, summary.fan_out) == (SHAPE, 144, 288)
    assert summary.distribution == distribution
    assert summary.stddev == pytest.approx(stddev, rel=1e-14)
    if maxval is not None:
        assert summary.maxval == pytest.approx(maxval, rel=1e-14)


@pytest.mark.parametrize("name", RANDOM)
def test_a_large_sample_agrees(name):
    """Protects the summary from describing another distribution than the one that is drawn."""
    initializer = RANDOM[name](1)
    values = initializer((300, 200), "float64")
    summary = initializer.summary((300, 200))
    assert np.mean(values) == pytest.approx(summary.mean, abs=0.02 * summary.stddev)
    assert np.std(values) == pytest.approx(summary.stddev, rel=0.01)
    assert summary.minval <= values.min()
    assert values.max() <= summary.maxval


def test_axes_count():
    """Protects attention layers, whose fans do not follow from the shape."""
    summary = pyinit.HeNormal(input_axes=[0], output_axes=[1, 2]).summary((64, 4, 16))
    assert (summary.fan_in, summary.fan_out) == (64, 64)
    assert summary.stddev == pytest.approx(math.sqrt(2 / 64))


def test_elements_with_different_distributions():
    """Protects matrices whose mean would mean nothing, and users' own classes."""

    class Halves(pyinit.Initializer):
        def __call__(self, shape, dtype=None, **kwargs):
            raise AssertionError("a summary draws nothing")

    for initializer, shape in [
        (pyinit.Identity(), (4, 3)),
        (pyinit.STFT(), (8, 1, 5)),
        (Halves(), (4, 3)),
    ]:
        summary = initializer.summary(shape)
        assert (summary.fan_in, summary.fan_out) == pyinit.compute_fans(shape)
        assert summary.distribution is summary.mean is summary.stddev is None
        assert summary.minval is summary.maxval is None


def test_no_draw_is_taken():
    """Protects the next call of an initializer with a seed generator."""
    generator = pyinit.SeedGenerator(3)
    pyinit.RandomNormal(seed=generator).summary((2,))
    assert generator.state == (3, 0)


def test_an_invalid_shape_is_an_error():
    """Protects the error messages."""
    with pytest.raises(ValueError, match="`shape`"):
        pyinit.Zeros().summary((-1,))
    with pytest.raises(ValueError, match="`shape` must be of rank 2 or more"):
        pyinit.Orthogonal().summary((3,))


@pytest.mark.parametrize(
    ("lower", "upper"), [(-1.0, 3.0), (0.5, math.inf), (-math.inf, math.inf), (-4.0, -3.0)]
)
def test_other_bounds_of_a_truncated_normal(lower, upper):
    """Protects the moments after truncation, against the exact ones and a large sample."""
    initializer = pyinit.TruncatedNormal(0.5, 2.0, 1, lower=lower, upper=upper)
    summary = initializer.summary((200_000,))
    exact = stats.truncnorm(lower, upper, loc=0.5, scale=2.0)
    assert summary.distribution == "truncated_normal"
    assert summary.mean == pytest.approx(exact.mean(), rel=1e-9)
    assert summary.stddev == pytest.approx(exact.std(), rel=1e-6)
    assert (summary.minval, summary.maxval) == pytest.approx((0.5 + 2 * lower, 0.5 + 2 * upper))
    values = initializer((200_000,), "float64")
    assert np.mean(values) == pytest.approx(summary.mean, abs=0.01 * summary.stddev)
    assert np.std(values) == pytest.approx(summary.stddev, rel=0.01)


def test_a_stack_is_summarized_as_one_member():
    """Protects stacked layers and experts: the fans and the scale are those of one member."""
    for initializer in (pyinit.HeNormal(batch_axes=0), pyinit.Orthogonal(batch_axes=0)):
        stacked = initializer.summary((8, 64, 16))
        member = type(initializer)().summary((64, 16))
        assert (stacked.fan_in, stacked.fan_out) == (64, 16)
        assert stacked.stddev == pytest.approx(member.stddev)


@pytest.mark.parametrize("bounds", [(3.0, 3.0 + 1e-9), (6.9, 7.0), (-9.0, -8.0), (7.0, math.inf)])
def test_bounds_in_a_tail_or_close_to_each_other(bounds):
    """Protects the moments from cancellation, which gave means outside the bounds."""
    initializer = pyinit.TruncatedNormal(0.0, 1.0, 1, *bounds)
    summary = initializer.summary((100_000,))
    values = initializer((100_000,), "float64")
    assert summary.minval < summary.mean < summary.maxval
    assert np.mean(values) == pytest.approx(summary.mean, abs=0.02 * summary.stddev)
    assert np.std(values) == pytest.approx(summary.stddev, rel=0.02)
