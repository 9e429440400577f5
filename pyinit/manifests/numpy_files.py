"""Arrays in NumPy's files: `.npy`, written and read, and `.npz`, read.

No pickle that such a file may contain is run. The format has no bfloat16: such values are stored as
two opaque bytes, as NumPy does.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pyinit.arguments import Shape, as_shape
from pyinit.dtypes import AnyArray
from pyinit.manifests.atomic_files import NewFile
from pyinit.manifests.limits import check_memory
from pyinit.manifests.model import ManifestError, TensorSpec
from pyinit.manifests.regular_files import RegularFile
from pyinit.manifests.sinks import RawSink, name_of_file, tensor_of_file
from pyinit.manifests.sources import FileSource, LoadedSource, TensorSource, stored_dtype
from pyinit.manifests.zip_members import Archive, open_zip, opened, read_member, stored_at

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
    file = RegularFile(path)
    array = _header(str(path), BytesIO(file.read(0, min(file.size, _MAX_HEADER))))
    if array.size != file.size:
        raise ManifestError(f"{path}: the size does not match the shape")
    return {tensor_of_file(path): _stored_source(str(path), file, 0, array)}


def read(path: Path) -> dict[str, TensorSource]:
    """Return the arrays of an `.npz` file by name, without reading their values.

    Raises:
        ManifestError: The file is not an `.npz` file, or one of its arrays has objects.
        OSError: The file cannot be read.
    """
    found: dict[str, TensorSource] = {}
    file = RegularFile(path)
    with open_zip(file) as archive:
        for member in archive.members.infolist():
            name = member.filename.removesuffix(".npy")
            if name in found:
                raise ManifestError(f"{path}: two arrays have the name {name!a}")
            found[name] = _source(archive, member)
    return found


@dataclass(frozen=True)
class _Array:
    """An array as its header describes it.

    Args:
        shape: The shape.
        order: The memory order.
        dtype: The dtype.
        byteorder: The byte order.
        header_size: The size of the header.
    """

    shape: Shape
    order: Literal["C", "F"]
    dtype: np.dtype[Any]
    byteorder: str
    header_size: int

    @property
    def size(self) -> int:
        """The size of the header and the values, in bytes."""
        return self.header_size + math.prod(self.shape) * self.dtype.itemsize

    def values_in(self, content: bytes | bytearray) -> AnyArray:
        """Return the values in the header and the values."""
        flat = np.frombuffer(content, np.uint8)[self.header_size :]
        return flat.view(self.dtype).reshape(self.shape, order=self.order)


def _source(archive: Archive, member: zipfile.ZipInfo) -> TensorSource:
    file = archive.file
    where = f"{file.path}: {member.filename!a}"
    start = stored_at(archive, member)
    if start is None:
        with opened(archive, member) as stream:
            head = BytesIO(stream.read(_MAX_HEADER))
    else:
        head = BytesIO(archive.read(start, min(member.file_size, _MAX_HEADER)))
    array = _header(where, head)
    if array.size != member.file_size:
        raise ManifestError(
            f"{file.path}: the size of {member.filename!a} does not match its shape"
        )
    if start is not None:
        return _stored_source(where, file, start, array)

    def load() -> AnyArray:
        with open_zip(file) as archive:
            content = read_member(archive, archive.members.getinfo(member.filename))
        return array.values_in(content)

    return LoadedSource(array.shape, array.dtype, load)


def _stored_source(where: str, file: RegularFile, start: int, array: _Array) -> TensorSource:
    """Return the values of an array that a file has as they are."""
    if array.order == "C" or len(array.shape) < 2:
        first = start + array.header_size
        return FileSource(file, first, array.shape, array.dtype, array.byteorder)

    def load() -> AnyArray:
        check_memory(where, array.size)
        return array.values_in(file.read(start, array.size))

    return LoadedSource(array.shape, array.dtype, load)


def _header(where: str, head: BytesIO) -> _Array:
    """Return the description of an array, from the first bytes of its file."""
    try:
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
    order: Literal["C", "F"] = "F" if in_fortran_order else "C"
    return _Array(shape, order, stored_dtype(dtype), dtype.str[0], head.tell())
