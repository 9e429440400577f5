"""Tensors in Arrow files, one for each, written and read in pieces.

The file (Arrow's IPC format) has one column, `values`, with the tensor's values in C order, in as
many record batches as there are pieces, and in the schema's metadata what the tensor is. Arrow has
no bfloat16: such values are their 16 bits as uint16.
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
from pyinit.stream import STREAM_VERSION

SUFFIX = ".arrow"
_COLUMN = "values"


def file_name(number: int, tensor: TensorSpec) -> str:
    """The name of a tensor's file: its number in the manifest, and of its name what is harmless."""
    harmless = re.sub(r"[^A-Za-z0-9_]+", "-", tensor.name).strip("-")[:80]
    return f"{number:05d}-{harmless}{SUFFIX}"


def _pyarrow() -> Any:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError(
            "The Python package pyarrow is needed for Arrow files (pip install pyarrow)"
        ) from None
    return pa


class Writer:
    """Writes the file of a tensor.

    Args:
        path: Of the file.
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
        """Writes the next values in C order."""
        flat = values.reshape(-1)
        array = self._pa.array(flat.view(np.uint16) if self._is_bits else flat)
        self._writer.write_batch(self._pa.record_batch([array], schema=self._schema))

    def close(self) -> None:
        """Ends the file."""
        self._writer.close()


class _ArrowSource:
    """The values in a file of `Writer`."""

    def __init__(self, shape: Shape, dtype: np.dtype[Any], column: Any) -> None:
        self.shape, self.dtype, self._column = shape, dtype, column

    def flat(self, first: int, last: int) -> AnyArray:
        """As `TensorSource` has it."""
        found: AnyArray = self._column.slice(first, last - first).to_numpy()
        return found.view(self.dtype)


def read(path: Path) -> dict[str, TensorSource]:
    """The tensor in a file, which is read when it is asked for.

    Raises:
        ManifestError: It is no file of `Writer`.
        OSError: It cannot be read.
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
            raise ValueError("its size is not that of its shape")
    except (pa.ArrowException, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ManifestError(
            f"{path} is no Arrow file with a tensor: {type(error).__name__}: {error}"
        ) from None
    return {name: _ArrowSource(shape, dtype, column)}
