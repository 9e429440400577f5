"""The calls of this library, and the memory-bandwidth baseline."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

import pyinit
from benchmarks.model import INTO, MEMORY, NEW, PARTITION, PARTITIONS, Case
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
    """Set the number of threads, keeping the thread pool if it has that number."""
    if num_threads() != n:
        pyinit.set_num_threads(n)


def draw_of(case: Case) -> Draw | None:
    """Return the call of a case, or None if it is neither this library's nor the baseline's."""
    initializer = INITIALIZERS[case.distribution]()
    shape, dtype = case.shape, case.dtype
    if case.method == NEW:
        return lambda: initializer(shape, dtype)
    if case.method == PARTITION:
        weights, index = initializer.lazy(shape, dtype), PARTITIONS[case.partition]
        return lambda: weights[index]
    if case.method not in (INTO, MEMORY):
        return None
    buffer: AnyArray = np.zeros(shape, FLOAT_DTYPES[dtype], order="F" if case.order == "F" else "C")
    if case.method == INTO:
        return lambda: initializer(shape, out=buffer)
    if buffer.itemsize == 2:  # writes the same bytes; bfloat16 has no fast fill
        buffer = buffer.view(np.uint16)
    return lambda: buffer.fill(1)


def draw_for_r(distribution: str, shape: tuple[int, ...]) -> AnyArray:
    """Return float32 weights as R stores them: a float64 array in Fortran order."""
    weights = INITIALIZERS[distribution]().lazy(shape, "float32")
    values: AnyArray = weights.read(dtype=np.dtype(np.float64), order="F")
    return values


def time_draw_for_r(distribution: str, rows: float, columns: float) -> float:
    """Time `draw_for_r` in seconds; called by R, whose integers have 32 bits."""
    start = time.perf_counter_ns()
    out = draw_for_r(distribution, (int(rows), int(columns)))
    seconds = (time.perf_counter_ns() - start) / 1e9
    del out
    return seconds
