"""The table of targets in docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.targets import Target

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
START, END = "<!-- targets: start -->\n", "<!-- targets: end -->\n"
_HEADER = ("ratio", "target", "measured", "quartiles", "result")


def write(machine: dict[str, Any], found: Sequence[Target], page: Path = PAGE) -> None:
    """Write the targets and their measurements into the page, between the two comments.

    Raises:
        ValueError: The page lacks the comments.
    """
    before, start, rest = page.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"{page} lacks the lines {START.strip()} and {END.strip()}")
    page.write_text(f"{before}{START}{markdown(machine, found)}{END}{after}", encoding="utf-8")


def markdown(machine: dict[str, Any], found: Sequence[Target]) -> str:
    """Return a line on the machine, and the table."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    heading = f"Measured on: {machine['processor']}, {machine['cpus']} CPUs, load "
    heading += f"{machine['load']:.1f}, with {versions}.\n\n"
    rows = [_HEADER, ("---",) * len(_HEADER), *map(_row, found)]
    return heading + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(target: Target) -> tuple[str, ...]:
    limit = f"{'at least' if target.at_least else 'at most'} {target.limit:g}"
    spread = target.measured
    if spread is None:
        return target.name, limit, "", "", target.detail
    detail = f" ({target.detail})" if target.detail else ""
    return (
        target.name,
        limit,
        f"{spread.median:.3g}{detail}",
        f"{spread.low:.3g} to {spread.high:.3g}",
        "met" if target.met else "**not met**",
    )
