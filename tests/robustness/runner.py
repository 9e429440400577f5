"""Runs the calls of the table in processes of their own, with a limit of time for each call."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.robustness.cases import Case

#: The time that a call may take, in seconds, on a machine that is busy with other work.
LIMIT = 20.0
_ROOT = Path(__file__).parents[2]

RESULTS = (
    "accepted",
    "rejected",
    "rejected unclearly",
    "rejected wrongly",
    "accepted wrongly",
    "hanging",
    "crashing",
)
#: Those of calls that pyinit handles as it should.
RIGHT = RESULTS[:2]


@dataclass(frozen=True)
class Outcome:
    """The result of a call, and the message of its error."""

    case: Case
    result: str
    message: str


def run(cases: Sequence[Case], module: str = "pyinit", limit: float = LIMIT) -> list[Outcome]:
    """Make calls, and return their results in the same order."""
    work = json.dumps([{**asdict(case), "module": module} for case in cases])
    outcomes: list[Outcome] = []
    while len(outcomes) < len(cases):
        for index, result, message in _run_from(len(outcomes), work, limit):
            outcomes.append(Outcome(cases[index], result, message))
    return outcomes


def _run_from(start: int, work: str, limit: float) -> list[tuple[int, str, str]]:
    """Make calls until one of them hangs or ends the process."""
    command = [sys.executable, "-m", "tests.robustness.worker", str(start)]
    done: list[tuple[int, str, str]] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    ) as process:
        lines: queue.Queue[str | None] = queue.Queue()
        errors: list[str] = []
        assert process.stdin is not None
        threads = [
            threading.Thread(target=_read, args=(process.stdout, lines)),
            threading.Thread(target=lambda: errors.append(process.stderr.read()[-500:])),  # type: ignore[union-attr]
        ]
        for thread in threads:
            thread.start()
        process.stdin.write(work)
        process.stdin.close()
        current: int | None = None
        while True:
            try:
                # before its first call, the process imports the package
                line = lines.get(timeout=limit if current is not None else 120.0)
            except queue.Empty:
                process.kill()
                if current is not None:
                    done.append((current, "hanging", f"longer than {limit:g} seconds"))
                break
            if line is None:
                process.wait()
                if current is not None:
                    threads[1].join()
                    ended = f"exit status {process.returncode}: {errors[-1]}"
                    done.append((current, "crashing", ended))
                break
            parsed: Any = json.loads(line)
            if isinstance(parsed, int):
                current = parsed
            else:
                done.append((parsed[0], parsed[1], parsed[2]))
                current = None
        for thread in threads:
            thread.join()
        if not done:
            raise RuntimeError(f"The process made no call: {errors}")
    return done


def _read(stream: Any, lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)
