"""Cosines and window functions with the same bits on every machine.

NumPy's cosines, and therefore SciPy's windows, may differ in the last bit between processors. Here
an angle is a fraction of a turn, given by integers, and its cosine takes only additions,
multiplications and divisions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pyinit.arguments import argument_error, shown
from pyinit.dtypes import AnyArray
from pyinit.initializers.chunking import memory_parts

#: Taylor coefficients of cos(pi/4 t) and of sin(pi/4 t) / t in t**2. For t up to 1 the truncation
#: error is below 2**-58.
_COS = tuple(
    map(
        float.fromhex,
        (
            "0x1.0000000000000p+0",
            "-0x1.3bd3cc9be45dep-2",
            "0x1.03c1f081b5ac4p-6",
            "-0x1.55d3c7e3cbffap-12",
            "0x1.e1f506891babbp-19",
            "-0x1.a6d1f2a204a8cp-26",
            "0x1.f9d38a3763cc3p-34",
            "-0x1.b6e24f44b128fp-42",
            "0x1.20c62c2f2d7f5p-50",
        ),
    )
)
_SIN = tuple(
    map(
        float.fromhex,
        (
            "0x1.921fb54442d18p-1",
            "-0x1.4abbce625be53p-4",
            "0x1.466bc6775aae2p-9",
            "-0x1.32d2cce62bd86p-15",
            "0x1.50783487ee782p-22",
            "-0x1.e3074fde8871fp-30",
            "0x1.e8f434d018d63p-38",
            "-0x1.6fadb9f155744p-46",
            "0x1.aaec32af93359p-55",
        ),
    )
)

#: The coefficients c of the windows that are sums of (-1)**k c[k] cos(2 pi k n / N), by SciPy's
#: names. Source: F. J. Harris, "On the use of windows for harmonic analysis with the discrete
#: Fourier transform", Proc. IEEE 66 (1978), and scipy.signal.windows.
COSINE_SUMS = {
    **dict.fromkeys(("boxcar", "box", "ones", "rect", "rectangular"), (1.0,)),
    **dict.fromkeys(("hann", "han"), (0.5, 0.5)),
    **dict.fromkeys(("hamming", "hamm", "ham"), (0.54, 1.0 - 0.54)),
    **dict.fromkeys(("blackman", "black", "blk"), (0.42, 0.5, 0.08)),
    **dict.fromkeys(("nuttall", "nutl", "nut"), (0.3635819, 0.4891775, 0.1365995, 0.0106411)),
    **dict.fromkeys(("blackmanharris", "blackharr", "bkh"), (0.35875, 0.48829, 0.14128, 0.01168)),
    **dict.fromkeys(
        ("flattop", "flat", "flt"),
        (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
    ),
}


def cos_of_turns(numerator: npt.NDArray[np.int64], denominator: int) -> AnyArray:
    """Compute the cosine of `numerator / denominator` of a full turn.

    Args:
        numerator: Integers of any sign.
        denominator: A positive integer below 2**59.

    Returns:
        Float64 values within 2 ulp of the exact cosine.
    """
    octant, rest = np.divmod(8 * (numerator % denominator), denominator)
    # odd octants run backwards
    t = np.where(octant % 2 == 0, rest, denominator - rest) / np.float64(denominator)
    square = t * t
    is_cosine = ((octant + 1) // 2) % 2 == 0
    values: AnyArray = np.where(is_cosine, _series(_COS, square), t * _series(_SIN, square))
    return np.where((octant >= 2) & (octant < 6), -values, values)


def sin_of_turns(numerator: npt.NDArray[np.int64], denominator: int) -> AnyArray:
    """Compute the sine of `numerator / denominator` of a full turn; see `cos_of_turns`."""
    return cos_of_turns(4 * (numerator % denominator) - denominator, 4 * denominator)


def _series(coefficients: tuple[float, ...], x: AnyArray) -> AnyArray:
    total = np.full(x.shape, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total *= x
        total += coefficient
    return total


def named_window(name: str, length: int, periodic: bool) -> AnyArray:
    """Return the values of a named window, from SciPy unless it is a sum of cosines.

    Args:
        name: The name of a window in `scipy.signal.windows` that needs no parameters.
        length: The number of values.
        periodic: Whether the window is periodic rather than symmetric.

    Raises:
        ValueError: The name is unknown.
        ImportError: SciPy is needed and not installed.
    """
    coefficients = COSINE_SUMS.get(name)
    if coefficients is None:
        return _scipy_window(name, length, periodic)
    if length <= 1:
        return np.ones(length)
    values = np.full(length, coefficients[0])
    period = length if periodic else length - 1
    for part, (first,) in memory_parts(values):
        step = np.arange(first, first + part.size)
        for k, coefficient in enumerate(coefficients[1:], 1):
            part += (-1) ** k * coefficient * cos_of_turns(k * step, period)
    return values


def _scipy_window(name: str, length: int, periodic: bool) -> AnyArray:
    try:
        from scipy.signal import get_window
    except ImportError:
        known = ", ".join(map(repr, COSINE_SUMS))
        raise ImportError(
            "Argument `window` must be None, a window's values or one of "
            f"{known} if SciPy is not installed (pip install scipy). "
            f"Received: window={shown(name)}"
        ) from None
    try:
        return np.asarray(get_window(name, length, periodic), np.float64)
    except ValueError:
        allowed = "the name of a window in scipy.signal.windows that needs no parameters"
        raise argument_error("window", name, allowed) from None
