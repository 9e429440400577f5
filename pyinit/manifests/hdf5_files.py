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
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.dtypes import AnyArray
from pyinit.manifests.keras_names import stable_name
from pyinit.manifests.limits import check_memory
from pyinit.manifests.model import ManifestError
from pyinit.manifests.sources import ArraySource, LoadedSource, TensorSource, stored_dtype
from pyinit.manifests.zip_members import Section, open_zip, read_member, stored_at

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
_MAX_DEPTH, _MAX_OBJECTS = 100, 2_000_000


def read(path: Path) -> dict[str, TensorSource]:
    """Return the weights of an HDF5 file by name, without reading their values.

    Raises:
        ManifestError: The file is not such a file.
        OSError: The file cannot be read.
        ImportError: h5py is not installed.
    """
    path.open("rb").close()  # a missing file has Python's error, not HDF5's
    return _sources(_Hdf5(path, lambda: path, 0))


def read_keras_archive(path: Path) -> dict[str, TensorSource]:
    """Return the weights of a `.keras` file by name, without building its model.

    Raises:
        ManifestError: The file is not a Keras archive with its weights as HDF5.
        OSError: The file cannot be read.
        ImportError: h5py is not installed.
    """
    with open_zip(path) as archive:
        names = archive.namelist()
        if _MEMBER not in names:
            reason = f"it has no {_MEMBER}"
            if _PICKLED_MEMBER in names:
                reason = f"its weights are pickled in {_PICKLED_MEMBER}; save it with HDF5 weights"
            raise ManifestError(f"{path} is not a readable Keras archive: {reason}")
        member = archive.getinfo(_MEMBER)
        start = stored_at(path, member)
        if start is None:
            content = read_member(path, archive, member)
            return _sources(_Hdf5(path, lambda: BytesIO(content), None))
    return _sources(_Hdf5(path, lambda: Section(path, start, member.file_size), start))


class _Hdf5:
    """An HDF5 file from an untrusted source.

    Args:
        path: The path of the file on disk.
        opener: Returns what h5py opens.
        start: The position of the HDF5 file in the file on disk; None if it is not there as it is.
    """

    def __init__(self, path: Path, opener: Callable[[], Any], start: int | None) -> None:
        try:
            import h5py  # type: ignore[import-untyped]
        except ImportError:
            raise ImportError(
                f"The Python package h5py is needed for {path} (pip install h5py)"
            ) from None
        self._h5py, self._opener, self._start = h5py, opener, start
        self.path = path

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the file."""
        opened: Any = self._opener()
        try:
            with self._h5py.File(opened, "r") as file:
                yield file
        except ManifestError:
            raise
        except Exception as error:  # h5py raises many kinds for damaged files
            raise ManifestError(f"{self.path} is not a readable HDF5 file: {error}") from None
        finally:
            if hasattr(opened, "close"):
                opened.close()

    def datasets(self, file: Any) -> dict[str, Any]:
        """Return all datasets by path."""
        found: dict[str, Any] = {}
        seen: set[int] = set()

        def walk(group: Any, path: str, depth: int) -> None:
            address = self._h5py.h5o.get_info(group.id).addr
            if address in seen or depth > _MAX_DEPTH:
                raise ManifestError(
                    f"{self.path}: the group {path!a} is nested or linked in a loop"
                )
            seen.add(address)
            for name in group:
                child = f"{path}/{name}" if path else name
                link = group.get(name, getclass=True, getlink=True)
                if link is not self._h5py.HardLink:
                    raise ManifestError(f"{self.path}: {child!a} is a link, not a dataset")
                entry = group[name]
                if isinstance(entry, self._h5py.Group):
                    walk(entry, child, depth + 1)
                elif isinstance(entry, self._h5py.Dataset):
                    found[child] = entry
                if len(found) + len(seen) > _MAX_OBJECTS:
                    raise ManifestError(f"{self.path} has more than {_MAX_OBJECTS} objects")

        walk(file, "", 0)
        return found

    def source(self, dataset: Any) -> TensorSource:
        """Return the values of a dataset."""
        where = f"{self.path}: {dataset.name!a}"
        if dataset.is_virtual or dataset.external:
            raise ManifestError(f"{where} has its values in other files")
        shape, dtype = dataset.shape, dataset.dtype
        if shape is None or dtype.kind not in "biufV" or dtype.names or dtype.subdtype:
            raise ManifestError(f"{where} is not a numeric array: its dtype is {dtype}")
        dtype = stored_dtype(dtype)
        nbytes = math.prod(shape) * dtype.itemsize
        offset = dataset.id.get_offset()
        if self._start is not None and offset is not None and nbytes:
            first = self._start + offset
            if first + nbytes > self.path.stat().st_size:
                raise ManifestError(f"{where} does not lie within the file")
            memory: AnyArray = np.memmap(self.path, np.uint8, "r", first, (nbytes,))
            return ArraySource(memory.view(dtype).reshape(shape))
        name = dataset.name

        def load() -> AnyArray:
            check_memory(where, nbytes)
            with self.opened() as file:
                values: AnyArray = file[name][()]
            return np.asarray(values).view(dtype)

        return LoadedSource(shape, dtype, load)


def _sources(hdf5: _Hdf5) -> dict[str, TensorSource]:
    """Return the weights of a file by name, whichever layout it has."""
    with hdf5.opened() as file:
        datasets = hdf5.datasets(file)
        if "model_weights" in file or _texts(file, "layer_names"):
            names = _legacy_names(file, datasets)
        elif any(_is_variable(path) for path in datasets):
            names = _current_names(file, datasets)
        else:
            names = {path: path for path in datasets}
        found: dict[str, TensorSource] = {}
        for path, name in names.items():
            if name in found:
                raise ManifestError(f"{hdf5.path}: two weights have the name {name!a}")
            found[name] = hdf5.source(datasets[path])
    return found


# ---- Keras' current layout ----


def _is_variable(path: str) -> bool:
    return path.split("/")[-2:-1] == [_VARIABLES]


def _current_names(file: Any, datasets: dict[str, Any]) -> dict[str, str]:
    """Return the names of a model's variables, by the paths of their datasets.

    A path consists of attributes and containers: `layers/dense_1/vars/0`. The names of the layers
    are attributes of their groups of variables; files of old versions do not have these.
    """
    groups = {path.rpartition("/")[0] for path in datasets if _is_variable(path)}
    has_names = "name" in file[min(groups)].attrs
    names = {}
    for path in datasets:
        *owner, variables, key = path.split("/")
        if variables != _VARIABLES or owner[:1] == [_OPTIMIZER]:
            continue
        layers = []
        for end in range(1, len(owner) + 1):
            group = "/".join((*owner[:end], _VARIABLES))
            if not has_names and owner[end - 1] != "layers":
                layers.append(owner[end - 1])
            elif has_names and group in file:
                layers.append(_text(file[group].attrs.get("name"), owner[end - 1]))
        names[path] = "/".join((*layers, *((_VARIABLES,) if key.isdecimal() else ()), key))
    return names


# ---- Keras' legacy layout ----


def _legacy_names(file: Any, datasets: dict[str, Any]) -> dict[str, str]:
    """Return the names of a model's variables, by the paths of their datasets.

    A path consists of the layer's name and the variable's path, which in Keras 3 begins with the
    names of the models around the layer, and in Keras 2 ends in `:0`.
    """
    root = "model_weights/" if "model_weights" in file else ""
    layers = _texts(file[root or "/"], "layer_names")
    if _TOP_LEVEL in file[root or "/"]:
        layers.append(_TOP_LEVEL)
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    first_paths: dict[str, str] = {}
    for layer in _distinct(layers):
        for weight in _distinct(_texts(file[f"{root}{layer}"], "weight_names")):
            path = f"{root}{layer}/{weight}"
            first = first_paths.setdefault(weight, path)
            if first == path or not _is_shared(weight, datasets[first], datasets[path]):
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


def _is_shared(weight: str, first: Any, other: Any) -> bool:
    """Return whether two datasets are of one variable, of a layer that is used in two places."""
    if weight.endswith(_KERAS_2_SUFFIX) or first.shape != other.shape:
        # the names of Keras 2 do not identify a variable
        return False
    check_memory(f"comparing {weight!a}", 2 * math.prod(first.shape) * first.dtype.itemsize)
    return bool(np.array_equal(first[()], other[()], equal_nan=first.dtype.kind == "f"))


def _texts(group: Any, name: str) -> list[str]:
    """Return an attribute that is a list of strings; Keras splits long ones: `name0`, `name1`."""
    if name in group.attrs:
        return [_text(value) for value in group.attrs[name]]
    found: list[str] = []
    for index in range(_MAX_OBJECTS):
        if f"{name}{index}" not in group.attrs:
            break
        found += [_text(value) for value in group.attrs[f"{name}{index}"]]
    return found


def _text(value: Any, default: str = "") -> str:
    """Return an attribute as a string; HDF5 has strings and bytes."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value if isinstance(value, str) and value else default
