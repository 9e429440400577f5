"""Merging the shards of a manifest, which several machines have created."""

from __future__ import annotations

import os
from collections.abc import Iterable

from pyinit.arguments import argument_error, as_path, is_instance, is_path, sequence_elements
from pyinit.manifests.model import Manifest, ManifestError, ManifestShard, listed
from pyinit.manifests.reading import as_manifest, check_names
from pyinit.manifests.shards import MAX_SHARDS
from pyinit.manifests.writing import plan_digest


def merge_manifests(manifests: Iterable[Manifest | str | os.PathLike[str]]) -> Manifest:
    """Merge the shards of a manifest.

    Args:
        manifests: The shards, from `create_manifest(target, shard="3/8")`, or the paths of their
            files, in any order.

    Returns:
        The whole `Manifest`: the same, to the byte, as without shards.

    Raises:
        ValueError: A shard is missing or given twice, the shards belong to different manifests, or
            an element is not a shard.
        OSError: A file cannot be read.

    Example:
        >>> import pyinit
        >>> plan = [
        ...     {"name": "kernel", "shape": (4, 3), "initializer": "he_normal"},
        ...     {"name": "bias", "shape": (3,), "initializer": "zeros"},
        ... ]
        >>> shards = [pyinit.create_manifest(plan, seed=42, shard=(k, 2)) for k in (1, 2)]
        >>> shards[0]
        Shard 1/2 of a manifest: 1 tensor, 48 bytes, seed 42:
          kernel [4, 3] float32, HeNormal
        >>> pyinit.merge_manifests(shards)
        Manifest of 2 tensors, 60 bytes, seed 42:
          kernel [4, 3] float32, HeNormal
          bias [3] float32, Zeros

    Source: the JSON Schema of manifests, printed by `pyinit schema`
    """
    allowed = "a list of shards of a manifest, or of the paths of their files"
    given = sequence_elements("manifests", manifests, allowed, MAX_SHARDS)
    if not given or not all(is_instance(one, Manifest) or is_path(one) for one in given):
        raise argument_error("manifests", given, allowed)
    names = [
        f"manifests[{k}]" if is_instance(one, Manifest) else str(as_path("manifests", one))
        for k, one in enumerate(given)
    ]
    parts = [as_manifest(one) for one in given]
    shards = [part.shard for part in parts]
    if len(parts) == 1 and shards[0] is None:
        return parts[0]
    by_index = _checked(names, parts)
    count = next(iter(by_index.values()))[0].count
    missing = [f"{index}/{count}" for index in range(1, count + 1) if index not in by_index]
    if missing:
        raise ManifestError(f"these shards are missing: {listed(missing)}")
    by_position = {
        position: tensor
        for shard, part in by_index.values()
        for position, tensor in zip(shard.positions, part.tensors, strict=True)
    }
    tensors = tuple(by_position[position] for position in sorted(by_position))
    number = sum(len(part.tensors) for part in parts)
    first = parts[0]
    assert first.shard is not None
    if (
        sorted(by_position) != list(range(number))
        or plan_digest(tensors, first.seed) != first.shard.plan
    ):
        raise ManifestError(
            "the shards contradict each other: together, their tensors are not those of the plan "
            "that they say they are shards of"
        )
    check_names(tensors)
    return Manifest(first.stream_version, tensors, first.seed)


def _checked(
    names: list[str], manifests: list[Manifest]
) -> dict[int, tuple[ManifestShard, Manifest]]:
    """Return shards by their numbers.

    Raises:
        ManifestError: Two of them do not belong together.
    """
    found: dict[int, tuple[ManifestShard, Manifest]] = {}
    name_of: dict[int, str] = {}
    for name, manifest in zip(names, manifests, strict=True):
        shard = manifest.shard
        if shard is None:
            raise ManifestError(f"{name} is a whole manifest, not a shard")
        first, other = next(iter(found.values()), (shard, manifest))
        first_name = next(iter(name_of.values()), name)
        if shard.count != first.count:
            raise ManifestError(
                f"{name} is shard {shard}, but {first_name} is shard {first}: the numbers of "
                "shards differ"
            )
        if (shard.plan, manifest.seed) != (first.plan, other.seed):
            raise ManifestError(f"{name} and {first_name} are shards of different manifests")
        if shard.index in found:
            raise ManifestError(f"{name} and {name_of[shard.index]} are both shard {shard}")
        found[shard.index], name_of[shard.index] = (shard, manifest), name
    return found
