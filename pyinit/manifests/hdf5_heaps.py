"""A guard against HDF5 files that the HDF5 library reads forever.

Strings of any length lie in global heaps, lists of objects that the library walks without checking
that it advances. So a heap is checked before the library gets it.

Source: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html (global heaps)
"""

from __future__ import annotations

from io import RawIOBase
from typing import Any, Protocol

_SIGNATURE = b"GCOL"
#: The sizes of the headers of a heap and of an object.
_HEADER = 16
#: Maximum size of a heap: HDF5 writes ones of 4 KiB, and larger ones for longer strings.
_MAX_HEAP = 2**26


class Stream(Protocol):
    """A file that is open for reading."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Set the position."""

    def tell(self) -> int:
        """Return the position."""

    def read(self, size: int, /) -> bytes | None:
        """Read bytes."""

    def close(self) -> None:
        """Close the file."""


class GuardedStream(RawIOBase):
    """A stream that refuses to read a damaged global heap.

    Args:
        stream: The HDF5 file.
        is_on: Whether to check heaps.

    Attributes:
        reason: Why it refused to read; None if it did not.
    """

    def __init__(self, stream: Stream, *, is_on: bool = True) -> None:
        self._stream, self._is_on = stream, is_on
        self.reason: str | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position, as for any file."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._stream.tell()

    def readinto(self, buffer: Any) -> int:
        """Read bytes into the buffer.

        Raises:
            ValueError: They are part of a damaged heap.
        """
        if not self._is_on:
            content = self._stream.read(len(buffer)) or b""
            memoryview(buffer)[: len(content)] = content
            return len(content)
        # a heap may begin in one read and end in another one
        start, beyond = self.tell(), len(_SIGNATURE) - 1
        before = max(0, start - beyond)
        window = self._at(before, start - before + len(buffer) + beyond)
        at = window.find(_SIGNATURE)
        while at >= 0:
            self._check_heap(before + at)
            at = window.find(_SIGNATURE, at + 1)
        content = window[start - before :][: len(buffer)]
        memoryview(buffer)[: len(content)] = content
        self.seek(start + len(content))
        return len(content)

    def _at(self, position: int, size: int) -> bytes:
        self.seek(position)
        return self._stream.read(size) or b""

    def _check_heap(self, start: int) -> None:
        size = int.from_bytes(self._at(start, _HEADER)[8:], "little")
        if size > _MAX_HEAP:
            raise self._refusal("it has a global heap that is too large")
        heap = self._at(start, size)
        position = _HEADER
        while position + _HEADER <= len(heap):
            index = int.from_bytes(heap[position : position + 2], "little")
            length = int.from_bytes(heap[position + 8 : position + _HEADER], "little")
            # the size of the free space, which has the index 0, includes its header
            step = _HEADER + -(-length // 8) * 8 if index else length
            if step < _HEADER or position + step > size:
                raise self._refusal("it has a damaged global heap")
            position += step

    def _refusal(self, reason: str) -> ValueError:
        self.reason = reason
        return ValueError(reason)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()
