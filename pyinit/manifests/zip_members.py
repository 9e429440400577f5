"""Members of zip archives, which may come from untrusted sources."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import IO, Any

from pyinit.manifests.limits import check_memory
from pyinit.manifests.model import ManifestError

#: Maximum number of members: a model of 100,000 layers has some hundred thousand weights.
_MAX_MEMBERS = 2_000_000
#: The length of a local file header without the name and the extra field, as in PKWARE's APPNOTE.
_LOCAL_HEADER = 30
#: What Python raises for a damaged member.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError),
    *(NotImplementedError, OverflowError, RuntimeError, ValueError),
)


def open_zip(path: Path) -> zipfile.ZipFile:
    """Open an archive.

    Raises:
        ManifestError: The file is not a zip archive, or has too many members.
        OSError: The file cannot be read.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ManifestError(f"{path} is not a zip archive: {error}") from None
    if len(archive.infolist()) > _MAX_MEMBERS:
        archive.close()
        raise ManifestError(f"{path} has more than {_MAX_MEMBERS} members")
    return archive


def stored_at(path: Path, member: zipfile.ZipInfo) -> int | None:
    """Return the position of a member's bytes in the file; None if they are compressed.

    Raises:
        ManifestError: The member is encrypted, or does not lie within the file.
    """
    if member.flag_bits & 1:
        raise ManifestError(f"{path}: {member.filename!a} is encrypted")
    if member.compress_type != zipfile.ZIP_STORED:
        return None
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(_LOCAL_HEADER)
        size = file.seek(0, 2)
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = member.header_offset + _LOCAL_HEADER + lengths
    if not header.startswith(b"PK\3\4") or start + member.file_size > size:
        raise ManifestError(f"{path}: {member.filename!a} does not lie within the file")
    return start


@contextmanager
def opened(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    """Open a member.

    Raises:
        ManifestError: It is damaged.
    """
    try:
        with archive.open(member) as stream:
            yield stream
    except _DAMAGE as error:
        if isinstance(error, ManifestError):
            raise
        raise ManifestError(f"{path}: {member.filename!a} is damaged: {error}") from None


def read_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member, of which a compressed archive may claim very many.

    Raises:
        ManifestError: They do not fit in memory, or are damaged.
    """
    check_memory(f"{path}: {member.filename!a}", member.file_size)
    with opened(path, archive, member) as stream:
        # never more than the archive claims, whatever it decompresses to
        return stream.read(member.file_size)


class Section(RawIOBase):
    """A section of a file, as a file of its own.

    Args:
        path: The path of the file.
        start: The position of the section's first byte.
        size: The number of its bytes.
    """

    def __init__(self, path: Path, start: int, size: int) -> None:
        self._file = path.open("rb")
        self._start, self._size, self._position = start, size, 0

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
        self._file.seek(self._start + self._position)
        count = self._file.readinto(memoryview(buffer)[:wanted])
        self._position += count
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
