"""Links to the project's files, such as CONTRIBUTING.md, lead to the pages that include them."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

_INCLUDE = re.compile(r"```\{include\} \.\./\.\./(\S+)\n")


def _read_includes(app: Sphinx) -> None:
    pages = Path(app.srcdir, "about").glob("*.md")
    includes = ((page, _INCLUDE.match(page.read_text())) for page in pages)
    app.project_pages = {include[1]: page.name for page, include in includes if include}


def _point_links_to_pages(app: Sphinx, docname: str, source: list[str]) -> None:
    def page(link: re.Match[str]) -> str:
        name = app.project_pages.get(link[1])
        return f"](/about/{name}{link[2]})" if name else link[0]

    source[0] = re.sub(r"\]\((?:\.\./)+([\w/.-]+\.md)(#[\w-]+)?\)", page, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", _read_includes)
    app.connect("source-read", _point_links_to_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
