"""Parts of pages that the references of both languages have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

#: The content of a cell of a table.
Cell = Sequence[nodes.Node]


def link(domain: str, role: str, target: str, content: nodes.Node, **options: bool) -> nodes.Node:
    """Return a link to an object of a domain; with `refwarn=True`, the object must exist."""
    return addnodes.pending_xref(
        "",
        content,
        refdomain=domain,
        reftype=role,
        reftarget=target,
        **{"refwarn": False, **options},
    )


def code_link(domain: str, role: str, target: str, shown: str, **options: bool) -> nodes.Node:
    """Return a link whose text is code."""
    return link(domain, role, target, nodes.literal(shown, shown), **options)


def separated(links: Sequence[nodes.Node]) -> list[nodes.Node]:
    """Return links with commas between them."""
    return [node for one in links for node in (nodes.Text(", "), one)][1:]


def table(header: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> nodes.table:
    """Return a table."""

    def row_of(cells: Sequence[Cell]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *c)) for c in cells))

    group = nodes.tgroup(cols=len(header))
    group += [nodes.colspec(colwidth=1) for _ in header]
    group += nodes.thead("", row_of(header))
    group += nodes.tbody("", *map(row_of, rows))
    return nodes.table("", group)


def hidden_toctree(page: str, entries: Sequence[str]) -> nodes.compound:
    """Return a toctree of a page that only the navigation shows."""
    toctree = addnodes.toctree(
        parent=page,
        entries=[(None, entry) for entry in entries],
        includefiles=list(entries),
        hidden=True,
        maxdepth=-1,
        caption=None,
        glob=False,
        numbered=0,
        titlesonly=True,
    )
    return nodes.compound("", toctree, classes=["toctree-wrapper"])


def write_pages(folder: Path, texts: Mapping[str, str]) -> None:
    """Write the generated pages of a folder where they changed, and remove the others."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.rst"):
        if file.stem not in texts:
            file.unlink()
    for name, text in texts.items():
        file = folder / f"{name}.rst"
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
