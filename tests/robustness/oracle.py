"""The expected results of calls, from the data files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def _read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


#: The expressions of Python of all values, by name.
VALUES: dict[str, str] = {
    name: expressions["python"]
    for name, expressions in _read("values.json").items()
    if "python" in expressions
}
#: All values of both languages.
ALL_VALUES: frozenset[str] = frozenset(_read("values.json"))


@dataclass(frozen=True)
class Kind:
    """A kind of argument.

    Args:
        valid: An expression of a valid value.
        accepts: The values that must be accepted.
        either: The values that may be accepted or rejected, depending on the machine.
        skips: The values that are not tried, since a valid call with them takes long.
        errors: The names of the classes of the error for a wrong value.
        named: Regular expressions of what the message must contain; `{argument}` stands for the
            name of the argument.
    """

    valid: str
    accepts: frozenset[str]
    either: frozenset[str]
    skips: frozenset[str]
    errors: tuple[str, ...]
    named: tuple[str, ...]


class Kinds(Mapping[str, Kind]):
    """The kinds of arguments of Python, by name."""

    def __init__(self) -> None:
        content = _read("kinds.json")
        self._groups: dict[str, list[str]] = content["groups"]
        self._kinds = {name: self._kind(entry) for name, entry in content["kinds"].items()}

    def __getitem__(self, name: str) -> Kind:
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def _kind(self, entry: dict[str, Any]) -> Kind:
        own = entry.get("python", {})

        def names(key: str) -> frozenset[str]:
            return frozenset(self._expanded([*entry.get(key, ()), *own.get(key, ())]))

        return Kind(
            entry["valid"]["python"],
            names("accepts"),
            names("either"),
            names("skips"),
            tuple(own.get("errors", ("ValueError",))),
            tuple(own.get("named", ("Argument `{argument}` ", "Received"))),
        )

    def _expanded(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            if name.startswith("@"):
                yield from self._expanded(self._groups[name[1:]])
            elif name in ALL_VALUES:
                yield name
            else:
                raise KeyError(f"kinds.json names the value {name!r}, which values.json lacks")


@dataclass(frozen=True)
class Calls:
    """The functions of Python and the kinds of their arguments.

    Args:
        modules: The public modules.
        arguments: The kind of an argument by its name, for all functions not listed in `functions`.
        functions: The kinds of arguments of single functions.
        given: Expressions of further arguments that calls of single functions need.
        beside: Expressions of arguments that are given only beside another one.
        receivers: Expressions of the objects whose methods are called, by class; others are
            constructed with valid arguments.
        special_methods: The special methods that users call, by class.
        abstract: The classes whose methods are those of their subclasses.
        skipped: The functions and arguments that are not called, with the reasons.
    """

    modules: list[str]
    arguments: dict[str, str]
    functions: dict[str, dict[str, str]]
    given: dict[str, dict[str, str]]
    beside: dict[str, dict[str, dict[str, str]]]
    receivers: dict[str, str]
    special_methods: dict[str, list[str]]
    abstract: list[str]
    skipped: dict[str, str]

    @classmethod
    def read(cls, name: str = "python_calls.json") -> Calls:
        """Read the functions of a file of this folder."""
        return cls(**_read(name))
