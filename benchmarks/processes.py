"""The processes of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.model import Case, Comparison, Effort, LeftOut, Measurement, PeakMemory, Results
from benchmarks.peers import Peer

ROOT = Path(__file__).parents[1]

#: How each library that reads its number of threads from the environment calls it.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NPROC",  # XLA, that is JAX
    "PYINIT_NUM_THREADS",
)
#: They choose OpenBLAS kernels for older processors.
_DROPPED_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")

#: How R ends its account of an error.
_NO_REASON = ("", "Execution halted")


class ProcessError(Exception):
    """A process did not do what it was asked to do; the message says why."""


def environment(threads: int, backend: str | None = None) -> dict[str, str]:
    """The environment of a process that uses so many threads and that backend of Keras."""
    variables = {
        name: value for name, value in os.environ.items() if name not in _DROPPED_VARIABLES
    }
    variables.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    variables["PYTHONPATH"] = os.pathsep.join(
        filter(None, (str(ROOT), variables.get("PYTHONPATH")))
    )
    variables["CUDA_VISIBLE_DEVICES"] = "-1"
    variables["JAX_PLATFORMS"] = "cpu"
    variables["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if backend is not None:
        variables["KERAS_BACKEND"] = backend
    return variables


def measure_apart(
    peer: Peer, threads: int, comparisons: Sequence[Comparison], effort: Effort
) -> Results:
    """Makes the comparisons in a process of their own."""
    request = {
        "comparisons": [(each.topic, list(map(asdict, each.cases))) for each in comparisons],
        "effort": asdict(effort),
    }
    response = _ask(peer.name, threads, peer.backend, request)
    return Results(
        [
            Measurement(**{**fields, "case": Case.from_json(fields["case"])})
            for fields in response["measurements"]
        ],
        left_out=[LeftOut(**fields) for fields in response["left_out"]],
    )


def peak_apart(peer: Peer, case: Case) -> PeakMemory:
    """The peak of memory of a call in a process of its own."""
    response = _ask(peer.name, case.threads, peer.backend, {"peak": asdict(case)})
    item_size = {"float64": 8, "float32": 4}.get(case.dtype, 2)
    return PeakMemory(
        case.who,
        case.distribution,
        case.shape,
        case.dtype,
        case.size * item_size,
        response["peak_bytes"],
    )


def _ask(process: str, threads: int, backend: str | None, request: dict[str, Any]) -> Any:
    request = {"process": process, "threads": threads, **request}
    with tempfile.TemporaryDirectory() as folder:
        request_file, response_file = Path(folder, "request.json"), Path(folder, "response.json")
        request_file.write_text(json.dumps(request), encoding="utf-8")
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "benchmarks.worker",
            request_file,
            response_file,
        ]
        run(command, environment(threads, backend))
        return json.loads(response_file.read_text(encoding="utf-8"))


def run(command: Sequence[str | Path], variables: dict[str, str], cwd: Path | None = None) -> str:
    """Run a process in the folder `cwd` and return its output.

    Raises:
        ProcessError: It failed.
    """
    done = subprocess.run(
        command,
        env=variables,
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip(" .") not in _NO_REASON]
        raise ProcessError(lines[-1] if lines else f"it ended with status {done.returncode}")
    return done.stdout
