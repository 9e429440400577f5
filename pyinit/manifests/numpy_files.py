"""Arrays in NumPy's files: `.npy`, written and read, and `.npz`, read.

No pickle that such a file may contain is run. The format has no bfloat16: such values are stored as
two opaque bytes, as NumPy does.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import zipfile
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from pyinit.arguments import Shape, as_shape
from pyinit.dtypes import AnyArray
from pyinit.manifests.atomic_files import NewFile
from pyinit.manifests.model import ManifestError, TensorSpec
from pyinit.manifests.sinks import RawSink, name_of_file, tensor_of_file
from pyinit.manifests.sources import ArraySource, LoadedSource, TensorSource, stored_dtype
from pyinit.manifests.zip_members import open_zip, opened, read_member, stored_at

SUFFIX = ".npy"
_MAX_HEADER = 10_000
_READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def file_name(_: int, tensor: TensorSpec) -> str:
    """Return the name of a tensor's `.npy` file: its own, percent-encoded."""
    return name_of_file(tensor, SUFFIX)


class Sink(RawSink):
    """The `.npy` file of one tensor.

    Args:
        path: The path of the file.
        tensor: The tensor.
        replace: Whether to replace an existing file.
    """

    def __init__(self, path: Path, tensor: TensorSpec, *, replace: bool) -> None:
        dtype = tensor.numpy_dtype
        header = BytesIO()
        description = {
            "shape": tensor.shape,
            "fortran_order": False,
            "descr": "<V2" if tensor.dtype == "bfloat16" else dtype.newbyteorder("<").str,
        }
        np.lib.format.write_array_header_1_0(header, description)
        self._new = NewFile(path, replace=replace)
        self._new.write_at(0, header.getbuffer())
        super().__init__(self._new, header.tell())

    def publish(self) -> None:
        """Give the file its name."""
        self._new.publish()

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *_: object) -> None:
        self._new.__exit__()


def read_array(path: Path) -> dict[str, TensorSource]:
    """Return the array of an `.npy` file by name, without reading its values.

    Raises:
        ManifestError: The file is not an `.npy` file, or its array has objects.
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        shape, order, dtype, header_size = _header(str(path), stream)
    nbytes = math.prod(shape) * dtype.itemsize
    if header_size + nbytes != path.stat().st_size:
        raise ManifestError(f"{path}: the size does not match the shape")
    content = np.empty(0, np.uint8)
    if nbytes:
        content = np.memmap(path, np.uint8, "r", header_size, (nbytes,))
    return {tensor_of_file(path): ArraySource(content.view(dtype).reshape(shape, order=order))}


def read(path: Path) -> dict[str, TensorSource]:
    """Return the arrays of an `.npz` file by name, without reading their values.

    Raises:
        ManifestError: The file is not an `.npz` file, or one of its arrays has objects.
        OSError: The file cannot be read.
    """
    found: dict[str, TensorSource] = {}
    with open_zip(path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name in found:
                raise ManifestError(f"{path}: two arrays have the name {name!a}")
            found[name] = _source(path, archive, member)
    return found


def _source(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> TensorSource:
    start = stored_at(path, member)
    with opened(path, archive, member) as stream:
        shape, order, dtype, header_size = _header(f"{path}: {member.filename!a}", stream)
    nbytes = math.prod(shape) * dtype.itemsize
    if header_size + nbytes != member.file_size:
        raise ManifestError(f"{path}: the size of {member.filename!a} does not match its shape")

    def as_array(content: AnyArray) -> AnyArray:
        return content.view(dtype).reshape(shape, order=order)

    if start is not None and nbytes:
        first = start + header_size
        return ArraySource(as_array(np.memmap(path, np.uint8, "r", first, (nbytes,))))

    def load() -> AnyArray:
        with open_zip(path) as archive:
            content = read_member(path, archive, archive.getinfo(member.filename))
        return as_array(np.frombuffer(content, np.uint8)[header_size:])

    return LoadedSource(shape, dtype, load)


def _header(where: str, stream: IO[bytes]) -> tuple[Shape, Literal["C", "F"], np.dtype[Any], int]:
    """Return the shape, the memory order and the dtype of an array, and its header's size."""
    try:
        # the text of a header grows with the rank only
        head = BytesIO(stream.read(_MAX_HEADER))
        version = np.lib.format.read_magic(head)
        if version not in _READ_HEADER:
            raise ValueError(f"version {version} of the format")
        lengths, in_fortran_order, dtype = _READ_HEADER[version](head)
        # NumPy's parser also takes negative lengths, bools and too many axes
        shape = as_shape(lengths)
        if dtype.subdtype is not None:
            raise ValueError(f"its dtype is {dtype}")
    except Exception as error:  # NumPy's parser raises many kinds for damaged files
        raise ManifestError(f"{where} is not a numeric array: {error}") from None
    if dtype.hasobject:
        raise ManifestError(
            f"{where} is an array of Python objects, which only a pickle can restore: pickles are "
            "not read"
        )
    return shape, "F" if in_fortran_order else "C", stored_dtype(dtype), head.tell()
