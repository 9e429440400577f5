"""The rows of the table: what is run, and how it went."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum


class State(Enum):
    """How a row went."""

    PASSED = "passed"
    FAILED = "FAILED"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Outcome:
    """What a row came to.

    Args:
        state: How it went.
        text: What was found, or why it was not run.
        versions: Of what it was run with.
        digests: Of results that rows are compared by, by name.
    """

    state: State
    text: str
    versions: tuple[str, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)


class NotRunError(Exception):
    """A row cannot be run here; the message says why."""


class FailedError(Exception):
    """A row failed; the message says how."""


@dataclass(frozen=True)
class Row:
    """What is run. Rows that differ in `variant` alone are one line of the table.

    Args:
        platform: The machine or the language.
        what: What draws.
        variant: Which of several, if there are several.
        run: Runs it, and may raise `NotRunError` or `FailedError`.
    """

    platform: str
    what: str
    variant: str
    run: Callable[[], Outcome]

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.platform, self.what, self.variant)))


@dataclass(frozen=True)
class Result:
    """A row that was run."""

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
    """Runs a row; whatever goes wrong is its outcome."""
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
    """The outcome of a check against the golden vectors.

    Raises:
        FailedError: Some of them differ.
    """
    if differences:
        raise FailedError(
            f"{len(differences)} of {checked} vectors differ, the first: {differences[0]}"
        )
    return Outcome(State.PASSED, f"{checked} vectors", versions, digests)
