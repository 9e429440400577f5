"""The memory that this process may use."""

from __future__ import annotations

import os

from pyinit.runtime.cgroups import memory_limit


def usable_memory() -> int | None:
    """Return the memory of this machine or container, in bytes; None if unknown."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    limit = memory_limit()
    return memory if limit is None else min(memory, limit)
