"""Comparison of tensors: of values with a manifest's, and of one specification with another."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyinit.dtypes import AnyArray
from pyinit.manifests.creation import compute_fingerprint
from pyinit.manifests.limits import WorkLeft
from pyinit.manifests.local_values import ValueDifferences, compare_local
from pyinit.manifests.model import ManifestError, Segment, TensorSpec
from pyinit.manifests.parallel import Advance
from pyinit.manifests.sources import LocalSource, TensorSource, source_fingerprint
from pyinit.reproducibility.json_config import seed_to_json, to_json_config
from pyinit.seeds import derive_seed

#: Why drawn values can differ from the fingerprint that was recorded with their initializer.
CONTRADICTION = (
    "the manifest contradicts itself, or this copy of pyinit is broken (run self_test())"
)
#: The seeds of two models: of the found manifest and of the expected one.
Seeds = tuple[int | None, int | None]


def compare_drawn(tensor: TensorSpec, advance: Advance) -> str | None:
    """Return how the values drawn here differ from the fingerprint; None if they do not."""
    drawn = compute_fingerprint(tensor, advance)
    if drawn == tensor.fingerprint:
        return None
    return (
        f"its initializer gives the fingerprint {drawn}, not {tensor.fingerprint}: {CONTRADICTION}"
    )


def compare_source(
    tensor: TensorSpec,
    source: TensorSource | LocalSource,
    advance: Advance,
    left: WorkLeft | None = None,
) -> str | None:
    """Return how a source differs from a tensor of the manifest; None if it does not.

    Args:
        tensor: The tensor.
        source: The source.
        advance: Receives the number of bytes done.
        left: The work that is left to draw tensors that differ; None means the default limit for
            this tensor alone.
    """
    if isinstance(source, LocalSource):
        return compare_local(tensor, source, advance, left)
    if source.shape != tensor.shape:
        return f"the shape is {list(source.shape)}, not {list(tensor.shape)}"
    if source.dtype != tensor.numpy_dtype:
        return f"the dtype is {source.dtype.name}, not {tensor.dtype}"
    found = source_fingerprint(source, advance)
    if found == tensor.fingerprint:
        return None
    return _compare_values(tensor, source, found, left or WorkLeft())


def _compare_values(tensor: TensorSpec, source: TensorSource, found: str, left: WorkLeft) -> str:
    """Return how the values of a source with the fingerprint `found` differ from drawn ones."""
    if not tensor.has_initializer:
        return f"the fingerprint is {found}, not {tensor.fingerprint}"
    try:
        left.take(tensor)
    except ManifestError as error:
        return f"the fingerprint is {found}, not {tensor.fingerprint} (no details: {error})"
    differences = ValueDifferences()
    position = 0

    def compare(chunk: AnyArray) -> None:
        nonlocal position
        values = source.read_flat(position, position + chunk.size)
        offset = np.unravel_index(position, tensor.shape) if chunk.size else (0,) * chunk.ndim
        differences.add(values, chunk, tuple(map(int, offset)))
        position += chunk.size

    drawn = compute_fingerprint(tensor, lambda _: None, compare)
    if drawn == tensor.fingerprint:
        return differences.summary()
    both = "the values are those drawn here, and do not have"
    neither = "neither the values nor those drawn here have"
    return f"{both if drawn == found else neither} the manifest's fingerprint: {CONTRADICTION}"


def compare_specs(
    found: TensorSpec, expected: TensorSpec, seeds: Seeds = (None, None)
) -> list[str]:
    """Return the differences between the specifications of two tensors, not of their values."""
    differences = []
    if found.shape != expected.shape:
        differences.append(f"the shape is {list(found.shape)}, not {list(expected.shape)}")
    if found.dtype != expected.dtype:
        differences.append(f"the dtype is {found.dtype}, not {expected.dtype}")
    if not (found.has_initializer and expected.has_initializer):
        return differences
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
