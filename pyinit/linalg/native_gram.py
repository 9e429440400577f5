"""The native Gram matrix: the bits of the reference at the speed of matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from pyinit.linalg.reference_gram import Matrix
from pyinit.native import ISA_LEVELS, _kernel
from pyinit.runtime.threads import run_parallel

#: The number of multiplications from which work is split into tasks, to use several threads and to
#: bound how long an interrupt waits.
_PARALLEL_SIZE = 1 << 23
#: The number of columns from which several threads compute a Cholesky factor.
_PARALLEL_COLUMNS = 768
#: Panels of the Gram matrix, down and across, in a task.
_GRAM_PANELS = (8, 16)
#: Panels of rows of the factor between two synchronizations of the threads.
_FACTOR_PANELS = 4
#: A task solves for a multiple of this number of row panels, ...
_ROW_PANELS = 4
#: ... with at least this number of multiplications.
_MIN_TASK = 1 << 21
#: The largest number of multiplications in a task, about. They take a fraction of a second, which
#: bounds how long an interrupt waits.
_MAX_TASK = 1 << 29
_ALIGNMENT = 64


class NativeGram:
    """A `Gram` computed by the native kernel at one ISA level.

    Args:
        level: The ISA level.
        columns: The number of columns of the matrix.
    """

    def __init__(self, level: str, columns: int) -> None:
        self._isa_level = ISA_LEVELS.index(level)
        self._columns = columns
        self._width = _kernel.lib.PYINIT_PANEL
        self._panels = -(-columns // self._width)
        size = self._width**2 * self._panels * (self._panels + 1) // 2
        self._memory = np.empty(size + _ALIGNMENT // 8)
        self.diagonal = np.empty(columns)
        self._inverses = np.empty(self._panels * self._width)
        address = _address(self._memory)
        self._gram = _pointer(address + -address % _ALIGNMENT)

    def compute(self, matrix: Matrix, bound: float) -> bool:
        """Compute the Gram matrix, as `ReferenceGram.compute` does."""
        panels = self._panels
        down, across = _GRAM_PANELS if self._in_parallel(matrix.size) else (panels, panels)
        for first, last in _row_ranges(len(matrix), down * across * self._width**2):
            compute = partial(
                _kernel.lib.pyinit_syrk,
                self._isa_level,
                _pointer(_address(matrix) + first * matrix.strides[0]),
                last - first,
                self._columns,
                self._gram,
            )
            _run(
                partial(compute, i, min(i + down, panels), j, min(j + across, panels), first == 0)
                for i in range(0, panels, down)
                for j in range(i, panels, across)
            )
        diagonal = _pointer(_address(self.diagonal))
        return bool(_kernel.lib.pyinit_gram_diagonal(self._gram, self._columns, bound, diagonal))

    def shift(self, shift: float) -> None:
        """Add `shift` to the diagonal."""
        _kernel.lib.pyinit_gram_shift(self._gram, self._columns, shift)

    def factor(self, smallest: float) -> bool:
        """Replace the Gram matrix by its factor, as `ReferenceGram.factor` does."""
        diagonal = _pointer(_address(self.diagonal))
        inverses = _pointer(_address(self._inverses))
        panels = self._panels
        step = _FACTOR_PANELS if self._columns >= _PARALLEL_COLUMNS else panels
        for top in range(0, panels, step):
            bottom = min(top + step, panels)
            if _kernel.lib.pyinit_potrf(
                self._isa_level,
                self._gram,
                self._columns,
                top,
                bottom,
                diagonal,
                smallest,
                inverses,
            ):
                return False
            rows = partial(_kernel.lib.pyinit_trsm_left, self._isa_level, self._gram, top, bottom)
            run_parallel(
                [
                    partial(rows, first, min(first + step, panels), inverses)
                    for first in range(bottom, panels, step)
                ]
            )
        return True

    def substitute(self, matrix: Matrix) -> None:
        """Multiply `matrix` by the inverse of the factor, in place."""
        inverses = _pointer(_address(self._inverses))
        rows, panels = len(matrix), self._panels
        step = rows
        if self._in_parallel(matrix.size):
            step = _ROW_PANELS * self._width
            step *= -(-_MIN_TASK // (step * self._columns**2))
        start = _address(matrix)
        across = max(1, _MAX_TASK // (step * self._columns * self._width))
        for top in range(0, panels, across):
            _run(
                partial(
                    _kernel.lib.pyinit_trsm_right,
                    self._isa_level,
                    _pointer(start + first * matrix.strides[0]),
                    min(step, rows - first),
                    self._columns,
                    self._gram,
                    inverses,
                    top,
                    min(top + across, panels),
                )
                for first in range(0, rows, step)
            )

    def _in_parallel(self, size: int) -> bool:
        return size * self._columns >= _PARALLEL_SIZE


def _row_ranges(rows: int, multiplications: int) -> Iterator[tuple[int, int]]:
    """Cut rows into ranges of a bounded number of multiplications, given that of a row."""
    summed = _kernel.lib.PYINIT_SUMMED_ROWS
    step = max(1, _MAX_TASK // (multiplications * summed)) * summed
    for first in range(0, rows, step):
        yield first, min(first + step, rows)


def _run(tasks: Iterable[Callable[[], int]]) -> None:
    run_parallel([partial(_check, task) for task in tasks])


def _check(task: Callable[[], int]) -> None:
    if task():
        raise MemoryError("no memory for the buffer of a factorization")


def _address(array: Matrix) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def _pointer(address: int) -> Any:
    return _kernel.ffi.cast("double *", address)
