"""Runs a plan: one process after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks import r_side, worker
from benchmarks.model import DISTRIBUTIONS, NEW, Case, LeftOut, Results
from benchmarks.peers import NUMPY, PEERS, Peer
from benchmarks.plan import Plan, comparisons_with, own_comparisons
from benchmarks.processes import ProcessError, measure_apart, peak_apart

Say = Callable[[str], None]


def run_plan(
    plan: Plan,
    peers: Sequence[Peer] = PEERS,
    with_r: bool = True,
    apart: bool = True,
    say: Say = print,
) -> Results:
    """Measures what the plan says.

    Args:
        plan: The plan.
        peers: The peers to measure, NumPy apart, which always is.
        with_r: Whether to run R's part.
        apart: Whether each peer gets a process of its own. Without, there are no peers but NumPy,
            no R and no peaks of memory.
        say: Gets a line about each step when it is done.
    """
    results = Results()
    own = list(own_comparisons(plan))
    if not apart:
        everything = [*own, *comparisons_with(NUMPY, plan, plan.threads)]
        return worker.measure(NUMPY.name, plan.threads, everything, plan.effort)
    for peer in (NUMPY, *(peer for peer in peers if peer is not NUMPY)):
        missing = peer.missing()
        if missing is not None:
            results.left_out.append(LeftOut(", ".join(peer.whos), f"{missing} is not installed"))
            continue
        for threads in plan.thread_counts if plan.peers_on_all_threads else (plan.threads,):
            comparisons = list(comparisons_with(peer, plan, threads))
            if peer is NUMPY and threads == plan.threads:
                comparisons = own + comparisons
            with _step(f"{peer.name}, threads: {threads}", peer.name, results, say):
                found = measure_apart(peer, threads, comparisons, plan.effort)
                results.measurements += found.measurements
                results.left_out += found.left_out
    if plan.tables:
        _measure_peaks(plan, peers, results, say)
    if with_r:
        with _step("R", "R", results, say):
            reason = r_side.missing()
            if reason is not None:
                raise ProcessError(reason)
            found = r_side.measure(plan)
            results.measurements += found.measurements
            results.left_out += found.left_out
            results.peak_memory += r_side.measure_peaks(plan)
    return results


def _measure_peaks(plan: Plan, peers: Sequence[Peer], results: Results, say: Say) -> None:
    whos = [(NUMPY, NEW, DISTRIBUTIONS)]
    for peer in peers:
        if peer is not NUMPY and peer.missing() is None:
            whos += [(peer, who, plan.peer_peaks) for who in peer.whos if plan.peer_peaks]
    for peer, who, distributions in whos:
        with _step(f"peak memory, {who}", f"{who}: peak memory", results, say):
            for distribution in distributions:
                case = Case(who, distribution, plan.square, threads=plan.threads)
                results.peak_memory.append(peak_apart(peer, case))


@contextmanager
def _step(title: str, who: str, results: Results, say: Say) -> Iterator[None]:
    """Says how long a step took; one that fails is left out with the reason."""
    start = time.monotonic()
    try:
        yield
        say(f"{title}: {time.monotonic() - start:.0f} s")
    except ProcessError as failure:
        results.left_out.append(LeftOut(who, str(failure)))
        say(f"{title}: left out ({failure})")
