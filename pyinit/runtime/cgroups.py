"""CPU and memory limits of a container, from Linux control groups (versions 1 and 2).

A container sees its own limits at the root of the hierarchy. Outside of a container, the root has
no limits.

Source: https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def cpu_quota() -> int | None:
    """Return the CPU quota in CPUs, rounded up; None if unlimited."""
    quota, _, period = (_read("cpu.max") or "").partition(" ")
    if not period:
        quota = _read("cpu/cpu.cfs_quota_us") or ""
        period = _read("cpu/cpu.cfs_period_us") or ""
    try:
        microseconds = int(quota)
        return -(-microseconds // int(period)) if microseconds > 0 else None
    except ValueError:  # no limit: "max", or no such file
        return None


def memory_limit() -> int | None:
    """Return the memory limit in bytes; None if unlimited."""
    limits = (_read("memory.max"), _read("memory/memory.limit_in_bytes"))
    numbers = [int(limit) for limit in limits if limit is not None and limit.isdecimal()]
    return min(numbers, default=None)


def _read(file: str) -> str | None:
    try:
        return (ROOT / file).read_text().strip()
    except OSError:
        return None
