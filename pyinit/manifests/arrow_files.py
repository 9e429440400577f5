"""Arrow files, one for each tensor, written and read in chunks.

A file (Arrow's IPC format) has one column, `values`: the tensor's values in C order, one record
batch for each chunk. The metadata of the schema describe the tensor. Arrow has no bfloat16: such
values are stored as their 16 bits, as uint16.

Source: https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from io import RawIOBase
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.arguments import Shape, as_shape
from pyinit.dtypes import BOOL, NUMERIC_DTYPES, AnyArray
from pyinit.manifests.arrow_messages import Batch, read_batches, read_schema
from pyinit.manifests.atomic_files import NewFile
from pyinit.manifests.model import ManifestError, TensorSpec
from pyinit.manifests.reading import load_json
from pyinit.manifests.regular_files import RegularFile
from pyinit.manifests.sources import FileSource, TensorSource
from pyinit.versions import STREAM_VERSION

SUFFIX = ".arrow"
_COLUMN = "values"
#: The size of `ARROW1` with its padding, at the start of a file.
_MAGIC_SIZE = 8
#: The metadata that a reader needs.
_REQUIRED = ("pyinit.name", "pyinit.shape", "pyinit.dtype")


def file_name(index: int, tensor: TensorSpec) -> str:
    """Return the name of a tensor's file: its position in the manifest and its sanitized name."""
    sanitized = re.sub(r"[^A-Za-z0-9_]+", "-", tensor.name).strip("-")[:80]
    return f"{index:05d}-{sanitized}{SUFFIX}"


def import_pyarrow() -> Any:
    """Return pyarrow.

    Raises:
        ImportError: It is not installed.
    """
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError(
            "The Python package pyarrow is needed for Arrow files (pip install pyarrow)"
        ) from None
    return pa


class Sink:
    """The file of one tensor.

    Args:
        path: The path of the file.
        tensor: The tensor.
        replace: Whether to replace an existing file.
    """

    def __init__(self, path: Path, tensor: TensorSpec, *, replace: bool) -> None:
        self._pa = import_pyarrow()
        self._dtype = tensor.numpy_dtype
        self._is_bits = tensor.dtype == "bfloat16"
        dtype = np.dtype(np.uint16) if self._is_bits else self._dtype
        metadata = {
            "pyinit.name": tensor.name,
            "pyinit.shape": json.dumps(tensor.shape),
            "pyinit.dtype": tensor.dtype,
            "pyinit.fingerprint": tensor.fingerprint,
            "pyinit.stream_version": str(STREAM_VERSION),
        }
        field = self._pa.field(_COLUMN, self._pa.from_numpy_dtype(dtype), nullable=False)
        self._schema = self._pa.schema([field], metadata)
        self._file = NewFile(path, replace=replace)
        self._output = _Output(self._file)
        self._writer = self._pa.ipc.new_file(self._output, self._schema)
        #: The positions of the batches that were not read back.
        self._batches: deque[tuple[int, int]] = deque()

    def write(self, values: AnyArray) -> None:
        """Write the next values."""
        flat = values.reshape(-1)
        array = self._pa.array(flat.view(np.uint16) if self._is_bits else flat)
        start = self._output.tell()
        self._writer.write_batch(self._pa.record_batch([array], schema=self._schema))
        self._batches.append((start, self._output.tell()))

    def read_back(self, values: AnyArray) -> AnyArray:
        """Return the values that the file has for the earliest ones that were not read back."""
        start, end = self._batches.popleft()
        content = bytearray(end - start)
        self._file.read_at(start, content)
        stream = self._pa.BufferReader(content)
        if start == 0:  # pyarrow writes the schema with the first batch
            stream.seek(_MAGIC_SIZE)
            self._pa.ipc.read_message(stream)
        batch = self._pa.ipc.read_record_batch(self._pa.ipc.read_message(stream), self._schema)
        found: AnyArray = batch.column(0).to_numpy(zero_copy_only=False)
        return found.view(self._dtype)

    def publish(self) -> None:
        """Finish the file and give it its name."""
        self._writer.close()
        self._file.publish()

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.__exit__()


class _Output(RawIOBase):
    """A new file as pyarrow writes it: from its start to its end."""

    def __init__(self, file: NewFile) -> None:
        self._file = file
        self._position = 0

    def writable(self) -> bool:
        """Return that the file can be written."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._position

    def write(self, content: Any) -> int:
        """Write bytes at the end."""
        size = memoryview(content).nbytes
        self._file.write_at(self._position, content)
        self._position += size
        return size


class _BitSource:
    """The bools of a batch, which Arrow stores as bits."""

    def __init__(self, file: RegularFile, batch: Batch) -> None:
        self._file, self._start = file, batch.start

    def read_flat(self, first: int, last: int) -> AnyArray:
        """Return the values at the indices `first` to `last - 1`."""
        begin = first // 8
        packed = self._file.read(self._start + begin, -(-last // 8) - begin)
        bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
        return bits[first - 8 * begin : last - 8 * begin].view(BOOL)


class _ArrowSource:
    """The values in a file written by `Sink`.

    Args:
        file: The file.
        batches: The record batches.
        shape: The shape of the tensor.
        dtype: The dtype.
        byteorder: The byte order of the file.
    """

    def __init__(
        self,
        file: RegularFile,
        batches: Sequence[Batch],
        shape: Shape,
        dtype: np.dtype[Any],
        byteorder: str,
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self._sources = [
            _BitSource(file, batch)
            if dtype == BOOL
            else FileSource(file, batch.start, (batch.rows,), dtype, byteorder)
            for batch in batches
        ]
        self._starts = [0, *accumulate(batch.rows for batch in batches)]

    def read_flat(self, first: int, last: int) -> AnyArray:
        """Return the values at the flat C-order indices `first` to `last - 1`, as a 1-d array."""
        parts = []
        index = bisect_right(self._starts, first) - 1
        while first < last:
            start, stop = self._starts[index : index + 2]
            end = min(last, stop)
            parts.append(self._sources[index].read_flat(first - start, end - start))
            first, index = end, index + 1
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, self.dtype), *parts])


def read(path: Path) -> dict[str, TensorSource]:
    """Return the tensor of a file by name, without reading its values.

    Raises:
        ManifestError: The file was not written by `Sink`.
        OSError: The file cannot be read.
    """
    pa = import_pyarrow()
    file = RegularFile(path)
    try:
        text, byteorder, start = read_schema(file)
        schema = pa.ipc.read_schema(pa.py_buffer(text))
        metadata = {key.decode(): text.decode() for key, text in (schema.metadata or {}).items()}
        missing = [name for name in _REQUIRED if name not in metadata]
        if missing:
            raise ValueError(f"its metadata lack {missing[0]!r}")
        dtype = NUMERIC_DTYPES.get(metadata["pyinit.dtype"])
        if dtype is None:
            raise ValueError(f"its dtype must be one of {', '.join(NUMERIC_DTYPES)}")
        shape = _shape_in(metadata["pyinit.shape"])
        stored = np.dtype(np.uint16) if dtype.name == "bfloat16" else dtype
        if schema.names != [_COLUMN] or schema.types != [pa.from_numpy_dtype(stored)]:
            raise ValueError(f"it must have one column, {_COLUMN!r}, of {stored}")
        bits = 1 if dtype == BOOL else 8 * dtype.itemsize
        batches = list(read_batches(file, start, bits))
        if sum(batch.rows for batch in batches) != math.prod(shape):
            raise ValueError("its size does not match its shape")
    except (pa.ArrowException, ValueError) as error:
        raise ManifestError(f"{path} is not an Arrow file with a tensor: {error}") from None
    source = _ArrowSource(file, batches, shape, dtype, byteorder)
    return {metadata["pyinit.name"]: source}


def _shape_in(text: str) -> Shape:
    try:
        shape = load_json(text)
    except ManifestError as error:
        raise ValueError(f"its shape is {error}") from None
    if not isinstance(shape, list) or not all(type(length) is int for length in shape):
        raise ValueError("its shape must be a list of integers")
    return as_shape(shape)
