"""Names of tensors where the target or the manifest numbers variables, as Keras does."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from pyinit.manifests.keras_names import Contents, has_numbers, match_numbers
from pyinit.manifests.model import Manifest, ManifestError, TensorSpec
from pyinit.manifests.sources import LocalSource, source_fingerprint
from pyinit.manifests.targets import Sources

_Found = TypeVar("_Found")


def with_names_of(manifest: Manifest, sources: Sources) -> Sources:
    """Return the sources by the names of the manifest, where one of the two numbers variables."""
    names = [tensor.name for tensor in manifest.tensors]
    if manifest.shard is not None and has_numbers(names) != has_numbers(sources):
        raise ManifestError(
            "a file that numbers the variables of a layer cannot be compared with shard "
            f"{manifest.shard} of a manifest: merge the shards first"
        )
    return renamed(manifest.tensors, sources, _SourceContents(sources))


class _SourceContents:
    """What sources contain."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._fingerprints: dict[str, str] = {}

    def kind(self, name: str) -> Hashable:
        """Return the shape and the dtype."""
        source = self._sources[name]
        if source is None or isinstance(source, LocalSource):
            return name  # not equal to others
        return source.shape, source.dtype.name

    def value(self, name: str) -> Hashable:
        """Return the fingerprint."""
        source = self._sources[name]
        if source is None or isinstance(source, LocalSource):
            return name
        if name not in self._fingerprints:
            self._fingerprints[name] = source_fingerprint(source, lambda _: None)
        return self._fingerprints[name]


class RecordedContents:
    """What tensors contain, according to their fingerprints."""

    def __init__(self, fingerprints: Mapping[str, str]) -> None:
        self._fingerprints = fingerprints

    def kind(self, name: str) -> Hashable:
        """Return the fingerprint."""
        return self._fingerprints[name]

    value = kind


def renamed(
    tensors: Sequence[TensorSpec], found: dict[str, _Found], contents: Contents
) -> dict[str, _Found]:
    """Return the tensors of a target by the names of the manifest.

    Args:
        tensors: The tensors of the manifest.
        found: The tensors of the target by its own names.
        contents: What the tensors of the target contain.
    """
    expected = {tensor.name: tensor.fingerprint for tensor in tensors}
    if has_numbers(found) == has_numbers(expected):
        return found
    if has_numbers(expected):
        numbers = match_numbers(expected, found, RecordedContents(expected))
        matched = set(numbers.values())
        named = {number: found[name] for number, name in numbers.items()}
    else:
        numbers = match_numbers(found, expected, contents)
        matched = set(numbers)
        # where two variables have the same name, the first is the layer's own
        named = {numbers[name]: found[name] for name in reversed(numbers)}
    return named | {name: tensor for name, tensor in found.items() if name not in matched}
