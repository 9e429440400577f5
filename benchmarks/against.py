"""Comparison of this checkout with another copy of pyinit: `script/bench --against PATH`.

Each copy has a worker process. The two take turns, so that both see the same state of the machine,
and measure every row in several rounds. The ratio of a pair of workers is that of their fastest
rounds, which are the least disturbed. Several pairs show how much the ratio varies between
processes.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.text import Text

from benchmarks.processes import ROOT, ProcessError, environment, run
from benchmarks.report import new_table, seconds_text
from pyinit.runtime.threads import usable_cpus

_FOLDER = Path(__file__).parent
#: Ratios closer to 1 count as noise even if all pairs of processes agree.
_TOLERANCE = 0.02
#: Calls longer than this many seconds are timed in fewer rounds.
_LONG = 0.05

_IMPORTS = {
    "import pyinit": "",
    "import pyinit, after NumPy": "import numpy, ml_dtypes",
}
_IMPORT = """\
import time
{first}
start = time.perf_counter()
import pyinit
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Copy:
    """An installed copy of pyinit.

    Attributes:
        name: Its name in the report.
        python: The interpreter that imports it.
        checkout: The folder to put on PYTHONPATH, or None if the interpreter finds the package.
    """

    name: str
    python: Path
    checkout: Path | None

    def variables(self) -> dict[str, str]:
        """Return the environment of its processes."""
        found = environment(usable_cpus())
        folders = [str(self.checkout)] if self.checkout is not None else []
        before = found.pop("PYTHONPATH").split(os.pathsep)
        folders += [folder for folder in before if Path(folder).resolve() != ROOT]
        found["PYTHONPATH"] = os.pathsep.join(folders)
        found["RETICULATE_PYTHON"] = str(self.python)
        if self.checkout is not None:
            found["R_LIBS"] = str(self.checkout / ".rlib")
        return found


@dataclass(frozen=True)
class PairEffort:
    """How long to measure.

    Attributes:
        pairs: The number of pairs of processes.
        rounds: The number of rounds within a pair.
        loop: The minimum duration of a timing in seconds; shorter calls are repeated.
    """

    pairs: int
    rounds: int
    loop: float


EFFORTS = {
    "quick": PairEffort(pairs=5, rounds=3, loop=0.002),
    "default": PairEffort(pairs=9, rounds=5, loop=0.005),
    "full": PairEffort(pairs=15, rounds=9, loop=0.01),
}


@dataclass
class CopyRow:
    """The times of one row: the fastest round of each copy, for each pair of processes."""

    name: str
    ours: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Our time divided by the other's, for each pair of processes."""
        return [ours / other for ours, other in zip(self.ours, self.other, strict=True)]

    @property
    def verdict(self) -> str:
        """`"slower"` or `"faster"` if all pairs of processes agree, otherwise an empty string."""
        if min(self.ratios) > 1 + _TOLERANCE:
            return "slower"
        return "faster" if max(self.ratios) < 1 - _TOLERANCE else ""


@dataclass
class CopyResults:
    """The measured rows, the reasons for skipped ones, and the package files of both copies."""

    files: list[str] = field(default_factory=list)
    rows: dict[str, CopyRow] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, ours: float, other: float) -> None:
        """Add the times of a pair of processes."""
        row = self.rows.setdefault(name, CopyRow(name))
        row.ours.append(ours)
        row.other.append(other)


class _Worker:
    """A running copy_worker, in Python or in R."""

    def __init__(self, command: Sequence[str | Path], copy: Copy) -> None:
        # not a pipe: nobody reads it while the worker runs, so it would fill up
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=copy.variables(),
            cwd=_FOLDER,  # contains no pyinit that would be imported by accident
        )
        self.greeting = self._answer()

    def __enter__(self) -> _Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()
        self._log.close()

    def time(self, row: str, loops: int) -> float:
        """Return the seconds of one call of a row.

        Raises:
            ProcessError: The call failed.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(f"{row}\t{loops}\n")
        self._process.stdin.flush()
        answer = self._answer()
        if answer.startswith("error\t"):
            raise ProcessError(answer.partition("\t")[2])
        return float(answer)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            said = self._log.read().strip().splitlines()
            raise ProcessError(said[-1] if said else "the worker ended without a message")
        return line.rstrip("\n")


def copy_at(path: Path) -> Copy:
    """Return the copy that a Python interpreter imports, or that of a checkout.

    Raises:
        ValueError: The path is neither.
    """
    if (path / "pyinit" / "__init__.py").is_file():
        return Copy(str(path), Path(sys.executable), path.resolve())
    if path.is_file() and os.access(path, os.X_OK):
        return Copy(str(path), path.absolute(), None)
    raise ValueError(
        "Argument `--against` must be a Python interpreter or a checkout of pyinit. "
        f"Received: against={str(path)!r}"
    )


def compare(
    other: Copy,
    effort: PairEffort,
    with_r: bool = True,
    rows: str = "",
    log: Callable[[str], None] = print,
) -> CopyResults:
    """Measure this checkout and another copy.

    Args:
        other: The other copy.
        effort: How long to measure.
        with_r: Whether to measure the R packages too.
        rows: A regular expression found in the names of the rows to measure.
        log: Called with a line of progress after each step.

    Raises:
        ProcessError: A copy cannot be imported.
    """
    copies = (Copy("this checkout", Path(sys.executable), ROOT), other)
    results = CopyResults()
    r_reason = _reason_without_r(copies) if with_r else "--no-r"
    if r_reason is not None:
        results.skipped["R"] = r_reason
    for number in range(effort.pairs):
        _import_rows(copies, rows, effort, results)
        with ExitStack() as stack:
            workers = [stack.enter_context(_python_worker(copy)) for copy in copies]
            described = [json.loads(worker.greeting) for worker in workers]
            results.files = [each["file"] for each in described]
            _measure_pair(workers, described[0]["rows"], rows, effort, results)
        if r_reason is None:
            with ExitStack() as stack:
                workers = [stack.enter_context(_r_worker(copy)) for copy in copies]
                names = workers[0].greeting.split("\t")[1:]
                _measure_pair(workers, names, rows, effort, results)
        log(f"pair of processes {number + 1} of {effort.pairs}")
    return results


def _python_worker(copy: Copy) -> _Worker:
    return _Worker([copy.python, _FOLDER / "copy_worker.py"], copy)


def _r_worker(copy: Copy) -> _Worker:
    return _Worker(["Rscript", _FOLDER / "copy_worker.R"], copy)


def _reason_without_r(copies: Sequence[Copy]) -> str | None:
    if shutil.which("Rscript") is None:
        return "R is not installed"
    for copy in copies:
        if copy.checkout is None or not (copy.checkout / ".rlib" / "pyinit").is_dir():
            return f"{copy.name} has no .rlib with the R package"
    return None


def _measure_pair(
    workers: Sequence[_Worker],
    names: Sequence[str],
    rows: str,
    effort: PairEffort,
    results: CopyResults,
) -> None:
    for name in names:
        if name in results.skipped or not re.search(rows, name):
            continue
        try:
            ours, other = _fastest(workers, name, effort)
        except ProcessError as error:
            results.skipped[name] = str(error)
            results.rows.pop(name, None)
        else:
            results.add(name, ours, other)


def _fastest(workers: Sequence[_Worker], row: str, effort: PairEffort) -> list[float]:
    """Return the seconds of the fastest round of each worker."""
    estimate = min(worker.time(row, 1) for worker in workers for _ in range(2))
    loops = max(1, math.ceil(effort.loop / estimate))
    rounds = effort.rounds if estimate < _LONG else max(2, effort.rounds // 2)
    seconds: list[list[float]] = [[] for _ in workers]
    for number in range(rounds):
        for worker, its_seconds in _alternating(workers, seconds, number):
            its_seconds.append(worker.time(row, loops))
    return [min(each) for each in seconds]


def _import_rows(
    copies: Sequence[Copy], rows: str, effort: PairEffort, results: CopyResults
) -> None:
    for name, first in _IMPORTS.items():
        if not re.search(rows, name):
            continue
        seconds: list[list[float]] = [[] for _ in copies]
        for number in range(effort.rounds + 1):
            for copy, its_seconds in _alternating(copies, seconds, number):
                command = [copy.python, "-c", _IMPORT.format(first=first)]
                its_seconds.append(float(run(command, copy.variables(), cwd=_FOLDER)))
        # the first round may compile the modules
        results.add(name, *(min(each[1:]) for each in seconds))


def _alternating(
    sides: Sequence[Any], seconds: Sequence[list[float]], number: int
) -> Iterator[tuple[Any, list[float]]]:
    pairs = list(zip(sides, seconds, strict=True))
    yield from reversed(pairs) if number % 2 else pairs


def print_copies(console: Console, other: Copy, results: CopyResults) -> None:
    """Print the table."""
    table = new_table(
        f"This checkout and {other.name}: time of a call (fastest round), and their ratio\n"
        "(median over pairs of processes, with the smallest and the largest)",
        "",
        "ours",
        "other",
        "ratio",
        "from",
        "to",
        "",
    )
    for name, file in zip(("ours", "other"), results.files, strict=True):
        console.print(f"{name:<6} {file}", markup=False, soft_wrap=True)
    console.print()
    styles = {"slower": "red", "faster": "green"}
    for row in results.rows.values():
        ratios = row.ratios
        table.add_row(
            row.name,
            seconds_text(min(row.ours)),
            seconds_text(min(row.other)),
            *(f"{value:.2f}" for value in (statistics.median(ratios), min(ratios), max(ratios))),
            Text(row.verdict, style=styles.get(row.verdict, "")),
        )
    console.print(table)
    for name, reason in results.skipped.items():
        console.print(f"Not measured: {name} ({reason})", markup=False)
    slower = [row.name for row in results.rows.values() if row.verdict == "slower"]
    console.print(f"\nRows slower than {other.name}: {len(slower)}", markup=False)


def to_json(other: Copy, effort: PairEffort, results: CopyResults) -> dict[str, Any]:
    """Return the results as `against.json` contains them."""
    return {
        "against": other.name,
        "files": results.files,
        "effort": asdict(effort),
        "rows": [
            {**asdict(row), "ratios": row.ratios, "verdict": row.verdict}
            for row in results.rows.values()
        ],
        "skipped": results.skipped,
    }
