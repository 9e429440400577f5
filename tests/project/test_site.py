"""The site: its pages, its reference and its check of links."""

import re
from collections import Counter

import pytest

import pyinit
from tests.site import links
from tests.support import ROOT, needs_checkout

DOCS = ROOT / "docs"
#: Names of the public modules for the frameworks, which need not be installed.
MODULES = ("dask", "jax", "keras", "rpy2", "torch")

pytestmark = needs_checkout


def entries_of(page):
    """Return the pages in the toctrees of a page, without their suffix."""
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(), re.M | re.S)
    lines = [line for tree in trees for line in tree.splitlines() if not line.startswith(":")]
    # an entry with a title: "Title <page>"
    entries = [re.sub(r".*<(.*)>", r"\1", line) for line in lines if line]
    return [(page.parent / entry).relative_to(DOCS).as_posix() for entry in entries]


def test_every_page_is_in_the_navigation():
    """Protects readers: a page that no toctree lists is found by nobody."""
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")}
    listed = Counter(entry for page in DOCS.rglob("*.md") for entry in entries_of(page))
    assert set(listed.values()) == {1}
    assert set(listed) == pages - {"index"}


def test_the_reference_has_every_name_of_python():
    """Protects the search and the reference: a new public name has a page, and only one."""
    text = (DOCS / "reference" / "python.md").read_text()
    blocks = re.findall(r"^```\{python-pages\}\n(.*?)^```", text, re.M | re.S)
    documented = Counter(name for block in blocks for name in block.split())
    public = set(pyinit.__all__)
    for module in MODULES:
        source = (ROOT / "pyinit" / f"{module}.py").read_text()
        names = re.findall(r'"(\w+)"', re.search(r"^__all__ = \[(.*?)\]", source, re.M | re.S)[1])
        public |= {f"{module}.{name}" for name in names}
    assert set(documented) == public
    assert set(documented.values()) == {1}


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="other.html#part">', None),
        ('<a href="https://example.org/">', None),
        ('<a href="#top"><p id="top">', None),
        ('<a href="missing.html">', "index.html: no such file: missing.html"),
        ('<a href="other.html#gone">', "index.html: no such anchor: other.html#gone"),
        ('<img src="missing.svg">', "index.html: no such file: missing.svg"),
        (
            '<script src="https://example.org/x.js"></script>',
            "index.html: loads https://example.org/x.js",
        ),
        ('<link href="//example.org/x.css">', "index.html: loads //example.org/x.css"),
    ],
)
def test_the_check_of_links(tmp_path, html, problem):
    """Protects the site: a link that leads nowhere, or a file from elsewhere, is found."""
    (tmp_path / "index.html").write_text(html)
    (tmp_path / "other.html").write_text('<h2 id="part">')
    assert list(links.problems(tmp_path)) == ([problem] if problem else [])
