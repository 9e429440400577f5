"""CITATION.cff cites this version."""

import pyinit
from tests.support import ROOT, needs_checkout


@needs_checkout
def test_the_version():
    """Protects those who cite from the number of another version."""
    lines = (ROOT / "CITATION.cff").read_text().splitlines()
    assert f"version: {pyinit.__version__}" in lines
    assert lines[0] == "cff-version: 1.2.0"
    required = ("message:", "title:", "authors:")
    assert all(any(line.startswith(key) for line in lines) for key in required)
