"""Files in the safetensors format, written and read in pieces.

The safetensors package takes and gives whole tensors in memory. The format is simple enough to do
without: the length of a header (8 bytes, little-endian), the header (JSON: for each tensor the
dtype, the shape, and from where to where its values are in what follows), and the values
(little-endian, in C order, without gaps).

Source: https://huggingface.co/docs/safetensors/index#format
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray
from pyinit.manifests.model import ManifestError, TensorSpec
from pyinit.manifests.reading import load_json
from pyinit.manifests.sources import ArraySource, TensorSource
from pyinit.stream import STREAM_VERSION

SUFFIX = ".safetensors"

_NAMES = {
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "bool": "BOOL",
}
_METADATA = "__metadata__"
_DTYPES = {name: NUMERIC_DTYPES[dtype] for dtype, name in _NAMES.items()}
#: That of the format's own implementation.
_MAX_HEADER = 100_000_000


def layout(tensors: Sequence[TensorSpec]) -> tuple[bytes, dict[str, int], int]:
    """Where everything is in a file.

    Returns:
        What stands before the values, where the values of each tensor start, and the file's size.

    Raises:
        ManifestError: A tensor has the name that the format has for something else.
    """
    if any(tensor.name == _METADATA for tensor in tensors):
        raise ManifestError(f"a safetensors file cannot have a tensor called {_METADATA!r}")
    header: dict[str, Any] = {
        # what loaders of torch's models look for
        _METADATA: {"format": "pt", "pyinit_stream_version": str(STREAM_VERSION)}
    }
    starts, end = {}, 0
    # wider values first, so that all of them are aligned
    for tensor in sorted(tensors, key=lambda tensor: -tensor.numpy_dtype.itemsize):
        starts[tensor.name] = end
        header[tensor.name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [end, end + tensor.nbytes],
        }
        end += tensor.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    before = len(text).to_bytes(8, "little") + text
    return before, {name: len(before) + start for name, start in starts.items()}, len(before) + end


def read(path: Path) -> dict[str, TensorSource]:
    """The tensors in a file, which are read when they are asked for.

    Raises:
        ManifestError: It is no such file.
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _MAX_HEADER):
            raise ManifestError(f"{path} is no safetensors file: it has no header")
        try:
            header = load_json(file.read(length))
        except ManifestError as error:
            raise ManifestError(f"{path} is no safetensors file: its header is {error}") from None
    if not isinstance(header, dict):
        raise ManifestError(f"{path} is no safetensors file: its header is no object")
    header.pop(_METADATA, None)
    memory: AnyArray = np.memmap(path, np.uint8, mode="r", offset=0)[8 + length :]
    return {name: _values(path, name, entry, memory) for name, entry in header.items()}


def _values(path: Path, name: str, entry: Any, memory: AnyArray) -> TensorSource:
    try:
        dtype = _DTYPES[entry["dtype"]]
        shape: Shape = tuple(entry["shape"])
        first, last = entry["data_offsets"]
        whole = all(type(number) is int and number >= 0 for number in (*shape, first, last))
        if not whole or not first <= last <= memory.size:
            raise ValueError("it lies outside of the file")
        if last - first != math.prod(shape) * dtype.itemsize:
            raise ValueError("its size is not that of its shape")
    except (KeyError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else error
        raise ManifestError(
            f"{path} is no safetensors file of these dtypes: the tensor {name!a}: {what}"
        ) from None
    # no copy where this machine has the file's order of bytes
    bits = f"u{dtype.itemsize}"
    native = memory[first:last].view(f"<{bits}").astype(f"={bits}", copy=False)
    return ArraySource(native.view(dtype).reshape(shape))
