"""The peak of this process' memory during a call."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_of(call: Callable[[], object]) -> int:
    """The bytes that the process held at most during the call, beyond those that it held before.

    Raises:
        OSError: This is no Linux, or the kernel keeps the peak from us.
    """
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    before = _kilobytes("VmRSS")
    result = call()
    peak = _kilobytes("VmHWM")
    del result
    return (peak - before) * 1024


def _kilobytes(name: str) -> int:
    for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise OSError(f"{_STATUS} does not tell {name}")
