"""Shares of a manifest for several machines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyinit.arguments import argument_error, as_index
from pyinit.manifests.model import Tensor

_ALLOWED = "None, or which of how many parts, such as '3/8'"
MAX_PARTS = 99999

#: Which part, counted from 1, and of how many.
Share = tuple[int, int]


def as_share(part: object) -> Share:
    """`part` as the number of a part, and of how many."""
    if part is None:
        return 1, 1
    found: Sequence[int | None] = ()
    if isinstance(part, str):
        match = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,5})", part)
        found = [int(digits) for digits in match.groups()] if match else ()
    elif isinstance(part, list | tuple):
        found = [as_index(number) for number in part]
    if len(found) != 2 or None in found:
        raise argument_error("part", part, _ALLOWED)
    number, count = found
    assert number is not None
    assert count is not None
    if not 1 <= number <= count <= MAX_PARTS:
        raise argument_error("part", part, f"{_ALLOWED}: from 1 to the number of parts")
    return number, count


def shares(tensors: Sequence[Tensor], count: int) -> list[list[int]]:
    """Deals tensors out to so many parts, of sizes as even as whole tensors allow.

    Returns:
        The numbers of each part's tensors, in order. It depends on nothing but the sizes and their
        order: the largest tensor that is left always goes to the part that has the least.
    """
    parts: list[list[int]] = [[] for _ in range(count)]
    sizes = [0] * count
    for number in sorted(range(len(tensors)), key=lambda number: -tensors[number].nbytes):
        smallest = sizes.index(min(sizes))
        parts[smallest].append(number)
        sizes[smallest] += tensors[number].nbytes
    return [sorted(part) for part in parts]
