"""The reference of the R package, from its help pages: the domain `r` and its directives.

Directives:
    r-index: The groups of rpkg/_pkgdown.yml, and links to their pages.
    r-page: One help page. The pages of reference/r are generated, one for each help page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rd
import yaml
from docutils import nodes
from parts import Cell, code_link, hidden_toctree, separated, table, write_pages
from sphinx.application import Sphinx
from sphinx.domains import Domain, ObjType
from sphinx.roles import XRefRole
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode
from twins import python_twins

RPKG = Path(__file__).parents[2] / "rpkg"
FOLDER = "reference/r"
_SECTIONS = {
    "\\usage": "Usage",
    "\\arguments": "Arguments",
    "\\value": "Value",
    "\\details": "Details",
    "\\section": "",
    "\\note": "Note",
    "\\examples": "Examples",
    "\\references": "References",
    "\\seealso": "See also",
}
#: roxygen2's page for the whole package; its content is on the first page of the reference.
_PACKAGE_PAGE = "pyinit-package"


def groups(pages: dict[str, list[rd.Element]]) -> list[tuple[str, list[str]]]:
    """Return the title and the pages of each group of rpkg/_pkgdown.yml."""
    concepts = {name: rd.values(page, "\\concept") for name, page in pages.items()}

    def chosen(selector: str) -> list[str]:
        concept = re.fullmatch(r'has_concept\("(.*)"\)', selector)
        if concept is None:
            return [selector]
        return [name for name in pages if concept[1] in concepts[name]]

    found = []
    for group in yaml.safe_load((RPKG / "_pkgdown.yml").read_text())["reference"]:
        names = [name for selector in group["contents"] for name in chosen(selector)]
        found.append((group["title"], list(dict.fromkeys(names))))
    return found


class Page(SphinxDirective):
    """The directive `r-page`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Convert the help page."""
        name = self.arguments[0]
        page = self.env.app.r_pages[name]
        self.env.note_dependency(str(RPKG / "man" / f"{name}.Rd"))
        title = name if name in rd.values(page, "\\alias") else rd.values(page, "\\title")[0]
        top = self._section(title)
        if title == name:
            top += nodes.paragraph("", "", *self._title(page), classes=["lead"])
        twins = python_twins(rd.values(page, "\\alias"))
        top += [twins] if twins else []
        top += [
            node for e in page if e["tag"] == "\\description" for node in rd.blocks(e["elements"])
        ]
        for element in page:
            if element["tag"] in _SECTIONS:
                top += self._part(element)
        self.env.get_domain("r").note_page(self.env.docname, page)
        return [top]

    def _title(self, page: list[rd.Element]) -> Iterator[nodes.Node]:
        for element in page:
            if element["tag"] == "\\title":
                yield from rd.inline(element["elements"])

    def _section(self, title: str) -> nodes.section:
        section = nodes.section("", nodes.title(title, title), ids=[nodes.make_id(title)])
        section["names"] = [nodes.fully_normalize_name(title)]
        self.state.document.note_implicit_target(section, section)
        return section

    def _part(self, element: rd.Element) -> nodes.section:
        tag, inner = element["tag"], element["elements"]
        if tag == "\\section":
            title, inner = rd.text_of(inner[0]["elements"]), inner[1]["elements"]
        else:
            title = _SECTIONS[tag]
        section = self._section(title)
        if tag in ("\\usage", "\\examples"):
            section += rd.code(rd.text_of(inner))
        elif tag == "\\arguments":
            section += rd.definitions(inner)
        else:
            section += list(rd.blocks(inner))
        return section


class Index(SphinxDirective):
    """The directive `r-index`."""

    def run(self) -> list[nodes.Node]:
        """List the groups."""
        pages = self.env.app.r_pages
        found: list[nodes.Node] = []
        entries = []
        for title, names in groups(pages):
            section = nodes.section("", nodes.title(title, title), ids=[nodes.make_id(title)])
            header = [[nodes.Text("Topic")], [nodes.Text("Description")]]
            section += table(header, [self._row(name, pages[name]) for name in names])
            found.append(section)
            entries += [f"{FOLDER}/{name}" for name in names]
        return [*found, hidden_toctree(self.env.docname, entries)]

    def _row(self, name: str, page: list[rd.Element]) -> list[Cell]:
        # methods such as print.pyinit_initializer have no links of their own
        aliases = [alias for alias in rd.values(page, "\\alias") if "." not in alias]
        topics = list(dict.fromkeys([name, *aliases]))
        links = [code_link("r", "topic", topic, topic, refwarn=True) for topic in topics]
        return [separated(links), [nodes.Text(rd.values(page, "\\title")[0])]]


class RDomain(Domain):
    """The topics of R's help."""

    name = "r"
    label = "R"
    object_types = {"topic": ObjType("R topic", "topic")}  # noqa: RUF012
    roles = {"topic": XRefRole()}  # noqa: RUF012
    initial_data = {"topics": {}}  # noqa: RUF012

    def note_page(self, docname: str, page: list[rd.Element]) -> None:
        """Record the topics of a page."""
        for alias in [*rd.values(page, "\\name"), *rd.values(page, "\\alias")]:
            self.data["topics"][alias] = docname

    def clear_doc(self, docname: str) -> None:
        """Forget the topics of a page."""
        topics = self.data["topics"]
        self.data["topics"] = {name: page for name, page in topics.items() if page != docname}

    def merge_domaindata(self, docnames: set[str], otherdata: dict[str, Any]) -> None:
        """Take over the topics that another process has read."""
        for name, page in otherdata["topics"].items():
            if page in docnames:
                self.data["topics"][name] = page

    def resolve_xref(self, env, fromdocname, builder, typ, target, node, contnode):  # noqa: D102
        page = self.data["topics"].get(target)
        if page is None:
            return None
        return make_refnode(builder, fromdocname, page, "", contnode, target)

    def resolve_any_xref(self, env, fromdocname, builder, target, node, contnode):  # noqa: D102
        return []

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Yield what the search finds by name."""
        for name, page in sorted(self.data["topics"].items()):
            if re.fullmatch(r"[a-z]\w*", name):
                yield name, name, "topic", page, "", 1


def _write_pages(app: Sphinx) -> None:
    app.r_pages = rd.read(RPKG / "man")
    app.r_aliases = {alias for page in app.r_pages.values() for alias in rd.values(page, "\\alias")}
    texts = {name: f".. r-page:: {name}\n" for name in app.r_pages if name != _PACKAGE_PAGE}
    write_pages(Path(app.srcdir, FOLDER), texts)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the domain and the directives."""
    app.add_domain(RDomain)
    app.add_directive("r-page", Page)
    app.add_directive("r-index", Index)
    app.connect("builder-inited", _write_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
