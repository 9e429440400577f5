"""The quantile approximations: their accuracy, and the script that fits them."""

import subprocess
import sys

import mpmath
import numpy as np
import pytest
from scipy import special

from pyinit.stream import quantiles
from tests.support import ROOT

MASS = special.erf(np.sqrt(2.0))  # P(-2 < Z < 2)

#: Bounds on the relative error of the fits; the documented ones are 1e-6 and 1e-14.
BOUND32 = {"normal": 4.9e-7, "truncated_normal": 4.6e-7}
BOUND64 = {"normal": 4e-15, "truncated_normal": 1.2e-15}


def words_to_try(bits: int, count: int) -> np.ndarray:
    """Return `bits`-bit words: the extremes, neighbours of powers of two, a random sample."""
    random = np.random.default_rng(1)
    top = 2**bits
    near = [
        base + step for k in range(bits) for base in (2**k, top - 2**k) for step in range(-3, 4)
    ]
    ends = [*range(500), *range(top - 500, top), *range(top // 2 - 500, top // 2 + 500)]
    spread = [
        int(w) >> int(s)
        for w, s in zip(
            *(random.integers(0, [[top - 1], [bits]], (2, count), np.uint64)), strict=True
        )
    ]
    every = {word % top for word in (*near, *ends, *spread)}
    return np.array(sorted(every | {top - 1 - word for word in every}), np.uint64)


@pytest.mark.parametrize("family", ["normal", "truncated_normal"])
def test_float32_accuracy(family):
    """Protects the float32 bound. SciPy's double precision approximates the exact quantile."""
    high = words_to_try(32, 400_000).astype(np.uint32)
    nearer = np.minimum(high, ~high).astype(np.float64) + 0.5
    tail, x = nearer * 2.0**-32, 1 - nearer * 2.0**-31
    if family == "truncated_normal":
        tail = special.ndtr(-2.0) + MASS * tail
        x = MASS * x
    # Near the centre x is exact and gives the quantile; in the tails the probability does.
    exact = np.where(x < 0.5, np.sqrt(2.0) * special.erfinv(x), -special.ndtri(tail))
    exact = np.where(high < 2**31, -exact, exact)
    drawn = getattr(quantiles, f"{family}_float32")(high)
    assert np.max(np.abs(drawn.astype(np.float64) / exact - 1)) < BOUND32[family]


@pytest.mark.parametrize("family", ["normal", "truncated_normal"])
def test_float64_accuracy(family):
    """Protects the float64 bound. The error in z follows from the error in P(|Z| < |z|)."""
    words = words_to_try(64, 4000)
    words = words[:: max(1, words.size // 6000)]
    words = np.concatenate([words, words_to_try(64, 10)[:40], words_to_try(64, 10)[-40:]])
    high, low = (words >> np.uint64(32)).astype(np.uint32), words.astype(np.uint32)
    drawn = getattr(quantiles, f"{family}_float64")(high, low)
    worst = 0.0
    with mpmath.workdps(50):
        root = mpmath.sqrt(2)
        mass = mpmath.erf(root) if family == "truncated_normal" else mpmath.mpf(1)
        for word, z in zip(words.tolist(), drawn.tolist(), strict=True):
            assert (z < 0) == (word < 2**63)
            nearer = (2 * min(word, 2**64 - 1 - word) + 1) * mpmath.mpf(2) ** -64
            magnitude = mpmath.mpf(abs(z))
            # P(|Z| < |z|) is erf(|z| / sqrt 2); the complement keeps the digits in the tails.
            residual = mpmath.erfc(magnitude / root) - (1 - mass + mass * nearer)
            slope = 2 * mpmath.npdf(magnitude)
            worst = max(worst, float(abs(residual / slope / magnitude)))
    assert worst < BOUND64[family]


def test_truncation_holds():
    """Protects |z| <= 2, at the extremes and beside them."""
    high = words_to_try(32, 1000).astype(np.uint32)
    assert np.abs(quantiles.truncated_normal_float32(high)).max() <= 2
    assert np.abs(quantiles.truncated_normal_float64(high, high)).max() <= 2


@pytest.mark.slow
def test_the_script_fits_the_coefficients():
    """Protects the coefficients' origin: the script reproduces the file."""
    script = ROOT / "script" / "fit_quantiles.py"
    subprocess.run([sys.executable, str(script), "--check"], check=True, timeout=600)
