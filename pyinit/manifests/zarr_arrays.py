"""Groups of Zarr arrays, one for each tensor, written and read in chunks.

A group is a folder whose name ends in `.zarr`. The attribute `pyinit` of an array describes its
tensor. Zarr has no bfloat16: such values are stored as their 16 bits, as uint16.

Source: https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import FLOAT_DTYPES, AnyArray
from pyinit.initializers import chunking
from pyinit.initializers.lazy import slices_of
from pyinit.manifests.atomic_files import NewFolder, naming, write_file
from pyinit.manifests.limits import MAX_TENSORS, check_memory
from pyinit.manifests.model import ManifestError, TensorSpec
from pyinit.manifests.reading import load_json
from pyinit.manifests.regular_files import RegularFile, read_whole
from pyinit.manifests.sinks import name_of_file
from pyinit.manifests.sources import TensorSource
from pyinit.reproducibility.chunks import chunks_of
from pyinit.versions import STREAM_VERSION

SUFFIX = ".zarr"
_METADATA = "zarr.json"
_GROUP = {"zarr_format": 3, "node_type": "group", "attributes": {}}
#: Codecs that only transform bytes; others may run code that is named in the file.
_CODECS = {"blosc", "bytes", "crc32c", "gzip", "sharding_indexed", "transpose", "zstd"}
_MAX_METADATA = 2**24
_BFLOAT16 = FLOAT_DTYPES["bfloat16"]


def import_zarr() -> Any:
    """Return Zarr.

    Raises:
        ImportError: It is not installed, or too old.
    """
    try:
        import zarr

        zarr.create_array  # noqa: B018 - new in version 3
    except (ImportError, AttributeError):
        raise ImportError(
            "The Python package zarr, 3.0 or newer, is needed for Zarr (pip install 'zarr>=3'; it "
            "needs Python 3.11)"
        ) from None
    return zarr


def make_group(path: Path) -> None:
    """Create the group, unless there is one."""
    metadata = path / _METADATA
    if not metadata.exists():
        try:
            write_file(metadata, (json.dumps(_GROUP, indent=2) + "\n").encode())
        except FileExistsError:  # another process was faster
            if not metadata.is_file():
                raise


def place_of_partial(group: Path) -> Path:
    """Return the folder that has the partial arrays of a group."""
    return group.resolve().parent


class Sink:
    """The array of one tensor.

    Args:
        path: The folder of the array, in that of the group.
        tensor: The tensor.
        replace: Whether to replace an existing array.
    """

    def __init__(self, path: Path, tensor: TensorSpec, *, replace: bool) -> None:
        zarr = import_zarr()
        weights = tensor.lazy()
        self._dtype = tensor.numpy_dtype
        self._stored = np.dtype(np.uint16) if self._dtype == _BFLOAT16 else self._dtype
        # outside the group, whose readers would take it for one of its arrays
        self._folder = NewFolder(path, place_of_partial(path.parent), replace=replace)
        first, _ = next(weights.partitions(), (tensor.shape, ()))
        self._array = zarr.create_array(
            str(self._folder.content),
            shape=tensor.shape,
            chunks=tuple(max(1, length) for length in first),
            dtype=self._stored,
            compressors=None,
            fill_value=0,
            config={"write_empty_chunks": True},
            attributes={
                "pyinit": {
                    "name": tensor.name,
                    "dtype": tensor.dtype,
                    "fingerprint": tensor.fingerprint,
                    "stream_version": STREAM_VERSION,
                }
            },
        )
        self._to_write, self._to_read = chunks_of(weights), chunks_of(weights)

    def write(self, values: AnyArray) -> None:
        """Write the next values."""
        # the Ellipsis selects an array without axes
        self._array[(*slices_of(*next(self._to_write)), ...)] = values.view(self._stored)

    def read_back(self, values: AnyArray) -> AnyArray:
        """Return the values that the file has for the earliest ones that were not read back."""
        found = np.asarray(self._array[(*slices_of(*next(self._to_read)), ...)])
        return found.astype(self._stored, copy=False).view(self._dtype)

    def publish(self) -> None:
        """Give the array its name."""
        self._folder.publish()

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.__exit__()


def array_name(_: int, tensor: TensorSpec) -> str:
    """Return the name of a tensor's array: its own, percent-encoded."""
    return name_of_file(tensor)


def is_array(path: Path) -> bool:
    """Return whether a path is that of a Zarr group or array, whatever its suffix."""
    return (path / _METADATA).is_file()


class _ZarrSource:
    """The values of an array in a folder."""

    def __init__(self, folder: Path, array: Any, dtype: np.dtype[Any]) -> None:
        self.shape: Shape = array.shape
        self.dtype = dtype
        self._folder = folder
        self._array = array

    def read_flat(self, first: int, last: int) -> AnyArray:
        """Return the values at the flat C-order indices `first` to `last - 1`, as a 1-d array."""
        try:
            with naming(self._folder):
                parts = list(self._read((), first, last))
        except (OSError, ManifestError):
            raise
        except Exception as error:  # codecs raise many kinds
            raise ManifestError(
                f"{self._folder} is not a readable Zarr array: {type(error).__name__}: {error}"
            ) from None
        values: AnyArray = np.concatenate(parts) if parts else np.empty(0, self._array.dtype)
        native = values.astype(values.dtype.newbyteorder("="), copy=False)
        return native.view(self.dtype) if self.dtype == _BFLOAT16 else native

    def _read(self, index: tuple[int, ...], first: int, last: int) -> Iterator[AnyArray]:
        """Yield the values at flat indices of the subarray at `index`."""
        shape = self.shape[len(index) :]
        if first == last:
            return
        if not shape:
            yield np.asarray(self._array[(*index, ...)]).reshape(-1)
            return
        row = math.prod(shape[1:])
        start, stop = first // row, -(-last // row)
        if row > chunking.CHUNK_SIZE:
            for k in range(start, stop):
                begin = k * row
                yield from self._read((*index, k), max(first - begin, 0), min(last - begin, row))
            return
        rows = np.asarray(self._array[(*index, slice(start, stop), ...)])
        yield rows.reshape(-1)[first - start * row : last - start * row]


def read(path: Path) -> dict[str, TensorSource]:
    """Return the arrays of a group, and of the groups in it, by name, without reading values.

    An array is named by its attribute `pyinit`, if it has one, and otherwise by its path.

    Raises:
        ManifestError: The folder has no arrays of Zarr's format 3, or one that is not supported.
        OSError: A file cannot be read.
    """
    found: dict[str, TensorSource] = {}
    for folder, metadata in _arrays(path):
        own_name = folder.relative_to(path).as_posix() if folder != path else path.stem
        attributes = metadata.get("attributes")
        ours = attributes.get("pyinit") if isinstance(attributes, dict) else None
        ours = ours if isinstance(ours, dict) else {}
        name = ours.get("name", own_name)
        if not isinstance(name, str):
            raise ManifestError(f"{folder}: the attribute `pyinit` has no valid name")
        if len(found) >= MAX_TENSORS:
            raise ManifestError(f"{path} has more than {MAX_TENSORS} arrays")
        if name in found:
            raise ManifestError(f"{folder}: the tensor {name!a} is also in another array")
        found[name] = _open(folder, is_bits=ours.get("dtype") == "bfloat16", codecs=metadata)
    if not found:
        raise ManifestError(f"{path}: the folder has no arrays of Zarr's format 3")
    return found


def _arrays(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the folders of arrays, with their metadata."""
    for name, folders, files in os.walk(path):
        folder = Path(name)
        if _METADATA not in files:
            continue
        file = folder / _METADATA
        try:
            metadata = load_json(read_whole(file, _MAX_METADATA))
        except ManifestError as error:
            raise ManifestError(f"{file}: {error}") from None
        if isinstance(metadata, dict) and metadata.get("node_type") == "array":
            folders.clear()  # those of its chunks
            yield folder, metadata
        else:
            folders.sort()


def _codec_names(codecs: Any) -> Iterator[Any]:
    for codec in codecs if isinstance(codecs, list) else [codecs]:
        if not isinstance(codec, Mapping):
            yield codec
            continue
        yield codec.get("name")
        configuration = codec.get("configuration")
        if isinstance(configuration, Mapping):
            for inner in ("codecs", "index_codecs"):
                yield from _codec_names(configuration.get(inner, []))


def _open(folder: Path, *, is_bits: bool, codecs: dict[str, Any]) -> TensorSource:
    unknown = [name for name in _codec_names(codecs.get("codecs")) if name not in _CODECS]
    if unknown or codecs.get("storage_transformers"):
        what = ascii(unknown[0]) if unknown else "storage transformers"
        allowed = ", ".join(sorted(_CODECS))
        raise ManifestError(f"{folder}: an array with the codec {what}; those read are {allowed}")
    zarr = import_zarr()
    try:
        store = _store_class()(folder, read_only=True)
        array = zarr.open_array(store, mode="r", zarr_format=3)
        dtype = np.dtype(array.dtype)
        sizes = math.prod(array.chunks)
    except Exception as error:  # zarr raises many kinds for damaged metadata
        raise ManifestError(
            f"{folder} is not a readable Zarr array: {type(error).__name__}: {error}"
        ) from None
    if dtype.hasobject:
        raise ManifestError(f"{folder}: an array of {dtype}")
    check_memory(f"{folder}: a chunk", sizes * dtype.itemsize)
    if is_bits and dtype.newbyteorder("=") == np.uint16:
        return _ZarrSource(folder, array, _BFLOAT16)
    return _ZarrSource(folder, array, dtype.newbyteorder("="))


@cache
def _store_class() -> Any:
    """Return the class of a folder of regular files that are not larger than memory."""
    from zarr.storage import LocalStore

    def check(path: Path) -> None:
        with suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
            check_memory(str(path), RegularFile(path).size)

    class Store(LocalStore):
        """A folder of regular files."""

        async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
            """Return the content of a file."""
            check(self.root / key)
            return await super().get(key, *args, **kwargs)

        async def get_partial_values(self, prototype: Any, key_ranges: Any) -> Any:
            """Return parts of files."""
            ranges = list(key_ranges)
            for key, _ in ranges:
                check(self.root / key)
            return await super().get_partial_values(prototype, ranges)

    return Store
