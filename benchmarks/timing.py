"""Timing of interleaved calls."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.model import Effort

Draw = Callable[[], object]

#: Pause in seconds that lets the previous call's worker threads go to sleep.
_PAUSE = 0.002
#: Calls longer than this many seconds need no warm-up.
_LONG = 0.1
_MIN_ROUNDS = 3


@dataclass(frozen=True)
class Candidate:
    """One of the compared calls."""

    draw: Draw
    #: Applies settings before the call; not timed.
    prepare: Callable[[], None]


def time_in_turn(candidates: Sequence[Candidate], effort: Effort) -> list[list[float]]:
    """Return the seconds of one call, for each candidate and round."""
    if not candidates:
        return []
    estimates = [_estimate(candidate) for candidate in candidates]
    loops = [max(1, math.ceil(effort.loop / estimate)) for estimate in estimates]
    a_round = sum(map(float.__mul__, estimates, map(float, loops)))
    rounds = max(min(effort.rounds, int(effort.seconds / a_round)), _MIN_ROUNDS)
    seconds: list[list[float]] = [[] for _ in candidates]
    forth = list(zip(candidates, loops, estimates, seconds, strict=True))
    gc.collect()
    for number in range(rounds):
        for candidate, loop, estimate, its_seconds in forth[:: -1 if number % 2 else 1]:
            candidate.prepare()
            time.sleep(_PAUSE)
            if estimate < _LONG:
                candidate.draw()
            its_seconds.append(_time(candidate.draw, loop))
    return seconds


def _estimate(candidate: Candidate) -> float:
    """Estimate the time of a call, excluding the first one."""
    candidate.prepare()
    candidate.draw()
    return min(_time(candidate.draw, 1) for _ in range(2))


def _time(draw: Draw, loop: int) -> float:
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter_ns()
        for _ in range(loop):
            draw()
        return (time.perf_counter_ns() - start) / loop / 1e9
    finally:
        if enabled:
            gc.enable()
