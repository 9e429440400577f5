"""The calls of this library, and the memory's own speed."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

import pyinit
from benchmarks.model import INTO, MEMORY, NEW, Case
from benchmarks.timing import Draw
from pyinit.dtypes import FLOAT_DTYPES, AnyArray
from pyinit.runtime.threads import num_threads

INITIALIZERS: dict[str, Callable[[], pyinit.Initializer]] = {
    "uniform": lambda: pyinit.RandomUniform(-0.05, 0.05, seed=1),
    "normal": lambda: pyinit.RandomNormal(0.0, 0.05, seed=1),
    "truncated_normal": lambda: pyinit.TruncatedNormal(0.0, 0.05, seed=1),
    "orthogonal": lambda: pyinit.Orthogonal(seed=1),
}


def use_threads(n: int) -> None:
    """Sets the number of threads; the pool is kept if it is the right one."""
    if num_threads() != n:
        pyinit.set_num_threads(n)


def draw_of(case: Case) -> Draw | None:
    """The call that a case of this library or of the memory is, or None for another's case."""
    initializer = INITIALIZERS[case.distribution]()
    shape, dtype = case.shape, case.dtype
    if case.who == NEW:
        return lambda: initializer(shape, dtype)
    if case.who not in (INTO, MEMORY):
        return None
    buffer: AnyArray = np.zeros(shape, FLOAT_DTYPES[dtype], order="F" if case.order == "F" else "C")
    if case.who == INTO:
        return lambda: initializer(shape, out=buffer)
    if buffer.itemsize == 2:  # what is written is the same, and bfloat16 has no fill of its own
        buffer = buffer.view(np.uint16)
    return lambda: buffer.fill(1)


def draw_for_r(distribution: str, shape: tuple[int, ...]) -> AnyArray:
    """Float32 weights in a new float64 array in Fortran order: what an R array holds."""
    out = np.empty(shape, np.float64, order="F")
    initializer = INITIALIZERS[distribution]()
    initializer._fill(out, FLOAT_DTYPES["float32"], shape, (0,) * len(shape))
    return out


def time_draw_for_r(distribution: str, rows: float, columns: float) -> float:
    """The seconds that `draw_for_r` takes, for R, which has no integers beyond 32 bits."""
    start = time.perf_counter_ns()
    out = draw_for_r(distribution, (int(rows), int(columns)))
    seconds = (time.perf_counter_ns() - start) / 1e9
    del out
    return seconds
