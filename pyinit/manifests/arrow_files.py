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
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray
from pyinit.manifests.model import ManifestError, TensorSpec
from pyinit.manifests.sources import TensorSource
from pyinit.versions import STREAM_VERSION

SUFFIX = ".arrow"
_COLUMN = "values"


def file_name(index: int, tensor: TensorSpec) -> str:
    """Return the name of a tensor's file: its position in the manifest and its sanitized name."""
    sanitized = re.sub(r"[^A-Za-z0-9_]+", "-", tensor.name).strip("-")[:80]
    return f"{index:05d}-{sanitized}{SUFFIX}"


def _pyarrow() -> Any:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError(
            "The Python package pyarrow is needed for Arrow files (pip install pyarrow)"
        ) from None
    return pa


class Writer:
    """A writer of one tensor's file.

    Args:
        path: The path of the file.
        tensor: The tensor.
    """

    def __init__(self, path: Path, tensor: TensorSpec) -> None:
        self._pa = _pyarrow()
        self._is_bits = tensor.dtype == "bfloat16"
        dtype = np.dtype(np.uint16) if self._is_bits else tensor.numpy_dtype
        metadata = {
            "pyinit.name": tensor.name,
            "pyinit.shape": json.dumps(tensor.shape),
            "pyinit.dtype": tensor.dtype,
            "pyinit.fingerprint": tensor.fingerprint,
            "pyinit.stream_version": str(STREAM_VERSION),
        }
        field = self._pa.field(_COLUMN, self._pa.from_numpy_dtype(dtype), nullable=False)
        self._schema = self._pa.schema([field], metadata)
        self._writer = self._pa.ipc.new_file(str(path), self._schema)

    def write(self, values: AnyArray) -> None:
        """Write the next values in C order."""
        flat = values.reshape(-1)
        array = self._pa.array(flat.view(np.uint16) if self._is_bits else flat)
        self._writer.write_batch(self._pa.record_batch([array], schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class _ArrowSource:
    """The values in a file written by `Writer`."""

    def __init__(self, shape: Shape, dtype: np.dtype[Any], column: Any) -> None:
        self.shape, self.dtype, self._column = shape, dtype, column

    def read_flat(self, first: int, last: int) -> AnyArray:
        """Return the values at the flat C-order indices `first` to `last - 1`, as a 1-d array."""
        values: AnyArray = self._column.slice(first, last - first).to_numpy()
        return values.view(self.dtype)


def read(path: Path) -> dict[str, TensorSource]:
    """Return the tensor of a file by name, without reading its values.

    Raises:
        ManifestError: The file was not written by `Writer`.
        OSError: The file cannot be read.
    """
    pa = _pyarrow()
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
