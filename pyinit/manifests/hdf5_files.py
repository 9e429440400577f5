"""Weights in HDF5 files: those of Keras (`.weights.h5`, `.keras`, `.h5`) and any others.

Nothing in a file is executed. External and virtual datasets and links, which may point to other
files, are errors.

Sources: https://keras.io/api/models/model_saving_apis/ and
https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t4.html
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.arguments import as_shape
from pyinit.dtypes import AnyArray
from pyinit.manifests.hdf5_heaps import GuardedStream, Stream
from pyinit.manifests.keras_names import stable_name
from pyinit.manifests.limits import MAX_NAME, MAX_TENSORS, check_memory
from pyinit.manifests.model import ManifestError
from pyinit.manifests.regular_files import RegularFile, Section
from pyinit.manifests.sources import FileSource, LoadedSource, TensorSource, stored_dtype
from pyinit.manifests.zip_members import open_zip, read_member, stored_at

#: The group of a layer's variables in Keras' current formats.
_VARIABLES = "vars"
#: The group of the optimizer of a compiled model.
_OPTIMIZER = "optimizer"
#: The group of a model's own variables in the legacy format.
_TOP_LEVEL = "top_level_model_weights"
_KERAS_2_SUFFIX = ":0"
#: The member of a `.keras` archive with the weights.
_MEMBER = "model.weights.h5"
#: The member of one that was saved with `weights_format="npz"`.
_PICKLED_MEMBER = "model.weights.npz"
#: Maximum numbers of nested groups, and of groups and datasets in a file.
_MAX_DEPTH, _MAX_OBJECTS = 100, 2 * MAX_TENSORS
#: Maximum size of the weights that are compared, in sizes of the file.
_MAX_COMPARED = 16


def read(path: Path) -> dict[str, TensorSource]:
    """Return the weights of an HDF5 file by name, without reading their values.

    Raises:
        ManifestError: The file is not such a file.
        OSError: The file cannot be read.
        ImportError: h5py is not installed.
    """
    file = RegularFile(path)
    return _sources(_Hdf5(file, lambda: BufferedReader(Section(file)), 0))


def read_keras_archive(path: Path) -> dict[str, TensorSource]:
    """Return the weights of a `.keras` file by name, without building its model.

    Raises:
        ManifestError: The file is not a Keras archive with its weights as HDF5.
        OSError: The file cannot be read.
        ImportError: h5py is not installed.
    """
    file = RegularFile(path)
    with open_zip(file) as archive:
        names = archive.members.namelist()
        if _MEMBER not in names:
            reason = f"it has no {_MEMBER}"
            if _PICKLED_MEMBER in names:
                reason = f"its weights are pickled in {_PICKLED_MEMBER}; save it with HDF5 weights"
            raise ManifestError(f"{path} is not a readable Keras archive: {reason}")
        member = archive.members.getinfo(_MEMBER)
        start = stored_at(archive, member)
        if start is None:
            content = read_member(archive, member)
            return _sources(_Hdf5(file, lambda: BytesIO(content), None))
    return _sources(
        _Hdf5(file, lambda: BufferedReader(Section(file, start, member.file_size)), start)
    )


class _Hdf5:
    """An HDF5 file from an untrusted source.

    Args:
        file: The file on disk.
        opener: Returns the open HDF5 file.
        start: The position of the HDF5 file in the file on disk; None if it is not there as it is.
    """

    def __init__(self, file: RegularFile, opener: Callable[[], Stream], start: int | None) -> None:
        try:
            import h5py  # type: ignore[import-untyped]
        except ImportError:
            raise ImportError(
                f"The Python package h5py is needed for {file.path} (pip install h5py)"
            ) from None
        self._h5py, self._opener, self._start = h5py, opener, start
        self._file, self.path = file, file.path

    @contextmanager
    def opened(self, *, for_values: bool = False) -> Iterator[Any]:
        """Open the file.

        Args:
            for_values: Whether only values are read, which may look like parts of the format.
        """
        with GuardedStream(self._opener(), is_on=not for_values) as stream:
            try:
                with self._h5py.File(stream, "r") as file:
                    yield file
            except ManifestError:
                raise
            except Exception as error:  # h5py raises many kinds for damaged files
                reason = stream.reason or error
                raise ManifestError(f"{self.path} is not a readable HDF5 file: {reason}") from None

    def datasets(self, file: Any) -> list[str]:
        """Return the paths of all datasets."""
        h5g, h5l, h5o = self._h5py.h5g, self._h5py.h5l, self._h5py.h5o
        found: list[str] = []
        seen: set[int] = set()

        def walk(group: Any, path: str, depth: int) -> None:
            address = h5o.get_info(group).addr
            if address in seen or depth > _MAX_DEPTH:
                raise ManifestError(
                    f"{self.path}: the group {path!a} is nested too deeply or linked in a loop"
                )
            seen.add(address)
            for own_name in group:
                name = own_name.decode("utf-8", "surrogateescape")
                child = f"{path}/{name}" if path else name
                if group.links.get_info(own_name).type != h5l.TYPE_HARD:
                    raise ManifestError(f"{self.path}: {child!a} is a link, not a dataset")
                kind = h5o.get_info(group, own_name).type
                if kind == h5o.TYPE_GROUP:
                    walk(h5g.open(group, own_name), child, depth + 1)
                elif kind == h5o.TYPE_DATASET:
                    found.append(child)
                if len(found) > MAX_TENSORS or len(found) + len(seen) > _MAX_OBJECTS:
                    raise ManifestError(f"{self.path} has more than {len(found) - 1} datasets")

        walk(h5g.open(file.id, b"/"), "", 0)
        return found

    def source(self, file: Any, path: str) -> TensorSource:
        """Return the values of a dataset."""
        where = f"{self.path}: {path!a}"
        # h5py's Dataset takes as long as all else, and a file may have very many
        h5d, h5s = self._h5py.h5d, self._h5py.h5s
        dataset = h5d.open(file.id, path.encode("utf-8", "surrogateescape"))
        storage, space = dataset.get_create_plist(), dataset.get_space()
        layout = storage.get_layout()
        if layout == h5d.VIRTUAL or storage.get_external_count():
            raise ManifestError(f"{where} has its values in other files")
        shape, dtype = space.get_simple_extent_dims(), dataset.dtype
        is_null = space.get_simple_extent_type() == h5s.NULL
        if is_null or dtype.kind not in "biufV" or dtype.names or dtype.subdtype:
            raise ManifestError(f"{where} is not a numeric array: its dtype is {dtype}")
        try:
            shape = as_shape(shape)
        except ValueError as error:
            raise ManifestError(f"{where}: {error}") from None
        byteorder, dtype = dtype.str[0], stored_dtype(dtype)
        nbytes = math.prod(shape) * dtype.itemsize
        offset = dataset.get_offset()
        if self._start is not None and offset is not None and nbytes:
            first = self._start + offset
            if first + nbytes > self._file.size:
                raise ManifestError(f"{where} does not lie within the file")
            return FileSource(self._file, first, shape, dtype, byteorder)
        # a chunk may be larger than the dataset
        chunk = storage.get_chunk() if layout == h5d.CHUNKED else ()
        memory = max(nbytes, math.prod(chunk) * dtype.itemsize)

        def load() -> AnyArray:
            check_memory(where, memory)
            with self.opened(for_values=True) as file:
                values: AnyArray = file[path][()]
            return np.asarray(values).view(dtype)

        return LoadedSource(shape, dtype, load)

    def names_in(self, group: Any, name: str) -> list[str]:
        """Return an attribute that is a list of strings; Keras splits long ones: `name0`, ..."""
        if name in group.attrs:
            return self._strings_in(group, name)
        found: list[str] = []
        for index in range(MAX_TENSORS):
            if f"{name}{index}" not in group.attrs:
                break
            found += self._strings_in(group, f"{name}{index}")
        return found

    def _strings_in(self, group: Any, name: str) -> list[str]:
        attribute = self._string_attribute(group, name)
        if attribute.dtype.kind == "O":
            # strings of any length, which may all be the same string of the file
            count = math.prod(attribute.shape or ())
            check_memory(f"{self.path}: the attribute {name!a}", count * self._file.size)
        values = group.attrs[name]
        if np.ndim(values) != 1 or len(values) > MAX_TENSORS:
            raise ManifestError(f"{self.path}: the attribute {name!a} is not a list of names")
        return [_text(value) for value in values]

    def name_in(self, group: Any) -> Any:
        """Return the attribute `name`, or None if there is none."""
        if "name" not in group.attrs:
            return None
        self._string_attribute(group, "name")
        return group.attrs["name"]

    def _string_attribute(self, group: Any, name: str) -> Any:
        """Return an attribute of strings, or an empty one: reading sequences can crash HDF5."""
        attribute = group.attrs.get_id(name)
        is_empty = 0 in (attribute.shape or ())
        if not is_empty and attribute.get_type().get_class() != self._h5py.h5t.STRING:
            raise ManifestError(f"{self.path}: the attribute {name!a} is not a string")
        return attribute

    def check_compared(self, nbytes: int) -> None:
        """Check how many bytes of values are compared: datasets may be larger than the file."""
        if nbytes > _MAX_COMPARED * self._file.size:
            raise ManifestError(
                f"{self.path} is not readable: too many weights that have the same name, and "
                f"{nbytes} bytes"
            )


def _sources(hdf5: _Hdf5) -> dict[str, TensorSource]:
    """Return the weights of a file by name, whichever layout it has."""
    with hdf5.opened() as file:
        paths = hdf5.datasets(file)
        if "model_weights" in file or hdf5.names_in(file, "layer_names"):
            names = _legacy_names(hdf5, file, set(paths))
        elif any(_is_variable(path) for path in paths):
            names = _current_names(hdf5, file, paths)
        else:
            names = {path: path for path in paths}
        found: dict[str, TensorSource] = {}
        for path, name in names.items():
            if name in found:
                raise ManifestError(f"{hdf5.path}: two weights have the name {name!a}")
            found[name] = hdf5.source(file, path)
    return found


# ---- Keras' current layout ----


def _is_variable(path: str) -> bool:
    return path.split("/")[-2:-1] == [_VARIABLES]


def _current_names(hdf5: _Hdf5, file: Any, paths: list[str]) -> dict[str, str]:
    """Return the names of a model's variables, by the paths of their datasets.

    A path consists of attributes and containers: `layers/dense_1/vars/0`. The names of the layers
    are attributes of their groups of variables; files of old versions do not have these.
    """
    groups = {path.rpartition("/")[0] for path in paths if _is_variable(path)}
    has_names = "name" in file[min(groups)].attrs
    #: The names of the layers down to a path, each joined by slashes and ending in one.
    layers = {"": ""}

    def layers_of(owner: list[str]) -> str:
        path = "/".join(owner)
        if path not in layers:
            own = ""
            group = f"{path}/{_VARIABLES}"
            if not has_names and owner[-1] != "layers":
                own = f"{owner[-1]}/"
            elif has_names and group in file:
                own = f"{_text(hdf5.name_in(file[group]), owner[-1])}/"
            layers[path] = layers_of(owner[:-1]) + own
            if len(layers[path]) > MAX_NAME:
                raise ManifestError(f"{hdf5.path}: the name of the layer {path!a} is too long")
        return layers[path]

    names = {}
    for path in paths:
        *owner, variables, key = path.split("/")
        if variables != _VARIABLES or owner[:1] == [_OPTIMIZER]:
            continue
        group = f"{_VARIABLES}/" if key.isdecimal() else ""
        names[path] = f"{layers_of(owner)}{group}{key}"
    return names


# ---- Keras' legacy layout ----


def _legacy_names(hdf5: _Hdf5, file: Any, paths: set[str]) -> dict[str, str]:
    """Return the names of a model's variables, by the paths of their datasets.

    A path consists of the layer's name and the variable's path, which in Keras 3 begins with the
    names of the models around the layer, and in Keras 2 ends in `:0`.
    """
    root = "model_weights/" if "model_weights" in file else ""
    layers = hdf5.names_in(file[root or "/"], "layer_names")
    if _TOP_LEVEL in file[root or "/"]:
        layers.append(_TOP_LEVEL)
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    first_paths: dict[str, str] = {}
    compared = 0
    for layer in _distinct(layers):
        for weight in _distinct(hdf5.names_in(file[f"{root}{layer}"], "weight_names")):
            path = f"{root}{layer}/{weight}"
            if path not in paths or path in names:
                raise ValueError(f"the weight {path!a} is missing or named twice")
            first = first_paths.setdefault(weight, path)
            if first != path:
                # the names of Keras 2 do not identify a variable
                one, other = file[first], file[path]
                if not weight.endswith(_KERAS_2_SUFFIX) and one.shape == other.shape:
                    compared += math.prod(one.shape) * max(one.dtype.itemsize, other.dtype.itemsize)
                    hdf5.check_compared(compared)
                    if _is_equal(weight, one, other):
                        continue
            *owner, name = _legacy_name(layer, weight)
            names[path] = "/".join((*owner, stable_name(name, counts, "/".join(owner))))
    return names


def _distinct(names: list[str]) -> list[str]:
    """Return names that must be distinct; otherwise a small file could take hours to read."""
    if len(set(names)) < len(names):
        raise ValueError("a name of a layer or weight occurs twice")
    return names


def _legacy_name(layer: str, weight: str) -> list[str]:
    parts = weight.removesuffix(_KERAS_2_SUFFIX).split("/")
    if layer == _TOP_LEVEL:
        return parts[1:] if len(parts) > 1 else parts
    return parts[parts.index(layer) :] if layer in parts else [layer, *parts]


def _is_equal(weight: str, one: Any, other: Any) -> bool:
    """Return whether two datasets have the values of one variable, of a layer in two places."""
    check_memory(f"comparing {weight!a}", 2 * math.prod(one.shape) * one.dtype.itemsize)
    return bool(np.array_equal(one[()], other[()], equal_nan=one.dtype.kind == "f"))


def _text(value: Any, default: str = "") -> str:
    """Return an attribute as a string; HDF5 has strings and bytes."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value if isinstance(value, str) and value else default
