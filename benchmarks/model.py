"""Cases, comparisons of cases, and measurements."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

DISTRIBUTIONS: tuple[str, ...] = ("uniform", "normal", "truncated_normal")
DTYPES = ("float32", "float16", "bfloat16", "float64")

#: Memory-bandwidth baseline.
MEMORY = "memory (fill)"
#: This library, returning a new array.
NEW = "pyinit"
#: This library, filling an existing array.
INTO = "pyinit, out="
#: This library, reading a partition of a lazy tensor.
PARTITION = "pyinit, partition"

#: The partitions of a matrix that are read, with the contiguous rows that they are compared with.
ROWS = "64 rows"
PARTITIONS = {
    ROWS: (slice(0, 64), slice(None)),
    "4 rows": (slice(5, 9), slice(None)),
    "1 column": (slice(None), slice(5, 6)),
    "8 columns": (slice(None), slice(8, 16)),
    "32 columns": (slice(None), slice(16, 48)),
    "every 2nd column": (slice(0, 64), slice(None, None, 2)),
    "every 8th column": (slice(None), slice(None, None, 8)),
}
#: The number of elements that the stream computes together.
TILE = 64


@dataclass(frozen=True)
class Case:
    """One call: a method of drawing, and the tensor that it draws, or a partition of it."""

    method: str
    distribution: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    order: str = "C"
    threads: int = 1
    partition: str = ""

    @property
    def size(self) -> int:
        """The number of elements that are drawn."""
        if not self.partition:
            return math.prod(self.shape)
        return math.prod(len(each) for each in self._ranges())

    @property
    def tiles(self) -> int:
        """The number of tiles that a partition of a matrix touches, if rows are whole tiles."""
        rows, columns = self._ranges()
        return len(rows) * len({column // TILE for column in columns})

    def _ranges(self) -> list[range]:
        slices = PARTITIONS[self.partition]
        return [range(*of.indices(n)) for of, n in zip(slices, self.shape, strict=True)]

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Case:
        """Return the case with these fields."""
        return cls(**{**fields, "shape": tuple(fields["shape"])})


@dataclass(frozen=True)
class Comparison:
    """Cases that run in turn in one process."""

    topic: str
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: The number of rounds.
        seconds: The time limit of a comparison; a slower one has fewer rounds (at least 3).
        loop: The minimum duration of a timing in seconds; shorter calls are repeated.
    """

    rounds: int
    seconds: float
    loop: float


@dataclass(frozen=True)
class Measurement:
    """The seconds of one call of a case, for each round."""

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
        """Nanoseconds per element."""
        return spread(second * 1e9 / self.case.size for second in self.seconds)

    def to_json(self) -> dict[str, Any]:
        """Return the fields of `results.json`."""
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
    """The peak memory of a call, in addition to the memory of the process before it."""

    method: str
    distribution: str
    shape: tuple[int, ...]
    dtype: str
    array_bytes: int
    peak_bytes: int

    @property
    def ratio(self) -> float:
        """The peak as a multiple of the array's size."""
        return self.peak_bytes / self.array_bytes

    def to_json(self) -> dict[str, Any]:
        """Return the fields of `results.json`."""
        return {**asdict(self), "ratio": self.ratio}


@dataclass(frozen=True)
class Skipped:
    """A case that was not measured, with the reason."""

    what: str
    reason: str


@dataclass
class Results:
    """All measurements of a run."""

    measurements: list[Measurement] = field(default_factory=list)
    peak_memory: list[PeakMemory] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def select(self, topic: str, **fields: Any) -> Iterator[Measurement]:
        """Yield the measurements of a topic whose case has these fields."""
        for measurement in self.measurements:
            if measurement.topic == topic and all(
                getattr(measurement.case, name) == value for name, value in fields.items()
            ):
                yield measurement

    def counterpart(self, measurement: Measurement, **fields: Any) -> Measurement | None:
        """Return the measurement from the same comparison whose case has these fields."""
        for other in self.select(measurement.topic, **fields):
            if other.comparison == measurement.comparison:
                return other
        return None


@dataclass(frozen=True)
class Spread:
    """A median, its quartiles, and the value of the fastest rounds."""

    median: float
    low: float
    high: float
    best: float


def quartiles(values: list[float]) -> tuple[float, float]:
    """Return the first and the third quartile."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def spread(values: Iterable[float]) -> Spread:
    """Return the spread of the values of the rounds."""
    values = list(values)
    return Spread(statistics.median(values), *quartiles(values), min(values))


def ratio(above: Measurement, below: Measurement) -> Spread:
    """Return the ratio of two measurements from one comparison, taken round by round."""
    ratios = [a / b for a, b in zip(above.seconds, below.seconds, strict=True)]
    return Spread(
        statistics.median(ratios),
        *quartiles(ratios),
        min(above.seconds) / min(below.seconds),
    )
