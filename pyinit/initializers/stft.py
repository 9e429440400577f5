"""Kernels of the short-time Fourier transform."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pyinit.arguments import Shape, argument_error, one_of
from pyinit.dtypes import FLOAT_DTYPES, AnyArray, round_to
from pyinit.initializers.base import Initializer
from pyinit.initializers.windows import cos_of_turns, named_window, sin_of_turns


class STFT(Initializer):
    """Convolution kernels that compute a short-time Fourier transform.

    The tensor has shape (frame length, 1, number of frequencies), where the number of frequencies
    is half the FFT length plus one. Its values are the real or the imaginary part of the Fourier
    basis, `cos` or `sin` of `-2 pi time frequency / fft_length`, times the window, and divided by
    the window's norm if a scaling is asked for. Everything is computed in float64, with cosines
    that have the same bits everywhere, and rounded once. So have the windows that are sums of
    cosines (`"hann"`, `"hamming"`, `"blackman"`, `"nuttall"`, `"blackmanharris"`, `"flattop"`,
    `"boxcar"`); the others are SciPy's, and may differ in a last bit of float64 from one machine to
    the next. A part of the tensor costs what the part costs, and the whole window besides.

    Args:
        side: `"real"` or `"imag"`.
        window: The name of one of the windows in `scipy.signal.windows` (SciPy is needed for those
            that are not sums of cosines), the values of a window (as many as the frame is long), or
            None for no window.
        scaling: `"density"` divides by the window's L2 norm, `"spectrum"` by its L1 norm; None
            leaves the window as it is.
        periodic: Whether a named window is periodic rather than symmetric. As in Keras, the value
            goes to `scipy.signal.get_window` as its `fftbins`.

    Raises:
        ValueError: An argument is not as described; in the call, `shape` is not (length, 1,
            frequencies), or does not fit the window's values.
        ImportError: `window` is the name of a window of SciPy's, which is not installed.

    Example:
        >>> import pyinit
        >>> pyinit.STFT("real", window=[1, 2, 2, 1], scaling=None)((4, 1, 2))[:, 0].tolist()
        [[1.0, 1.0], [2.0, -2.0], [2.0, 2.0], [1.0, -1.0]]

    Source: https://keras.io/api/layers/initializers/#stft-class
    """

    _dtypes = FLOAT_DTYPES

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        self.side = one_of("side", side, ("real", "imag"))
        if scaling is not None and scaling not in ("density", "spectrum"):
            raise argument_error("scaling", scaling, "one of 'density', 'spectrum', None")
        if not isinstance(periodic, bool | np.bool_):
            raise argument_error("periodic", periodic, "True or False")
        self.scaling = scaling
        self.periodic = bool(periodic)
        self.window: Any = window
        if isinstance(window, str):
            named_window(window, 1, False)
        elif window is not None:
            self.window = _window_values(window).tolist()

    def _check_shape(self, shape: Shape) -> None:
        if len(shape) != 3 or shape[1] != 1 or shape[2] == 1:
            allowed = "(frame length, 1, half the FFT length + 1) for STFT, the last at least 2"
            raise argument_error("shape", shape, allowed)
        if isinstance(self.window, list) and shape[0] != len(self.window):
            raise argument_error("shape", shape, f"as long as the window, {len(self.window)}")

    def _working_memory(self, full_shape: Shape) -> int:
        # a window with its temporaries
        return 0 if self.window is None else 8 * full_shape[0] * np.dtype(np.float64).itemsize

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        length, _, frequencies = full_shape
        times, _, bins = (
            slice(first, first + part) for first, part in zip(offset, out.shape, strict=True)
        )
        if out.size == 0:
            return
        fft_length = 2 * (frequencies - 1)
        # in integers, so that long frames keep every bit of it
        phase = np.multiply.outer(
            np.arange(times.start, times.stop), np.arange(bins.start, bins.stop)
        )
        if self.side == "real":
            kernel = cos_of_turns(phase, fft_length)
        else:
            kernel = -sin_of_turns(phase, fft_length)
        if self.window is not None:
            window = (
                named_window(self.window, length, self.periodic)
                if isinstance(self.window, str)
                else np.asarray(self.window, np.float64)
            )
            kernel *= window[times, None]
            # sums that are rounded once have no order that could differ
            if self.scaling == "density":
                norm = math.sqrt(math.fsum(window * window))
            else:
                norm = math.fsum(np.abs(window)) if self.scaling == "spectrum" else 1.0
            if norm == 0:
                raise argument_error(
                    "window", self.window, f"not all zeros, as it is of length {length}"
                )
            kernel /= norm
        out[...] = round_to(kernel[:, None, :], dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {
            "side": self.side,
            "window": self.window,
            "periodic": self.periodic,
            "scaling": self.scaling,
        }


def _window_values(window: Any) -> AnyArray:
    allowed = "the name of a window, a sequence of finite numbers, or None"
    try:
        values = np.asarray(window, np.float64)
    except (TypeError, ValueError):
        raise argument_error("window", window, allowed) from None
    if values.ndim != 1 or not np.isfinite(values).all():
        raise argument_error("window", window, allowed)
    return values
