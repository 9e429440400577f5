"""Manifests as JSON that people can read and compare."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pyinit.arguments import argument_error
from pyinit.manifests.model import Manifest, Part, Tensor
from pyinit.manifests.reading import FORMAT, FORMAT_VERSION
from pyinit.reproducibility.json_config import describe, seed_in_json


def write_manifest(manifest: Manifest, file: str | os.PathLike[str]) -> None:
    """Writes a manifest to a file, as JSON.

    The text depends on the manifest alone, so the same manifest has the same bytes everywhere.

    Args:
        manifest: A `Manifest`.
        file: The path; a file that is there is replaced.

    Raises:
        ValueError: `manifest` is no manifest.
        OSError: The file cannot be written.

    Example:
        See `read_manifest()`.

    Source: https://json-schema.org/draft/2020-12
    """
    Path(file).write_text(as_text(manifest), encoding="utf-8", newline="\n")


def as_text(manifest: Manifest) -> str:
    """A manifest as JSON: a line for each field of a tensor."""
    if not isinstance(manifest, Manifest):
        raise argument_error("manifest", manifest, "a Manifest")
    fields: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "stream_version": manifest.stream_version,
    }
    if manifest.seed is not None:
        fields["seed"] = seed_in_json(manifest.seed)
    lines = "".join(f'  "{name}": {json.dumps(value)},\n' for name, value in fields.items())
    tensors = ",\n".join(map(_tensor, manifest.tensors))
    return f'{{\n{lines}  "tensors": [\n{tensors}\n  ]\n}}\n'


def _tensor(tensor: Tensor) -> str:
    fields = [
        f'      "{name}": {json.dumps(value, ensure_ascii=False, allow_nan=False)}'
        for name, value in entry_of(tensor).items()
    ]
    return "    {\n" + ",\n".join(fields) + "\n    }"


def entry_of(tensor: Tensor) -> dict[str, Any]:
    """A tensor as the schema has it."""
    entry: dict[str, Any] = {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
    }
    first = tensor.parts[0]
    if len(tensor.parts) == 1 and first.placement.rows is None:
        entry |= _part(first)
    else:
        everything = (0, tensor.shape[0])
        entry["parts"] = [
            {"rows": list(part.placement.rows or everything), **_part(part)}
            for part in tensor.parts
        ]
    return {**entry, "fingerprint": tensor.fingerprint}


def _part(part: Part) -> dict[str, Any]:
    entry: dict[str, Any] = {"initializer": describe(part.initializer)}
    if part.draw:
        entry["draw"] = part.draw
    if part.placement.axes is not None:
        entry["axes"] = list(part.placement.axes)
    if part.placement.gates is not None:
        entry["gates"] = list(part.placement.gates)
    return entry
