"""R: the R package compared with the usual generators of R and with keras3's calls."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.model import Case, Measurement, PeakMemory, Results, Skipped
from benchmarks.plan import Plan
from benchmarks.processes import ROOT, environment, run

#: The R package.
OURS = "R: pyinit"
#: The same draw in Python, without the transfer to R.
PYTHON = "Python, for R"
RNORM = "R: rnorm"
#: Keras' own initializers, called as the keras3 package calls them.
KERAS3 = "R: keras3"

_FOLDER = Path(__file__).parent


def missing() -> str | None:
    """Return the reason why R cannot be measured, or None if it can."""
    if shutil.which("Rscript") is None:
        return "R is not installed"
    code = 'for (name in c("pyinit", "reticulate", "jsonlite")) loadNamespace(name)'
    found = run(
        ["Rscript", "-e", f'tryCatch({{ {code}; cat("found") }}, error = conditionMessage)'],
        _environment(1),
    )
    return None if found.endswith("found") else found.strip().partition("\n")[0]


def measure(plan: Plan) -> Results:
    """Measure R in separate processes."""
    response = _ask("r_benchmark.R", plan, [plan.effort.rounds])
    results = Results(skipped=[Skipped(**fields) for fields in response["skipped"]])
    for fields in response["measurements"]:
        case = Case(
            fields["method"],
            fields["distribution"],
            tuple(fields["shape"]),
            "float64",
            "F",
            plan.threads,
        )
        topic = fields["topic"]
        results.measurements.append(
            Measurement(f"{topic}/{fields['comparison']}", "r", topic, case, fields["seconds"])
        )
    return results


def measure_peaks(plan: Plan) -> list[PeakMemory]:
    """Measure the peak memory of an array of pyinit and of rnorm, each in a process of its own."""
    return [
        PeakMemory(
            method,
            "normal",
            plan.square,
            "float64",
            8 * plan.side**2,
            _ask("r_memory.R", plan, [method])["peak_bytes"],
        )
        for method in (OURS, RNORM)
    ]


def _ask(script: str, plan: Plan, arguments: list[Any]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        response_file = Path(folder, "response.json")
        run(
            ["Rscript", _FOLDER / script, response_file, str(plan.side), *map(str, arguments)],
            _environment(plan.threads),
        )
        return json.loads(response_file.read_text(encoding="utf-8"))


def _environment(threads: int) -> dict[str, str]:
    variables = environment(threads)
    variables["RETICULATE_PYTHON"] = sys.executable
    library = ROOT / ".rlib"
    if library.is_dir():
        variables["R_LIBS"] = ":".join(filter(None, (str(library), variables.get("R_LIBS"))))
    return variables
