"""The table in docs/platforms.md."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from conformance.processes import ROOT
from conformance.rows import Result, State

PAGE = ROOT / "docs" / "platforms.md"
START, END = "<!-- table: start -->", "<!-- table: end -->"
HEADER = ("platform", "implementation", "result", "versions")
#: The first columns identify a row; the others are its outcome.
_ROW_COLUMNS = 2


def lines(results: list[Result]) -> list[tuple[str, ...]]:
    """Return the lines of the table: one for all rows that differ only in their variant."""
    grouped = groupby(results, lambda result: (result.row.platform, result.row.implementation))
    return [_line(list(group)) for _, group in grouped]


def _line(group: list[Result]) -> tuple[str, ...]:
    row = group[0].row
    variants = ", ".join(result.row.variant for result in group if result.row.variant)
    versions = dict.fromkeys(version for result in group for version in result.outcome.versions)
    return (
        row.platform,
        f"{row.implementation}: {variants}" if variants else row.implementation,
        _outcome(group),
        ", ".join(versions),
    )


def _outcome(group: list[Result]) -> str:
    alike: dict[tuple[State, str], list[str]] = {}
    for result in group:
        key = (result.outcome.state, result.outcome.text)
        alike.setdefault(key, []).append(result.row.variant)
    texts = []
    for (state, text), variants in alike.items():
        if _is_count(text) and len(variants) > 1:
            text = f"{len(variants)} times {text}"
        if state is not State.PASSED:
            text = f"{_name(state)}: {text}"
        texts.append(text if len(alike) == 1 else f"{', '.join(variants)}: {text}")
    return "; ".join(texts)


def _is_count(text: str) -> bool:
    return text[:1].isdigit()


def _name(state: State) -> str:
    return f"**{state.value}**" if state is State.FAILED else state.value


def markdown(results: list[Result]) -> str:
    """Return the table in Markdown."""
    content = [HEADER, ("---",) * len(HEADER), *lines(results)]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |\n" for row in content)


def write(results: list[Result], page: Path = PAGE) -> None:
    """Write the table into the page, between the two comments."""
    replace(page, markdown(results))


def replace(page: Path, content: str) -> None:
    """Replace the table of a page, which is between two comments."""
    before, _, after = _split(page)
    page.write_text(f"{before}{START}\n{content}{END}{after}", encoding="utf-8")


def differences(results: list[Result], page: Path = PAGE) -> list[str]:
    """List the rows missing from the page and the extra ones, regardless of their outcomes."""
    _, table, _ = _split(page)
    cells = [tuple(map(str.strip, line.strip("|").split("|"))) for line in table.splitlines()]
    on_page = [", ".join(row[:_ROW_COLUMNS]) for row in cells[2:]]
    run = [", ".join(row[:_ROW_COLUMNS]) for row in lines(results)]
    return [
        *(f"missing row: {row}" for row in run if row not in on_page),
        *(f"extra row: {row}" for row in on_page if row not in run),
    ]


def _split(page: Path) -> tuple[str, str, str]:
    before, start, rest = page.read_text(encoding="utf-8").partition(START)
    table, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"{page} lacks the lines {START} and {END}")
    return before, table.strip("\n"), after
