"""The reference of the Python package, from its docstrings.

Each line of the directive `python-pages` is a page, which is generated in reference/python, and the
names that it documents, without `pyinit.`. The page has the first name.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst.states import Inliner
from parts import code_link, hidden_toctree, link, separated, table, write_pages
from sphinx.application import Sphinx
from sphinx.ext.autodoc.mock import mock
from sphinx.util.docutils import SphinxDirective
from twins import r_twins

FOLDER = "reference/python"
INDEX = "reference/python.md"
#: Classes whose methods are documented, and their special methods.
_WITH_MEMBERS = {
    "Initializer": "__call__",
    "LazyTensor": "__getitem__, __array__, __len__",
    "Manifest": "",
    "SeedGenerator": "",
    "Verification": "__bool__",
}
_DIRECTIVE = re.compile(r"^```\{python-pages\}\n(.*?)^```", re.MULTILINE | re.DOTALL)


def pages(app: Sphinx) -> list[list[str]]:
    """Return the names on each page of the reference."""
    text = Path(app.srcdir, INDEX).read_text()
    return [line.split() for block in _DIRECTIVE.findall(text) for line in block.splitlines()]


def find(name: str, missing: list[str]) -> Any:
    """Return the object with a public name; the frameworks need not be installed."""
    module, _, attribute = f"pyinit.{name}".rpartition(".")
    with mock(missing):
        return getattr(import_module(module), attribute)


def _rst(names: list[str], missing: list[str]) -> Iterator[str]:
    title = names[0]
    yield f"{title}\n{'=' * len(title)}\n"
    yield f".. python-twin:: {' '.join(names)}\n"
    for name in names:
        documented = find(name, missing)
        if not inspect.isclass(documented) and not callable(documented):
            yield f".. autodata:: pyinit.{name}\n   :no-value:\n"
        elif not inspect.isclass(documented):
            yield f".. autofunction:: pyinit.{name}\n"
        elif name in _WITH_MEMBERS:
            yield f".. autoclass:: pyinit.{name}\n   :members:\n   :inherited-members:\n"
            yield f"   :special-members: {_WITH_MEMBERS[name]}\n" if _WITH_MEMBERS[name] else ""
        else:
            yield f".. autoclass:: pyinit.{name}\n"
            if "Initializer" in [cls.__name__ for cls in documented.__mro__[1:]]:
                yield "   Its methods are those of `Initializer`.\n"


def _write_pages(app: Sphinx) -> None:
    mocked = app.config.autodoc_mock_imports
    texts = {names[0]: "\n".join(_rst(names, mocked)) for names in pages(app)}
    write_pages(Path(app.srcdir, FOLDER), texts)


class Pages(SphinxDirective):
    """The directive `python-pages`."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """List the pages with the summaries of their first names."""
        lines = [line.split() for line in self.content]
        header = [[nodes.Text("Name")], [nodes.Text("Summary")]]
        rows = [[self._links(names), self._summary(names[0])] for names in lines]
        entries = [f"{FOLDER}/{names[0]}" for names in lines]
        return [table(header, rows), hidden_toctree(self.env.docname, entries)]

    def _links(self, names: list[str]) -> list[nodes.Node]:
        targets = [(name, f"pyinit.{name}") for name in names]
        return separated([code_link("py", "obj", t, name, refwarn=True) for name, t in targets])

    def _summary(self, name: str) -> list[nodes.Node]:
        documented = inspect.getdoc(find(name, self.config.autodoc_mock_imports)) or ""
        summary, _ = self.parse_inline(" ".join(documented.partition("\n\n")[0].split()))
        return summary


class Twin(SphinxDirective):
    """The directive `python-twin`: links to the functions of the same names in R."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Find the topics in R."""
        twins = r_twins(self.arguments[0].split(), self.env.app.r_aliases)
        return [twins] if twins else []


def _name_or_code(
    role: str, rawtext: str, text: str, lineno: int, inliner: Inliner, *others: Any
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """Single backticks in docstrings are code; a public name is a link to its page."""
    code = nodes.literal(text, text)
    name = re.fullmatch(r"(?:pyinit\.)?([A-Za-z_][\w.]*)(?:\(\))?", text)
    if name is None:
        return [code], []
    return [link("py", "obj", f"pyinit.{name[1]}", code)], []


def _escape_stars(
    app: Sphinx, what: str, name: str, documented: Any, options: Any, lines: list[str]
) -> None:
    """Keep `(*kernel, inputs)` in a docstring from starting an emphasis."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = line.split("`")
            parts[::2] = [part.replace("*", r"\*") for part in parts[::2]]
            lines[i] = "`".join(parts)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives and the role."""
    app.add_role("name-or-code", _name_or_code)
    app.add_directive("python-pages", Pages)
    app.add_directive("python-twin", Twin)
    app.connect("builder-inited", _write_pages)
    # before napoleon, which writes emphasis of its own
    app.connect("autodoc-process-docstring", _escape_stars, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
