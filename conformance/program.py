"""The kernel in a separate process: kernel_server.c, for any machine and compiler."""

from __future__ import annotations

import math
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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
from pyinit.stream.native_kernel import _LOOPS
from pyinit.stream.regions import Region

#: PYINIT_PANEL in qr.h.
PANEL = 24
#: Panels in one request: few, so that small matrices are split too.
_PANELS_AT_A_TIME = 2
_GREETING_SIZE = 16
_BYTE_ORDERS: dict[bytes, Literal["<", ">"]] = {
    bytes(range(8, 0, -1)): "<",
    bytes(range(1, 9)): ">",
}


class Operation(IntEnum):
    """The operations of kernel_server.c, in the same order."""

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
        command: The command that starts it, including the emulator if it needs one.

    Raises:
        RuntimeError: The program does not start, or later ends before it has answered.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._name = command[-1]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        greeting = self._read(_GREETING_SIZE)
        if greeting[:6] != b"pyinit":
            self._close()
            raise RuntimeError(f"{self._name} is not a kernel_server")
        self.pointer_bits = 8 * greeting[6]
        self.levels = tuple(
            n
            for n, supported in zip(ISA_LEVELS, greeting[8 : 8 + greeting[7]], strict=True)
            if supported
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
        self._close()

    def ask(
        self,
        operation: Operation,
        integers: Sequence[int] = (),
        numbers: Sequence[float] = (),
        data: bytes = b"",
    ) -> int:
        """Request an operation and return the result of the kernel's function."""
        assert self._process.stdin is not None
        request = struct.pack(
            f"{self.byte_order}11Q3d",
            operation,
            *(number % 2**64 for number in integers),
            *[0] * (10 - len(integers)),
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
        """Read the values that follow an answer, in this machine's byte order."""
        content = self._read(count * dtype.itemsize)
        # as integers: NumPy cannot change the byte order of bfloat16
        bits = np.frombuffer(content, f"{self.byte_order}u{dtype.itemsize}")
        return bits.astype(f"=u{dtype.itemsize}").view(dtype)

    def bytes_of(self, array: AnyArray) -> bytes:
        """Return an array of 64-bit values as bytes in C order and the program's byte order."""
        return array.astype(array.dtype.newbyteorder(self.byte_order)).tobytes()

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        content = self._process.stdout.read(size)
        if len(content) < size:
            raise self._ended()
        return content

    def _close(self) -> None:
        """Close the pipes and wait for the end of the program."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _ended(self) -> RuntimeError:
        self._close()
        return RuntimeError(f"{self._name} ended with status {self._process.returncode}")


class ProgramKernel:
    """A `Kernel` (see `pyinit.stream.kernels`) that sends each call to the program.

    Args:
        program: The program.
        level: The ISA level.
        order: The memory order of the buffer that the program fills, regardless of the array's: the
            kernel has separate loops for columns.
        widened: Whether the program stores all values in float64, as for R.
    """

    def __init__(
        self, program: Program, level: str, order: Literal["C", "F"] = "C", widened: bool = False
    ) -> None:
        self._program = program
        self._level = ISA_LEVELS.index(level)
        self._order = order
        self._widened = widened

    def __call__(self, out: AnyArray, region: Region) -> None:
        """Fill `out` with a region of the stream."""
        if out.size == 0:
            return
        family, *numbers, first_word, last_word = region.distribution
        storage = np.dtype(np.float64) if self._widened else out.dtype
        lengths = out.shape[::-1] if self._order == "F" else out.shape
        strides = [storage.itemsize * math.prod(lengths[axis + 1 :]) for axis in range(out.ndim)]
        memory_strides = strides[::-1] if self._order == "F" else strides
        axes = [out.shape, memory_strides, region.index_strides]
        failed = self._program.ask(
            Operation.FILL,
            (
                self._level,
                _LOOPS[region.dtype, storage, family],
                *(region.seed, region.draw, region.first_index),
                *(out.ndim, out.size, storage.itemsize),
                *(first_word, last_word),
            ),
            numbers,
            b"".join(self._program.bytes_of(np.array(axis, np.int64)) for axis in axes),
        )
        values = self._program.values(out.size, storage)
        if failed:
            raise MemoryError("no memory for the buffer of a draw")
        out[...] = values.reshape(out.shape, order=self._order)


class ProgramGram:
    """A `Gram` (see `pyinit.linalg`) in the memory of the program.

    Args:
        program: The program.
        level: The ISA level.
        columns: The number of columns of the matrix.
    """

    def __init__(self, program: Program, level: str, columns: int) -> None:
        self._program = program
        self._level = ISA_LEVELS.index(level)
        self._columns = columns
        self._panels = -(-columns // PANEL)
        self.diagonal: Matrix = np.empty(columns)
        program.ask(Operation.NEW_GRAM, [columns])

    def compute(self, matrix: Matrix, bound: float) -> bool:
        """Compute the Gram matrix; see `ReferenceGram` for the result."""
        self._put(matrix)
        for top, bottom in self._panel_ranges(0):
            for first, last in self._panel_ranges(top):
                self._checked(Operation.SYRK, [top, bottom, first, last])
        within = self._program.ask(Operation.GRAM_DIAGONAL, numbers=[bound])
        self.diagonal = self._program.values(self._columns, self.diagonal.dtype)
        return bool(within)

    def shift(self, shift: float) -> None:
        """Add `shift` to the diagonal."""
        self._program.ask(Operation.GRAM_SHIFT, numbers=[shift])

    def factor(self, smallest: float) -> bool:
        """Factor the Gram matrix; see `ReferenceGram` for the result."""
        for top, bottom in self._panel_ranges(0):
            if self._program.ask(Operation.POTRF, [self._level, top, bottom], [smallest]):
                return False
            for first, last in self._panel_ranges(bottom):
                self._checked(Operation.TRSM_LEFT, [top, bottom, first, last])
        return True

    def substitute(self, matrix: Matrix) -> None:
        """Multiply `matrix` by the inverse of the factor, in place."""
        self._put(matrix)
        # whole panels and the remaining rows
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

    def _panel_ranges(self, start: int) -> Iterator[tuple[int, int]]:
        for first in range(start, self._panels, _PANELS_AT_A_TIME):
            yield first, min(first + _PANELS_AT_A_TIME, self._panels)


@contextmanager
def in_use(program: Program, level: str, kernel: ProgramKernel | None = None) -> Iterator[None]:
    """Replace this machine's kernel by the program, at an ISA level, within the context.

    Args:
        program: The program.
        level: The ISA level.
        kernel: The kernel to use; by default `ProgramKernel(program, level)`.
    """
    kernel = kernel or ProgramKernel(program, level)
    with (
        mock.patch.object(pyinit.stream, "kernel", return_value=kernel),
        mock.patch.object(
            pyinit.linalg, "_gram", lambda columns: ProgramGram(program, level, columns)
        ),
    ):
        yield
