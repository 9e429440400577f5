"""The native kernel: the reference's bits, at the speed of memory, if the extension was built."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from pyinit.dtypes import FLOAT_DTYPES, AnyArray
from pyinit.native import ISA_LEVELS, _kernel
from pyinit.runtime.threads import num_threads, run_parallel
from pyinit.stream.distributions import Parameters
from pyinit.stream.reference import TILE

#: The loop of kernel.c for (values, stored in float64 though narrower, distribution).
_LOOPS: dict[tuple[np.dtype[Any], bool, str], int] = {
    (FLOAT_DTYPES[dtype], wide, kind): 3 * storage + offset
    for storage, (dtype, wide) in enumerate(
        [
            ("float16", False),
            ("bfloat16", False),
            ("float32", False),
            ("float64", False),
            ("float16", True),
            ("bfloat16", True),
            ("float32", True),
        ]
    )
    for offset, kind in enumerate(("uniform", "normal", "truncated_normal"))
}

#: From so many elements on, a draw is cut into pieces, for several threads.
_PARALLEL_SIZE = 1 << 17
_MIN_PIECE = 1 << 15
#: A piece takes milliseconds: an interrupt waits no longer.
_MAX_PIECE = 1 << 23


class NativeKernel:
    """The native kernel at one instruction set: a `Kernel`, as `pyinit.stream` describes it."""

    def __init__(self, level: str) -> None:
        self.level = level
        self._number = ISA_LEVELS.index(level)
        self._fill = _kernel.lib.pyinit_fill
        self._cast = partial(_kernel.ffi.cast, "void *")

    def __call__(
        self,
        out: AnyArray,
        dtype: np.dtype[Any],
        parameters: Parameters,
        key: tuple[int, int],
        start: int,
        steps: tuple[int, ...],
    ) -> None:
        """Fills `out`; the reference kernel says what each argument is."""
        size = out.size
        if size == 0:
            return
        if size < _PARALLEL_SIZE:
            self._fill_part(out, dtype, parameters, key, start, steps)
            return
        run_parallel(
            [
                partial(self._fill_part, part, dtype, parameters, key, first, steps_of_part)
                for part, first, steps_of_part in _pieces(out, start, steps)
            ]
        )

    def _fill_part(
        self,
        out: AnyArray,
        dtype: np.dtype[Any],
        parameters: Parameters,
        key: tuple[int, int],
        start: int,
        steps: tuple[int, ...],
    ) -> None:
        kind, location, scale, upper = parameters
        item_size = out.itemsize
        failed = self._fill(
            self._number,
            self._cast(out.__array_interface__["data"][0]),
            _LOOPS[dtype, out.dtype != dtype, kind],
            location,
            scale,
            upper,
            *key,
            start,
            out.ndim,
            out.shape,
            [stride // item_size for stride in out.strides],
            steps,
        )
        if failed:
            raise MemoryError("no memory for the buffer of a draw")


def _pieces(
    out: AnyArray, start: int, steps: tuple[int, ...]
) -> list[tuple[AnyArray, int, tuple[int, ...]]]:
    """Cuts a draw into parts of some size, each neighbouring in memory: (part, start, steps)."""
    if out.flags.c_contiguous and all(
        step == math.prod(out.shape[axis + 1 :]) for axis, step in enumerate(steps)
    ):
        out, steps = out.reshape(-1), (1,)
    count = max(min(8 * num_threads(), out.size // _MIN_PIECE), out.size // _MAX_PIECE)
    # tiles are not drawn in parts, so an axis along which the index runs is cut between them
    grains = [TILE if step == 1 else 1 for step in steps]
    axis = max(
        range(out.ndim),
        key=lambda k: (min(count, out.shape[k] // grains[k]), abs(out.strides[k])),
    )
    length, grain = out.shape[axis], grains[axis]
    size = -(-length // (min(count, length) * grain)) * grain
    before = (slice(None),) * axis
    return [
        (out[(*before, slice(first, first + size))], start + first * steps[axis], steps)
        for first in range(0, length, size)
    ]
