"""The tables by which notebooks show objects."""

from html.parser import HTMLParser

import numpy as np
import pytest

import pyinit
from pyinit.html_tables import MAX_ROWS

HOSTILE = "<script>alert(1)</script>\"'&amp;"


TAGS = {"table", "caption", "thead", "tbody", "tr", "th", "td"}


class Cells(HTMLParser):
    """Collects the texts of a table's cells by row, and checks that it is a table alone."""

    def __init__(self, html):
        super().__init__()
        self.open, self.rows, self.caption = [], [], ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        """Check a tag, and start the cell or the row that it opens."""
        assert tag in TAGS
        assert {name for name, _ in attributes} <= {"style", "class", "scope", "colspan"}
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        """Check that the tag closes the innermost element."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Add a text to its cell or to the caption."""
        if self.open[-1] == "caption":
            self.caption += data
        else:
            self.rows[-1][-1] += data


def manifest_of(names):
    """Return a manifest of small tensors."""
    return pyinit.create_manifest(
        [{"name": name, "shape": [2], "initializer": "zeros"} for name in names]
    )


def test_initializers():
    """Protects the table of an initializer: its arguments and the seed in use."""
    table = Cells(pyinit.VarianceScaling(2, seed=1)._repr_html_())
    assert table.caption == "VarianceScaling"
    assert table.rows == [
        ["scale", "2"],
        ["mode", "'fan_in'"],
        ["distribution", "'truncated_normal'"],
        ["seed", "1"],
    ]
    assert Cells(pyinit.Zeros()._repr_html_()).rows == []


def test_lazy_tensors():
    """Protects the table of a lazy tensor, of which nothing is drawn."""
    table = Cells(pyinit.HeNormal(seed=1).lazy((50_000, 4096), "bfloat16")._repr_html_())
    assert dict(table.rows) == {
        "shape": "(50000, 4096)",
        "dtype": "bfloat16",
        "bytes": "409,600,000",
        "values": "truncated_normal, seed=1, draw=0",
    }


def test_seed_generators():
    """Protects the table of a seed generator, with the draw that it takes next."""
    generator = pyinit.SeedGenerator(3, name=HOSTILE)
    generator.next()
    assert Cells(generator._repr_html_()).rows == [
        ["seed", "3"],
        ["name", HOSTILE],
        ["next draw", "1"],
    ]


def test_manifests():
    """Protects the table of a manifest from names in a stranger's file."""
    table = Cells(manifest_of([HOSTILE, "bias"])._repr_html_())
    assert table.caption == "Manifest of 2 tensors, 16 bytes"
    assert table.rows[0] == ["name", "shape", "dtype", "initializer", "fingerprint"]
    assert table.rows[1][:4] == [HOSTILE, "[2]", "float32", "Zeros"]
    assert len(table.rows) == 3


def test_many_rows():
    """Protects notebooks: the table of a large model has a few rows, and says how many follow."""
    table = Cells(manifest_of(map(str, range(MAX_ROWS + 5)))._repr_html_())
    assert len(table.rows) == 1 + MAX_ROWS + 1
    assert table.rows[-1] == ["5 more"]


def test_verification_reports():
    """Protects the table of a report: what differs, and why."""
    manifest = manifest_of([HOSTILE, "bias"])
    same = Cells(pyinit.verify(manifest)._repr_html_())
    assert same.caption == "The same: 2 tensors, 16 bytes"
    assert same.rows == [["result", "tensor", "reason"]]
    different = Cells(pyinit.verify(manifest, {"bias": np.zeros(2, "float32")})._repr_html_())
    assert different.rows[1:] == [["different", HOSTILE, "it is missing"]]


def test_long_and_invisible_texts():
    """Protects readers of a table: a cell is short, and invisible characters are shown."""
    name = "a\u202e\n" + "b" * 300
    cell = dict(Cells(pyinit.SeedGenerator(1, name=name)._repr_html_()).rows)["name"]
    assert cell.startswith("a\\u202e\\nbbb")
    assert cell.endswith("b...")
    assert len(cell) < 250


def test_ipython_shows_the_table():
    """Protects notebooks: IPython finds the method, also of initializers, which are callable."""
    formatters = pytest.importorskip("IPython.core.formatters")
    shown, _ = formatters.DisplayFormatter().format(pyinit.HeNormal(seed=1))
    assert shown["text/plain"] == "HeNormal(seed=1)"
    assert shown["text/html"].startswith("<table")
