"""Manifests from JSON, from whoever they may come: what is not as it must be is refused.

Reading constructs objects of our own classes from checked arguments, and nothing else. No name in a
manifest is looked up anywhere or taken for a path, and no memory is asked for by what it says.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.arguments import argument_error, as_shape
from pyinit.dtypes import NUMERIC_DTYPES
from pyinit.initializers.base import Initializer
from pyinit.initializers.placement import Placement
from pyinit.initializers.random import RandomInitializer
from pyinit.manifests.model import Manifest, ManifestError, Segment, TensorSpec, readable_size
from pyinit.reproducibility.json_config import from_json_config
from pyinit.seeds import as_seed
from pyinit.stream import STREAM_VERSION

FORMAT = "pyinit manifest"
FORMAT_VERSION = 1
SCHEMA = Path(__file__).with_name("manifest.schema.json")
#: A manifest of 100,000 tensors has half of it.
MAX_FILE_SIZE = 2**26
_SHOWN = 120


def read_manifest(file: str | os.PathLike[str]) -> Manifest:
    """Reads a manifest that `write_manifest()` wrote, here or elsewhere.

    The file may come from someone whom you do not trust. What it says is checked before anything is
    done with it: unknown fields and versions are refused, nothing in it is run, looked up or taken
    for a path.

    Args:
        file: The path of the file, of at most 64 MiB.

    Returns:
        A `Manifest`.

    Raises:
        ValueError: The file is no manifest, or one of a version that this pyinit does not know. The
            message says where, what was received, and what is allowed.
        OSError: The file cannot be read.
        ImportError: The package jsonschema is not installed.

    Example:
        >>> import pyinit, tempfile, pathlib
        >>> plan = [{"name": "bias", "shape": [3], "initializer": "zeros"}]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "manifest.json")
        ...     pyinit.write_manifest(pyinit.create_manifest(plan), path)
        ...     pyinit.read_manifest(path)
        Manifest of 1 tensor, 12 bytes:
          bias [3] float32, Zeros
    """
    path = Path(file)
    size = path.stat().st_size
    if size > MAX_FILE_SIZE:
        limit = readable_size(MAX_FILE_SIZE)
        raise ManifestError(f"{path} is no manifest: it has {size} bytes, more than {limit}")
    try:
        return manifest_of(load_json(path.read_bytes()))
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from None


def as_manifest(manifest: Manifest | str | os.PathLike[str]) -> Manifest:
    """A manifest, or the one in a file."""
    if isinstance(manifest, Manifest):
        return manifest
    if isinstance(manifest, str | os.PathLike):
        return read_manifest(manifest)
    raise argument_error("manifest", manifest, "a Manifest or the path of one")


def load_json(text: str | bytes) -> Any:
    """The value of a JSON text, in which nothing is said twice or not what it seems.

    Raises:
        ManifestError: It is not JSON, or has a key twice, or a number that no double is.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_without_twins,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise ManifestError("not a manifest: it is nested too deeply") from None
    except ManifestError:
        raise
    except ValueError as error:  # among them numbers of thousands of digits, and what is not UTF-8
        raise ManifestError(f"not JSON: {error}") from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    twins = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if twins:
        raise ManifestError(f"the key {_shown(twins[0])} is there twice in one object")
    return dict(pairs)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ManifestError(f"the number {_shown(text)} is too large")
    return value


def _no_constant(text: str) -> Any:
    raise ManifestError(f"{text} is not a number of JSON")


def manifest_of(document: Any) -> Manifest:
    """The manifest that a JSON document is.

    Raises:
        ManifestError: It is none, or one that this version cannot use.
        ImportError: The package jsonschema is not installed.
    """
    _check_versions(document)
    _check_schema(document)
    tensors = tuple(
        tensor_of(entry, f"tensors[{number}] ({_shown(entry['name'])})")
        for number, entry in enumerate(document["tensors"])
    )
    check_names(tensors)
    seed = document.get("seed")
    try:
        return Manifest(
            STREAM_VERSION, tensors, None if seed is None else as_seed("seed", int(seed))
        )
    except ValueError as error:
        raise ManifestError(str(error)) from None


def _check_versions(document: Any) -> None:
    """Versions first: a manifest of another one need not look like ours."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ManifestError(f'not a manifest: it has no field "format" that is "{FORMAT}"')
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        raise ManifestError(
            f"its format_version is {_shown(version)}, and this pyinit reads {FORMAT_VERSION} alone"
        )
    version = document.get("stream_version")
    if version != STREAM_VERSION:
        raise ManifestError(
            f"its stream_version is {_shown(version)}, and this pyinit draws version "
            f"{STREAM_VERSION}: weights of one version of the stream are not those of another. "
            "Install a pyinit that has that version"
        )


@cache
def _schema() -> Any:
    """The schema, as a validator of jsonschema's."""
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        raise ImportError(
            "The Python package jsonschema is needed for manifests (pip install jsonschema)"
        ) from None
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _check_schema(document: Any) -> None:
    error = next(_schema().iter_errors(document), None)
    if error is not None:
        raise ManifestError(_told(error, "the manifest"))


def check_entry(entry: dict[str, Any], where: str) -> None:
    """Raises a ManifestError if a tensor's entry, but for its fingerprint, is not as the schema."""
    whole = {**entry, "fingerprint": "0" * 64}
    tensor = _schema().evolve(schema={"$ref": "urn:pyinit:manifest:1#/$defs/tensor"})
    error = next(tensor.iter_errors(whole), None)
    if error is not None:
        raise ManifestError(f"{where}: {_told(error, 'it')}")


def _told(error: Any, whole: str) -> str:
    """What an error of jsonschema's says, in our words: where, what is allowed, what came."""
    where = error.json_path.removeprefix("$").removeprefix(".") or whole
    received, rule, allowed = error.instance, error.validator, error.validator_value
    if rule == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(received) - set(known))
        having = f"it may have {', '.join(known)}" if known else "it may have none"
        return f"{where} has the unknown field {_shown(unknown[0])}; {having}"
    if rule == "required":
        missing = [name for name in allowed if name not in received]
        return f"{where} lacks the field {_shown(missing[0])}"
    if rule is None:  # the schema `false`
        return f"{where} must not be there together with `segments`"
    words = {
        "const": "be {}",
        "enum": "be one of {}",
        "type": "be of type {}",
        "minimum": "be at least {}",
        "exclusiveMinimum": "be more than {}",
        "maximum": "be at most {}",
        "minItems": "have at least {} elements",
        "maxItems": "have at most {} elements",
        "minLength": "have at least {} characters",
        "maxLength": "have at most {} characters",
        "pattern": "match {}",
    }
    must = words.get(rule, f"satisfy {rule} {{}}").format(json.dumps(allowed))
    hint = f" ({error.schema['description']})" if rule == "pattern" and where else ""
    return f"{where} must {must}{hint}. Received: {_shown(received)}"


def tensor_of(entry: dict[str, Any], where: str) -> TensorSpec:
    """The tensor that an entry of a manifest or of a plan describes.

    Args:
        entry: The entry, as the schema has it.
        where: Where it stands, for messages.

    Raises:
        ManifestError: What the schema cannot say is not so.
    """
    dtype = entry["dtype"]
    try:
        shape = as_shape(_whole(entry["shape"]))
        segments = tuple(_segment_of(segment, shape) for segment in entry.get("segments", [entry]))
        _check_rows(segments, shape)
        for segment in segments:
            _check_drawable(segment, shape, dtype)
    except (ValueError, ImportError) as error:
        raise ManifestError(f"{where}: {error}") from None
    return TensorSpec(entry["name"], shape, dtype, segments, entry.get("fingerprint", ""))


def _segment_of(entry: dict[str, Any], shape: tuple[int, ...]) -> Segment:
    rank = len(shape)
    rows, axes, gates = (
        tuple(_whole(entry[name])) if name in entry else None for name in ("rows", "axes", "gates")
    )
    if rows is not None and not (rank and 0 <= rows[0] <= rows[1] <= shape[0]):
        raise ManifestError(f"rows must lie within shape={shape}. Received: {list(rows)}")
    if axes is not None and sorted(axes) != list(range(rank)):
        raise ManifestError(
            f"axes must be those from 0 to {rank - 1} in some order. Received: {list(axes)}"
        )
    placement = Placement(axes=axes, rows=rows, gates=gates)  # type: ignore[arg-type]
    if gates is not None:
        drawn = placement.drawn_shape(shape)
        if sorted(gates) != list(range(len(gates))):
            raise ManifestError(
                f"gates must be those from 0 to {len(gates) - 1} in some order. "
                f"Received: {list(gates)}"
            )
        if not drawn or drawn[-1] % len(gates):
            raise ManifestError(
                f"gates must divide the last axis of the drawn shape {drawn}. "
                f"Received: {list(gates)}"
            )
    draw = int(entry.get("draw", 0))
    initializer = from_json_config(entry["initializer"], draw)
    if draw and not isinstance(initializer, RandomInitializer):
        raise ManifestError(f"draw must be 0 for {type(initializer).__name__}. Received: {draw}")
    return Segment(initializer, draw, placement)


def _whole(numbers: list[Any]) -> list[int]:
    """For the schema, 1.0 is an integer."""
    return [int(number) for number in numbers]


def _check_rows(segments: tuple[Segment, ...], shape: tuple[int, ...]) -> None:
    """Every row is drawn: what is left out would have any value."""
    ranges = sorted(segment.placement.rows or (0, shape[0] if shape else 1) for segment in segments)
    drawn = 0
    for first, last in ranges:
        if first > drawn:
            break
        drawn = max(drawn, last)
    if drawn < (shape[0] if shape else 1):
        raise ManifestError(f"no segment draws row {drawn} of shape={shape}")


def _check_drawable(segment: Segment, shape: tuple[int, ...], dtype: str) -> None:
    """Whether the initializer can draw it, by drawing none of it."""
    initializer: Initializer = segment.initializer
    if dtype not in initializer._dtypes:
        known = ", ".join(initializer._dtypes)
        raise ManifestError(
            f"dtype must be one that {type(initializer).__name__} draws: {known}. "
            f"Received: {_shown(dtype)}"
        )
    drawn = segment.placement.drawn_shape(shape)
    initializer._check_shape(drawn)
    nothing = np.empty((0,) * len(drawn), NUMERIC_DTYPES[dtype])
    initializer._fill(nothing, nothing.dtype, drawn, (0,) * len(drawn))


def check_names(tensors: tuple[TensorSpec, ...]) -> None:
    """Raises a ManifestError if two tensors have one name."""
    twins = [name for name, n in Counter(tensor.name for tensor in tensors).items() if n > 1]
    if twins:
        raise ManifestError(f"two tensors are called {_shown(twins[0])}")


def _shown(value: Any) -> str:
    """A value that may come from anybody, on one line and not too long."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
