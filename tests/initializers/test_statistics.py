"""Statistical tests of the distributions.

The seeds are fixed, so the results repeat. `ALPHA` is the probability that a correct implementation
fails one comparison for a random seed.
"""

import math

import numpy as np
import pytest
from scipy import stats

import pyinit

ALPHA = 1e-6
#: Two-sided critical value of a standard normal statistic.
BOUND = float(stats.norm.isf(ALPHA / 2))
SIZE = 1 << 20

STANDARD = {
    "uniform": (lambda seed: pyinit.RandomUniform(-1.0, 1.0, seed), stats.uniform(-1, 2)),
    "normal": (lambda seed: pyinit.RandomNormal(0.0, 1.0, seed), stats.norm()),
    "truncated_normal": (
        lambda seed: pyinit.TruncatedNormal(0.0, 1.0, seed),
        stats.truncnorm(-2, 2),
    ),
    **{
        f"truncated_normal({lower}, {upper})": (
            lambda seed, lower=lower, upper=upper: pyinit.TruncatedNormal(
                0.0, 1.0, seed, lower, upper
            ),
            stats.truncnorm(lower, upper),
        )
        for lower, upper in ((-1, 3), (0, math.inf), (-math.inf, 0.5), (3, 3.5))
    },
}


@pytest.fixture(params=list(STANDARD))
def standard(request):
    return STANDARD[request.param]


def test_moments_up_to_the_kurtosis(standard, float_dtype):
    """Protects the shape of the distribution in every dtype."""
    make, distribution = standard
    values = make(101)((SIZE,), float_dtype).astype(np.float64)
    for power in (1, 2, 3, 4):
        mean, square = distribution.moment(power), distribution.moment(2 * power)
        error = math.sqrt((square - mean * mean) / SIZE)
        # The largest bias of rounding to nearest, for the dtype's widest spacing, up to 8.
        spacing = {"float16": 2.0**-9, "bfloat16": 2.0**-6}.get(float_dtype, 2.0**-22)
        rounding = power * spacing**2 * distribution.moment(2 * ((power + 1) // 2))
        assert abs(np.mean(values**power) - mean) <= BOUND * error + rounding


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kolmogorov_smirnov(standard, dtype):
    """Protects the distribution function."""
    make, distribution = standard
    values = make(202)((SIZE,), dtype)
    assert stats.kstest(values, distribution.cdf).pvalue > ALPHA


def test_tails_of_the_normal():
    """Protects the far tails, to which moments and Kolmogorov-Smirnov are insensitive."""
    values = pyinit.RandomNormal(0.0, 1.0, seed=303)((1 << 23,))
    for z in (3.0, 4.0, 4.5, 5.0):
        expected = 2 * stats.norm.sf(z) * values.size
        count = int((np.abs(values) > z).sum())
        assert stats.poisson.cdf(count, expected) > ALPHA / 2
        assert stats.poisson.sf(count - 1, expected) > ALPHA / 2


def independent(first: np.ndarray, second: np.ndarray) -> bool:
    """Return whether two samples, and their squares, are uncorrelated."""
    return all(
        abs(np.corrcoef(first**power, second**power)[0, 1]) * math.sqrt(first.size) < BOUND
        for power in (1, 2)
    )


@pytest.mark.parametrize("lag", [1, 2, 15, 16, 17, 48, 64, 4096])
def test_neighbours_are_independent(standard, lag):
    """Protects against correlation along the tensor: lanes, words, tiles, rows."""
    make, _ = standard
    values = make(404)((SIZE,), "float64")
    assert independent(values[:-lag], values[lag:])


def test_draws_and_seeds_are_independent(standard):
    """Protects against correlated streams of neighbouring seeds or draws."""
    make, _ = standard
    generator = pyinit.SeedGenerator(505)
    samples = [make(generator)((SIZE,), "float64") for _ in range(3)]
    samples += [make(seed)((SIZE,), "float64") for seed in (506, 505 + 2**32)]
    for place, first in enumerate(samples):
        for second in samples[place + 1 :]:
            assert independent(first, second)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"])
@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform"])
@pytest.mark.parametrize("shape", [(300, 500), (3, 3, 40, 50), (20000,)])
def test_variance_scaling_has_the_documented_variance(mode, distribution, shape):
    """Protects the scale: the fans, the correction for truncation and the uniform's limit."""
    values = pyinit.VarianceScaling(2.0, mode, distribution, seed=606)(shape, "float64")
    fan_in, fan_out = pyinit.compute_fans(shape)
    units = {
        "fan_in": fan_in,
        "fan_out": fan_out,
        "fan_avg": (fan_in + fan_out) / 2,
        "fan_geo_avg": math.sqrt(fan_in * fan_out),
    }[mode]
    kurtosis = {"truncated_normal": 2.37, "untruncated_normal": 3.0, "uniform": 1.8}[distribution]
    error = math.sqrt((kurtosis - 1) / values.size)
    assert abs(np.mean(values**2) * units / 2.0 - 1) < BOUND * error


def test_orthogonal_is_uniform_over_the_group():
    """Protects Q's sign convention, without which its diagonal is not symmetric about zero."""
    first = np.array([pyinit.Orthogonal(seed=s)((3, 3), "float64") for s in range(4000)])
    # Each entry of a Haar matrix of order n has mean 0 and variance 1 / n; its trace has mean 0
    # and variance 1.
    for entry in first.reshape(4000, 9).T:
        assert abs(entry.mean()) < BOUND * math.sqrt(1 / 3 / 4000)
    trace = np.trace(first, axis1=1, axis2=2)
    assert abs(trace.mean()) < BOUND / math.sqrt(4000)
    assert abs((trace**2).mean() - 1) < BOUND * math.sqrt(3 / 4000)
