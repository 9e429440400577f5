"""The table in docs/platforms.md."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from conformance.processes import ROOT
from conformance.rows import Result, State

PAGE = ROOT / "docs" / "platforms.md"
START, END = "<!-- table: start -->", "<!-- table: end -->"
HEADER = ("on", "what is run", "result", "with")
_WHAT = 2


def lines(results: list[Result]) -> list[tuple[str, ...]]:
    """The lines of the table: one for the rows that differ in their variants alone."""
    grouped = groupby(results, lambda result: (result.row.platform, result.row.what))
    return [_line(list(group)) for _, group in grouped]


def _line(group: list[Result]) -> tuple[str, ...]:
    row = group[0].row
    variants = ", ".join(result.row.variant for result in group if result.row.variant)
    versions = dict.fromkeys(version for result in group for version in result.outcome.versions)
    return (
        row.platform,
        f"{row.what}: {variants}" if variants else row.what,
        _outcome(group),
        ", ".join(versions),
    )


def _outcome(group: list[Result]) -> str:
    alike: dict[tuple[State, str], list[str]] = {}
    for result in group:
        key = (result.outcome.state, result.outcome.text)
        alike.setdefault(key, []).append(result.row.variant)
    parts = []
    for (state, text), variants in alike.items():
        part = f"{len(variants)} times {text}" if _is_count(text) and len(variants) > 1 else text
        part = part if state is State.PASSED else f"{_name(state)}: {part}"
        parts.append(part if len(alike) == 1 else f"{', '.join(variants)}: {part}")
    return "; ".join(parts)


def _is_count(text: str) -> bool:
    return text[:1].isdigit()


def _name(state: State) -> str:
    return f"**{state.value}**" if state is State.FAILED else state.value


def markdown(results: list[Result]) -> str:
    """The table."""
    content = [HEADER, ("---",) * len(HEADER), *lines(results)]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |\n" for row in content)


def write(results: list[Result], page: Path = PAGE) -> None:
    """Writes the table into the page, between the two comments."""
    before, _, after = _split(page)
    page.write_text(f"{before}{START}\n{markdown(results)}{END}{after}", encoding="utf-8")


def differences(results: list[Result], page: Path = PAGE) -> list[str]:
    """Which rows the page lacks, and which it has that were not run; whatever came out."""
    _, table, _ = _split(page)
    cells = [tuple(map(str.strip, line.strip("|").split("|"))) for line in table.splitlines()]
    there = [", ".join(row[:_WHAT]) for row in cells[2:]]
    run = [", ".join(row[:_WHAT]) for row in lines(results)]
    return [
        *(f"it lacks the row: {row}" for row in run if row not in there),
        *(f"it has a row that was not run: {row}" for row in there if row not in run),
    ]


def _split(page: Path) -> tuple[str, str, str]:
    before, start, rest = page.read_text(encoding="utf-8").partition(START)
    table, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"{page} has no lines {START} and {END}")
    return before, table.strip("\n"), after
