"""Differences between the Markdown files in the repository and the pages of the site."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

_INCLUDE = re.compile(r"```\{include\} \.\./\.\./(\S+)\n")


def _read_includes(app: Sphinx) -> None:
    pages = Path(app.srcdir, "about").glob("*.md")
    includes = ((page, _INCLUDE.match(page.read_text())) for page in pages)
    app.project_pages = {include[1]: page.name for page, include in includes if include}


def _point_links_to_pages(app: Sphinx, docname: str, source: list[str]) -> None:
    """Point links to files such as CONTRIBUTING.md to the pages that include them.

    Other Markdown files outside the source of the site become downloads.
    """

    def page(link: re.Match[str]) -> str:
        file = Path(app.srcdir, docname).parent / link[1]
        path = os.path.relpath(file, Path(app.srcdir).parent)
        if name := app.project_pages.get(path):
            return f"](/about/{name}{link[2] or ''})"
        return link[0] if path.startswith("docs/") else f"](path:{link[1]})"

    source[0] = re.sub(r"\]\((\.\./[\w/.-]+\.md)(#[\w-]+)?\)", page, source[0])


def _trim_code(app: Sphinx, document: nodes.document) -> None:
    """Drop the empty line that ends the expected output of a doctest."""
    for block in document.findall(nodes.literal_block):
        block.children = [nodes.Text(block.astext().rstrip("\n"))]
        block.rawsource = block.astext()


def _empty_headers(
    app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None
) -> None:
    """Drop headers without text, and make such a cell, the corner of a table, an ordinary one."""
    if "body" in context:
        body = context["body"].replace('<th class="head"><p></p></th>', "<td></td>")
        context["body"] = re.sub(r"<thead>\s*<tr[^>]*>(\s*<td></td>)+\s*</tr>\s*</thead>", "", body)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", _read_includes)
    app.connect("source-read", _point_links_to_pages)
    app.connect("doctree-read", _trim_code)
    app.connect("html-page-context", _empty_headers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
