"""The kernel in a process of its own: kernel_server.c, for any machine and from any compiler."""

from __future__ import annotations

import math
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from types import TracebackType
from typing import Any, Literal
from unittest import mock

import numpy as np

import pyinit.linalg
import pyinit.stream
from pyinit.dtypes import AnyArray
from pyinit.linalg.reference_gram import Matrix
from pyinit.native import ISA_LEVELS
from pyinit.stream.distributions import Parameters
from pyinit.stream.native_kernel import _LOOPS

#: PYINIT_PANEL of qr.h.
PANEL = 24
#: Panels that are computed at a time: few, so that a small matrix is cut, too.
_STEP = 2
_HELLO = 16
_BYTE_ORDERS: dict[bytes, Literal["<", ">"]] = {
    bytes(range(8, 0, -1)): "<",
    bytes(range(1, 9)): ">",
}


class Operation(IntEnum):
    """The operations of kernel_server.c, in its order."""

    FILL = 0
    NEW_GRAM = 1
    PUT_MATRIX = 2
    GET_MATRIX = 3
    SYRK = 4
    GRAM_DIAGONAL = 5
    GRAM_SHIFT = 6
    POTRF = 7
    TRSM_LEFT = 8
    TRSM_RIGHT = 9


class Program:
    """A running kernel_server.

    Args:
        command: How it is started, with the emulator if it needs one.

    Raises:
        RuntimeError: It did not start, or later: it ended before it had answered.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._name = command[-1]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        what = self._read(_HELLO)
        if what[:6] != b"pyinit":
            raise RuntimeError(f"{self._name} is no kernel_server")
        self.pointer_bits = 8 * what[6]
        self.levels = tuple(
            n for n, here in zip(ISA_LEVELS, what[8 : 8 + what[7]], strict=True) if here
        )
        self.byte_order = _BYTE_ORDERS[self._read(8)]

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def ask(
        self,
        operation: Operation,
        integers: Sequence[int] = (),
        numbers: Sequence[float] = (),
        data: bytes = b"",
    ) -> int:
        """Asks for an operation, and returns what the kernel's function returned."""
        assert self._process.stdin is not None
        request = struct.pack(
            f"{self.byte_order}9Q3d",
            operation,
            *(number % 2**64 for number in integers),
            *[0] * (8 - len(integers)),
            *numbers,
            *[0.0] * (3 - len(numbers)),
        )
        try:
            self._process.stdin.write(request + data)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        result: int = struct.unpack(f"{self.byte_order}q", self._read(8))[0]
        return result

    def values(self, count: int, dtype: np.dtype[Any]) -> AnyArray:
        """The values that follow the answer, in this machine's byte order."""
        content = self._read(count * dtype.itemsize)
        # as integers: bfloat16 is no dtype of NumPy's, and knows no byte order
        bits = np.frombuffer(content, f"{self.byte_order}u{dtype.itemsize}")
        return bits.astype(f"=u{dtype.itemsize}").view(dtype)

    def bytes_of(self, array: AnyArray) -> bytes:
        """The elements of an array of 64 bits each, in C order, in the program's byte order."""
        return array.astype(array.dtype.newbyteorder(self.byte_order)).tobytes()

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        content = self._process.stdout.read(size)
        if len(content) < size:
            raise self._ended()
        return content

    def _ended(self) -> RuntimeError:
        return RuntimeError(f"{self._name} ended with status {self._process.wait()}")


class ProgramKernel:
    """A `Kernel`, as `pyinit.stream.kernels` describes it, that asks the program.

    Args:
        program: The program.
        level: The instruction set.
        order: The order in memory that the program fills, whatever that of the array: its kernel
            has ways of its own to fill columns.
        wide: Whether it stores all values in float64, as they are drawn for R.
    """

    def __init__(
        self, program: Program, level: str, order: Literal["C", "F"] = "C", wide: bool = False
    ) -> None:
        self._program = program
        self._level = ISA_LEVELS.index(level)
        self._order = order
        self._wide = wide

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
        if out.size == 0:
            return
        kind, *numbers = parameters
        storage = np.dtype(np.float64) if self._wide else out.dtype
        lengths = out.shape[::-1] if self._order == "F" else out.shape
        strides = [math.prod(lengths[axis + 1 :]) for axis in range(out.ndim)]
        axes = [out.shape, strides[::-1] if self._order == "F" else strides, steps]
        failed = self._program.ask(
            Operation.FILL,
            (
                self._level,
                _LOOPS[dtype, storage != dtype, kind],
                *(*key, start),
                *(out.ndim, out.size, storage.itemsize),
            ),
            numbers,
            b"".join(self._program.bytes_of(np.array(axis, np.int64)) for axis in axes),
        )
        values = self._program.values(out.size, storage)
        if failed:
            raise MemoryError("no memory for the buffer of a draw")
        out[...] = values.reshape(out.shape, order=self._order)


class ProgramGram:
    """A `Gram`, as `pyinit.linalg` describes it, in the memory of the program.

    Args:
        program: The program.
        level: The instruction set.
        columns: How many columns the matrix has.
    """

    def __init__(self, program: Program, level: str, columns: int) -> None:
        self._program = program
        self._level = ISA_LEVELS.index(level)
        self._columns = columns
        self._panels = -(-columns // PANEL)
        self.diagonal: Matrix = np.empty(columns)
        program.ask(Operation.NEW_GRAM, [columns])

    def compute(self, matrix: Matrix, bound: float) -> bool:
        """Computes the Gram matrix; `ReferenceGram` says what is returned."""
        self._put(matrix)
        for top, bottom in self._pieces(0):
            for first, last in self._pieces(top):
                self._checked(Operation.SYRK, [top, bottom, first, last])
        within = self._program.ask(Operation.GRAM_DIAGONAL, numbers=[bound])
        self.diagonal = self._program.values(self._columns, self.diagonal.dtype)
        return bool(within)

    def shift(self, shift: float) -> None:
        """Adds `shift` to the diagonal."""
        self._program.ask(Operation.GRAM_SHIFT, numbers=[shift])

    def factor(self, smallest: float) -> bool:
        """Factors the Gram matrix; `ReferenceGram` says what is returned."""
        for top, bottom in self._pieces(0):
            if self._program.ask(Operation.POTRF, [self._level, top, bottom], [smallest]):
                return False
            for first, last in self._pieces(bottom):
                self._checked(Operation.TRSM_LEFT, [top, bottom, first, last])
        return True

    def substitute(self, matrix: Matrix) -> None:
        """Multiplies `matrix` by the inverse of the factor, in place."""
        self._put(matrix)
        # a piece of whole panels, and one of other rows
        cut = len(matrix) // 2 // PANEL * PANEL
        for first, last in ((0, cut), (cut, len(matrix))):
            if first < last:
                self._checked(Operation.TRSM_RIGHT, [first, last - first])
        self._program.ask(Operation.GET_MATRIX)
        matrix[...] = self._program.values(matrix.size, matrix.dtype).reshape(matrix.shape)

    def _put(self, matrix: Matrix) -> None:
        data = self._program.bytes_of(matrix)
        self._program.ask(Operation.PUT_MATRIX, [len(matrix)], data=data)

    def _checked(self, operation: Operation, integers: list[int]) -> None:
        if self._program.ask(operation, [self._level, *integers]):
            raise MemoryError("no memory for the buffer of a factorization")

    def _pieces(self, start: int) -> Iterator[tuple[int, int]]:
        for first in range(start, self._panels, _STEP):
            yield first, min(first + _STEP, self._panels)


@contextmanager
def in_use(program: Program, level: str, kernel: ProgramKernel | None = None) -> Iterator[None]:
    """Within it, the program draws, at that instruction set, in the place of this machine's kernel.

    Args:
        program: The program.
        level: The instruction set.
        kernel: What draws; by default `ProgramKernel(program, level)`.
    """
    kernel = kernel or ProgramKernel(program, level)
    with (
        mock.patch.object(pyinit.stream, "kernel", return_value=kernel),
        mock.patch.object(
            pyinit.linalg, "_gram", lambda columns: ProgramGram(program, level, columns)
        ),
    ):
        yield
