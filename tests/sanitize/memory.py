"""Checks that the resident memory stays flat over many draws: python memory.py COUNT."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import pyinit

#: The largest growth that is not a leak, in MiB: the allocator's own.
ALLOWED = 2.0


def resident() -> float:
    """Return the resident memory of this process in MiB."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def growth(work: Callable[[], object], count: int) -> float:
    """Return by how much memory grows in the last nine of ten parts of `count` calls."""
    for _ in range(count // 10):
        work()
    before = resident()
    for _ in range(count - count // 10):
        work()
    return resident() - before


def main(count: int) -> int:
    """Run all kinds of draws; return the exit status."""
    generator = pyinit.SeedGenerator(1)
    normal = pyinit.RandomNormal(seed=generator)
    lazy = pyinit.HeNormal(seed=1).lazy((300, 200))
    out = np.empty((16, 16), np.float32)
    kinds: dict[str, tuple[Callable[[], object], int]] = {
        "draws": (lambda: normal((16, 16)), count),
        "new initializers": (lambda: pyinit.HeNormal(seed=5)((4, 3)), count // 10),
        "draws in place": (lambda: normal((16, 16), out=out), count // 10),
        "slices": (lambda: lazy[5:9, ::3], count // 10),
        "bounded": (lambda: pyinit.TruncatedNormal(seed=1, lower=-3.0)((9,)), count // 10),
        "large draws": (lambda: normal((512, 512)), count // 1000),
        "orthogonal": (lambda: pyinit.Orthogonal(seed=1)((9, 9)), count // 100),
        "errors": (lambda: _fails(normal), count // 10),
    }
    failed = False
    for name, (work, calls) in kinds.items():
        grown = growth(work, max(calls, 100))
        failed |= grown > ALLOWED
        print(f"{name}: {calls} calls, {grown:+.1f} MiB")
    return int(failed)


def _fails(initializer: pyinit.Initializer) -> None:
    try:
        initializer((-1,))
    except ValueError:
        return
    raise AssertionError("no error")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
