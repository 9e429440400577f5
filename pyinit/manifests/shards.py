"""Shards of a manifest: which of several machines writes or checks which tensors."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence

from pyinit.arguments import (
    argument_error,
    as_index,
    exact_str,
    is_instance,
    sequence_elements,
)
from pyinit.manifests.model import TensorSpec

_ALLOWED = "None or a shard and the number of shards, such as '3/8'"
MAX_SHARDS = 99999

#: A shard, counted from 1, and the number of shards.
Shard = tuple[int, int]


def as_shard(shard: object) -> Shard:
    """Return `shard` as two integers: the shard, counted from 1, and the number of shards."""
    if shard is None:
        return 1, 1
    found: Sequence[int | None] = ()
    text = exact_str(shard)
    if text is not None:
        match = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,5})", text)
        found = [int(digits) for digits in match.groups()] if match else ()
    elif is_instance(shard, list) or is_instance(shard, tuple):
        found = [as_index(number) for number in sequence_elements("shard", shard, _ALLOWED)]
    if len(found) != 2 or None in found:
        raise argument_error("shard", shard, _ALLOWED)
    index, count = found
    assert index is not None
    assert count is not None
    if not 1 <= index <= count <= MAX_SHARDS:
        allowed = f"{_ALLOWED}, from 1 to the number of shards, at most {MAX_SHARDS}"
        raise argument_error("shard", shard, allowed)
    return index, count


def chosen_shards(shard: object, shards: object) -> tuple[Sequence[int], int]:
    """Return the shards to write, counted from 1, and the number of shards.

    Args:
        shard: One shard and the number of shards, or None.
        shards: The number of shards, all of which are written, or None.
    """
    if shards is None:
        index, count = as_shard(shard)
        return [index], count
    if shard is not None:
        raise argument_error("shards", shards, "None if `shard` is given")
    number = as_index(shards)
    if number is None or not 1 <= number <= MAX_SHARDS:
        raise argument_error("shards", shards, f"None or an integer from 1 to {MAX_SHARDS}")
    return range(1, number + 1), number


def assign_shards(tensors: Sequence[TensorSpec], count: int) -> list[list[int]]:
    """Assign tensors to shards of sizes as even as whole tensors allow.

    The largest remaining tensor always goes to the smallest shard, so the result depends only on
    the sizes of the tensors and their order.

    Returns:
        For each shard, the positions of its tensors in `tensors`, in ascending order.
    """
    shards: list[list[int]] = [[] for _ in range(count)]
    by_size = [(0, shard) for shard in range(count)]
    for position in sorted(range(len(tensors)), key=lambda position: -tensors[position].nbytes):
        size, smallest = by_size[0]
        shards[smallest].append(position)
        heapq.heapreplace(by_size, (size + tensors[position].nbytes, smallest))
    return [sorted(shard) for shard in shards]
