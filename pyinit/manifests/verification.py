"""Comparison of weights with a manifest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyinit import hooks
from pyinit.arguments import argument_error, as_path, is_instance, is_path
from pyinit.html_tables import record_table
from pyinit.manifests.adapters import ModelAdapter
from pyinit.manifests.comparison import Seeds, compare_drawn, compare_source, compare_specs
from pyinit.manifests.creation import compute_fingerprint
from pyinit.manifests.keras_names import is_seed_state
from pyinit.manifests.limits import (
    MAX_BYTES,
    MAX_OPERATIONS,
    Limits,
    WorkLeft,
    as_limits,
    check_sizes,
    check_total,
)
from pyinit.manifests.model import (
    MAX_LINES,
    Manifest,
    ManifestError,
    TensorSpec,
    escaped,
    listed,
    printable,
    readable_size,
    titled_list,
)
from pyinit.manifests.numbered_variables import RecordedContents, renamed, with_names_of
from pyinit.manifests.parallel import Advance, for_each_tensor
from pyinit.manifests.reading import as_manifest, as_whole_manifest
from pyinit.manifests.shards import as_shard, assign_shards
from pyinit.manifests.sources import LocalSource
from pyinit.manifests.targets import (
    WEIGHTS,
    Sources,
    sources_of,
    sources_of_buffers,
    sources_of_model,
)
from pyinit.runtime.progress import Progress

_NEEDS_WHOLE = (
    "only fingerprints of the full tensors are recorded, and this process holds a part (pass "
    "full_tensor() or a full state dictionary)"
)
_TARGET = f"None, a manifest or its path (.json), {WEIGHTS}"


@dataclass(frozen=True)
class Difference:
    """A tensor that differs from the manifest, or was not compared with it.

    Args:
        name: The name of the tensor.
        reason: The difference, or why the tensor was not compared.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Verification:
    """The result of `verify()`, true if there are no differences.

    Printing it shows the first 20 differences.

    Args:
        checked: The number of tensors of the manifest that were checked.
        nbytes: The total size of the compared values in bytes.
        differences: The tensors that differ, are missing, or are not in the manifest.
        not_compared: The tensors that could not be compared, or only in part, with the reasons:
            without a target, those of which only the fingerprint is recorded; the states of Keras'
            seed generators where the target (a file or a dictionary of arrays) or the manifest has
            none; sharded tensors, of which other processes hold the rest.

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
    not_compared: tuple[Difference, ...] = ()

    def __bool__(self) -> bool:
        return not self.differences

    def __repr__(self) -> str:
        tensors = f"{self.checked} tensor{'s' if self.checked != 1 else ''}"
        checked = f"{tensors}, {readable_size(self.nbytes)}"
        rest = "".join(f"\n{line}" for line in not_compared_lines(self.not_compared))
        if not self.differences:
            return f"The same: {checked}.{rest}"
        found = self.differences
        lines = [f"{printable(d.name)}: {escaped(d.reason)}" for d in found[:MAX_LINES]]
        count = f"{len(found)} difference{'s' if len(found) != 1 else ''}"
        title = f"DIFFERENT: {count}; checked {checked}"
        return f"{titled_list(title, lines, len(found))}{rest}"

    def _repr_html_(self) -> str:
        found = [("different", d.name, d.reason) for d in self.differences]
        found += [("not compared", d.name, d.reason) for d in self.not_compared]
        title = repr(self).partition("\n")[0].rstrip(":.")
        return record_table(title, ("result", "tensor", "reason"), found, len(found))


def not_compared_lines(tensors: Iterable[Difference]) -> Iterator[str]:
    """Yield a line on the tensors that were not compared for each reason."""
    names: dict[str, list[str]] = {}
    for tensor in tensors:
        names.setdefault(tensor.reason, []).append(printable(tensor.name))
    for reason, group in names.items():
        yield f"Not compared, since {reason}: {listed(group)}"


def verify(
    manifest: Manifest | str | os.PathLike[str],
    target: Any = None,
    *,
    shard: str | tuple[int, int] | None = None,
    max_bytes: int = MAX_BYTES,
    max_operations: int = MAX_OPERATIONS,
    progress: Progress | None = None,
) -> Verification:
    """Compare weights with a manifest.

    Args:
        manifest: A `Manifest`, or the path of one. Of a shard, only its tensors are compared.
        target: The weights to compare:

            - None: the weights that this copy of pyinit draws. They are not kept and may be larger
              than memory. Tensors of which only the fingerprint is recorded are not compared.
            - A Keras model or a torch module: its current weights, and those of its buffers that
              the manifest has. Of a sharded tensor (a torch DTensor), the values that this process
              holds are compared with those that the manifest's initializer draws, without
              communication.
            - A dictionary of arrays by name: of NumPy, CuPy, JAX, torch or TensorFlow.
            - The path of a file of Keras (`.keras`, `.weights.h5`, `.h5`), of another HDF5 file, of
              an `.npz`, `.npy` or safetensors file, of an Arrow file that `materialize()` has
              written, of a folder of safetensors, Arrow or `.npy` files, of a Zarr group, or a list
              of such paths. Only arrays are read: no model is built, and nothing in the file is
              executed.
            - Another manifest or its path: compares the two manifests without drawing anything.
              Tensors with the same fingerprint are the same, whatever their initializers.
        shard: The only shard to check, as for `materialize()`; None checks all tensors.
        max_bytes: Maximum total size of the weights that are drawn or read from files, in bytes.
        max_operations: As for `create_manifest()`. If the explanation of differences takes more,
            the report lacks details.
        progress: As for `create_manifest()`.

    Returns:
        A `Verification`: true if `target` has exactly the tensors of the manifest, with the same
        shapes, dtypes and values to the last bit. When printed, it lists the differences: the seed,
        the shape, the number of values, and so on, and what could not be compared.

    Raises:
        ValueError: The manifest or an argument is invalid.
        TypeError: `target` is none of these.
        OSError: A file cannot be read.
        ImportError: A file needs h5py or pyarrow, which is not installed.

    Example:
        >>> import pyinit
        >>> plan = [{"name": "kernel", "shape": (4, 3), "initializer": "he_normal"}]
        >>> manifest = pyinit.create_manifest(plan, seed=42)
        >>> pyinit.verify(manifest)
        The same: 1 tensor, 48 bytes.
        >>> pyinit.verify(manifest, {"kernel": pyinit.HeNormal(seed=42)((3, 4))})
        DIFFERENT: 1 difference; checked 1 tensor, 48 bytes:
          kernel: the shape is [3, 4], not [4, 3]

    Source: the JSON Schema of manifests, printed by `pyinit schema`
    """
    expected = as_manifest(manifest)
    index, count = as_shard(shard)
    if expected.shard is not None and shard is not None:
        allowed = f"None for a manifest that is itself a shard, {expected.shard}"
        raise argument_error("shard", shard, allowed)
    limits = as_limits(max_bytes, max_operations)
    positions = assign_shards(expected.tensors, count)[index - 1]
    tensors = [expected.tensors[position] for position in positions]
    is_complete = count == 1 and expected.shard is None
    if target is None:
        check_sizes(tensors, limits)
        return _verify_drawn(tensors, progress)
    other = _as_manifest_or_none(target)
    if other is not None:
        return _compare_manifests(expected, tensors, other, is_complete)
    model = hooks.adapter_for(target)
    if model is not None:
        return verify_model(expected, model, tensors, limits=limits, progress=progress)
    check_total(sum(tensor.nbytes for tensor in tensors), limits)
    sources = with_names_of(expected, sources_of(target, _TARGET))
    states = _UncomparedStates(expected.tensors, sources)
    found = _compare_sources(states.without_those(tensors), sources, limits, progress)
    return found.verification(states.extra_names() if is_complete else [], states.differences)


def verify_model(
    expected: Manifest,
    model: ModelAdapter,
    tensors: Sequence[TensorSpec] | None = None,
    *,
    may_lack: Callable[[str], bool] | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Compare a model, or a part of one, with a manifest.

    Args:
        expected: The manifest.
        model: The model.
        tensors: The tensors to compare; None for all.
        may_lack: Whether the model may be without a tensor of that name, as a part of the whole
            model may; None if it must have all.
        limits: Limits on the work; None means the default ones.
        progress: As for `verify()`.
    """
    is_complete = expected.shard is None and (
        tensors is None or len(tensors) == len(expected.tensors)
    )
    tensors = expected.tensors if tensors is None else tensors
    names = {tensor.name for tensor in expected.tensors}
    sources = sources_of_model(model)
    if not names <= sources.keys():
        buffers = sources_of_buffers(model)
        sources |= {name: source for name, source in buffers.items() if name in names}
    sources = with_names_of(expected, sources)
    states = _UncomparedStates(expected.tensors, sources, found_has_all=True)
    lacking = [
        Difference(tensor.name, "the module does not have them")
        for tensor in tensors
        if may_lack is not None and tensor.name not in sources and may_lack(tensor.name)
    ]
    left_out = {difference.name for difference in lacking}
    tensors = [tensor for tensor in states.without_those(tensors) if tensor.name not in left_out]
    found = _compare_sources(tensors, sources, limits, progress)
    found.reasons = _explain(model, found.tensors, sources, found.reasons)
    return found.verification(
        states.extra_names() if is_complete else [], [*states.differences, *lacking]
    )


@dataclass
class _Comparison:
    """The result of comparing tensors of a manifest with their sources.

    Args:
        tensors: The tensors that were compared.
        reasons: How each differs; None if it does not.
        nbytes: The size of the values that were compared.
        not_compared: What could not be compared.
    """

    tensors: Sequence[TensorSpec]
    reasons: list[str | None]
    nbytes: int
    not_compared: list[Difference]

    def verification(
        self, extra: Iterable[str], not_compared: Iterable[Difference]
    ) -> Verification:
        """Return the result of `verify()`."""
        return _verification(
            self.tensors, self.reasons, extra, [*not_compared, *self.not_compared], self.nbytes
        )


def _compare_sources(
    tensors: Sequence[TensorSpec],
    sources: Sources,
    limits: Limits | None,
    progress: Progress | None,
) -> _Comparison:
    left = WorkLeft((limits or Limits()).max_operations)
    local = {name: source for name, source in sources.items() if isinstance(source, LocalSource)}
    whole_needed: list[TensorSpec] = []
    compared: list[TensorSpec] = []
    for tensor in tensors:
        is_comparable = tensor.has_initializer or tensor.name not in local
        (compared if is_comparable else whole_needed).append(tensor)
    if whole_needed and not compared:
        raise ManifestError(
            "this manifest records fingerprints of full tensors alone, and this process holds only "
            "parts of them: pass full tensors, such as those of full_tensor() or of a full state "
            "dictionary"
        )

    def compare(tensor: TensorSpec, advance: Advance) -> str | None:
        if tensor.name not in sources:
            return "it is missing"
        source = sources[tensor.name]
        if source is None:
            return "it has no memory yet"
        return compare_source(tensor, source, advance, left)

    reasons = for_each_tensor(compared, compare, progress)
    not_compared = [Difference(tensor.name, _NEEDS_WHOLE) for tensor in whole_needed]
    not_compared += [
        Difference(tensor.name, "other processes hold the rest of their values")
        for tensor in compared
        if tensor.name in local
    ]
    nbytes = sum(
        local[tensor.name].nbytes if tensor.name in local else tensor.nbytes for tensor in compared
    )
    return _Comparison(compared, reasons, nbytes, not_compared)


class _UncomparedStates:
    """States of seed generators that are not compared, since one of the sides has none.

    Files of Keras have none, nor have manifests without a seed and those of older versions.

    Args:
        expected: The tensors of the manifest.
        found: The names of the target.
        found_has_all: Whether the target cannot lack any, since it is a model.
    """

    def __init__(
        self, expected: Sequence[TensorSpec], found: Iterable[str], *, found_has_all: bool = False
    ) -> None:
        self._found = list(found)
        self._known = {tensor.name for tensor in expected}
        self._found_has_none = not found_has_all and not any(map(is_seed_state, self._found))
        self._expected_has_none = not any(map(is_seed_state, self._known))
        self.differences: list[Difference] = []

    def without_those(self, tensors: Sequence[TensorSpec]) -> list[TensorSpec]:
        """Return the tensors to compare."""
        if not self._found_has_none:
            return list(tensors)
        reason = "the target has no states of seed generators"
        states = [tensor for tensor in tensors if is_seed_state(tensor.name)]
        self.differences += [Difference(tensor.name, reason) for tensor in states]
        return [tensor for tensor in tensors if not is_seed_state(tensor.name)]

    def extra_names(self) -> list[str]:
        """Return the names in the target that the manifest should have."""
        extra = [name for name in self._found if name not in self._known]
        if not self._expected_has_none:
            return extra
        reason = "the manifest has no states of seed generators"
        self.differences += [Difference(name, reason) for name in extra if is_seed_state(name)]
        return [name for name in extra if not is_seed_state(name)]


def _verify_drawn(tensors: Sequence[TensorSpec], progress: Progress | None) -> Verification:
    drawn = [tensor for tensor in tensors if tensor.has_initializer]
    if tensors and not drawn:
        raise ManifestError(
            "this manifest records fingerprints alone, so its weights cannot be drawn: pass the "
            "weights to compare as `target`"
        )
    not_compared = [
        Difference(tensor.name, "only their fingerprints are recorded")
        for tensor in tensors
        if not tensor.has_initializer
    ]
    return _verification(drawn, for_each_tensor(drawn, compare_drawn, progress), (), not_compared)


def _verification(
    tensors: Sequence[TensorSpec],
    reasons: Sequence[str | None],
    extra: Iterable[str] = (),
    not_compared: Iterable[Difference] = (),
    nbytes: int | None = None,
) -> Verification:
    differences = [
        Difference(tensor.name, reason)
        for tensor, reason in zip(tensors, reasons, strict=True)
        if reason is not None
    ]
    differences += [Difference(name, "it is not in the manifest") for name in extra]
    if nbytes is None:
        nbytes = sum(tensor.nbytes for tensor in tensors)
    return Verification(len(tensors), nbytes, tuple(differences), tuple(not_compared))


def _as_manifest_or_none(target: Any) -> Manifest | None:
    if is_path(target) and as_path("target", target).suffix == ".json":
        return as_whole_manifest(target)
    return as_whole_manifest(target) if is_instance(target, Manifest) else None


def _explain(
    model: ModelAdapter,
    tensors: Sequence[TensorSpec],
    sources: Sources,
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
        if reason is not None and own is not None and own.has_initializer and source is not None:
            differences = compare_specs(own, tensor)
            if (
                differences
                and compare_source(_with_fingerprint(own), source, lambda _: None) is None
            ):
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
    contents = RecordedContents({name: tensor.fingerprint for name, tensor in others.items()})
    by_name = renamed(expected.tensors, others, contents)
    states = _UncomparedStates(expected.tensors, by_name)
    tensors = states.without_those(tensors)
    seeds = found.seed, expected.seed
    reasons = [_compare_entries(by_name.get(tensor.name), tensor, seeds) for tensor in tensors]
    extra = states.extra_names() if is_complete else []
    return _verification(tensors, reasons, extra, states.differences)


def _compare_entries(found: TensorSpec | None, expected: TensorSpec, seeds: Seeds) -> str | None:
    if found is None:
        return "it is missing"
    if found.fingerprint == expected.fingerprint:
        return None
    differences = ", ".join(compare_specs(found, expected, seeds))
    if differences:
        return differences
    fingerprints = f"the fingerprint is {found.fingerprint}, not {expected.fingerprint}"
    if not (found.has_initializer and expected.has_initializer):
        return fingerprints
    return (
        f"{fingerprints}, although both are drawn in the same way: one of the manifests "
        "contradicts itself (verify each alone)"
    )
