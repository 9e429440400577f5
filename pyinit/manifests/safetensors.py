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
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.arguments import Shape, as_shape
from pyinit.dtypes import NUMERIC_DTYPES
from pyinit.manifests.limits import MAX_TENSORS
from pyinit.manifests.model import ManifestError, TensorSpec
from pyinit.manifests.reading import load_json
from pyinit.manifests.regular_files import RegularFile
from pyinit.manifests.sources import FileSource, TensorSource
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
    file = RegularFile(path)
    try:
        header, start = _header(file)
        return _sources(file, header, start)
    except ManifestError as error:
        raise ManifestError(f"{path} is not a readable safetensors file: {error}") from None


def _header(file: RegularFile) -> tuple[dict[str, Any], int]:
    """Return the entries of the tensors, and the position of their values."""
    length = int.from_bytes(file.read(0, 8), "little") if file.size >= 8 else _MAX_HEADER
    if length > min(file.size - 8, _MAX_HEADER):
        raise ManifestError("it has no header")
    text = file.read(8, length)
    if not text.startswith(b"{"):
        raise ManifestError("its header is not a JSON object")
    # each tensor has an entry, which is an object
    if text.count(b"{") > MAX_TENSORS + 2:
        raise ManifestError(f"it has more than {MAX_TENSORS} tensors")
    try:
        header = load_json(text)
    except ManifestError as error:
        raise ManifestError(f"its header is {error}") from None
    metadata = header.pop(_METADATA, {})
    is_valid = isinstance(metadata, dict) and all(isinstance(x, str) for x in metadata.values())
    if not is_valid:
        raise ManifestError(f"its {_METADATA} must be an object of strings")
    return header, 8 + length


def _sources(file: RegularFile, header: Mapping[str, Any], start: int) -> dict[str, TensorSource]:
    """Return the tensors, whose values must lie one after another up to the end of the file."""
    found: dict[str, TensorSource] = {}
    ranges: list[tuple[int, int, str]] = []
    for name, entry in header.items():
        try:
            shape, dtype, first, last = _fields(entry)
        except ValueError as error:
            raise ManifestError(f"the tensor {name!a}: {error}") from None
        if last > file.size - start:
            raise ManifestError(f"the tensor {name!a}: its byte range lies outside the file")
        found[name] = FileSource(file, start + first, shape, dtype, "<")
        ranges.append((first, last, name))
    end = 0
    for first, last, name in sorted(ranges, key=itemgetter(0, 1)):
        if first != end:
            what = "overlap those of another tensor" if first < end else "follow a gap"
            raise ManifestError(f"the tensor {name!a}: its values {what}")
        end = last
    if start + end != file.size:
        raise ManifestError(f"{file.size - start - end} bytes follow the values")
    return found


def _fields(entry: Any) -> tuple[Shape, np.dtype[Any], int, int]:
    """Return the shape, the dtype and the byte range of a tensor.

    Raises:
        ValueError: The entry is invalid.
    """
    if not isinstance(entry, dict):
        raise ValueError("its entry is not a JSON object")
    missing = [name for name in ("dtype", "shape", "data_offsets") if name not in entry]
    if missing:
        raise ValueError(f"its entry lacks the field {missing[0]!r}")
    dtype = _DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise ValueError(f"its dtype must be one of {', '.join(_DTYPES)}")
    lengths, offsets = entry["shape"], entry["data_offsets"]
    for name, numbers in (("shape", lengths), ("data_offsets", offsets)):
        if not isinstance(numbers, list) or not all(type(n) is int and n >= 0 for n in numbers):
            raise ValueError(f"its {name} must be a list of integers, at least 0")
    if len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError("its data_offsets must be two positions, the start and the end")
    first, last = offsets
    shape = as_shape(lengths)
    if last - first != math.prod(shape) * dtype.itemsize:
        raise ValueError("its size does not match its shape")
    return shape, dtype, first, last
