"""Sinks of drawn values: the tensors of new files, written in chunks and read back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote

import numpy as np

from pyinit.dtypes import AnyArray
from pyinit.manifests.atomic_files import NewFile
from pyinit.manifests.model import ManifestError, TensorSpec
from pyinit.reproducibility.fingerprint import little_endian

#: The largest size of a file's name on all common systems, in bytes.
_MAX_NAME = 255


class Sink(Protocol):
    """A tensor of a new file, whose values are written in C order."""

    def write(self, values: AnyArray) -> None:
        """Write the next values."""

    def read_back(self, values: AnyArray) -> AnyArray:
        """Return the values that the file has for the earliest ones that were not read back.

        Args:
            values: The values that were written, in an array that may be overwritten.
        """


class FileSink(Sink, Protocol):
    """A sink with a file, or a folder, of its own: a context manager that leaves no other trace."""

    def publish(self) -> None:
        """Give the file its name, once its values are verified."""

    def __enter__(self) -> FileSink: ...

    def __exit__(self, *_: object) -> None: ...


class RawSink:
    """A tensor that is stored as its little-endian values in C order, without gaps.

    Args:
        file: The file.
        start: The position of the first value.
    """

    def __init__(self, file: NewFile, start: int) -> None:
        self._file = file
        self._written = self._read = start

    def write(self, values: AnyArray) -> None:
        """Write the next values."""
        content = little_endian(values)
        self._file.write_at(self._written, content)
        self._written += content.nbytes

    def read_back(self, values: AnyArray) -> AnyArray:
        """Return the values that the file has for the earliest ones that were not read back."""
        flat = values.reshape(-1)
        self._file.read_at(self._read, flat.view(np.uint8).data)
        self._read += flat.nbytes
        return flat if sys.byteorder == "little" else flat.byteswap()


def name_of_file(tensor: TensorSpec, suffix: str = "") -> str:
    """Return the name of a tensor's own file, from which `tensor_of_file()` finds the tensor's.

    Letters, digits and `_.-~` stay; other characters are percent-encoded, also a dot or an
    underscore at the start. So it is never a path.

    Raises:
        ManifestError: The name is too long for a file.
    """
    first, rest = tensor.name[0], tensor.name[1:]
    start = f"%{ord(first):02X}" if first in "._" else quote(first, safe="")
    name = start + quote(rest, safe="") + suffix
    if len(name) > _MAX_NAME:
        raise ManifestError(
            f"the tensor {tensor.name!a} has a name that is too long for a file of its own: "
            f"{len(name)} bytes with special characters percent-encoded, at most {_MAX_NAME}"
        )
    return name


def tensor_of_file(path: Path) -> str:
    """Return the name of the tensor in a file with a name of `name_of_file()`."""
    return unquote(path.stem)
