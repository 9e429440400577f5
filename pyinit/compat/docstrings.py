"""Docstrings of the compatibility classes, derived from those of pyinit's own classes."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

_HEADING = re.compile(r"^(Args|Raises|Example|Sources?):", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(\w+): (.+(?:\n {5,}.+)*)", re.MULTILINE)
_IMPORT = re.compile(r">>> (import pyinit|from pyinit\S* import .*)$", re.MULTILINE)


def derive_docstring(
    cls: type[Any], counterpart: type[Any], name: str, source: str, notes: Mapping[str, str]
) -> str | None:
    """Return a docstring for `cls`: that of its counterpart, adapted.

    It describes the arguments in the signature of `cls`, replaces ValueError by `ArgumentError`,
    and calls `cls` in the example. A docstring of `cls` replaces the text before the arguments.

    Args:
        cls: The class to document.
        counterpart: The class with the same meaning, whose docstring is in Google style.
        name: The public name of `cls`, below `pyinit.compat`.
        source: The page that documents the original.
        notes: Descriptions of arguments and exceptions that differ, by name.

    Returns:
        The docstring; None if docstrings are stripped (`python -OO`).
    """
    if counterpart.__doc__ is None:
        return None
    description, *sections = _HEADING.split(inspect.cleandoc(counterpart.__doc__))
    text = dict(zip(sections[::2], sections[1::2], strict=True))
    arguments = {**_entries(text.get("Args", "")), **notes}
    errors = _entries(text.get("Raises", ""))
    parameters = list(inspect.signature(cls).parameters)

    parts = [inspect.cleandoc(vars(cls)["__doc__"] or description).strip()]
    if parameters:
        parts.append("Args:\n" + _lines((name, arguments[name]) for name in parameters))
        raised = {"ArgumentError": errors.get("ValueError", "An argument is invalid.")}
        raised.update((name, note) for name, note in notes.items() if name.endswith("Error"))
        parts.append("Raises:\n" + _lines(raised.items()))
    module = name.partition(".")[0]
    example = _IMPORT.sub(f">>> from pyinit.compat import {module}", text["Example"].rstrip())
    example = re.sub(rf"(\bpyinit\.)?\b{counterpart.__name__}\(", f"{name}(", example)
    return "\n\n".join([*parts, "Example:" + example, f"Source: {source}\n"])


def _entries(section: str) -> dict[str, str]:
    return {name: " ".join(text.split()) for name, text in _ENTRY.findall(section)}


def _lines(entries: Iterable[tuple[str, str]]) -> str:
    return "\n".join(
        textwrap.fill(
            f"{name}: {text}",
            width=96,
            initial_indent=" " * 4,
            subsequent_indent=" " * 8,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, text in entries
    )
