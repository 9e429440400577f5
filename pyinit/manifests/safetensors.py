"""Files in the safetensors format, written and read in chunks.

The safetensors package only handles whole tensors in memory, so the format is implemented here: the
length of the header (8 bytes, little-endian), the header (JSON: for each tensor its dtype, shape
and byte range in the data section), and the data section (little-endian values in C order, without
gaps).

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
from pyinit.versions import STREAM_VERSION

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
#: The limit of the format's reference implementation.
_MAX_HEADER = 100_000_000


def layout(tensors: Sequence[TensorSpec]) -> tuple[bytes, dict[str, int], int]:
    """Return the layout of a file.

    Returns:
        The header with its length, the position of each tensor's values, and the size of the file.

    Raises:
        ManifestError: A tensor has the name that the format reserves for metadata.
    """
    if any(tensor.name == _METADATA for tensor in tensors):
        raise ManifestError(f"a safetensors file cannot have a tensor called {_METADATA!r}")
    header: dict[str, Any] = {
        # expected by loaders of torch models
        _METADATA: {"format": "pt", "pyinit_stream_version": str(STREAM_VERSION)}
    }
    starts, end = {}, 0
    # wider values first, which aligns all of them
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
    start = len(text).to_bytes(8, "little") + text
    return start, {name: len(start) + first for name, first in starts.items()}, len(start) + end


def read(path: Path) -> dict[str, TensorSource]:
    """Return the tensors of a file by name, without reading their values.

    Raises:
        ManifestError: The file is not a valid safetensors file.
        OSError: The file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _MAX_HEADER):
            raise ManifestError(f"{path} is not a safetensors file: it has no header")
        try:
            header = load_json(file.read(length))
        except ManifestError as error:
            raise ManifestError(
                f"{path} is not a safetensors file: its header is {error}"
            ) from None
    if not isinstance(header, dict):
        raise ManifestError(f"{path} is not a safetensors file: its header is not a JSON object")
    header.pop(_METADATA, None)
    memory: AnyArray = np.memmap(path, np.uint8, mode="r", offset=0)[8 + length :]
    return {name: _source(path, name, entry, memory) for name, entry in header.items()}


def _source(path: Path, name: str, entry: Any, memory: AnyArray) -> TensorSource:
    try:
        dtype = _DTYPES[entry["dtype"]]
        shape: Shape = tuple(entry["shape"])
        first, last = entry["data_offsets"]
        whole = all(type(number) is int and number >= 0 for number in (*shape, first, last))
        if not whole or not first <= last <= memory.size:
            raise ValueError("its byte range lies outside the file")
        if last - first != math.prod(shape) * dtype.itemsize:
            raise ValueError("its size does not match its shape")
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else error
        raise ManifestError(
            f"{path} is not a readable safetensors file: the tensor {name!a}: {reason}"
        ) from None
    # a copy only on big-endian machines
    bits = f"u{dtype.itemsize}"
    native = memory[first:last].view(f"<{bits}").astype(f"={bits}", copy=False)
    return ArraySource(native.view(dtype).reshape(shape))
