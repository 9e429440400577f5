"""Comparison of weights with a manifest."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pyinit import hooks
from pyinit.dtypes import AnyArray
from pyinit.manifests import arrow_files, safetensors
from pyinit.manifests.adapters import ModelAdapter
from pyinit.manifests.creation import compute_fingerprint
from pyinit.manifests.limits import MAX_BYTES, as_max_bytes, check_sizes
from pyinit.manifests.model import Manifest, ManifestError, Segment, TensorSpec, readable_size
from pyinit.manifests.parallel import Advance, Progress, for_each_tensor
from pyinit.manifests.reading import as_manifest, read_manifest
from pyinit.manifests.shards import as_shard, assign_shards
from pyinit.manifests.sources import ArraySource, TensorSource, read_chunks
from pyinit.reproducibility.fingerprint import Digest
from pyinit.reproducibility.json_config import seed_to_json, to_json_config
from pyinit.runtime.host_arrays import host_array
from pyinit.seeds import derive_seed

_TARGET = (
    "None, a manifest, a Keras model, a torch module, a dictionary of arrays, or paths of files "
    "(.safetensors, .arrow, .json) or of folders of them"
)


@dataclass(frozen=True)
class Difference:
    """A tensor that differs from the manifest.

    Args:
        name: The name of the tensor.
        reason: The difference.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Verification:
    """The result of `verify()`, true if there are no differences.

    Args:
        checked: The number of tensors of the manifest that were checked.
        nbytes: Their total size in bytes.
        differences: The tensors that differ, are missing, or are not in the manifest.

    Example:
        >>> import pyinit
        >>> plan = [{"name": "bias", "shape": [3], "initializer": "zeros"}]
        >>> found = pyinit.verify(pyinit.create_manifest(plan))
        >>> bool(found), found.checked, found.nbytes, found.differences
        (True, 1, 12, ())
    """

    checked: int
    nbytes: int
    differences: tuple[Difference, ...]

    def __bool__(self) -> bool:
        return not self.differences

    def __repr__(self) -> str:
        tensors = f"{self.checked} tensor{'s' if self.checked != 1 else ''}"
        checked = f"{tensors}, {readable_size(self.nbytes)}"
        if not self.differences:
            return f"The same: {checked}."
        lines = [f"\n  {printable(d.name)}: {d.reason}" for d in self.differences]
        return f"DIFFERENT: {len(lines)} (of {checked}):{''.join(lines)}"


def printable(name: str) -> str:
    """Return an untrusted name with control characters escaped."""
    return name if name.isprintable() else ascii(name)


def verify(
    manifest: Manifest | str | os.PathLike[str],
    target: Any = None,
    *,
    shard: str | tuple[int, int] | None = None,
    max_bytes: int = MAX_BYTES,
    progress: Progress | None = None,
) -> Verification:
    """Compare weights with a manifest.

    Args:
        manifest: A `Manifest`, or the path of one.
        target: The weights to compare:

            - None: the weights that this copy of pyinit draws. They are not kept and may be larger
              than memory.
            - A Keras model or a torch module: its current weights.
            - A dictionary of arrays by name: of NumPy, CuPy, JAX, torch or TensorFlow.
            - The path of a safetensors file, of an Arrow file that `materialize()` has written, of
              a folder of such files, or a list of such paths.
            - Another manifest or its path: compares the two manifests without drawing anything.
        shard: The only shard to check, as for `materialize()`; None checks all tensors.
        max_bytes: Maximum total size of the weights, in bytes.
        progress: As for `create_manifest()`.

    Returns:
        A `Verification`: true if `target` has exactly the tensors of the manifest, with the same
        shapes, dtypes and values to the last bit. When printed, it lists the differences: the seed,
        the shape, the number of values, and so on.

    Raises:
        ValueError: The manifest or an argument is invalid.
        TypeError: `target` is none of these.
        OSError: A file cannot be read.

    Example:
        >>> import pyinit
        >>> plan = [{"name": "kernel", "shape": (4, 3), "initializer": "he_normal"}]
        >>> manifest = pyinit.create_manifest(plan, seed=42)
        >>> pyinit.verify(manifest)
        The same: 1 tensor, 48 bytes.
        >>> pyinit.verify(manifest, {"kernel": pyinit.HeNormal(seed=42)((3, 4))})
        DIFFERENT: 1 (of 1 tensor, 48 bytes):
          kernel: the shape is [3, 4], not [4, 3]

    Source: the JSON Schema of manifests, printed by `pyinit schema`
    """
    expected = as_manifest(manifest)
    index, count = as_shard(shard)
    limit = as_max_bytes(max_bytes)
    positions = assign_shards(expected.tensors, count)[index - 1]
    tensors = [expected.tensors[position] for position in positions]
    is_complete = count == 1
    if target is None:
        check_sizes(tensors, limit)
        return _verification(tensors, for_each_tensor(tensors, _compare_drawn, progress))
    other = _as_manifest_or_none(target)
    if other is not None:
        return _compare_manifests(expected, tensors, other, is_complete)
    model = hooks.adapter_for(target)
    sources = _sources_of(target) if model is None else _sources_of_model(model)

    def compare(tensor: TensorSpec, advance: Advance) -> str | None:
        if tensor.name not in sources:
            return "it is missing"
        source = sources[tensor.name]
        return "it has no memory yet" if source is None else _compare(tensor, source, advance)

    reasons = for_each_tensor(tensors, compare, progress)
    if model is not None:
        reasons = _explain(model, tensors, sources, reasons)
    known = {tensor.name for tensor in expected.tensors}
    extra = [name for name in sources if name not in known] if is_complete else []
    return _verification(tensors, reasons, extra)


def _verification(
    tensors: Sequence[TensorSpec], reasons: Sequence[str | None], extra: Iterable[str] = ()
) -> Verification:
    differences = [
        Difference(tensor.name, reason)
        for tensor, reason in zip(tensors, reasons, strict=True)
        if reason is not None
    ]
    differences += [Difference(name, "it is not in the manifest") for name in extra]
    nbytes = sum(tensor.nbytes for tensor in tensors)
    return Verification(len(tensors), nbytes, tuple(differences))


# ---- weights drawn here ----

_CONTRADICTION = (
    "the manifest contradicts itself, or this copy of pyinit is broken (run self_test())"
)


def _compare_drawn(tensor: TensorSpec, advance: Advance) -> str | None:
    drawn = compute_fingerprint(tensor, advance)
    if drawn == tensor.fingerprint:
        return None
    return (
        f"its initializer gives the fingerprint {drawn}, not {tensor.fingerprint}: {_CONTRADICTION}"
    )


# ---- weights from elsewhere ----


def _as_manifest_or_none(target: Any) -> Manifest | None:
    if isinstance(target, str | os.PathLike) and Path(target).suffix == ".json":
        return read_manifest(target)
    return target if isinstance(target, Manifest) else None


def _sources_of(target: Any) -> dict[str, TensorSource | None]:
    """Return the sources of arrays or files by name."""
    if isinstance(target, Mapping):
        return {str(name): _array_source(name, array) for name, array in target.items()}
    if isinstance(target, str | os.PathLike):
        target = [target]
    paths = list(target) if isinstance(target, Iterable) and not isinstance(target, bytes) else []
    if not paths or not all(isinstance(path, str | os.PathLike) for path in paths):
        raise TypeError(f"Argument `target` must be {_TARGET}. Received: target={target!r}")
    sources: dict[str, TensorSource | None] = {}
    for file in [file for path in paths for file in _files_of(Path(path))]:
        for name, source in _read(file).items():
            if name in sources:
                raise ManifestError(f"{file}: the tensor {name!a} is also in another file")
            sources[name] = source
    return sources


def _array_source(name: Any, array: Any) -> TensorSource:
    try:
        return ArraySource(host_array(array))
    except TypeError:
        raise TypeError(
            f"Argument `target` must be {_TARGET}. Received: {name!r} is an object of class "
            f"{type(array).__name__}"
        ) from None


def _sources_of_model(model: ModelAdapter) -> dict[str, TensorSource | None]:
    return {name: None if array is None else ArraySource(array) for name, array in model.values()}


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = [file for file in sorted(path.iterdir()) if file.suffix in _READERS]
    if not files:
        raise ManifestError(f"{path}: the folder has no {' or '.join(_READERS)} files")
    return files


def _read(file: Path) -> dict[str, TensorSource]:
    reader = _READERS.get(file.suffix)
    if reader is None:
        raise ManifestError(f"{file}: not a {' or '.join(_READERS)} file")
    return reader(file)


_READERS = {safetensors.SUFFIX: safetensors.read, arrow_files.SUFFIX: arrow_files.read}


def _compare(tensor: TensorSpec, source: TensorSource, advance: Advance) -> str | None:
    """Return how a source differs from a tensor of the manifest; None if it does not."""
    if source.shape != tensor.shape:
        return f"the shape is {list(source.shape)}, not {list(tensor.shape)}"
    if source.dtype != tensor.numpy_dtype:
        return f"the dtype is {source.dtype.name}, not {tensor.dtype}"
    digest = Digest(source.shape, source.dtype)
    for chunk in read_chunks(source):
        digest.update(chunk)
        advance(chunk.nbytes)
    found = digest.hexdigest()
    return None if found == tensor.fingerprint else _compare_values(tensor, source, found)


def _compare_values(tensor: TensorSpec, source: TensorSource, found: str) -> str:
    """Return how the values of a source with the fingerprint `found` differ from drawn ones."""
    try:
        check_sizes([tensor], max(tensor.nbytes, 1))
    except ManifestError as error:
        return f"the fingerprint is {found}, not {tensor.fingerprint} (no details: {error})"
    counts = _Counts(tensor, source)
    drawn = compute_fingerprint(tensor, lambda _: None, counts.add)
    if drawn == tensor.fingerprint:
        return counts.summary()
    both = "the values are those drawn here, and do not have"
    neither = "neither the values nor those drawn here have"
    return f"{both if drawn == found else neither} the manifest's fingerprint: {_CONTRADICTION}"


class _Counts:
    """Statistics of the values that differ from drawn ones.

    Args:
        tensor: The tensor that is drawn.
        source: The values to compare with it.
    """

    def __init__(self, tensor: TensorSpec, source: TensorSource) -> None:
        self._tensor, self._source = tensor, source
        self._size = self._count = 0
        self._first: tuple[int, Any, Any] | None = None
        self._largest = 0.0

    def add(self, chunk: AnyArray) -> None:
        """Compare the next drawn values in C order."""
        expected = chunk.reshape(-1)
        found = np.ascontiguousarray(self._source.read_flat(self._size, self._size + expected.size))
        bits = f"u{expected.itemsize}"
        wrong = np.flatnonzero(expected.view(bits) != found.view(bits))
        if wrong.size:
            if self._first is None:
                first = int(wrong[0])
                self._first = self._size + first, found[first], expected[first]
            with np.errstate(all="ignore"):
                distance = found[wrong].astype(np.float64) - expected[wrong].astype(np.float64)
            self._largest = float(np.maximum(self._largest, np.abs(distance).max()))
        self._count += wrong.size
        self._size += expected.size

    def summary(self) -> str:
        """Describe the differing values: their number, the largest difference, the first one."""
        assert self._first is not None
        position, found, expected = self._first
        index = [int(k) for k in np.unravel_index(position, self._tensor.shape)]
        return (
            f"{self._count} of {self._size} values differ, by at most {self._largest:.3g}; the "
            f"first is {found!s} instead of {expected!s}, at {index} (counted from 0)"
        )


def _explain(
    model: ModelAdapter,
    tensors: Sequence[TensorSpec],
    sources: Mapping[str, TensorSource | None],
    reasons: Sequence[str | None],
) -> list[str | None]:
    """Extend the reasons: how the initializers that drew the model's weights differ."""
    if not any(reasons):
        return list(reasons)
    try:
        planned = {tensor.name: tensor for tensor in model.plan(None)}
    except ValueError:  # its initializers are not known
        return list(reasons)
    explained: list[str | None] = []
    for tensor, reason in zip(tensors, reasons, strict=True):
        own, source = planned.get(tensor.name), sources.get(tensor.name)
        if reason is not None and own is not None and source is not None:
            differences = _compare_specs(own, tensor)
            if differences and _compare(_with_fingerprint(own), source, lambda _: None) is None:
                reason = f"{', '.join(differences)} ({reason})"
        explained.append(reason)
    return explained


def _with_fingerprint(tensor: TensorSpec) -> TensorSpec:
    return replace(tensor, fingerprint=compute_fingerprint(tensor, lambda _: None))


# ---- other manifests ----


def _compare_manifests(
    expected: Manifest, tensors: Sequence[TensorSpec], found: Manifest, is_complete: bool
) -> Verification:
    others = {tensor.name: tensor for tensor in found.tensors}
    seeds = found.seed, expected.seed
    reasons = [_compare_entries(others.get(tensor.name), tensor, seeds) for tensor in tensors]
    known = {tensor.name for tensor in tensors}
    extra = [name for name in others if name not in known] if is_complete else []
    return _verification(tensors, reasons, extra)


#: The seeds of two models: of the found manifest and of the expected one.
_Seeds = tuple[int | None, int | None]


def _compare_entries(found: TensorSpec | None, expected: TensorSpec, seeds: _Seeds) -> str | None:
    if found is None:
        return "it is missing"
    if found.fingerprint == expected.fingerprint:
        return None
    return (
        ", ".join(_compare_specs(found, expected, seeds))
        or f"the fingerprint is {found.fingerprint}, not {expected.fingerprint}, although both are "
        "drawn in the same way: one of the manifests contradicts itself (verify each alone)"
    )


def _compare_specs(
    found: TensorSpec, expected: TensorSpec, seeds: _Seeds = (None, None)
) -> list[str]:
    """Return the differences between the specifications of two tensors."""
    differences = []
    if found.shape != expected.shape:
        differences.append(f"the shape is {list(found.shape)}, not {list(expected.shape)}")
    if found.dtype != expected.dtype:
        differences.append(f"the dtype is {found.dtype}, not {expected.dtype}")
    counts = len(found.segments), len(expected.segments)
    if counts[0] != counts[1]:
        return [*differences, f"it has {counts[0]} segments, not {counts[1]}"]
    for index, segments in enumerate(zip(found.segments, expected.segments, strict=True)):
        where = f" of segment {index}" if counts[0] > 1 else ""
        fields = [
            _fields_of(segment, expected.name, seed)
            for segment, seed in zip(segments, seeds, strict=True)
        ]
        differences += [f"{difference}{where}" for difference in _compare_fields(*fields)]
    return differences


def _compare_fields(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    if found["initializer"] != expected["initializer"]:
        return [f"the initializer is {found['initializer']}, not {expected['initializer']}"]
    return [
        f"the {name} is {found.get(name)}, not {expected.get(name)}"
        for name in {**found, **expected}
        if found.get(name) != expected.get(name)
    ]


def _fields_of(segment: Segment, name: str, seed: int | None) -> dict[str, Any]:
    """Return the fields of a segment of the tensor `name`, in a model with that seed."""
    description = to_json_config(segment.initializer)
    config = description["config"]
    if seed is not None and config.get("seed") == seed_to_json(derive_seed(seed, name)):
        config["seed"] = f"the one derived from {seed}"
    return {
        "initializer": description["class_name"],
        **config,
        "draw": segment.draw,
        "order of axes": segment.placement.axes,
        "range of rows": segment.placement.rows,
        "number of groups": segment.placement.groups,
        "order of gates": segment.placement.gates,
    }
