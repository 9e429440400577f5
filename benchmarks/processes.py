"""Child processes of a run."""

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

from benchmarks.model import Case, Comparison, Effort, Measurement, PeakMemory, Results, Skipped
from benchmarks.peers import Peer

ROOT = Path(__file__).parents[1]

#: Environment variables from which the libraries read their number of threads.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NPROC",  # XLA, that is JAX
    "PYINIT_NUM_THREADS",
)
#: Variables that select OpenBLAS kernels for older processors.
_DROPPED_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")

#: Last lines of error output that give no reason.
_NO_REASON = ("", "Execution halted")


class ProcessError(Exception):
    """A child process failed; the message gives the reason."""


def environment(threads: int, backend: str | None = None) -> dict[str, str]:
    """Return the environment of a process with a number of threads and a Keras backend."""
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


def measure_in_process(
    peer: Peer, threads: int, comparisons: Sequence[Comparison], effort: Effort
) -> Results:
    """Run comparisons in a separate process."""
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
        skipped=[Skipped(**fields) for fields in response["skipped"]],
    )


def peak_in_process(peer: Peer, case: Case) -> PeakMemory:
    """Measure the peak memory of a call in a separate process."""
    response = _ask(peer.name, case.threads, peer.backend, {"peak": asdict(case)})
    item_size = {"float64": 8, "float32": 4}.get(case.dtype, 2)
    return PeakMemory(
        case.method,
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
        ProcessError: The process failed.
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
        raise ProcessError(lines[-1] if lines else f"exit status {done.returncode}")
    return done.stdout
