"""Child processes of a run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from conformance.rows import FailedError, NotRunError

ROOT = Path(__file__).parents[1]
#: Build products, reused by the next run.
BUILD = ROOT / "build" / "conformance"

#: In seconds: ten times as long as any process takes unless it hangs.
_TIMEOUT = 600
#: Last lines of error output that give no reason.
_NO_REASON = ("", "Execution halted", "compilation terminated.")
#: Prefixes of variables that select kernels and threads or change Python's imports.
_DROPPED = ("PYINIT_", "OPENBLAS_", "OMP_", "PYTHON")


def environment(
    folders: Sequence[Path] = (), variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment of a Python that imports from this checkout and the given folders."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    path = os.pathsep.join(map(str, (ROOT, *folders)))
    cached = str(BUILD / "pycache")
    return {**kept, "PYTHONPATH": path, "PYTHONPYCACHEPREFIX": cached, **(variables or {})}


def output(command: Sequence[str | Path], variables: Mapping[str, str] | None = None) -> str:
    """Run a process and return its output.

    Raises:
        FailedError: The process failed.
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
    """Return the path of a program.

    Raises:
        NotRunError: The program is not installed.
    """
    path = shutil.which(program)
    if path is None:
        raise NotRunError(f"{program} is not installed")
    return path


@cache
def version(program: str, option: str = "--version") -> str:
    """Return the first word of a program's version output that looks like a version."""
    words = output([found(program), option]).split()
    return next((word.rstrip(",") for word in words if word[:1].isdigit()), words[0])
