"""Kernels of the short-time Fourier transform."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from pyinit.arguments import (
    Shape,
    argument_error,
    as_bool,
    as_number,
    exact_str,
    has_attribute,
    one_of,
    sequence_elements,
)
from pyinit.dtypes import BOOL, FLOAT_DTYPES, AnyArray, round_to
from pyinit.initializers.base import Initializer
from pyinit.initializers.chunking import CHUNK_SIZE, memory_parts
from pyinit.initializers.given_values import as_given_values
from pyinit.initializers.lazy import LazyTensor, slices_of
from pyinit.initializers.windows import cos_of_turns, named_window, sin_of_turns

__all__ = ["STFT"]

#: Operations for each value of a window: some cosines, a product and a sum.
_WINDOW_OPERATIONS = 100
#: The maximum length of a window that is not an array.
_MAX_LENGTH = 2**20


class STFTTensor(LazyTensor):
    """A lazy tensor of kernels of the short-time Fourier transform.

    Args:
        shape: The shape, (frame length, 1, frequencies).
        dtype: The float dtype.
        side: `"real"` or `"imag"`.
        window: The name of a window, its values, or None.
        scaling: `"density"`, `"spectrum"` or None.
        periodic: Whether a named window is periodic.
    """

    __slots__ = ("_periodic", "_scaling", "_side", "_window")

    def __init__(
        self,
        shape: Shape,
        dtype: np.dtype[Any],
        side: str,
        window: str | tuple[float, ...] | None,
        scaling: str | None,
        periodic: bool,
    ) -> None:
        super().__init__(shape, dtype)
        self._side = side
        self._window = window
        self._scaling = scaling
        self._periodic = periodic

    @property
    def working_memory(self) -> int:
        """The memory of the window and its temporaries, in bytes."""
        return 0 if self._window is None else 8 * self._shape[0] * np.dtype(np.float64).itemsize

    @property
    def operations(self) -> int:
        """The operations of the window, which every chunk computes."""
        chunks = -(-self.size // CHUNK_SIZE)
        return 0 if self._window is None else _WINDOW_OPERATIONS * self._shape[0] * chunks

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        if out.size == 0:
            return
        window = None if self._window is None else self._window_and_norm()
        for part, first in memory_parts(out, offset, steps):
            self._fill_part(part, slices_of(part.shape, first, steps), window)

    def _fill_part(
        self, out: AnyArray, index: tuple[slice, ...], window: tuple[AnyArray, float] | None
    ) -> None:
        times, _, bins = index
        fft_length = 2 * (self._shape[2] - 1)
        # integers, which are exact even for long frames
        phase = np.multiply.outer(
            np.arange(times.start, times.stop, times.step),
            np.arange(bins.start, bins.stop, bins.step),
        )
        if self._side == "real":
            kernel = cos_of_turns(phase, fft_length)
        else:
            kernel = -sin_of_turns(phase, fft_length)
        if window is not None:
            values, norm = window
            kernel *= values[times, None]
            kernel /= norm
        out[...] = round_to(kernel[:, None, :], self._dtype)

    def _window_and_norm(self) -> tuple[AnyArray, float]:
        length = self._shape[0]
        if isinstance(self._window, str):
            window = named_window(self._window, length, self._periodic)
        else:
            window = np.asarray(self._window, np.float64)
        # fsum rounds once, so the order of the terms does not matter
        if self._scaling == "density":
            norm = math.sqrt(math.fsum(_each_of(window * window)))
        else:
            norm = math.fsum(_each_of(np.abs(window))) if self._scaling == "spectrum" else 1.0
        if norm == 0:
            allowed = f"other than all zeros for a frame of length {length}"
            raise argument_error("window", self._window, allowed)
        return window, norm

    def _parameters(self) -> tuple[Any, ...]:
        return self._side, self._window, self._scaling, self._periodic

    def _summary(self) -> str:
        return f"stft, side={self._side!r}, scaling={self._scaling!r}"


class STFT(Initializer):
    """Initializer of convolution kernels that compute a short-time Fourier transform.

    The tensor has shape (frame length, 1, number of frequencies), where the number of frequencies
    is half the FFT length plus one. Its values are the real or the imaginary part of the Fourier
    basis, `cos` or `sin` of `-2 pi time frequency / fft_length`, times the window, divided by the
    norm of the window if a scaling is given. They are computed in float64 and rounded once.

    The cosines have the same bits everywhere, and so have the windows that are sums of cosines
    (`"hann"`, `"hamming"`, `"blackman"`, `"nuttall"`, `"blackmanharris"`, `"flattop"`,
    `"boxcar"`). Other windows are SciPy's, whose last bit of float64 may differ between machines.
    Reading a partition costs as much as its values plus the window.

    Args:
        side: `"real"` or `"imag"`.
        window: The name of a window in `scipy.signal.windows` (SciPy is needed for those that are
            not sums of cosines), the values of a window (as many as the frame is long), or None for
            no window.
        scaling: `"density"` divides by the window's L2 norm, `"spectrum"` by its L1 norm; None does
            not scale.
        periodic: Whether a named window is periodic rather than symmetric. As in Keras, it is
            passed to `scipy.signal.get_window` as `fftbins`.

    Raises:
        ValueError: An argument is invalid; in the call, `shape` is not (length, 1,
            frequencies), or does not fit the window's values.
        ImportError: `window` is the name of a window of SciPy, which is not installed.

    Example:
        >>> import pyinit
        >>> pyinit.STFT("real", window=[1, 2, 2, 1], scaling=None)((4, 1, 2))[:, 0].tolist()
        [[1.0, 1.0], [2.0, -2.0], [2.0, 2.0], [1.0, -1.0]]

    Source: https://keras.io/api/layers/initializers/#stft-class
    """

    _dtypes = FLOAT_DTYPES

    side: str
    window: Any
    scaling: str | None
    periodic: bool

    def __init__(
        self,
        side: Literal["real", "imag"] = "real",
        window: Any = "hann",
        scaling: Literal["density", "spectrum"] | None = "density",
        periodic: bool = False,
    ) -> None:
        norm = None if scaling is None else exact_str(scaling)
        if scaling is not None and norm not in ("density", "spectrum"):
            raise argument_error("scaling", scaling, "one of 'density', 'spectrum', None")
        name = exact_str(window)
        if name is not None:
            named_window(name, 1, False)  # raises for an unknown name
        values = name if name is not None or window is None else _window_values(window).tolist()
        self.__dict__.update(
            side=one_of("side", side, ("real", "imag")),
            window=values,
            scaling=norm,
            periodic=as_bool("periodic", periodic),
        )

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        if len(shape) != 3 or shape[1] != 1 or shape[2] == 1:
            allowed = "(frame length, 1, half the FFT length + 1) for STFT, the last at least 2"
            raise argument_error("shape", shape, allowed)
        window = self.window
        if isinstance(window, list):
            if shape[0] != len(window):
                raise argument_error("shape", shape, f"as long as the window, {len(window)}")
            window = tuple(window)
        return STFTTensor(shape, dtype, self.side, window, self.scaling, self.periodic)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "side": self.side,
            "window": self.window,
            "periodic": self.periodic,
            "scaling": self.scaling,
        }


def _each_of(values: AnyArray) -> Iterator[float]:
    """Iterate over values. Interrupts end the iteration, which they cannot for an array's own."""
    for part, _ in memory_parts(values):
        yield from part.tolist()


def _window_values(window: Any) -> AnyArray:
    allowed = "the name of a window, a sequence of finite numbers, or None"
    if has_attribute(window, "shape"):
        values = as_given_values("window", window, allowed)
        if values is None or values.ndim != 1 or values.dtype == BOOL:
            raise argument_error("window", window, allowed)
        wide = values.astype(np.float64)
    else:
        elements = sequence_elements("window", window, allowed, _MAX_LENGTH)
        try:
            wide = np.array([as_number("window", element) for element in elements], np.float64)
        except ValueError:
            raise argument_error("window", window, allowed) from None
    if wide.size == 0 or not np.isfinite(wide).all():
        raise argument_error("window", window, allowed)
    return wide
