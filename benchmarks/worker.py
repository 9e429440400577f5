"""One process of a run: measure comparisons with one peer, or peak memory.

Usage: python -m benchmarks.worker REQUEST RESPONSE, two JSON files.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.memory import peak_of
from benchmarks.model import Case, Comparison, Effort, Measurement, Results, Skipped
from benchmarks.ours import draw_of as our_draw_of
from benchmarks.ours import use_threads
from benchmarks.peers import PEERS
from benchmarks.timing import Candidate, Draw, time_in_turn


def measure(
    process: str, threads: int, comparisons: Sequence[Comparison], effort: Effort
) -> Results:
    """Run comparisons in this process.

    Args:
        process: The name of the peer, or any other name without a peer.
        threads: The number of threads of the peer.
        comparisons: The comparisons.
        effort: How long to measure.
    """
    draw_of = _loaded(process, threads)
    results = Results()
    for number, comparison in enumerate(comparisons):
        cases, candidates = [], []
        for case in comparison.cases:
            draw = _tried(draw_of, case, results)
            if draw is not None:
                cases.append(case)
                candidates.append(Candidate(draw, partial(use_threads, case.threads)))
        name = f"{process}/{threads}/{number}"
        for case, seconds in zip(cases, time_in_turn(candidates, effort), strict=True):
            measurement = Measurement(name, process, comparison.topic, case, seconds)
            results.measurements.append(measurement)
    return results


def _loaded(process: str, threads: int) -> Callable[[Case], Draw | None]:
    peer = next((peer for peer in PEERS if peer.name == process), None)
    their_draw_of = peer.load(threads) if peer else None

    def draw_of(case: Case) -> Draw | None:
        if peer is not None and their_draw_of is not None and case.method in peer.methods:
            return their_draw_of(case)
        return our_draw_of(case)

    return draw_of


def _tried(draw_of: Callable[[Case], Draw | None], case: Case, results: Results) -> Draw | None:
    """Return the call of a case if the library has one and it works."""
    try:
        draw = draw_of(case)
        if draw is not None:
            draw()
    except Exception as error:  # an error of one peer does not stop the others
        what = f"{case.method}: {case.distribution} of {case.dtype}"
        results.skipped.append(Skipped(what, f"{type(error).__name__}: {error}"))
        return None
    return draw


def _measure_peak(process: str, threads: int, case: Case) -> dict[str, int]:
    draw_of = _loaded(process, threads)
    use_threads(threads)
    small = draw_of(Case(case.method, case.distribution, (512, 512), case.dtype))
    if small is None:
        raise ValueError(f"{case.method} has no {case.distribution} distribution")
    small()
    # draw_of allocates the memory of methods that fill existing arrays: it counts too
    return {"peak_bytes": peak_of(lambda: (draw := draw_of(case)) and draw())}


def main() -> int:
    """Handle the request."""
    request: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    process, threads = request["process"], request["threads"]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    response: dict[str, Any]
    if "peak" in request:
        response = _measure_peak(process, threads, Case.from_json(request["peak"]))
    else:
        comparisons = [
            Comparison(topic, tuple(map(Case.from_json, cases)))
            for topic, cases in request["comparisons"]
        ]
        results = measure(process, threads, comparisons, Effort(**request["effort"]))
        response = {
            "measurements": [asdict(measurement) for measurement in results.measurements],
            "skipped": [asdict(skipped) for skipped in results.skipped],
        }
    Path(sys.argv[2]).write_text(json.dumps(response), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
