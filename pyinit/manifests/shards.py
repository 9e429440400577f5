"""Shares of a manifest for several machines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyinit.arguments import argument_error, as_index
from pyinit.manifests.model import TensorSpec

_ALLOWED = "None, or which of how many shards, such as '3/8'"
MAX_SHARDS = 99999

#: Which shard, counted from 1, and of how many.
Shard = tuple[int, int]


def as_shard(shard: object) -> Shard:
    """`shard` as the number of a shard, and of how many."""
    if shard is None:
        return 1, 1
    found: Sequence[int | None] = ()
    if isinstance(shard, str):
        match = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,5})", shard)
        found = [int(digits) for digits in match.groups()] if match else ()
    elif isinstance(shard, list | tuple):
        found = [as_index(number) for number in shard]
    if len(found) != 2 or None in found:
        raise argument_error("shard", shard, _ALLOWED)
    number, count = found
    assert number is not None
    assert count is not None
    if not 1 <= number <= count <= MAX_SHARDS:
        raise argument_error("shard", shard, f"{_ALLOWED}: from 1 to the number of shards")
    return number, count


def assign_shards(tensors: Sequence[TensorSpec], count: int) -> list[list[int]]:
    """Deals tensors out to so many shards, of sizes as even as whole tensors allow.

    Returns:
        The numbers of each shard's tensors, in order. It depends on nothing but the sizes and their
        order: the largest tensor that is left always goes to the shard that has the least.
    """
    shards: list[list[int]] = [[] for _ in range(count)]
    sizes = [0] * count
    for number in sorted(range(len(tensors)), key=lambda number: -tensors[number].nbytes):
        smallest = sizes.index(min(sizes))
        shards[smallest].append(number)
        sizes[smallest] += tensors[number].nbytes
    return [sorted(shard) for shard in shards]
