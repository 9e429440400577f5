"""The calls of the table, found by the signatures of the public functions."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyinit
from pyinit.arguments import CheckedAttributes
from tests.robustness.oracle import VALUES, Calls, Kinds

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Case:
    """A call with one value under test, which its source names `value`.

    Args:
        function: The name of the function, such as `HeNormal.lazy`.
        argument: The argument that gets the value.
        kind: The kind of the argument.
        value: The name of the value.
        source: The call as an expression of Python.
    """

    function: str
    argument: str
    kind: str
    value: str
    source: str


@dataclass(frozen=True)
class Function:
    """A public function, constructor or method.

    Args:
        name: Its name, without `pyinit.`.
        source: An expression of it.
        parameters: Its parameters.
        lookups: The names under which the data files may list it, in order.
    """

    name: str
    source: str
    parameters: Mapping[str, inspect.Parameter]
    lookups: tuple[str, ...]


class MissingKindError(LookupError):
    """An argument whose kind is not in the data files."""


class Table:
    """All calls of Python.

    Args:
        calls: The functions and the kinds of their arguments.
    """

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.kinds = Kinds()

    def cases(self) -> Iterator[Case]:
        """Yield every call."""
        for function in self.functions():
            for argument in self.arguments(function):
                yield from self._cases_of(function, argument)

    def _cases_of(self, function: Function, argument: str) -> Iterator[Case]:
        kind = self.kind(function, argument)
        source = self.source(function, argument)
        for value in VALUES:
            if value not in self.kinds[kind].skips:
                yield Case(function.name, argument, kind, value, source)

    # ---- functions ----

    def functions(self) -> Iterator[Function]:
        """Yield every public function, constructor and method that is not skipped."""
        for function in self.all_functions():
            names = (function.name, *function.lookups)
            if not any(name in self.calls.skipped for name in names):
                yield function

    def all_functions(self) -> Iterator[Function]:
        """Yield every public function, constructor and method."""
        for module_name in self.calls.modules:
            module = importlib.import_module(module_name)
            for name in public_names(module):
                found = getattr(module, name)
                source = f"{module_name}.{name}"
                if isinstance(found, type):
                    yield from self._of_class(found, source)
                elif callable(found):
                    yield _function(source, found)

    def _of_class(self, cls: type[Any], source: str) -> Iterator[Function]:
        bases = _bases(cls, source)
        if not issubclass(cls, Exception):
            yield _function(source, cls, bases)
        if issubclass(cls, CheckedAttributes):
            for argument in inspect.signature(cls).parameters.values():
                name = f"{_short(source)}.{argument.name}="
                yield Function(name, "setattr", {argument.name: argument}, bases)
        if _short(source) in self.calls.abstract:
            return
        special = [
            name
            for base in bases
            for name in self.calls.special_methods.get(base, ())
            if name in dir(cls)
        ]
        methods = [name for name in dir(cls) if not name.startswith("_")]
        for name in (*special, *methods):
            method = inspect.getattr_static(cls, name)
            if isinstance(method, classmethod):
                target = source
            elif inspect.isfunction(method):
                target = f"({self._receiver(cls, source)})"
            else:
                continue
            yield Function(
                f"{_short(source)}.{name}",
                f"{target}.{name}",
                _parameters(method.__func__ if isinstance(method, classmethod) else method),
                tuple(f"{base}.{name}" for base in bases) + tuple(f"{base}.*" for base in bases),
            )

    def _receiver(self, cls: type[Any], source: str) -> str:
        """Return an expression of an object of a class."""
        for base in _bases(cls, source):
            if base in self.calls.receivers:
                return self.calls.receivers[base]
        return self.source(_function(source, cls, _bases(cls, source)), None)

    # ---- arguments ----

    def arguments(self, function: Function) -> list[str]:
        """Return the names of the arguments of a function that are not skipped."""
        return [
            name
            for name in function.parameters
            if not any(f"{lookup}({name})" in self.calls.skipped for lookup in function.lookups)
        ]

    def kind(self, function: Function, argument: str) -> str:
        """Return the kind of an argument.

        Raises:
            MissingKindError: The data files do not have it.
        """
        for name in function.lookups:
            kind = self.calls.functions.get(name, {}).get(argument)
            if kind is not None:
                return kind
        kind = self.calls.arguments.get(argument)
        if kind is None or kind not in self.kinds:
            raise MissingKindError(f"{function.name}({argument})")
        return kind

    def source(self, function: Function, argument: str | None) -> str:
        """Return a valid call of a function, with `value` for one of its arguments."""
        if function.source == "setattr":
            assert argument is not None
            cls, _, _ = function.name.rpartition(".")
            receiver = self._receiver(_class_of(f"pyinit.{cls}"), f"pyinit.{cls}")
            return f"setattr({receiver}, {argument!r}, value)"
        given: dict[str, str] = {}
        for name in reversed(function.lookups):
            given |= self.calls.given.get(name, {})
        for name in function.lookups:
            given |= self.calls.beside.get(name, {}).get(argument or "", {})
        written = []
        for name, parameter in function.parameters.items():
            is_required = parameter.default is parameter.empty
            if name == argument:
                expression = "value"
            elif name in given:
                expression = given[name]
            elif is_required and parameter.kind not in _VARIADIC:
                expression = self.kinds[self.kind(function, name)].valid
            else:
                continue
            positional = parameter.kind is parameter.POSITIONAL_ONLY or name == "index"
            written.append(expression if positional else f"{name}={expression}")
        return f"{function.source}({', '.join(written)})"


def public_names(module: Any) -> list[str]:
    """Return the public names of a module, without its submodules."""
    names = getattr(module, "__all__", None) or [n for n in dir(module) if not n.startswith("_")]
    return [name for name in names if not inspect.ismodule(getattr(module, name))]


def _short(source: str) -> str:
    return source.removeprefix("pyinit.")


def _class_of(source: str) -> type[Any]:
    found: Any = pyinit
    for name in source.split(".")[1:]:
        found = getattr(found, name)
    assert isinstance(found, type)
    return found


def _bases(cls: type[Any], source: str) -> tuple[str, ...]:
    """Return the names of a class and its bases of this package, below its module."""
    prefix = _short(source).rpartition(".")[0]
    names = [_short(source)]
    for base in cls.__mro__[1:]:
        if base.__module__.startswith("pyinit"):
            compat = base.__module__.startswith("pyinit.compat")
            names.append(f"{prefix}.{base.__name__}" if compat and prefix else base.__name__)
    return tuple(names)


def _function(
    source: str, function: Callable[..., Any], lookups: tuple[str, ...] | None = None
) -> Function:
    try:
        parameters = inspect.signature(function).parameters
    except ValueError as error:
        raise MissingKindError(f"{source} has no signature: {error}") from None
    return Function(_short(source), source, parameters, lookups or (_short(source),))


def _parameters(method: Any) -> dict[str, inspect.Parameter]:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return {parameter.name: parameter for parameter in parameters}
