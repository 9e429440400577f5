"""Run a plan, one process after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks import r_side, worker
from benchmarks.model import DISTRIBUTIONS, NEW, Case, Results, Skipped
from benchmarks.peers import NUMPY, PEERS, Peer
from benchmarks.plan import Plan, comparisons_with, own_comparisons
from benchmarks.processes import ProcessError, measure_in_process, peak_in_process

Log = Callable[[str], None]


def run_plan(
    plan: Plan,
    peers: Sequence[Peer] = PEERS,
    with_r: bool = True,
    separate: bool = True,
    log: Log = print,
) -> Results:
    """Measure everything in a plan.

    Args:
        plan: The plan.
        peers: The peers to measure in addition to NumPy.
        with_r: Whether to measure R.
        separate: Whether each peer runs in a separate process. Otherwise only NumPy is measured,
            without R and without peak memory.
        log: Called with a line of progress after each step.
    """
    results = Results()
    own = list(own_comparisons(plan))
    if not separate:
        everything = [*own, *comparisons_with(NUMPY, plan, plan.threads)]
        return worker.measure(NUMPY.name, plan.threads, everything, plan.effort)
    for peer in (NUMPY, *(peer for peer in peers if peer is not NUMPY)):
        missing = peer.missing()
        if missing is not None:
            results.skipped.append(Skipped(", ".join(peer.methods), f"{missing} is not installed"))
            continue
        for threads in plan.thread_counts if plan.peers_on_all_threads else (plan.threads,):
            comparisons = list(comparisons_with(peer, plan, threads))
            if peer is NUMPY and threads == plan.threads:
                comparisons = own + comparisons
            with _step(f"{peer.name}, threads: {threads}", peer.name, results, log):
                found = measure_in_process(peer, threads, comparisons, plan.effort)
                results.measurements += found.measurements
                results.skipped += found.skipped
    if plan.tables:
        _measure_peaks(plan, peers, results, log)
    if with_r:
        with _step("R", "R", results, log):
            reason = r_side.missing()
            if reason is not None:
                raise ProcessError(reason)
            found = r_side.measure(plan)
            results.measurements += found.measurements
            results.skipped += found.skipped
            results.peak_memory += r_side.measure_peaks(plan)
    return results


def _measure_peaks(plan: Plan, peers: Sequence[Peer], results: Results, log: Log) -> None:
    methods = [(NUMPY, NEW, DISTRIBUTIONS)]
    for peer in peers:
        if peer is not NUMPY and peer.missing() is None:
            methods += [
                (peer, method, plan.peer_peaks) for method in peer.methods if plan.peer_peaks
            ]
    for peer, method, distributions in methods:
        with _step(f"peak memory, {method}", f"{method}: peak memory", results, log):
            for distribution in distributions:
                case = Case(method, distribution, plan.square, threads=plan.threads)
                results.peak_memory.append(peak_in_process(peer, case))


@contextmanager
def _step(title: str, method: str, results: Results, log: Log) -> Iterator[None]:
    """Log the duration of a step; record one that fails as skipped, with the reason."""
    start = time.monotonic()
    try:
        yield
        log(f"{title}: {time.monotonic() - start:.0f} s")
    except ProcessError as failure:
        results.skipped.append(Skipped(method, str(failure)))
        log(f"{title}: skipped ({failure})")
