"""The machine of a run."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from pyinit.runtime.diagnostics import configuration
from pyinit.runtime.threads import usable_cpus

_PEERS = ("torch", "tensorflow", "tensorflow-cpu", "jax", "keras", "numpy")


def thread_counts() -> tuple[int, ...]:
    """Return 1, 2, 4, ..., up to the number of CPUs that this process may use."""
    cpus = usable_cpus()
    powers = [1 << n for n in range(cpus.bit_length()) if 1 << n < cpus]
    return (*powers, cpus)


def describe() -> dict[str, Any]:
    """Return the machine, this library's configuration and the versions of the peers."""
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cpus": usable_cpus(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "configuration": configuration(),
        "versions": {name: version for name in _PEERS if (version := _version(name))},
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
