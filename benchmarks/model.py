"""What is measured: cases, comparisons of cases, and measurements."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

DISTRIBUTIONS: tuple[str, ...] = ("uniform", "normal", "truncated_normal")
DTYPES = ("float32", "float16", "bfloat16", "float64")

#: `who` of what writes memory and does nothing else.
MEMORY = "memory (fill)"
#: `who` of this library, giving a new array.
NEW = "pyinit"
#: `who` of this library, filling an array that is there.
INTO = "pyinit, out="


@dataclass(frozen=True)
class Case:
    """One call: who draws what."""

    who: str
    distribution: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    order: str = "C"
    threads: int = 1

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Case:
        """The case of which `fields` are the fields."""
        return cls(**{**fields, "shape": tuple(fields["shape"])})


@dataclass(frozen=True)
class Comparison:
    """Cases that run in turn, in one process."""

    topic: str
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: The number of rounds.
        seconds: How long a comparison may take before it makes do with fewer rounds (at least 3).
        loop: How many seconds a timing takes at least: short calls are repeated.
    """

    rounds: int
    seconds: float
    loop: float


@dataclass(frozen=True)
class Measurement:
    """The seconds that one call of a case took, round by round."""

    comparison: str
    process: str
    topic: str
    case: Case
    seconds: list[float]

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.seconds)

    @property
    def nanoseconds(self) -> Spread:
        """Nanoseconds an element."""
        return spread(second * 1e9 / self.case.size for second in self.seconds)

    def to_json(self) -> dict[str, Any]:
        """The fields, as `results.json` has them."""
        low, high = quartiles(self.seconds)
        return {
            "comparison": self.comparison,
            "process": self.process,
            "topic": self.topic,
            **asdict(self.case),
            "seconds": self.seconds,
            "median": self.median,
            "minimum": min(self.seconds),
            "maximum": max(self.seconds),
            "quartiles": [low, high],
            "nanoseconds_per_element": self.nanoseconds.median,
        }


@dataclass(frozen=True)
class PeakMemory:
    """What a call needed beyond what the process held before."""

    who: str
    distribution: str
    shape: tuple[int, ...]
    dtype: str
    array_bytes: int
    peak_bytes: int

    @property
    def ratio(self) -> float:
        """The peak in units of the array."""
        return self.peak_bytes / self.array_bytes

    def to_json(self) -> dict[str, Any]:
        """The fields, as `results.json` has them."""
        return {**asdict(self), "ratio": self.ratio}


@dataclass(frozen=True)
class LeftOut:
    """What was not measured, and why."""

    who: str
    why: str


@dataclass
class Results:
    """Everything that was measured in one run."""

    measurements: list[Measurement] = field(default_factory=list)
    peak_memory: list[PeakMemory] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def select(self, topic: str, **fields: Any) -> Iterator[Measurement]:
        """The measurements of that topic whose case has these fields."""
        for measurement in self.measurements:
            if measurement.topic == topic and all(
                getattr(measurement.case, name) == value for name, value in fields.items()
            ):
                yield measurement

    def beside(self, measurement: Measurement, **fields: Any) -> Measurement | None:
        """The measurement from the same comparison whose case has these fields."""
        for other in self.select(measurement.topic, **fields):
            if other.comparison == measurement.comparison:
                return other
        return None


@dataclass(frozen=True)
class Spread:
    """A median, the quartiles around it, and the value at the fastest rounds."""

    median: float
    low: float
    high: float
    best: float


def quartiles(values: list[float]) -> tuple[float, float]:
    """The first and the third quartile."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def spread(values: Iterable[float]) -> Spread:
    """How the values of the rounds are spread."""
    values = list(values)
    return Spread(statistics.median(values), *quartiles(values), min(values))


def ratio(above: Measurement, below: Measurement) -> Spread:
    """The ratio of two measurements from one comparison, round by round."""
    ratios = [a / b for a, b in zip(above.seconds, below.seconds, strict=True)]
    return Spread(
        statistics.median(ratios),
        *quartiles(ratios),
        min(above.seconds) / min(below.seconds),
    )
