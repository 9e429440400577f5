"""Writes the counts of a run into the page on robustness."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.robustness.runner import RESULTS, Outcome

PAGE = Path(__file__).parents[2] / "docs" / "robustness.md"


def table_of(columns: dict[str, Sequence[Outcome]]) -> str:
    """Return the number of calls by result as a table of Markdown, with a column for each run."""
    counts = {name: Counter(one.result for one in outcomes) for name, outcomes in columns.items()}
    lines = [
        f"| result | {' | '.join(columns)} |",
        f"|---|{'---:|' * len(columns)}",
    ]
    for result in RESULTS:
        numbers = [f"{counts[name][result]:,}" for name in columns]
        lines.append(f"| {result} | {' | '.join(numbers)} |")
    totals = [f"{len(outcomes):,}" for outcomes in columns.values()]
    lines.append(f"| all calls | {' | '.join(totals)} |")
    return "\n".join(lines)


def write(section: str, text: str, page: Path = PAGE) -> None:
    """Replace the text between the two comments of a section of the page.

    Raises:
        ValueError: The page has no such comments.
    """
    start, end = f"<!-- {section}: written by the run -->", f"<!-- end of {section} -->"
    content = page.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(start)}\n.*?{re.escape(end)}", re.DOTALL)
    written, count = pattern.subn(lambda _: f"{start}\n{text}\n{end}", content)
    if count != 1:
        raise ValueError(f"{page} must have one section between {start} and {end}")
    page.write_text(written, encoding="utf-8")
