"""Arrays in NumPy's `.npz` files, read without running the pickles that such a file may contain.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pyinit.arguments import Shape, as_shape
from pyinit.dtypes import AnyArray
from pyinit.manifests.model import ManifestError
from pyinit.manifests.sources import ArraySource, LoadedSource, TensorSource, stored_dtype
from pyinit.manifests.zip_members import open_zip, opened, read_member, stored_at

_MAX_HEADER = 10_000
_READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read(path: Path) -> dict[str, TensorSource]:
    """Return the arrays of a file by name, without reading their values.

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
    shape, order, dtype, header_size = _header(path, archive, member)
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


def _header(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo
) -> tuple[Shape, Literal["C", "F"], np.dtype[Any], int]:
    """Return the shape, the memory order and the dtype of an array, and its header's size."""
    with opened(path, archive, member) as stream:
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
            raise ManifestError(
                f"{path}: {member.filename!a} is not a numeric array: {error}"
            ) from None
    if dtype.hasobject:
        raise ManifestError(
            f"{path}: {member.filename!a} is an array of Python objects, which only a pickle can "
            "restore: pickles are not read"
        )
    return shape, "F" if in_fortran_order else "C", stored_dtype(dtype), head.tell()
