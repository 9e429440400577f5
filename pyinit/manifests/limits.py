"""What a manifest may ask for: checked before anything of it is drawn."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pyinit.arguments import argument_error, as_index
from pyinit.manifests.model import ManifestError, TensorSpec, readable_size

#: How many bytes of weights a manifest may stand for, unless the caller says otherwise.
MAX_BYTES = 2**40


def as_max_bytes(max_bytes: object) -> int:
    """`max_bytes` as a positive integer."""
    limit = as_index(max_bytes)
    if limit is None or limit < 1:
        raise argument_error("max_bytes", max_bytes, "a positive integer")
    return limit


def check_sizes(tensors: Iterable[TensorSpec], max_bytes: int = MAX_BYTES) -> None:
    """Checks that the tensors can be drawn on this machine, in bounded time.

    Raises:
        ManifestError: They are larger than `max_bytes` together, or one of them needs more memory
            at once than there is.
    """
    memory, total = usable_memory(), 0
    for tensor in tensors:
        total += tensor.nbytes
        if memory is not None and tensor.working_memory > memory:
            raise ManifestError(
                f"the tensor {tensor.name!a} of shape {list(tensor.shape)} needs "
                f"{readable_size(tensor.working_memory)} of memory at once, and this machine has "
                f"{readable_size(memory)}"
            )
    if total > max_bytes:
        raise ManifestError(
            f"the weights have {readable_size(total)}, more than the limit of "
            f"{readable_size(max_bytes)}, which max_bytes raises"
        )


def usable_memory() -> int | None:
    """The memory of this machine, or of its container; None if that is not known."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    limits = map(_limit_of_container, ("memory.max", "memory/memory.limit_in_bytes"))
    return min([memory, *(limit for limit in limits if limit is not None)])


def _limit_of_container(file: str) -> int | None:
    try:
        return int((Path("/sys/fs/cgroup") / file).read_text())
    except (OSError, ValueError):  # no control groups, or "max"
        return None
