"""Members of zip archives, which may come from untrusted sources."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import IO

from pyinit.manifests.limits import MAX_TENSORS, check_memory
from pyinit.manifests.model import ManifestError
from pyinit.manifests.regular_files import RegularFile, Section

#: Maximum size of the directory of an archive, of which a member takes 46 bytes and its name.
_MAX_DIRECTORY = 2**25
#: The sizes of the end of the directory, also that of ZIP64 and its locator; and with a comment.
_END, _WIDE_END, _LOCATOR = 22, 56, 20
_MAX_END = _END + _WIDE_END + _LOCATOR + 2**16
#: The length of a local file header without the name and the extra field, as in PKWARE's APPNOTE.
_LOCAL_HEADER = 30
#: What Python raises for a damaged member.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError),
    *(NotImplementedError, OverflowError, RuntimeError, ValueError),
)


@dataclass(frozen=True)
class Archive:
    """An open archive.

    Args:
        file: The file.
        stream: The open file.
        members: The archive in it.
    """

    file: RegularFile
    stream: Section
    members: zipfile.ZipFile

    def read(self, position: int, size: int) -> bytes:
        """Return bytes of the file, fewer at its end."""
        self.stream.seek(position)
        return self.stream.read(size)


@contextmanager
def open_zip(file: RegularFile) -> Iterator[Archive]:
    """Open an archive.

    Raises:
        ManifestError: The file is not a zip archive, or has too many members.
        OSError: The file cannot be read.
    """
    path = file.path
    with Section(file) as stream:
        _check_directory(file)
        try:
            archive = zipfile.ZipFile(BufferedReader(stream))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise ManifestError(f"{path} is not a zip archive: {error}") from None
        with archive:
            if len(archive.infolist()) > MAX_TENSORS:
                raise ManifestError(f"{path} has more than {MAX_TENSORS} members")
            yield Archive(file, stream, archive)


def _check_directory(file: RegularFile) -> None:
    """Check the size of an archive's directory, all of which zipfile parses."""
    size = min(file.size, _MAX_END)
    end = file.read(file.size - size, size)
    # found as zipfile does
    at = len(end) - _END
    if at < 0 or end[at : at + 4] != b"PK\5\6" or end[-2:] != b"\0\0":
        at = end.rfind(b"PK\5\6")
    if at < 0:
        return
    claimed = int.from_bytes(end[at + 12 : at + 16], "little")
    # the record of ZIP64, which zipfile prefers, precedes its locator
    wide = at - _LOCATOR - _WIDE_END
    if wide >= 0 and end[wide : wide + 4] == b"PK\6\6":
        claimed = int.from_bytes(end[wide + 40 : wide + 48], "little")
    if min(claimed, file.size) > _MAX_DIRECTORY:
        raise ManifestError(
            f"{file.path} is not a readable archive: the directory of its members has {claimed} "
            f"bytes, more than {_MAX_DIRECTORY}"
        )


def stored_at(archive: Archive, member: zipfile.ZipInfo) -> int | None:
    """Return the position of a member's bytes in the file; None if they are compressed.

    Raises:
        ManifestError: The member is encrypted, or does not lie within the file.
    """
    file = archive.file
    if member.flag_bits & 1:
        raise ManifestError(f"{file.path}: {member.filename!a} is encrypted")
    if member.compress_type != zipfile.ZIP_STORED:
        return None
    first = member.header_offset
    header = archive.read(first, _LOCAL_HEADER) if first >= 0 else b""
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = first + _LOCAL_HEADER + lengths
    if not header.startswith(b"PK\3\4") or start + member.file_size > file.size:
        raise ManifestError(f"{file.path}: {member.filename!a} does not lie within the file")
    return start


@contextmanager
def opened(archive: Archive, member: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    """Open a member.

    Raises:
        ManifestError: It is damaged.
    """
    try:
        with archive.members.open(member) as stream:
            yield stream
    except _DAMAGE as error:
        if isinstance(error, ManifestError):
            raise
        raise ManifestError(
            f"{archive.file.path}: {member.filename!a} is damaged: {error}"
        ) from None


def read_member(archive: Archive, member: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member, of which a compressed archive may claim very many.

    Raises:
        ManifestError: They do not fit in memory, or are damaged.
    """
    where = f"{archive.file.path}: {member.filename!a}"
    check_memory(where, member.file_size)
    with opened(archive, member) as stream:
        # never more than the archive claims, whatever it decompresses to
        content = stream.read(member.file_size)
    if len(content) < member.file_size:
        raise ManifestError(f"{where} is shorter than it claims")
    return content
