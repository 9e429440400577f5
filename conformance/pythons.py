"""Rows for the Python package: versions of Python and NumPy, numbers of threads."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

from conformance.processes import BUILD, ROOT, environment, output
from conformance.rows import FailedError, NotRunError, Outcome, Row, State, passed
from pyinit.runtime import kernel_choice, threads

KERNELS = ("reference", "native kernel")
#: Shape of an orthogonal matrix that every step of the factorization splits among threads.
ORTHOGONAL = (1100, 800)
THREADS = (1, 2, 3)


@dataclass(frozen=True)
class Packages:
    """The Python packages of a row.

    Args:
        name: Their name in the table.
        requirements: The requirements for pip.
    """

    name: str
    requirements: tuple[str, ...]


_NAMES = ("cffi", "ml_dtypes", "numpy")
#: Without the hashes, which are those of the files for another version of Python.
_PINS = [
    line.partition(" ")[0]
    for line in (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
]
NEWEST = Packages("newest NumPy", _NAMES)
OLDEST = Packages("oldest NumPy", tuple(p for p in _PINS if p.partition("==")[0] in _NAMES))
#: The first versions with wheels for Python 3.13.
OLDEST_OF_313 = Packages("oldest NumPy", ("cffi==1.17.0", "ml_dtypes==0.5.0", "numpy==2.1.0"))
#: Oldest and newest packages for each version of Python.
VERSIONS = {
    "3.10": (OLDEST, NEWEST),
    "3.11": (OLDEST, NEWEST),
    "3.12": (OLDEST, NEWEST),
    "3.13": (OLDEST_OF_313, NEWEST),
}

_locks: dict[Path, threading.Lock] = {}


@cache
def interpreter(version: str) -> Path:
    """Return the path of a Python of this version.

    Raises:
        NotRunError: No such Python is installed.
    """
    name = f"python{version}"
    on_path = shutil.which(name)
    candidates = [
        *([Path(on_path)] if on_path else []),
        *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/{name}")),
    ]
    for candidate in candidates:
        # pyenv's shims fail for versions that are not active
        try:
            said = output([candidate, "-V"])
        except (FailedError, OSError):
            continue
        if said.startswith(f"Python {version}."):
            return candidate
    raise NotRunError(f"Python {version} is not installed")


def install(version: str, packages: Packages) -> Path:
    """Install packages for a version of Python and return their folder.

    Raises:
        FailedError: pip fails.
    """
    name = f"{version} {packages.name}".replace(" ", "-")
    folder, stamp = BUILD / "packages" / name, BUILD / "packages" / f"{name}.stamp"
    # the newest versions may change every day
    inputs = " ".join([*packages.requirements, *([str(date.today())] * (packages is NEWEST))])
    with _locks.setdefault(folder, threading.Lock()):
        if not (folder.exists() and stamp.exists() and stamp.read_text() == inputs):
            stamp.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
            wheels = ["--only-binary", ":all:", "--python-version", version]
            output([*pip, *wheels, "--target", str(folder), *packages.requirements])
            stamp.write_text(inputs)
    return folder


def rows() -> Iterator[Row]:
    """Yield the rows of the versions, then that of the threads."""
    for version, both in VERSIONS.items():
        for packages in both:
            for kernel in KERNELS:
                yield Row(
                    f"Python {version}",
                    packages.name,
                    kernel,
                    partial(_self_test, version, packages, kernel),
                )
    counts = ", ".join(map(str, THREADS))
    orthogonal = "Orthogonal, {} by {}, float64: native kernel, reference".format(*ORTHOGONAL)
    yield Row(f"{counts} threads", orthogonal, "", _threads)


def ask(
    version: str, packages: Packages, variables: Mapping[str, str], *options: str
) -> dict[str, Any]:
    """Return the findings of conformance/self_test.py under a Python, with environment variables.

    Raises:
        NotRunError: No such Python is installed.
        FailedError: The process fails.
    """
    # -S: only the standard library, these packages and this checkout
    process = [str(interpreter(version)), "-S", "-m", "conformance.self_test", *options]
    said = output(process, environment([install(version, packages)], variables))
    found: dict[str, Any] = json.loads(said)
    return found


def _self_test(version: str, packages: Packages, kernel: str) -> Outcome:
    wanted = {kernel_choice.VARIABLE: "reference"} if kernel == "reference" else {}
    found = ask(version, packages, wanted)
    if (found["kernel"] == "kernel reference") != (kernel == "reference"):
        raise FailedError(f"drawn by the wrong kernel: {found['kernel']}")
    versions = (f"NumPy {found['numpy']}", f"ml_dtypes {found['ml_dtypes']}")
    return passed(found["checked"], found["differences"], versions)


def _threads() -> Outcome:
    process = [sys.executable, "-m", "conformance.self_test", "--orthogonal"]
    settings = [
        *({threads.VARIABLE: str(count)} for count in THREADS),
        {kernel_choice.VARIABLE: "reference"},
    ]
    fingerprints = {
        output([*process, *map(str, ORTHOGONAL)], environment(variables=each)) for each in settings
    }
    if len(fingerprints) > 1:
        raise FailedError(f"{len(fingerprints)} different fingerprints")
    return Outcome(State.PASSED, "one fingerprint")
