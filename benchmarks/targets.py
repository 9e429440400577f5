"""What this library is meant to reach at 4096 x 4096 on two cores, and whether it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import r_side
from benchmarks.model import (
    DISTRIBUTIONS,
    INTO,
    MEMORY,
    NEW,
    Measurement,
    Results,
    Spread,
    ratio,
)
from benchmarks.peers import DEEP_LEARNING
from benchmarks.plan import ORTHOGONAL_TARGETS, Plan


@dataclass(frozen=True)
class Target:
    """One target with what was measured.

    Attributes:
        name: What is measured.
        limit: The target.
        at_least: Whether it is a lower limit.
        measured: The ratio, if there was one to measure.
        detail: Against whom, or in which of several cases.
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
        """The fields, as `results.json` has them."""
        fields = asdict(self)
        spread = self.measured
        return {
            **fields,
            "measured": spread.median if spread else None,
            "quartiles": [spread.low, spread.high] if spread else None,
            "best": spread.best if spread else None,
            "met": self.met,
        }


#: A ratio, and against whom or in which case.
_Found = tuple[Spread, str]


def _at_most(name: str, limit: float, found: Iterable[_Found]) -> Target:
    """A target for the worst, the largest, of the ratios."""
    measured, detail = max(found, key=_median, default=(None, "not measured"))
    return Target(name, limit, False, measured, detail)


def _at_least(name: str, limit: float, found: Iterable[_Found]) -> Target:
    """A target for the worst, the smallest, of the ratios."""
    measured, detail = min(found, key=_median, default=(None, "not measured"))
    return Target(name, limit, True, measured, detail)


def _median(found: _Found) -> float:
    return found[0].median


def targets(results: Results, plan: Plan) -> list[Target]:
    """All targets, with what was measured of them."""
    return [
        *_speed(results, plan),
        *_precision(results, plan),
        *_threads(results, plan),
        *_orthogonal(results, plan),
        *_short_calls(results),
        *_in_r(results, plan),
    ]


def _speed(results: Results, plan: Plan) -> Iterable[Target]:
    limits = {"uniform": (3.5, 6), "truncated_normal": (5, 15), "normal": (7, 3)}
    for distribution, (against_fill, against_peer) in limits.items():
        name = _words(distribution)
        fields = {"distribution": distribution, "dtype": "float32", "threads": plan.threads}
        own = results.select("dtypes", who=INTO, order="C", **fields)
        yield _at_most(
            f"{name} / fill",
            against_fill,
            _ratios(results, own, lambda _: "", below={"who": MEMORY, "dtype": "float32"}),
        )
        own = results.select("peers", who=INTO, **fields)
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
        own = [m for dtype in dtypes for m in results.select("dtypes", who=INTO, dtype=dtype)]
        own = [measurement for measurement in own if measurement.case.order == "C"]
        yield _at_most(
            name,
            limit,
            _ratios(
                results, own, _dtype_and_distribution, below={"dtype": "float32", "order": "C"}
            ),
        )
    own = list(results.select("dtypes", who=INTO, order="F"))
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


def _orthogonal(results: Results, plan: Plan) -> Iterable[Target]:
    own = results.select("orthogonal", who=NEW, threads=plan.threads)
    yield _at_most(
        "orthogonal / torch",
        1.3,
        _ratios(
            results,
            (measurement for measurement in own if measurement.case.shape in ORTHOGONAL_TARGETS),
            lambda m: " x ".join(map(str, m.case.shape)),
            below={"who": "torch"},
        ),
    )


def _short_calls(results: Results) -> Iterable[Target]:
    keras = tuple(who for who in DEEP_LEARNING if who.startswith("Keras"))
    for distribution in DISTRIBUTIONS:
        own = list(results.select("sizes", who=NEW, shape=(64, 64), distribution=distribution))
        for whose, whos in (("peer", DEEP_LEARNING), ("Keras", keras)):
            name = f"fastest {whose} / (64, 64) {_words(distribution)}"
            yield _at_least(name, 10, _against(results, own, whos))


def _in_r(results: Results, plan: Plan) -> Iterable[Target]:
    own = list(results.select("r", who=r_side.OURS, shape=plan.square))
    yield _at_most(
        "R: array / Python's draw for R",
        1.5,
        _ratios(results, own, lambda m: _words(m.case.distribution), below={"who": r_side.PYTHON}),
    )
    rnorm = results.select("r", who=r_side.RNORM, shape=plan.square)
    yield _at_least(
        "R: rnorm / array",
        10,
        _ratios(results, rnorm, lambda m: _words(m.case.distribution), below={"who": r_side.OURS}),
    )
    peaks = (peak.ratio for peak in results.peak_memory if peak.who == r_side.OURS)
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
    """The ratios to the measurements beside these ones, of the fields `below`."""
    for measurement in above:
        fields = {"who": measurement.case.who, **below}
        other = results.beside(measurement, **fields)
        if other is not None:
            yield ratio(measurement, other), detail(measurement)


def _against(
    results: Results,
    own: Iterable[Measurement],
    whos: Iterable[str],
) -> Iterator[_Found]:
    """How many times our time the fastest of the others took, if there is one.

    Each of them ran beside ours in a process of its own.
    """
    whos = tuple(whos)
    beside = [(results.beside(each, who=who), each) for each in own for who in whos]
    pairs = [(other, each) for other, each in beside if other is not None]
    if pairs:
        other, ours = min(pairs, key=lambda pair: pair[0].median)
        yield ratio(other, ours), other.case.who


def _dtype_and_distribution(measurement: Measurement) -> str:
    return f"{measurement.case.dtype}, {_words(measurement.case.distribution)}"


def _words(distribution: str) -> str:
    assert distribution in (*DISTRIBUTIONS, "orthogonal")
    return distribution.replace("_", " ")
