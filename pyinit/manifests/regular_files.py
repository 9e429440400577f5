"""Regular files, which may come from untrusted sources, read by position.

A mapped file that shrinks ends the process with SIGBUS, and a device or a pipe may never end. So
files are never mapped, only regular ones are read, and one that changes while it is read is an
error.

Source: https://man7.org/linux/man-pages/man2/mmap.2.html
"""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO, RawIOBase
from pathlib import Path
from typing import Any

from pyinit.manifests.model import ManifestError, readable_size

# without waiting for a writer, if the file has just been replaced by a pipe
_FLAGS = ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY")


class RegularFile:
    """A regular file. It is open only while it is read, so there may be any number of them.

    Args:
        path: The path of the file, or of a symbolic link to it.

    Raises:
        OSError: The path is not that of a regular file, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: The size of the file, in bytes.
        self.size = 0
        self._identity: tuple[int, ...] = ()
        with self.open() as file:
            status = os.fstat(file.fileno())
            self.size, self._identity = status.st_size, _identity(status)

    def open(self) -> FileIO:
        """Open the file for reading.

        Raises:
            OSError: It is not a regular file, or has changed since this object was made.
        """
        # opening a device can have effects
        self._check_kind(os.stat(self.path).st_mode)
        flags = os.O_RDONLY
        for name in _FLAGS:
            flags |= getattr(os, name, 0)
        file = FileIO(os.open(self.path, flags), "rb")
        try:
            self.check(file)
        except BaseException:
            file.close()
            raise
        return file

    def check(self, file: FileIO) -> None:
        """Check that an open file is this one, unchanged.

        Raises:
            OSError: It is not.
        """
        status = os.fstat(file.fileno())
        self._check_kind(status.st_mode)
        if self._identity and _identity(status) != self._identity:
            raise self.changed()

    def changed(self) -> OSError:
        """Return the error for a file that changed while it was read."""
        return OSError(errno.EIO, "was changed by another program", str(self.path))

    def read_into(self, position: int, buffer: Any) -> None:
        """Fill a buffer of bytes with those that the file has at a position.

        Raises:
            OSError: The file cannot be read, or has changed.
        """
        left = memoryview(buffer)
        with self.open() as file:
            file.seek(position)
            while left.nbytes:
                count = file.readinto(left)
                if not count:
                    raise self.changed()
                left = left[count:]
            self.check(file)

    def read(self, position: int, size: int) -> bytearray:
        """Return bytes at a position.

        Raises:
            OSError: The file cannot be read, or has changed.
        """
        content = bytearray(size)
        self.read_into(position, content)
        return content

    def _check_kind(self, mode: int) -> None:
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder, not a file", str(self.path))
        if not stat.S_ISREG(mode):
            what = "is a device, pipe or socket, and only regular files are read"
            raise OSError(errno.EINVAL, what, str(self.path))


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def read_whole(path: Path, max_size: int) -> bytearray:
    """Return the content of a file.

    Raises:
        ManifestError: The file has more than `max_size` bytes.
        OSError: The file is not a regular one, or cannot be read.
    """
    file = RegularFile(path)
    if file.size > max_size:
        raise ManifestError(f"{path} has {file.size} bytes, more than {readable_size(max_size)}")
    return file.read(0, file.size)


class Section(RawIOBase):
    """A section of a file, as a file of its own.

    Args:
        file: The file.
        start: The position of the section's first byte.
        size: The number of its bytes; None means all that follow.
    """

    def __init__(self, file: RegularFile, start: int = 0, size: int | None = None) -> None:
        self._regular = file
        self._file = file.open()
        self._start, self._position = start, 0
        self._size = file.size - start if size is None else size

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position, as for any file."""
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read as many bytes into the buffer as it and the section have."""
        wanted = max(0, min(len(buffer), self._size - self._position))
        if not wanted:
            return 0
        self._file.seek(self._start + self._position)
        count = self._file.readinto(memoryview(buffer)[:wanted])
        self._regular.check(self._file)
        if not count:
            raise self._regular.changed()
        self._position += count
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
