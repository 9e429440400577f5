"""Holding weights against a manifest, and saying what differs."""

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
from pyinit.manifests.sources import ArraySource, TensorSource, iter_chunks
from pyinit.reproducibility.fingerprint import Digest, host_array
from pyinit.reproducibility.json_config import seed_to_json, to_json_config
from pyinit.seeds import derive_seed

_TARGET = (
    "None, a manifest, a Keras model, a torch module, a dictionary of arrays, or paths of files "
    "(.safetensors, .arrow, .json) or of folders of them"
)


@dataclass(frozen=True)
class Difference:
    """A tensor that is not as the manifest has it.

    Args:
        name: Its name.
        reason: What differs.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Verification:
    """What `verify()` found; true if nothing differs.

    Args:
        checked: How many tensors of the manifest were held against it.
        nbytes: How many bytes these have.
        differences: The tensors that differ, are missing, or should not be there.
    """

    checked: int
    nbytes: int
    differences: tuple[Difference, ...]

    def __bool__(self) -> bool:
        return not self.differences

    def __repr__(self) -> str:
        tensors = f"{self.checked} tensor{'s' if self.checked != 1 else ''}"
        what = f"{tensors}, {readable_size(self.nbytes)}"
        if not self.differences:
            return f"The same: {what}."
        lines = [f"\n  {shown(d.name)}: {d.reason}" for d in self.differences]
        return f"DIFFERENT: {len(lines)} (of {what}):{''.join(lines)}"


def shown(name: str) -> str:
    """A name that may come from anybody, without what would control a terminal."""
    return name if name.isprintable() else ascii(name)


def verify(
    manifest: Manifest | str | os.PathLike[str],
    target: Any = None,
    *,
    shard: str | tuple[int, int] | None = None,
    max_bytes: int = MAX_BYTES,
    progress: Progress | None = None,
) -> Verification:
    """Holds weights against a manifest.

    Args:
        manifest: A `Manifest`, or the path of one.
        target: What to hold against it:

            - None: what this copy of pyinit draws. Nothing is kept; the weights may be larger than
              memory.
            - a Keras model, or a torch module: the weights that it has now.
            - a dictionary of arrays, by name: of NumPy, CuPy, JAX, torch or TensorFlow.
            - the path of a safetensors file, of an Arrow file that `materialize()` has written, of
              a folder of such files, or a list of such paths.
            - another manifest, or its path: what the two say, without drawing anything.
        shard: Which shard alone to check, as for `materialize()`.
        max_bytes: How many bytes of weights are not too many.
        progress: As for `manifest()`.

    Returns:
        A `Verification`: true if every tensor of the manifest is there with its shape, its dtype
        and its values to the last bit, and no other. Printed, it says what differs: the seed, the
        shape, how many values, whatever is known.

    Raises:
        ValueError: The manifest is refused (not as it must be, of another version of the stream),
            or an argument is not as described.
        TypeError: `target` is none of these.
        OSError: A file cannot be read.

    Example:
        >>> import pyinit
        >>> plan = [{"name": "kernel", "shape": (4, 3), "initializer": "he_normal"}]
        >>> pinned = pyinit.create_manifest(plan, seed=42)
        >>> pyinit.verify(pinned)
        The same: 1 tensor, 48 bytes.
        >>> pyinit.verify(pinned, {"kernel": pyinit.HeNormal(seed=42)((3, 4))})
        DIFFERENT: 1 (of 1 tensor, 48 bytes):
          kernel: the shape is [3, 4], not [4, 3]

    Source: docs/manifests.md
    """
    pinned = as_manifest(manifest)
    index, count = as_shard(shard)
    limit = as_max_bytes(max_bytes)
    tensors = [pinned.tensors[number] for number in assign_shards(pinned.tensors, count)[index - 1]]
    is_all = count == 1
    if target is None:
        check_sizes(tensors, limit)
        reasons = for_each_tensor(tensors, _why_not_drawn, progress)
        return _verification(tensors, reasons)
    other = _as_manifest_or_none(target)
    if other is not None:
        return _of_manifests(pinned, tensors, other, is_all)
    model = hooks.adapter_for(target)
    values = _values_of(target) if model is None else _values_of_model(model)

    def why_not(tensor: TensorSpec, advance: Advance) -> str | None:
        if tensor.name not in values:
            return "it is missing"
        found = values[tensor.name]
        return "it has no memory yet" if found is None else _why_not(tensor, found, advance)

    reasons = for_each_tensor(tensors, why_not, progress)
    if model is not None:
        reasons = _explained(model, tensors, values, reasons)
    known = {tensor.name for tensor in pinned.tensors}
    extra = [name for name in values if name not in known] if is_all else []
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


# ---- what is drawn here ----


def _why_not_drawn(tensor: TensorSpec, advance: Advance) -> str | None:
    found = compute_fingerprint(tensor, advance)
    if found == tensor.fingerprint:
        return None
    return (
        f"what its initializer draws here has the fingerprint {found}, not {tensor.fingerprint}: "
        "the manifest contradicts itself, or this copy of pyinit is not sound (self_test() tells)"
    )


# ---- values ----


def _as_manifest_or_none(target: Any) -> Manifest | None:
    if isinstance(target, str | os.PathLike) and Path(target).suffix == ".json":
        return read_manifest(target)
    return target if isinstance(target, Manifest) else None


def _values_of(target: Any) -> dict[str, TensorSource | None]:
    """Values by name, of arrays or of files."""
    if isinstance(target, Mapping):
        return {str(name): _values_of_array(name, array) for name, array in target.items()}
    if isinstance(target, str | os.PathLike):
        target = [target]
    paths = list(target) if isinstance(target, Iterable) and not isinstance(target, bytes) else []
    if not paths or not all(isinstance(path, str | os.PathLike) for path in paths):
        raise TypeError(f"Argument `target` must be {_TARGET}. Received: target={target!r}")
    values: dict[str, TensorSource | None] = {}
    for file in [file for path in paths for file in _files_of(Path(path))]:
        for name, found in _read(file).items():
            if name in values:
                raise ManifestError(f"{file}: the tensor {name!a} is in another file, too")
            values[name] = found
    return values


def _values_of_array(name: Any, array: Any) -> TensorSource:
    try:
        return ArraySource(host_array(array))
    except TypeError:
        raise TypeError(
            f"Argument `target` must be {_TARGET}. Received: {name!r} is an object of class "
            f"{type(array).__name__}"
        ) from None


def _values_of_model(model: ModelAdapter) -> dict[str, TensorSource | None]:
    return {name: None if array is None else ArraySource(array) for name, array in model.values()}


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = [file for file in sorted(path.iterdir()) if file.suffix in _READERS]
    if not files:
        raise ManifestError(f"{path}: there are no files of {' or '.join(_READERS)} in the folder")
    return files


def _read(file: Path) -> dict[str, TensorSource]:
    reader = _READERS.get(file.suffix)
    if reader is None:
        raise ManifestError(f"{file}: weights are in files of {' or '.join(_READERS)}")
    return reader(file)


_READERS = {safetensors.SUFFIX: safetensors.read, arrow_files.SUFFIX: arrow_files.read}


def _why_not(tensor: TensorSpec, values: TensorSource, advance: Advance) -> str | None:
    """How values differ from a tensor of a manifest; None if they do not."""
    if values.shape != tensor.shape:
        return f"the shape is {list(values.shape)}, not {list(tensor.shape)}"
    if values.dtype != tensor.numpy_dtype:
        return f"the dtype is {values.dtype.name}, not {tensor.dtype}"
    digest = Digest(values.shape, values.dtype)
    for _, piece in iter_chunks(values):
        digest.update(piece)
        advance(piece.nbytes)
    if digest.hexdigest() == tensor.fingerprint:
        return None
    return _how_values_differ(tensor, values, digest.hexdigest())


def _how_values_differ(tensor: TensorSpec, values: TensorSource, found: str) -> str:
    """What the values are, beside what is drawn here."""
    try:
        check_sizes([tensor], max(tensor.nbytes, 1))
    except ManifestError as error:
        return (
            f"the fingerprint is {found}, not {tensor.fingerprint} (nor can more be said: {error})"
        )
    counts = _Counts(tensor, values)
    drawn = compute_fingerprint(tensor, lambda _: None, counts.take)
    if drawn == tensor.fingerprint:
        return counts.told()
    what = "; they are what its initializer draws" if drawn == found else ""
    return (
        f"the values do not have the manifest's fingerprint{what}. Nor does what is drawn here: "
        "the manifest contradicts itself, or this copy of pyinit is not sound (self_test() tells)"
    )


class _Counts:
    """Counts the values that differ from drawn ones."""

    def __init__(self, tensor: TensorSpec, values: TensorSource) -> None:
        self._tensor, self._values = tensor, values
        self._at = self._count = 0
        self._first: tuple[int, Any, Any] | None = None
        self._largest = 0.0

    def take(self, drawn: AnyArray) -> None:
        """Takes the next drawn values in C order."""
        expected = drawn.reshape(-1)
        found = np.ascontiguousarray(self._values.flat(self._at, self._at + expected.size))
        bits = f"u{expected.itemsize}"
        wrong = np.flatnonzero(expected.view(bits) != found.view(bits))
        if wrong.size:
            if self._first is None:
                first = int(wrong[0])
                self._first = self._at + first, found[first], expected[first]
            with np.errstate(all="ignore"):
                distance = found[wrong].astype(np.float64) - expected[wrong].astype(np.float64)
            self._largest = float(np.maximum(self._largest, np.abs(distance).max()))
        self._count += wrong.size
        self._at += expected.size

    def told(self) -> str:
        """What was counted."""
        assert self._first is not None
        position, found, expected = self._first
        index = [int(k) for k in np.unravel_index(position, self._tensor.shape)]
        return (
            f"{self._count} of {self._at} values differ, by at most {self._largest:.3g}; the first "
            f"is {found!s} instead of {expected!s}, at {index} (counted from 0)"
        )


def _explained(
    model: ModelAdapter,
    tensors: Sequence[TensorSpec],
    values: Mapping[str, TensorSource | None],
    reasons: Sequence[str | None],
) -> list[str | None]:
    """The reasons, with what the model's own initializers say where these drew the values."""
    if not any(reasons):
        return list(reasons)
    try:
        planned = {tensor.name: tensor for tensor in model.plan(None)}
    except ValueError:  # it cannot be told
        return list(reasons)
    explained: list[str | None] = []
    for tensor, reason in zip(tensors, reasons, strict=True):
        own, found = planned.get(tensor.name), values.get(tensor.name)
        if reason is not None and own is not None and found is not None:
            others = _descriptions_differ(own, tensor)
            if others and _why_not(_pinned(own), found, lambda _: None) is None:
                reason = f"{', '.join(others)} ({reason})"
        explained.append(reason)
    return explained


def _pinned(tensor: TensorSpec) -> TensorSpec:
    return replace(tensor, fingerprint=compute_fingerprint(tensor, lambda _: None))


# ---- manifests ----


def _of_manifests(
    pinned: Manifest, tensors: Sequence[TensorSpec], other: Manifest, is_all: bool
) -> Verification:
    others = {tensor.name: tensor for tensor in other.tensors}
    seeds = other.seed, pinned.seed
    reasons = [_how_tensors_differ(tensor, others.get(tensor.name), seeds) for tensor in tensors]
    known = {tensor.name for tensor in tensors}
    extra = [name for name in others if name not in known] if is_all else []
    return _verification(tensors, reasons, extra)


#: The seeds of two whole models: of the one that is held against a manifest, and of the manifest.
_Seeds = tuple[int | None, int | None]


def _how_tensors_differ(tensor: TensorSpec, other: TensorSpec | None, seeds: _Seeds) -> str | None:
    if other is None:
        return "it is missing"
    if other.fingerprint == tensor.fingerprint:
        return None
    return (
        ", ".join(_descriptions_differ(other, tensor, seeds))
        or f"the fingerprint is {other.fingerprint}, not {tensor.fingerprint}, although it is "
        "drawn in the same way: one of the two manifests contradicts itself (verify each alone)"
    )


def _descriptions_differ(
    found: TensorSpec, expected: TensorSpec, seeds: _Seeds = (None, None)
) -> list[str]:
    """What two tensors say differently of how they are drawn."""
    said = []
    if found.shape != expected.shape:
        said.append(f"the shape is {list(found.shape)}, not {list(expected.shape)}")
    if found.dtype != expected.dtype:
        said.append(f"the dtype is {found.dtype}, not {expected.dtype}")
    if len(found.segments) != len(expected.segments):
        return [*said, f"it has {len(found.segments)} segments, not {len(expected.segments)}"]
    for number, (one, two) in enumerate(zip(found.segments, expected.segments, strict=True)):
        where = f" of segment {number}" if len(found.segments) > 1 else ""
        ours, theirs = (
            _flat(segment, expected.name, seed)
            for segment, seed in zip((one, two), seeds, strict=True)
        )
        said += [f"{difference}{where}" for difference in _segments_differ(ours, theirs)]
    return said


def _segments_differ(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    if ours["initializer"] != theirs["initializer"]:
        return [f"the initializer is {ours['initializer']}, not {theirs['initializer']}"]
    return [
        f"the {name} is {ours.get(name)}, not {theirs.get(name)}"
        for name in {**ours, **theirs}
        if ours.get(name) != theirs.get(name)
    ]


def _flat(segment: Segment, name: str, seed: int | None) -> dict[str, Any]:
    """What a segment of the tensor of that name says, in words of their own."""
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
        "order of gates": segment.placement.gates,
    }
