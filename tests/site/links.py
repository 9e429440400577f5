"""Checks the links of a built site without a browser: python tests/site/links.py build/site.

Every link, image, script and style leads to a file of the site, and every anchor to an element.
Nothing is loaded from elsewhere: links to other hosts are for readers to follow.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

#: What the browser loads by itself, by tag.
_LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


class _Page(HTMLParser):
    """The links, loaded files and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := values.get(key))}
        if tag == "a":
            self.links |= {values.get("href") or ""}
        elif address := values.get(_LOADED.get(tag, "")):
            self.loaded.add(address)


def problems(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the links of a site.

    Args:
        folder: The folder of the site.
    """
    files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*.html"))}
    # folders such as _static have templates
    pages = {name: _Page(file.read_text()) for name, file in files.items() if name[0] != "_"}
    for name, page in pages.items():
        for address in sorted(page.loaded):
            if urlsplit(address).netloc:
                yield f"{name}: loads {address}"
        for address in sorted(page.links | page.loaded):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target, anchor = unquote(urljoin(name, parts.path)), unquote(parts.fragment)
            if not (folder / target).is_file():
                yield f"{name}: no such file: {address}"
            elif anchor and target in pages and anchor not in pages[target].anchors:
                yield f"{name}: no such anchor: {address}"


if __name__ == "__main__":
    found = list(problems(Path(sys.argv[1])))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
