"""Parsing of manifests, which may come from untrusted sources.

The parser only constructs pyinit's own classes, from checked arguments. No name in a manifest is
imported, looked up or used as a path, and no size in it decides how much memory is allocated.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterable
from copy import copy
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NoReturn

from pyinit.arguments import argument_error, as_path, as_shape, is_instance, is_path
from pyinit.initializers.base import Initializer
from pyinit.initializers.placement import Placement
from pyinit.initializers.random import RandomInitializer
from pyinit.manifests.limits import MAX_NAME
from pyinit.manifests.model import (
    Manifest,
    ManifestError,
    ManifestShard,
    Segment,
    TensorSpec,
)
from pyinit.manifests.regular_files import read_whole
from pyinit.manifests.schema_checks import Check, compile_schema
from pyinit.reproducibility.json_config import from_json_config
from pyinit.seeds import as_seed
from pyinit.versions import STREAM_VERSION

FORMAT = "pyinit manifest"
FORMAT_VERSION = 1
SCHEMA = Path(__file__).with_name("manifest.schema.json")
#: A manifest of 100,000 tensors takes half of this.
MAX_FILE_SIZE = 2**26
#: Maximum length of a value quoted in a message.
_MAX_QUOTE = 120
#: Maximum numbers of objects, arrays and values in JSON text. A manifest of 200,000 tensors has
#: 600,000 objects. Some millions of them take a second to parse, and a gigabyte.
_MAX_MARKS = {"{": 1_000_000, "[": 1_000_000, ",": 4_000_000}
_PLACEMENT = {"rows", "axes", "groups", "gates"}


def read_manifest(file: str | os.PathLike[str]) -> Manifest:
    """Read a manifest that `write_manifest()` has written.

    The file may come from an untrusted source: it is validated before it is used. Unknown fields
    and versions are errors, and nothing in the file is executed, imported or used as a path.

    Args:
        file: The path of the file, of at most 64 MiB.

    Returns:
        A `Manifest`.

    Raises:
        ValueError: `file` is not a path, or the file is not a manifest or has a version that this
            pyinit does not support. The message says where, what was received, and what is allowed.
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

    Source: the JSON Schema of manifests, printed by `pyinit schema`
    """
    path = as_path("file", file)
    document = read_json(path)
    try:
        return parse_manifest(document)
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from None


def as_manifest(manifest: Manifest | str | os.PathLike[str]) -> Manifest:
    """Return `manifest` itself, or the manifest in the file of that path."""
    if is_instance(manifest, Manifest):
        return manifest
    if is_path(manifest):
        return read_manifest(as_path("manifest", manifest))
    raise argument_error("manifest", manifest, "a Manifest or the path of one")


def as_whole_manifest(manifest: Manifest | str | os.PathLike[str]) -> Manifest:
    """Return `manifest`, or that in the file of that path, which must not be a shard."""
    whole = as_manifest(manifest)
    if whole.shard is not None:
        name = "the manifest" if isinstance(manifest, Manifest) else os.fspath(manifest)
        raise ManifestError(
            f"{name} is only shard {whole.shard} of a manifest: merge_manifests() merges all shards"
        )
    return whole


def read_json(path: Path) -> Any:
    """Read a JSON file of at most 64 MiB.

    Raises:
        ManifestError: The file is too large, or is not strict JSON.
        OSError: It is not a regular file, or cannot be read.
    """
    content = read_whole(path, MAX_FILE_SIZE)
    try:
        return load_json(content)
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from None


def load_json(text: str | bytes | bytearray) -> Any:
    """Parse strict JSON: no duplicate keys, no non-finite numbers, a bounded number of values.

    Raises:
        ManifestError: The text is not such JSON.
    """
    for mark, limit in _MAX_MARKS.items():
        count = text.count(mark) if isinstance(text, str) else text.count(mark.encode())
        if count > limit:
            raise ManifestError(f"has the character {mark!r} {count} times, at most {limit}")
    try:
        return json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise ManifestError("not a manifest: nested too deeply") from None
    except ManifestError:
        raise
    except ValueError as error:  # includes invalid UTF-8 and numbers of thousands of digits
        raise ManifestError(f"not JSON: {error}") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        duplicates = _duplicates(key for key, _ in pairs)
        raise ManifestError(f"duplicate key {_quoted(duplicates[0])} in an object")
    return found


def _duplicates(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ManifestError(f"the number {_quoted(text)} is too large")
    return value


def _refuse_constant(text: str) -> Any:
    raise ManifestError(f"{text} is not a JSON number")


def parse_manifest(document: Any) -> Manifest:
    """Parse a manifest's JSON document.

    Raises:
        ManifestError: The document is not a manifest, or not of a supported version.
        ImportError: The package jsonschema is not installed.
    """
    try:
        _check_versions(document)
        _check_schema(document)
    except RecursionError:
        raise ManifestError("not a manifest: nested too deeply") from None
    known: KnownInitializers = {}
    tensors = tuple(
        parse_tensor(entry, f"tensors[{index}] ({_quoted(entry['name'])})", known)
        for index, entry in enumerate(document["tensors"])
    )
    check_names(tensors)
    seed = document.get("seed")
    shard = _parse_shard(document["shard"], len(tensors)) if "shard" in document else None
    try:
        return Manifest(
            STREAM_VERSION, tensors, None if seed is None else as_seed("seed", int(seed)), shard
        )
    except ValueError as error:
        raise ManifestError(str(error)) from None


def _parse_shard(entry: dict[str, Any], count: int) -> ManifestShard:
    positions = tuple(_as_ints(entry["positions"]))
    shard = ManifestShard(int(entry["index"]), int(entry["count"]), positions, entry["plan"])
    if shard.index > shard.count:
        raise ManifestError(f"shard.index must be at most {shard.count}. Received: {shard.index}")
    if len(positions) != count or any(a >= b for a, b in pairwise(positions)):
        raise ManifestError(
            f"shard.positions must be ascending positions, one for each of the {count} tensors. "
            f"Received: {_quoted(entry['positions'])}"
        )
    return shard


def _check_versions(document: Any) -> None:
    """Check the versions, before the schema: other versions may have another schema."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ManifestError(f'not a manifest: the field "format" is not "{FORMAT}"')
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        raise ManifestError(
            f"the format_version is {_quoted(version)}; this pyinit reads only {FORMAT_VERSION}"
        )
    version = document.get("stream_version")
    if version != STREAM_VERSION:
        raise ManifestError(
            f"the stream_version is {_quoted(version)}; this pyinit draws version "
            f"{STREAM_VERSION}, which gives other weights. Install a pyinit of that version"
        )


@cache
def _validator() -> Any:
    """Return the validator of the manifest's JSON Schema."""
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        raise ImportError(
            "The Python package jsonschema is needed for manifests (pip install jsonschema)"
        ) from None
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


@cache
def _check_of(part: str) -> Check:
    """Return the compiled check of a part of the manifest's JSON Schema."""
    return compile_schema(json.loads(SCHEMA.read_text(encoding="utf-8")), part)


def _check_schema(document: dict[str, Any]) -> None:
    tensors = document.get("tensors")
    if not isinstance(tensors, list) or not _check_of("")({**document, "tensors": []}):
        whole = {**document, "tensors": []} if isinstance(tensors, list) else document
        _explain(_validator(), whole, "", "the manifest")
    check = _check_of("$defs/tensor")
    for index, entry in enumerate(document["tensors"]):
        if not check(entry):
            place = f"tensors[{index}]"
            _explain(_tensor_validator(), entry, place, place)


def check_entry(entry: dict[str, Any], where: str) -> None:
    """Check a tensor's entry, without its fingerprint, against the JSON Schema.

    Raises:
        ManifestError: The entry does not match the schema.
    """
    complete = {**entry, "fingerprint": "0" * 64}
    if not _check_of("$defs/tensor")(complete):
        try:
            _explain(_tensor_validator(), complete, "", "it")
        except ManifestError as error:
            raise ManifestError(f"{where}: {error}") from None


def check_name(name: str) -> None:
    """Check the name of a tensor in a file of weights as that of one in a manifest.

    Raises:
        ManifestError: It is empty, too long, or has control or direction characters.
    """
    if not _check_of("$defs/tensor/properties/name")(name):
        raise ManifestError(
            f"the name of a tensor must have 1 to {MAX_NAME} characters, none of which controls a "
            f"terminal or the direction of text. Received: {_quoted(name)}"
        )


def _tensor_validator() -> Any:
    return _validator().evolve(schema={"$ref": "urn:pyinit:manifest:1#/$defs/tensor"})


def _explain(validator: Any, instance: Any, place: str, whole: str) -> NoReturn:
    """Raise the first error of an invalid document, or of the part of it at `place`.

    Raises:
        ManifestError: Always.
    """
    error = next(validator.iter_errors(instance), None)
    if error is None:
        raise AssertionError("the compiled checks refuse what the JSON Schema accepts")
    path = error.json_path.removeprefix("$")
    raise ManifestError(_schema_message(error, (place + path).removeprefix(".") or whole))


def _schema_message(error: Any, where: str) -> str:
    """Describe an error of jsonschema: where, what is allowed, what was received."""
    received, rule, allowed = error.instance, error.validator, error.validator_value
    if rule == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(received) - set(known))
        having = f"it may have {', '.join(known)}" if known else "it may have none"
        return f"{where} has the unknown field {_quoted(unknown[0])}; {having}"
    if rule == "required":
        missing = [name for name in allowed if name not in received]
        return f"{where} lacks the field {_quoted(missing[0])}"
    if rule is None:  # the schema `false`
        is_null = "else" in error.absolute_schema_path
        other = "the initializer null" if is_null else "`segments`"
        return f"{where} cannot be combined with {other}"
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
    hint = f" ({error.schema['description']})" if rule == "pattern" else ""
    return f"{where} must {must}{hint}. Received: {_quoted(received)}"


#: Initializers whose arguments were checked for a shape and a dtype, without their seeds.
KnownInitializers = dict[tuple[Any, ...], Initializer]


def parse_tensor(
    entry: dict[str, Any], where: str, known: KnownInitializers | None = None
) -> TensorSpec:
    """Parse a tensor's entry in a manifest or a plan.

    Args:
        entry: The entry, which follows the JSON Schema.
        where: Its position, for messages.
        known: Initializers that were checked for other entries, to which this adds its own: many
            tensors of a model differ in their seeds alone.

    Raises:
        ManifestError: A semantic check fails, which the schema cannot express.
    """
    known = {} if known is None else known
    name, dtype = entry["name"], entry["dtype"]
    try:
        shape = as_shape(_as_ints(entry["shape"]))
        if "segments" not in entry and entry["initializer"] is None:
            return TensorSpec(name, shape, dtype, (), entry["fingerprint"])
        segments = tuple(
            _parse_segment(segment, shape, dtype, known)
            for segment in entry.get("segments", [entry])
        )
        if len(segments) > 1 or segments[0].placement.rows is not None:
            _check_rows(segments, shape)
    except (ValueError, ImportError) as error:
        raise ManifestError(f"{where}: {error}") from None
    return TensorSpec(name, shape, dtype, segments, entry.get("fingerprint", ""))


def _parse_segment(
    entry: dict[str, Any], shape: tuple[int, ...], dtype: str, known: KnownInitializers
) -> Segment:
    placement = _parse_placement(entry, shape)
    draw = int(entry.get("draw", 0))
    drawn = shape if placement is _ALL else placement.drawn_shape(shape)
    initializer = _parse_initializer(entry["initializer"], drawn, dtype, known)
    if draw and not isinstance(initializer, RandomInitializer):
        raise ManifestError(f"draw must be 0 for {type(initializer).__name__}. Received: {draw}")
    return Segment(initializer, draw, placement)


def _parse_initializer(
    description: dict[str, Any], drawn: tuple[int, ...], dtype: str, known: KnownInitializers
) -> Initializer:
    """Return an initializer whose arguments suit the shape and the dtype of the drawn weight."""
    config = dict(description["config"])
    has_array = isinstance(config.get("value"), dict)
    seed = config.pop("seed", None)
    # repr() distinguishes True from 1, and lists are not hashable
    key = description["class_name"], None if has_array else repr(config), drawn, dtype
    same = None if has_array else known.get(key)
    if same is None:
        initializer = from_json_config(description)
        initializer.lazy(drawn, dtype, draw=0)  # type: ignore[arg-type]  # checks its arguments
        known[key] = initializer
        return initializer
    if isinstance(same, RandomInitializer):
        return same.with_seed(int(seed) if isinstance(seed, str) else seed)
    return copy(same)


_ALL = Placement()


def _parse_placement(entry: dict[str, Any], shape: tuple[int, ...]) -> Placement:
    if _PLACEMENT.isdisjoint(entry):
        return _ALL
    rank = len(shape)
    rows, axes, gates = (
        tuple(_as_ints(entry[name])) if name in entry else None
        for name in ("rows", "axes", "gates")
    )
    if rows is not None and not (rank and 0 <= rows[0] <= rows[1] <= shape[0]):
        raise ManifestError(f"rows must lie within shape={shape}. Received: {list(rows)}")
    groups = int(entry["groups"]) if "groups" in entry else None
    if groups is not None:
        height = rows[1] - rows[0] if rows else shape[0] if rank else 0
        if not rank or height % groups:
            raise ManifestError(f"groups must divide the rows of shape={shape}. Received: {groups}")
        rank += 1
    if axes is not None and sorted(axes) != list(range(rank)):
        raise ManifestError(
            f"axes must be a permutation of 0 to {rank - 1}. Received: {list(axes)}"
        )
    placement = Placement(axes=axes, rows=rows, groups=groups, gates=gates)  # type: ignore[arg-type]
    if gates is not None:
        drawn = placement.drawn_shape(shape)
        if sorted(gates) != list(range(len(gates))):
            raise ManifestError(
                f"gates must be a permutation of 0 to {len(gates) - 1}. Received: {list(gates)}"
            )
        if not drawn or drawn[-1] % len(gates):
            raise ManifestError(
                f"gates must divide the last axis of the drawn shape {drawn}. "
                f"Received: {list(gates)}"
            )
    return placement


def _as_ints(numbers: list[Any]) -> list[int]:
    """Convert to int: 1.0 is an integer in JSON Schema."""
    return [int(number) for number in numbers]


def _check_rows(segments: tuple[Segment, ...], shape: tuple[int, ...]) -> None:
    """Check that the segments cover every row."""
    ranges = sorted(segment.placement.rows or (0, shape[0] if shape else 1) for segment in segments)
    covered = 0
    for first, last in ranges:
        if first > covered:
            break
        covered = max(covered, last)
    if covered < (shape[0] if shape else 1):
        raise ManifestError(f"no segment draws row {covered} of shape={shape}")


def check_names(tensors: tuple[TensorSpec, ...]) -> None:
    """Check that the names of the tensors are unique.

    Raises:
        ManifestError: Two tensors have the same name.
    """
    duplicates = _duplicates(tensor.name for tensor in tensors)
    if duplicates:
        raise ManifestError(f"two tensors have the name {_quoted(duplicates[0])}")


def _quoted(value: Any) -> str:
    """Return an untrusted value, of any size and depth, as one short line of ASCII."""
    text = ascii(_start_of(value, _MAX_QUOTE))
    return text if len(text) <= _MAX_QUOTE else text[: _MAX_QUOTE - 3] + "..."


def _start_of(value: Any, size: int) -> Any:
    """Return a value whose text is the same up to a size; what follows may be left out."""
    if isinstance(value, str):
        return value[: size + 1]
    if isinstance(value, list):
        return [_start_of(element, size - 1) for element in value[: max(size, 0)]]
    if isinstance(value, dict):
        few = islice(value.items(), max(size, 0))
        return {_start_of(key, size): _start_of(element, size - 1) for key, element in few}
    return value
