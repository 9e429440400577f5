"""The positions of the values in Arrow files, found without mapping or trusting them.

An Arrow file consists of messages: a schema, then record batches, each a description in the
FlatBuffers format followed by a body with the values. Only the descriptions are read here, and
every position in them is checked.

Sources: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc,
https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyinit.manifests.regular_files import RegularFile

_MAGIC = b"ARROW1"
_FIRST_MESSAGE = 8
#: The start of a message, before the size of its description.
_CONTINUATION = b"\xff\xff\xff\xff"
#: Maximum size of a description: a schema with a name, a shape and a fingerprint.
_MAX_DESCRIPTION = 2**20
#: The batches of this library have about a megabyte. Maximum number of smaller ones.
_MAX_SMALL_BATCHES, _MIN_BATCH = 1000, 2**16
# the types of messages, and the fields of their tables, in the order of Arrow's Message.fbs
_SCHEMA, _RECORD_BATCH = 1, 3
_HEADER_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3
_ENDIANNESS = 0
_LENGTH, _NODES, _BUFFERS, _COMPRESSION = 0, 1, 2, 3


@dataclass(frozen=True)
class Batch:
    """A record batch of one column without missing values.

    Args:
        rows: The number of values.
        start: The position of the first value in the file.
    """

    rows: int
    start: int


def read_schema(file: RegularFile) -> tuple[bytes, str, int]:
    """Read the schema.

    Returns:
        The message of the schema, the byte order of the values, and the position of the next
        message.

    Raises:
        ValueError: The file is invalid.
        OSError: The file cannot be read.
    """
    if file.size < _FIRST_MESSAGE or file.read(0, len(_MAGIC)) != _MAGIC:
        raise ValueError("it does not start with ARROW1")
    message = _next_message(file, _FIRST_MESSAGE)
    if message is None or message.kind != _SCHEMA:
        raise ValueError("it does not start with a schema")
    is_big = message.table.integer(_ENDIANNESS, "<h", 0) != 0
    text = bytes(file.read(_FIRST_MESSAGE, message.body - _FIRST_MESSAGE))
    return text, ">" if is_big else "<", message.end


def read_batches(file: RegularFile, start: int, bits: int) -> Iterator[Batch]:
    """Yield the record batches of one column of numbers.

    Args:
        file: The file.
        start: The position of the first one.
        bits: The size of a number in bits.

    Raises:
        ValueError: The file is invalid, or its batches are compressed or have missing values.
        OSError: The file cannot be read.
    """
    limit = _MAX_SMALL_BATCHES + file.size // _MIN_BATCH
    count = 0
    while (message := _next_message(file, start)) is not None:
        count += 1
        if count > limit:
            raise ValueError(f"it has more than {limit} batches")
        if message.kind != _RECORD_BATCH:
            raise ValueError("it has messages other than record batches")
        yield _batch(message, bits)
        start = message.end


def _batch(message: _Message, bits: int) -> Batch:
    table = message.table
    if table.has(_COMPRESSION):
        raise ValueError("its values are compressed")
    rows = table.integer(_LENGTH, "<q", 0)
    nodes = table.structs(_NODES, "<qq")
    buffers = table.structs(_BUFFERS, "<qq")
    if len(nodes) != 1 or len(buffers) != 2:
        raise ValueError("a batch has more than one column of numbers")
    [(length, missing)], (_, (first, size)) = nodes, buffers
    if missing or length != rows or rows < 0:
        raise ValueError("a batch has missing values")
    if first < 0 or 8 * size < rows * bits or first + size > message.end - message.body:
        raise ValueError("the values of a batch lie outside it")
    return Batch(rows, message.body + first)


@dataclass(frozen=True)
class _Message:
    """A message.

    Args:
        kind: The type of its header.
        table: The header.
        body: The position of its body.
        end: The position after it.
    """

    kind: int
    table: _Table
    body: int
    end: int


def _next_message(file: RegularFile, start: int) -> _Message | None:
    """Return the message at a position; None at the end of the messages."""
    if start + 8 > file.size:
        return None
    prefix = file.read(start, 8)
    if prefix[:4] != _CONTINUATION:
        raise ValueError("a message does not start as it should")
    size = int.from_bytes(prefix[4:], "little")
    if size == 0:
        return None
    body = start + 8 + size
    if size > _MAX_DESCRIPTION or body > file.size:
        raise ValueError("the description of a message is too long")
    try:
        description = _Table.root(bytes(file.read(start + 8, size)))
        kind = description.integer(_HEADER_TYPE, "<B", 0)
        length = description.integer(_BODY_LENGTH, "<q", 0)
        table = description.table(_HEADER)
    except struct.error:
        raise ValueError("the description of a message is damaged") from None
    if length < 0 or body + length > file.size:
        raise ValueError("the values of a message lie outside the file")
    return _Message(kind, table, body, body + length)


class _Table:
    """A table of FlatBuffers.

    Args:
        content: The whole buffer.
        position: The position of the table.

    Raises:
        struct.error: A position lies outside the buffer.
    """

    def __init__(self, content: bytes, position: int) -> None:
        self._content, self._position = content, position
        self._offsets = position - self._at("<i", position)
        self._size = self._at("<H", self._offsets)

    @classmethod
    def root(cls, content: bytes) -> _Table:
        """Return the outermost table."""
        return cls(content, *struct.unpack_from("<I", content))

    def _at(self, kind: str, position: int) -> Any:
        if position < 0:  # which would count from the end
            raise struct.error("negative position")
        return struct.unpack_from(kind, self._content, position)[0]

    def _field(self, index: int) -> int:
        """Return the position of a field; 0 if it is absent."""
        place = 4 + 2 * index
        if place + 2 > self._size:
            return 0
        offset: int = self._at("<H", self._offsets + place)
        return self._position + offset if offset else 0

    def has(self, index: int) -> bool:
        """Return whether the table has a field."""
        return self._field(index) != 0

    def integer(self, index: int, kind: str, default: int) -> int:
        """Return a field that is an integer."""
        position = self._field(index)
        return int(self._at(kind, position)) if position else default

    def table(self, index: int) -> _Table:
        """Return a field that is a table."""
        position = self._field(index)
        if not position:
            raise struct.error("no such field")
        return _Table(self._content, position + self._at("<I", position))

    def structs(self, index: int, kind: str) -> list[tuple[int, ...]]:
        """Return a field that is a list of at most a few structs."""
        position = self._field(index)
        if not position:
            return []
        position += self._at("<I", position)
        count = min(self._at("<I", position), 3)
        size = struct.calcsize(kind)
        return [
            struct.unpack_from(kind, self._content, position + 4 + k * size) for k in range(count)
        ]
