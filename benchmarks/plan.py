"""The comparisons of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.model import (
    DISTRIBUTIONS,
    DTYPES,
    INTO,
    MEMORY,
    NEW,
    PARTITION,
    PARTITIONS,
    Case,
    Comparison,
    Effort,
)
from benchmarks.peers import Peer


@dataclass(frozen=True)
class Plan:
    """The extent of a run.

    Attributes:
        name: Its name on the command line.
        effort: How long to measure.
        side: The large matrices are side x side.
        exponents: The base-2 logarithms of the sizes for which the cost is measured.
        orthogonal: The shapes of the orthogonal matrices.
        peer_dtypes: The dtypes in which the large matrices are compared with the peers.
        peer_peaks: The distributions for which the peers' peak memory is measured.
        thread_counts: The numbers of threads, in increasing order.
        peers_on_all_threads: Whether the peers run with each of them, not only the largest.
        tables: Whether to measure more than the targets require.
    """

    name: str
    effort: Effort
    side: int
    exponents: tuple[int, ...]
    orthogonal: tuple[tuple[int, int], ...]
    peer_dtypes: tuple[str, ...]
    peer_peaks: tuple[str, ...]
    thread_counts: tuple[int, ...]
    peers_on_all_threads: bool = False
    tables: bool = True

    @property
    def square(self) -> tuple[int, int]:
        """The shape of the large matrices."""
        return self.side, self.side

    @property
    def threads(self) -> int:
        """The largest number of threads."""
        return self.thread_counts[-1]


#: The shapes of orthogonal matrices that have a target.
ORTHOGONAL_TARGETS = ((1024, 1024), (4096, 1024))


def make_plan(name: str, thread_counts: tuple[int, ...]) -> Plan:
    """Return the plan `"default"`, `"quick"`, `"full"` or `"targets"`."""
    default = Plan(
        name=name,
        effort=Effort(rounds=9, seconds=8.0, loop=0.005),
        side=4096,
        exponents=(6, 9, 12, 15, 18, 21, 24),
        orthogonal=(*ORTHOGONAL_TARGETS, (1024, 4096)),
        peer_dtypes=("float32",),
        peer_peaks=("truncated_normal",),
        thread_counts=thread_counts,
    )
    return {
        "default": default,
        "quick": replace(
            default,
            effort=Effort(rounds=3, seconds=1.0, loop=0.001),
            side=1024,
            exponents=(6, 12, 18),
            orthogonal=((256, 256),),
            peer_peaks=(),
        ),
        "full": replace(
            default,
            effort=Effort(rounds=15, seconds=30.0, loop=0.01),
            exponents=tuple(range(6, 29, 2)),
            orthogonal=((64, 64), (256, 256), *ORTHOGONAL_TARGETS, (1024, 4096), (4096, 4096)),
            peer_dtypes=DTYPES,
            peer_peaks=DISTRIBUTIONS,
            peers_on_all_threads=True,
        ),
        "targets": replace(default, exponents=(12,), orthogonal=ORTHOGONAL_TARGETS, tables=False),
    }[name]


def shape_of(exponent: int) -> tuple[int, int]:
    """Return the shape of a matrix of 2 ** exponent elements that is nearly square."""
    return 1 << (exponent + 1) // 2, 1 << exponent // 2


def own_comparisons(plan: Plan) -> Iterator[Comparison]:
    """Yield the comparisons without a peer."""
    for distribution in DISTRIBUTIONS:
        case = Case(INTO, distribution, plan.square, threads=plan.threads)
        dtypes = [replace(case, dtype=dtype) for dtype in DTYPES]
        yield Comparison(
            "dtypes",
            (
                *(replace(dtype, method=MEMORY) for dtype in dtypes),
                *(replace(dtype, order=order) for dtype in dtypes for order in "CF"),
                replace(case, method=NEW),
            ),
        )
    for distribution in DISTRIBUTIONS:
        for dtype in DTYPES if plan.tables else ("float32",):
            yield Comparison(
                "threads",
                tuple(
                    Case(INTO, distribution, plan.square, dtype, threads=threads)
                    for threads in plan.thread_counts
                ),
            )
    for distribution in DISTRIBUTIONS:
        yield Comparison(
            "partitions",
            tuple(
                Case(PARTITION, distribution, plan.square, partition=partition)
                for partition in PARTITIONS
            ),
        )


def comparisons_with(peer: Peer, plan: Plan, threads: int) -> Iterator[Comparison]:
    """Yield the comparisons with a peer on a number of threads."""
    if peer.is_sharded:
        if plan.tables and threads == plan.threads:
            for distribution in DISTRIBUTIONS:
                cases = (
                    Case(method, distribution, plan.square, threads=threads)
                    for method in peer.methods
                )
                yield Comparison("sharded", tuple(cases))
        return
    for dtype in plan.peer_dtypes:
        for distribution in DISTRIBUTIONS:
            yield _comparison("peers", peer, distribution, plan.square, threads, dtype)
    if threads != plan.threads:
        return
    for exponent in plan.exponents:
        for distribution in DISTRIBUTIONS:
            yield _comparison("sizes", peer, distribution, shape_of(exponent), threads)
    if peer.is_deep_learning:
        for shape in plan.orthogonal:
            if plan.tables or peer.name == "torch":
                cases = (
                    Case(method, "orthogonal", shape, threads=threads)
                    for method in (NEW, *peer.methods)
                )
                yield Comparison("orthogonal", tuple(cases))


def _comparison(
    topic: str,
    peer: Peer,
    distribution: str,
    shape: tuple[int, ...],
    threads: int,
    dtype: str = "float32",
) -> Comparison:
    methods = (MEMORY, INTO, NEW, *peer.methods)
    return Comparison(
        topic,
        tuple(Case(method, distribution, shape, dtype, threads=threads) for method in methods),
    )
