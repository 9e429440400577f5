"""docs/comparison.md: its numbers are those of docs/performance.md."""

import re

from tests.support import ROOT, needs_checkout, stream_page

pytestmark = needs_checkout

COMPARISON = (ROOT / "docs" / "comparison.md").read_text()
PERFORMANCE = (ROOT / "docs" / "performance.md").read_text()


def test_the_ratios_are_those_of_the_measurements():
    """Protects readers from ratios that nobody measured."""
    _, *rows = stream_page.table_after("## Speed", COMPARISON)
    assert len(rows) > 4
    measured = set(re.findall(r"\| ([\d.]+(?: \([^|]*\))?) \|", PERFORMANCE))
    for what, ratio in rows:
        assert ratio in measured, what


def test_the_ratios_in_the_text():
    """Protects the same, of AVX2 and of orthogonal matrices."""
    text = " ".join(COMPARISON.split())
    found = re.search(
        r"takes ([\d.]+) times torch's time\. .* ratios are ([\d.]+), ([\d.]+) and ([\d.]+), and "
        r"an orthogonal matrix takes ([\d.]+) times",
        text,
    )
    assert found is not None
    for number in found.groups():
        assert re.search(rf"\| {re.escape(number)}(?: \([^|]*\))? \|", PERFORMANCE), number
