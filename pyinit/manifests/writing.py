"""Writing manifests as JSON."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from pyinit.arguments import argument_error, as_path, is_instance
from pyinit.manifests import atomic_files
from pyinit.manifests.model import Manifest, ManifestError, Segment, TensorSpec
from pyinit.manifests.reading import FORMAT, FORMAT_VERSION, load_json, parse_manifest
from pyinit.reproducibility.json_config import seed_to_json, to_json_config
from pyinit.versions import STREAM_VERSION


def write_manifest(manifest: Manifest, file: str | os.PathLike[str]) -> None:
    """Write a manifest to a file, as JSON.

    The text depends only on the manifest: the same manifest gives the same bytes everywhere.

    Args:
        manifest: A `Manifest`.
        file: The path; an existing regular file is replaced. The new one gets this name when it is
            whole and on the disk.

    Raises:
        ValueError: `manifest` is not a manifest that can be read again, or `file` is not a path.
        OSError: The file cannot be written.

    Example:
        >>> import pyinit, tempfile, pathlib
        >>> plan = [{"name": "bias", "shape": [3], "initializer": "zeros"}]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "manifest.json")
        ...     pyinit.write_manifest(pyinit.create_manifest(plan), path)
        ...     path.read_text().splitlines()[1]
        '  "format": "pyinit manifest",'

    Source: the JSON Schema of manifests, printed by `pyinit schema`
    """
    path, text = as_path("file", file), as_text(manifest)
    try:
        parse_manifest(load_json(text))
    except ManifestError as error:
        allowed = f"a Manifest that can be read again: {error}"
        raise argument_error("manifest", manifest, allowed, ManifestError) from None
    atomic_files.write_file(path, text.encode(), replace=True)


def as_text(manifest: Manifest) -> str:
    """Return a manifest as JSON text, with one line for each field of a tensor."""
    if not is_instance(manifest, Manifest):
        raise argument_error("manifest", manifest, "a Manifest")
    fields: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "stream_version": manifest.stream_version,
    }
    if manifest.seed is not None:
        fields["seed"] = seed_to_json(manifest.seed)
    if manifest.shard is not None:
        fields["shard"] = asdict(manifest.shard)
    lines = "".join(f'  "{name}": {json.dumps(value)},\n' for name, value in fields.items())
    tensors = ",\n".join(map(_tensor_text, manifest.tensors))
    return f'{{\n{lines}  "tensors": [\n{tensors}\n  ]\n}}\n'


def plan_digest(tensors: Sequence[TensorSpec], seed: int | None) -> str:
    """Return the SHA-256 digest of the manifest of these tensors without fingerprints."""
    blank = tuple(replace(tensor, fingerprint="") for tensor in tensors)
    text = as_text(Manifest(STREAM_VERSION, blank, seed))
    return hashlib.sha256(text.encode()).hexdigest()


def _tensor_text(tensor: TensorSpec) -> str:
    fields = [
        f'      "{name}": {json.dumps(value, ensure_ascii=False, allow_nan=False)}'
        for name, value in tensor_entry(tensor).items()
    ]
    return "    {\n" + ",\n".join(fields) + "\n    }"


def tensor_entry(tensor: TensorSpec) -> dict[str, Any]:
    """Return a tensor as a manifest's JSON Schema defines it."""
    entry: dict[str, Any] = {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
    }
    if not tensor.has_initializer:
        return {**entry, "initializer": None, "fingerprint": tensor.fingerprint}
    first = tensor.segments[0]
    if len(tensor.segments) == 1 and first.placement.rows is None:
        entry |= _segment_entry(first)
    else:
        all_rows = (0, tensor.shape[0])
        entry["segments"] = [
            {"rows": list(segment.placement.rows or all_rows), **_segment_entry(segment)}
            for segment in tensor.segments
        ]
    return {**entry, "fingerprint": tensor.fingerprint}


def _segment_entry(segment: Segment) -> dict[str, Any]:
    entry: dict[str, Any] = {"initializer": to_json_config(segment.initializer)}
    if segment.draw:
        entry["draw"] = segment.draw
    if segment.placement.axes is not None:
        entry["axes"] = list(segment.placement.axes)
    if segment.placement.groups is not None:
        entry["groups"] = segment.placement.groups
    if segment.placement.gates is not None:
        entry["gates"] = list(segment.placement.gates)
    return entry
