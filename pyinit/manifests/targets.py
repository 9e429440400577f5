"""The weights that `verify()` compares and `create_manifest(values=True)` records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pyinit import hooks
from pyinit.arguments import argument_error, as_path, is_instance, is_path, sequence_elements, shown
from pyinit.dtypes import AnyArray
from pyinit.manifests import arrow_files, hdf5_files, numpy_files, safetensors, zarr_arrays
from pyinit.manifests.adapters import ModelAdapter
from pyinit.manifests.atomic_files import naming
from pyinit.manifests.model import ManifestError
from pyinit.manifests.reading import check_name
from pyinit.manifests.sources import ArraySource, LocalSource, TensorSource
from pyinit.runtime.host_arrays import host_array

#: The largest number of paths in a list.
_MAX_PATHS = 10**6

#: Sources by name; None for a weight without memory.
Sources = dict[str, TensorSource | LocalSource | None]

_READERS: dict[str, Callable[[Path], Mapping[str, TensorSource]]] = {
    safetensors.SUFFIX: safetensors.read,
    arrow_files.SUFFIX: arrow_files.read,
    ".keras": hdf5_files.read_keras_archive,
    ".h5": hdf5_files.read,
    ".hdf5": hdf5_files.read,
    ".npz": numpy_files.read,
    numpy_files.SUFFIX: numpy_files.read_array,
    zarr_arrays.SUFFIX: zarr_arrays.read,
}
SUFFIXES = tuple(_READERS)
#: The formats that keep a model in several files, which may be given as a folder.
_FOLDER_SUFFIXES = (safetensors.SUFFIX, arrow_files.SUFFIX, numpy_files.SUFFIX)
#: Formats in which reading values means running a pickle.
_PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle")

_FOLDERS = f"{', '.join(_FOLDER_SUFFIXES[:-1])} or {_FOLDER_SUFFIXES[-1]}"
WEIGHTS = (
    "a Keras model, a torch module, a dictionary of arrays, or paths of files "
    f"({', '.join(_READERS)}) or of folders of {_FOLDERS} files"
)


def sources_of_model(model: ModelAdapter) -> Sources:
    """Return the sources of a model's weights by name."""
    return _array_sources(model.values())


def sources_of_buffers(model: ModelAdapter) -> Sources:
    """Return the sources of a model's buffers by name."""
    return _array_sources(model.buffers())


def _array_sources(values: Iterable[tuple[str, AnyArray | LocalSource | None]]) -> Sources:
    return {name: None if array is None else _as_source(array) for name, array in values}


def _as_source(values: AnyArray | LocalSource) -> TensorSource | LocalSource:
    return values if isinstance(values, LocalSource) else ArraySource(values)


def sources_of(target: Any, allowed: str) -> Sources:
    """Return the sources of arrays or files by name.

    Args:
        target: A mapping of arrays, a path or several paths.
        allowed: What the argument `target` may be, for messages.

    Raises:
        TypeError: `target` is none of these.
        ManifestError: A file is invalid.
        OSError: A file cannot be read.
    """
    if is_instance(target, Mapping):  # type: ignore[type-abstract]
        return {str(name): _array_source(name, array, allowed) for name, array in target.items()}
    paths = [target]
    if not is_path(target):
        paths = sequence_elements("target", target, allowed, _MAX_PATHS, TypeError)
    if not paths or not all(map(is_path, paths)):
        raise argument_error("target", target, allowed, TypeError)
    sources: Sources = {}
    for file in [file for path in paths for file in _files_of(as_path("target", path))]:
        for name, source in read_file(file).items():
            if name in sources:
                raise ManifestError(f"{file}: the tensor {name!a} is also in another file")
            sources[name] = source
    return sources


def _array_source(name: Any, array: Any, allowed: str) -> TensorSource | LocalSource:
    local = hooks.local_values(str(name), array)
    try:
        return _as_source(host_array(array) if local is None else local)
    except TypeError:
        raise TypeError(
            f"Argument `target` must be {allowed}. Received: {shown(name)} is an object of class "
            f"{type(array).__name__}"
        ) from None


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir() or path.suffix == zarr_arrays.SUFFIX or zarr_arrays.is_array(path):
        return [path]
    files = [file for file in sorted(path.iterdir()) if file.suffix in _FOLDER_SUFFIXES]
    if not files:
        raise ManifestError(f"{path}: the folder has no {_FOLDERS} files")
    return files


def _read_with(
    reader: Callable[[Path], Mapping[str, TensorSource]], file: Path
) -> Mapping[str, TensorSource]:
    try:
        with naming(file):
            found = reader(file)
        for name in found:
            check_name(name)
    except ManifestError as error:
        message = str(error)
        raise ManifestError(message if str(file) in message else f"{file}: {message}") from None
    except (OSError, ImportError):
        raise
    except Exception as error:  # the packages that read the formats raise many kinds
        raise ManifestError(f"{file} is not readable: {type(error).__name__}: {error}") from None
    return found


def read_file(file: Path) -> Mapping[str, TensorSource]:
    """Return the tensors of a file, or of a Zarr group or array, by name.

    Raises:
        ManifestError: The file is invalid, or has another format.
        OSError: The file cannot be read.
    """
    reader = zarr_arrays.read if zarr_arrays.is_array(file) else _READERS.get(file.suffix)
    if reader is not None:
        return _read_with(reader, file)
    file.stat()  # a missing file is not one of another format
    message = f"{file}: not one of the formats {', '.join(_READERS)}"
    if file.suffix in _PICKLES:
        message += ". Reading a pickle would run it: load it yourself, and pass its arrays by name"
    raise ManifestError(message)
