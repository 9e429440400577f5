"""R's help pages (Rd) as docutils nodes.

R parses them: rd_as_json.R prints each element as a dictionary of its tag, its option and its
elements, which are text in a leaf.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from parts import Cell, link, table

Element = dict[str, Any]

_BLOCKS = {"\\itemize", "\\enumerate", "\\describe", "\\tabular", "\\preformatted"}
_DROPPED = {"COMMENT", "\\dontshow", "\\if", "\\ifelse", "\\out", "\\concept", "\\keyword"}
_INLINE = {"\\emph": nodes.emphasis, "\\strong": nodes.strong, "\\bold": nodes.strong}
_SPELLED = {"\\dots": "...", "\\ldots": "...", "\\R": "R"}


def read(folder: Path) -> dict[str, list[Element]]:
    """Return the elements of each help page of a folder, by the name of its file."""
    script = Path(__file__).with_name("rd_as_json.R")
    done = subprocess.run(["Rscript", script, folder], capture_output=True, text=True, check=True)
    return {name: page["elements"] for name, page in json.loads(done.stdout).items()}


def text_of(elements: Iterable[Element]) -> str:
    """Return the text of elements, as in the argument of a link or in code."""

    def parts(element: Element) -> Iterator[str]:
        if element["tag"] in _SPELLED:
            yield _SPELLED[element["tag"]]
        elif element["tag"] == "\\method":
            generic, cls = (text_of(argument["elements"]) for argument in element["elements"])
            yield f"## S3 method for class '{cls}'\n{generic}"
        elif element["tag"] not in _DROPPED:
            inner = element["elements"]
            yield inner if isinstance(inner, str) else text_of(inner)

    return "".join(part for element in elements for part in parts(element))


def values(page: list[Element], tag: str) -> list[str]:
    """Return the text of every element of a page with a tag, such as alias."""
    return [text_of(element["elements"]).strip() for element in page if element["tag"] == tag]


def code(text: str, language: str = "r") -> nodes.literal_block:
    """Return a highlighted block of code."""
    text = text.strip("\n")
    return nodes.literal_block(text, text, language=language)


def inline(elements: Iterable[Element]) -> Iterator[nodes.Node]:
    """Yield the nodes of a paragraph."""
    for element in elements:
        tag, inner = element["tag"], element["elements"]
        if tag in _DROPPED:
            continue
        if tag in _SPELLED:
            yield nodes.Text(_SPELLED[tag])
        elif tag in ("\\code", "\\verb", "\\samp", "\\file"):
            links = [part for part in inner if part["tag"] == "\\link"]
            if links and len(inner) == 1:
                yield _link(links[0], nodes.literal)
            elif links:
                for part in inner:
                    name = text_of([part])
                    is_link = part["tag"] == "\\link"
                    yield _link(part, nodes.literal) if is_link else nodes.literal(name, name)
            else:
                yield nodes.literal(text_of(inner), text_of(inner))
        elif tag == "\\link":
            yield _link(element, nodes.inline)
        elif tag == "\\url":
            yield nodes.reference(text_of(inner), text_of(inner), refuri=text_of(inner))
        elif tag == "\\email":
            yield nodes.Text(text_of(inner))
        elif tag == "\\href":
            address, shown = (argument["elements"] for argument in inner)
            yield nodes.reference("", "", *inline(shown), refuri=text_of(address))
        elif tag == "\\eqn":
            formula = text_of(inner[0]["elements"])
            yield nodes.math(formula, formula)
        elif tag in _INLINE:
            yield _INLINE[tag]("", "", *inline(inner))
        elif tag in ("TEXT", "RCODE", "VERB"):
            yield nodes.Text(re.sub(r"\s+", " ", inner))
        elif tag in ("", "\\pkg", "\\dQuote", "\\sQuote", "\\CRANpkg"):
            yield from inline(inner)
        else:
            raise ValueError(f"The help pages have a tag that rd.py does not know: {tag}")


def _link(element: Element, kind: type[nodes.TextElement]) -> nodes.Node:
    shown = text_of(element["elements"])
    option = element["option"]
    content = kind(shown, shown)
    # a topic of another package: the site does not have it
    if option and not option.startswith("="):
        return content
    target = option.removeprefix("=") or shown.removesuffix("()")
    return link("r", "topic", target, content)


def blocks(elements: Iterable[Element]) -> Iterator[nodes.Node]:
    """Yield the paragraphs, lists and tables of a section."""
    paragraph: list[Element] = []
    for element in elements:
        if element["tag"] in _BLOCKS:
            yield from _paragraph(paragraph)
            paragraph = []
            yield _block(element)
        elif element["tag"] == "TEXT" and not element["elements"].strip() and paragraph:
            last = paragraph[-1]
            # an empty line
            if last["tag"] == "TEXT" and last["elements"].endswith("\n"):
                yield from _paragraph(paragraph)
                paragraph = []
            else:
                paragraph.append(element)
        else:
            paragraph.append(element)
    yield from _paragraph(paragraph)


def _paragraph(elements: list[Element]) -> Iterator[nodes.Node]:
    paragraph = nodes.paragraph("", "", *inline(elements))
    if paragraph.astext().strip():
        yield paragraph


def _block(element: Element) -> nodes.Node:
    tag, inner = element["tag"], element["elements"]
    if tag == "\\preformatted":
        return code(text_of(inner), "text")
    if tag == "\\tabular":
        header, *body = rows(inner[1]["elements"])
        return table(header, body)
    if tag == "\\describe":
        return definitions(inner)
    listed = nodes.bullet_list() if tag == "\\itemize" else nodes.enumerated_list()
    for item in _split(inner, "\\item")[1:]:
        listed += nodes.list_item("", *blocks(item))
    return listed


def definitions(elements: Iterable[Element]) -> nodes.definition_list:
    """Return the arguments of a function: each item has a name and a description."""
    listed = nodes.definition_list()
    for item in elements:
        if item["tag"] == "\\item":
            name, description = (argument["elements"] for argument in item["elements"])
            term = nodes.term("", "", nodes.literal(text_of(name), text_of(name)))
            body = nodes.definition("", *blocks(description))
            listed += nodes.definition_list_item("", term, body)
    return listed


def _split(elements: Iterable[Element], tag: str) -> list[list[Element]]:
    groups: list[list[Element]] = [[]]
    for element in elements:
        if element["tag"] == tag:
            groups.append([])
        else:
            groups[-1].append(element)
    return groups


def rows(elements: Iterable[Element]) -> list[list[Cell]]:
    """Return the cells of a table's rows."""
    cells = [_split(row, "\\tab") for row in _split(elements, "\\cr")]
    return [[list(inline(c)) for c in row] for row in cells if any(text_of(c).strip() for c in row)]
