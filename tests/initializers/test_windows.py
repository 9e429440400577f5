"""Cosines, sines and windows of STFT kernels."""

import mpmath
import numpy as np
import pytest
from scipy.signal import get_window

from pyinit.initializers.windows import COSINE_SUMS, cos_of_turns, named_window, sin_of_turns

DENOMINATORS = (1, 2, 3, 5, 7, 8, 12, 16, 100, 1023, 4096, 2**57 + 1)


@pytest.mark.parametrize("denominator", DENOMINATORS)
@pytest.mark.parametrize("function", ["cos", "sin"])
def test_cosines_and_sines(function, denominator):
    """Protects the accuracy (2 ulp) over several turns, and exact zeros."""
    few = [*range(-40, 40), denominator - 1, denominator // 3, denominator // 7]
    numerators = np.array([*few, *range(0, min(denominator, 2000), 7)])
    values = {"cos": cos_of_turns, "sin": sin_of_turns}[function](numerators, denominator)
    exact = getattr(mpmath, f"{function}pi")
    with mpmath.workdps(40):
        for numerator, value in zip(numerators.tolist(), values.tolist(), strict=True):
            expected = exact(mpmath.mpf(2 * numerator) / denominator)
            assert abs(mpmath.mpf(value) - expected) <= 2 * np.spacing(abs(float(expected)))


@pytest.mark.parametrize("name", COSINE_SUMS)
@pytest.mark.parametrize("periodic", [True, False])
def test_windows_equal_scipy(name, periodic):
    """Protects the coefficients, the names and the shortest windows."""
    for length in (1, 2, 3, 8, 9, 1000):
        values = named_window(name, length, periodic)
        np.testing.assert_allclose(values, get_window(name, length, periodic), atol=1e-15)


def test_other_windows_come_from_scipy():
    """Protects the windows that are not sums of cosines."""
    np.testing.assert_array_equal(named_window("bohman", 9, False), get_window("bohman", 9, False))
