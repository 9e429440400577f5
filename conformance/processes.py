"""The processes of a run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from conformance.rows import FailedError, NotRunError

ROOT = Path(__file__).parents[1]
#: What is made for a run, and kept for the next one.
BUILD = ROOT / "build" / "platforms"

#: No process of a run takes a tenth of it, unless it hangs.
_TIMEOUT = 600
#: How programs end their accounts of an error.
_NO_REASON = ("", "Execution halted", "compilation terminated.")
#: They choose kernels and threads, or change what Python imports.
_DROPPED = ("PYINIT_", "OPENBLAS_", "OMP_", "PYTHON")


def environment(
    folders: Sequence[Path] = (), variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of a Python process that imports from this checkout and those folders."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    path = os.pathsep.join(map(str, (ROOT, *folders)))
    cached = str(BUILD / "pycache")
    return {**kept, "PYTHONPATH": path, "PYTHONPYCACHEPREFIX": cached, **(variables or {})}


def output(command: Sequence[str | Path], variables: Mapping[str, str] | None = None) -> str:
    """Runs a process and returns its output.

    Raises:
        FailedError: It failed.
    """
    done = subprocess.run(
        command,
        env=variables,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=_TIMEOUT,
    )
    if done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines()]
        reasons = [line for line in lines if line not in _NO_REASON]
        status = f"{command[0]} ended with status {done.returncode}"
        raise FailedError(reasons[-1] if reasons else status)
    return done.stdout


def found(program: str) -> str:
    """The path of a program.

    Raises:
        NotRunError: There is none.
    """
    path = shutil.which(program)
    if path is None:
        raise NotRunError(f"there is no {program} here")
    return path


@cache
def version(program: str, option: str = "--version") -> str:
    """The first word in what a program says of its version that looks like one."""
    words = output([found(program), option]).split()
    return next((word.rstrip(",") for word in words if word[:1].isdigit()), words[0])
