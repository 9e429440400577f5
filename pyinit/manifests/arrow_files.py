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
from collections import deque
from io import RawIOBase
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray
from pyinit.manifests.atomic_files import NewFile
from pyinit.manifests.model import ManifestError, TensorSpec
from pyinit.manifests.sources import TensorSource
from pyinit.versions import STREAM_VERSION

SUFFIX = ".arrow"
_COLUMN = "values"
#: The size of `ARROW1` with its padding, at the start of a file.
_MAGIC_SIZE = 8


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


class _ArrowSource:
    """The values in a file written by `Sink`."""

    def __init__(self, shape: Shape, dtype: np.dtype[Any], column: Any) -> None:
        self.shape, self.dtype, self._column = shape, dtype, column

    def read_flat(self, first: int, last: int) -> AnyArray:
        """Return the values at the flat C-order indices `first` to `last - 1`, as a 1-d array."""
        values: AnyArray = self._column.slice(first, last - first).to_numpy()
        return values.view(self.dtype)


def read(path: Path) -> dict[str, TensorSource]:
    """Return the tensor of a file by name, without reading its values.

    Raises:
        ManifestError: The file was not written by `Sink`.
        OSError: The file cannot be read.
    """
    pa = import_pyarrow()
    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
        metadata = {key.decode(): text.decode() for key, text in table.schema.metadata.items()}
        name, dtype = metadata["pyinit.name"], NUMERIC_DTYPES[metadata["pyinit.dtype"]]
        shape = tuple(int(length) for length in json.loads(metadata["pyinit.shape"]))
        column = table.column(_COLUMN)
        stored = np.dtype(np.uint16) if dtype.name == "bfloat16" else dtype
        if column.null_count or column.type != pa.from_numpy_dtype(stored):
            raise ValueError(f"its values are of {column.type}, or have nulls")
        if len(column) != math.prod(shape) or min(shape, default=0) < 0:
            raise ValueError("its size does not match its shape")
    except (pa.ArrowException, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ManifestError(
            f"{path} is not an Arrow file with a tensor: {type(error).__name__}: {error}"
        ) from None
    return {name: _ArrowSource(shape, dtype, column)}
