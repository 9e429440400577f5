"""Performance targets at 4096 x 4096 on two cores, and whether they are met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, astuple, dataclass
from typing import Any

from benchmarks import r_side
from benchmarks.model import (
    DISTRIBUTIONS,
    INTO,
    MEMORY,
    NEW,
    PARTITIONS,
    ROWS,
    Measurement,
    Results,
    Spread,
    ratio,
)
from benchmarks.peers import DEEP_LEARNING
from benchmarks.plan import ORTHOGONAL_TARGETS, Plan


@dataclass(frozen=True)
class Target:
    """A target and its measurement.

    Attributes:
        name: The measured ratio.
        limit: The target.
        at_least: Whether it is a lower limit.
        measured: The ratio, or None if it was not measured.
        detail: The peer, or the case out of several.
    """

    name: str
    limit: float
    at_least: bool
    measured: Spread | None
    detail: str

    @property
    def met(self) -> bool | None:
        """Whether the median of the rounds meets the target."""
        if self.measured is None:
            return None
        value = self.measured.median
        return value >= self.limit if self.at_least else value <= self.limit

    def to_json(self) -> dict[str, Any]:
        """Return the fields of `results.json`."""
        fields = asdict(self)
        spread = self.measured
        return {
            **fields,
            "measured": spread.median if spread else None,
            "quartiles": [spread.low, spread.high] if spread else None,
            "best": spread.best if spread else None,
            "met": self.met,
        }


#: A ratio, and its peer or case.
_Found = tuple[Spread, str]


def _at_most(name: str, limit: float, found: Iterable[_Found]) -> Target:
    """Return a target for the worst (largest) ratio."""
    measured, detail = max(found, key=_median, default=(None, "not measured"))
    return Target(name, limit, False, measured, detail)


def _at_least(name: str, limit: float, found: Iterable[_Found]) -> Target:
    """Return a target for the worst (smallest) ratio."""
    measured, detail = min(found, key=_median, default=(None, "not measured"))
    return Target(name, limit, True, measured, detail)


def _median(found: _Found) -> float:
    return found[0].median


def targets(results: Results, plan: Plan) -> list[Target]:
    """Return all targets with their measurements."""
    return [
        *_speed(results, plan),
        *_precision(results, plan),
        *_threads(results, plan),
        *_partitions(results),
        *_orthogonal(results, plan),
        *_short_calls(results),
        *_in_r(results, plan),
    ]


def _speed(results: Results, plan: Plan) -> Iterable[Target]:
    limits = {"uniform": (3.5, 6), "truncated_normal": (5, 15), "normal": (7, 6)}
    for distribution, (against_fill, against_peer) in limits.items():
        name = _words(distribution)
        fields = {"distribution": distribution, "dtype": "float32", "threads": plan.threads}
        own = results.select("dtypes", method=INTO, order="C", **fields)
        yield _at_most(
            f"{name} / fill",
            against_fill,
            _ratios(results, own, lambda _: "", below={"method": MEMORY, "dtype": "float32"}),
        )
        own = results.select("peers", method=INTO, **fields)
        yield _at_least(
            f"fastest peer / {name}",
            against_peer,
            _against(results, own, DEEP_LEARNING),
        )


def _precision(results: Results, plan: Plan) -> Iterable[Target]:
    for name, dtypes, limit in (
        ("float16, bfloat16 / float32", ("float16", "bfloat16"), 1.5),
        ("float64 / float32", ("float64",), 3),
    ):
        own = [m for dtype in dtypes for m in results.select("dtypes", method=INTO, dtype=dtype)]
        own = [measurement for measurement in own if measurement.case.order == "C"]
        yield _at_most(
            name,
            limit,
            _ratios(
                results, own, _dtype_and_distribution, below={"dtype": "float32", "order": "C"}
            ),
        )
    own = list(results.select("dtypes", method=INTO, order="F"))
    yield _at_most(
        "Fortran order / C order",
        1.5,
        [
            found
            for measurement in own
            for found in _ratios(
                results,
                [measurement],
                _dtype_and_distribution,
                below={"dtype": measurement.case.dtype, "order": "C"},
            )
        ],
    )


def _threads(results: Results, plan: Plan) -> Iterable[Target]:
    one = results.select("threads", threads=1, dtype="float32") if plan.threads >= 2 else ()
    yield _at_least(
        "1 thread / 2 threads",
        1.7,
        _ratios(results, one, lambda m: _words(m.case.distribution), below={"threads": 2}),
    )


def _partitions(results: Results) -> Iterable[Target]:
    yield _at_most(
        "partition / rows, by tile",
        1.5,
        (
            (per_tile, f"{partition}, {_words(own.case.distribution)}")
            for partition in PARTITIONS
            for own in results.select("partitions", partition=partition)
            if partition != ROWS and (per_tile := ratio_by_tile(results, own)) is not None
        ),
    )


def ratio_by_tile(results: Results, partition: Measurement) -> Spread | None:
    """Return the cost of a tile that a partition touches, relative to one of contiguous rows."""
    rows = results.counterpart(partition, partition=ROWS)
    if rows is None:
        return None
    tiles = rows.case.tiles / partition.case.tiles
    return Spread(*(value * tiles for value in astuple(ratio(partition, rows))))


def _orthogonal(results: Results, plan: Plan) -> Iterable[Target]:
    own = results.select("orthogonal", method=NEW, threads=plan.threads)
    yield _at_most(
        "orthogonal / torch",
        1.3,
        _ratios(
            results,
            (measurement for measurement in own if measurement.case.shape in ORTHOGONAL_TARGETS),
            lambda m: " x ".join(map(str, m.case.shape)),
            below={"method": "torch"},
        ),
    )


def _short_calls(results: Results) -> Iterable[Target]:
    keras = tuple(method for method in DEEP_LEARNING if method.startswith("Keras"))
    for distribution in DISTRIBUTIONS:
        own = list(results.select("sizes", method=NEW, shape=(64, 64), distribution=distribution))
        for whose, methods in (("peer", DEEP_LEARNING), ("Keras", keras)):
            name = f"fastest {whose} / (64, 64) {_words(distribution)}"
            yield _at_least(name, 10, _against(results, own, methods))


def _in_r(results: Results, plan: Plan) -> Iterable[Target]:
    own = list(results.select("r", method=r_side.OURS, shape=plan.square))
    yield _at_most(
        "R: array / Python's draw for R",
        1.5,
        _ratios(
            results, own, lambda m: _words(m.case.distribution), below={"method": r_side.PYTHON}
        ),
    )
    rnorm = results.select("r", method=r_side.RNORM, shape=plan.square)
    yield _at_least(
        "R: rnorm / array",
        10,
        _ratios(
            results, rnorm, lambda m: _words(m.case.distribution), below={"method": r_side.OURS}
        ),
    )
    yield _at_most(
        "R: pyinit / keras3",
        1,
        _ratios(
            results,
            results.select("keras3", method=r_side.OURS),
            lambda m: m.comparison.partition("/")[2],
            below={"method": r_side.KERAS3},
        ),
    )
    peaks = (peak.ratio for peak in results.peak_memory if peak.method == r_side.OURS)
    yield _at_most(
        "R: peak memory / array",
        1.15,
        ((Spread(peak, peak, peak, peak), "") for peak in peaks),
    )


def _ratios(
    results: Results,
    above: Iterable[Measurement],
    detail: Callable[[Measurement], str],
    below: dict[str, Any],
) -> Iterable[_Found]:
    """Yield the ratios of measurements to their counterparts with the fields `below`."""
    for measurement in above:
        fields = {"method": measurement.case.method, **below}
        other = results.counterpart(measurement, **fields)
        if other is not None:
            yield ratio(measurement, other), detail(measurement)


def _against(
    results: Results,
    own: Iterable[Measurement],
    methods: Iterable[str],
) -> Iterator[_Found]:
    """Yield the ratio of the fastest other method to ours, if there is one.

    Each of them is compared with our measurement from the same process.
    """
    methods = tuple(methods)
    counterparts = [
        (results.counterpart(each, method=method), each) for each in own for method in methods
    ]
    pairs = [(other, each) for other, each in counterparts if other is not None]
    if pairs:
        other, ours = min(pairs, key=lambda pair: pair[0].median)
        yield ratio(other, ours), other.case.method


def _dtype_and_distribution(measurement: Measurement) -> str:
    return f"{measurement.case.dtype}, {_words(measurement.case.distribution)}"


def _words(distribution: str) -> str:
    assert distribution in (*DISTRIBUTIONS, "orthogonal")
    return distribution.replace("_", " ")
