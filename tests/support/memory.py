"""Limits of memory for processes of tests."""

import resource
from pathlib import Path


def limit_memory(extra: int) -> None:
    """Limit the memory of this process to what it uses now and `extra` bytes."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + extra,) * 2)
