"""Rows of the table and their results."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum


class State(Enum):
    """The state of a row after the run."""

    PASSED = "passed"
    FAILED = "FAILED"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a row.

    Args:
        state: Passed, failed or not run.
        text: The finding, or the reason for not running it.
        versions: Versions of the software used.
        digests: Digests of results to compare between rows, by name.
    """

    state: State
    text: str
    versions: tuple[str, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)


class NotRunError(Exception):
    """The row cannot run on this machine; the message gives the reason."""


class FailedError(Exception):
    """The row failed; the message gives the reason."""


@dataclass(frozen=True)
class Row:
    """One check. Rows that differ only in `variant` share a line of the table.

    Args:
        platform: The machine or the language.
        implementation: The implementation that draws.
        variant: The variant, or an empty string if there is only one.
        run: Runs the check; may raise `NotRunError` or `FailedError`.
    """

    platform: str
    implementation: str
    variant: str
    run: Callable[[], Outcome]

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.platform, self.implementation, self.variant)))


@dataclass(frozen=True)
class Result:
    """A row with its outcome."""

    row: Row
    outcome: Outcome
    seconds: float

    def __str__(self) -> str:
        versions = ", ".join(self.outcome.versions)
        lines = [
            f"{self.outcome.state.value:7} {self.seconds:5.1f} s  {self.row}: {self.outcome.text}",
            *([f"({versions})"] if versions else []),
        ]
        return " ".join(lines)


def run(row: Row) -> Result:
    """Run a row; an exception of any kind becomes its outcome."""
    start = time.monotonic()
    try:
        outcome = row.run()
    except NotRunError as error:
        outcome = Outcome(State.NOT_RUN, str(error))
    except FailedError as error:
        outcome = Outcome(State.FAILED, str(error))
    except Exception as error:
        outcome = Outcome(State.FAILED, f"{type(error).__name__}: {error}")
    return Result(row, outcome, time.monotonic() - start)


def passed(
    checked: int, differences: list[str], versions: tuple[str, ...], **digests: str
) -> Outcome:
    """Return the outcome of a check against the golden vectors.

    Raises:
        FailedError: Vectors differ.
    """
    if differences:
        raise FailedError(
            f"{len(differences)} of {checked} vectors differ; first: {differences[0]}"
        )
    return Outcome(State.PASSED, f"{checked} vectors", versions, digests)
