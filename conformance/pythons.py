"""Rows of the Python package: Python's and NumPy's versions, threads."""

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
#: Of `Orthogonal`, large enough to be cut for threads in every part of its computation.
ORTHOGONAL = (1100, 800)
THREADS = (1, 2, 3)


@dataclass(frozen=True)
class Packages:
    """What is installed for a row.

    Args:
        name: How the row calls it.
        requirements: What pip is asked for.
    """

    name: str
    requirements: tuple[str, ...]


_NAMES = ("cffi", "ml_dtypes", "numpy")
_PINS = (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
NEWEST = Packages("newest NumPy", _NAMES)
OLDEST = Packages("oldest NumPy", tuple(p for p in _PINS if p.partition("==")[0] in _NAMES))
#: The first ones that have wheels for Python 3.13.
OLDEST_OF_313 = Packages("oldest NumPy", ("cffi==1.17.0", "ml_dtypes==0.5.0", "numpy==2.1.0"))
#: By the version of Python.
VERSIONS = {
    "3.10": (OLDEST, NEWEST),
    "3.11": (OLDEST, NEWEST),
    "3.12": (OLDEST, NEWEST),
    "3.13": (OLDEST_OF_313, NEWEST),
}

_locks: dict[Path, threading.Lock] = {}


@cache
def interpreter(version: str) -> Path:
    """A Python of that version.

    Raises:
        NotRunError: There is none.
    """
    name = f"python{version}"
    on_path = shutil.which(name)
    candidates = [
        *([Path(on_path)] if on_path else []),
        *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/{name}")),
    ]
    for candidate in candidates:
        # pyenv's stand-ins for a Python that is not chosen are there, and fail
        try:
            said = output([candidate, "-V"])
        except (FailedError, OSError):
            continue
        if said.startswith(f"Python {version}."):
            return candidate
    raise NotRunError(f"there is no Python {version} here")


def install(version: str, packages: Packages) -> Path:
    """The folder with the packages for that version of Python.

    Raises:
        FailedError: pip could not install them.
    """
    name = f"{version} {packages.name}".replace(" ", "-")
    folder, stamp = BUILD / "packages" / name, BUILD / "packages" / f"{name}.stamp"
    # what is newest may change every day
    made_of = " ".join([*packages.requirements, *([str(date.today())] * (packages is NEWEST))])
    with _locks.setdefault(folder, threading.Lock()):
        if not (folder.exists() and stamp.exists() and stamp.read_text() == made_of):
            stamp.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
            wheels = ["--only-binary", ":all:", "--python-version", version]
            output([*pip, *wheels, "--target", str(folder), *packages.requirements])
            stamp.write_text(made_of)
    return folder


def rows() -> Iterator[Row]:
    """The rows of the versions, and that of the threads."""
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
    what = "Orthogonal, {} by {}, float64: native kernel, reference".format(*ORTHOGONAL)
    yield Row(f"{counts} threads", what, "", _threads)


def ask(
    version: str, packages: Packages, variables: Mapping[str, str], *options: str
) -> dict[str, Any]:
    """What conformance/self_test.py finds under that Python, with these environment variables.

    Raises:
        NotRunError: There is no such Python.
        FailedError: It fails.
    """
    # -S: nothing but the standard library, these packages and this checkout
    process = [str(interpreter(version)), "-S", "-m", "platforms.self_test", *options]
    said = output(process, environment([install(version, packages)], variables))
    found: dict[str, Any] = json.loads(said)
    return found


def _self_test(version: str, packages: Packages, kernel: str) -> Outcome:
    wanted = {kernel_choice.VARIABLE: "reference"} if kernel == "reference" else {}
    found = ask(version, packages, wanted)
    if (found["kernel"] == "kernel reference") != (kernel == "reference"):
        raise FailedError(f"the {found['kernel']} has drawn")
    versions = (f"NumPy {found['numpy']}", f"ml_dtypes {found['ml_dtypes']}")
    return passed(found["checked"], found["differences"], versions)


def _threads() -> Outcome:
    process = [sys.executable, "-m", "platforms.self_test", "--orthogonal"]
    ways = [
        *({threads.VARIABLE: str(count)} for count in THREADS),
        {kernel_choice.VARIABLE: "reference"},
    ]
    fingerprints = {
        output([*process, *map(str, ORTHOGONAL)], environment(variables=way)) for way in ways
    }
    if len(fingerprints) > 1:
        raise FailedError(f"{len(fingerprints)} different fingerprints")
    return Outcome(State.PASSED, "one fingerprint")
