"""The same calls of Keras, where it has the function and the argument."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.robustness.cases import Case, Function, Table

#: The functions of Keras by our names, except the classes of initializers.
_FUNCTIONS = {
    "SeedGenerator": "keras.random.SeedGenerator",
    "deserialize": "keras.initializers.deserialize",
    "get": "keras.initializers.get",
    "serialize": "keras.initializers.serialize",
    "set_floatx": "keras.config.set_floatx",
    "set_random_seed": "keras.utils.set_random_seed",
}


def keras_cases(table: Table) -> Iterator[Case]:
    """Yield the calls of the table that Keras has, as calls of Keras.

    These are the functions above, and the constructors and methods of the initializers that Keras
    has, with the same values.
    """
    sources: dict[tuple[str, str], str | None] = {}
    functions = {function.name: function for function in table.functions()}
    for case in table.cases():
        key = case.function, case.argument
        if key not in sources:
            sources[key] = _source(functions[case.function], case.argument, case.source)
        source = sources[key]
        if source is not None:
            yield replace(case, source=source)


def _source(function: Function, argument: str, source: str) -> str | None:
    """Return the call of Keras' function; None if Keras has no such function or argument."""
    import keras

    name, _, method = function.name.partition(".")
    if name in _FUNCTIONS:
        theirs, ours = _FUNCTIONS[name], f"pyinit.{name}"
    elif name in dir(keras.initializers) and name != "get":
        theirs, ours = f"keras.initializers.{name}", f"pyinit.{name}"
    else:
        return None
    if method not in ("", "__call__", "from_config"):
        return None
    found: Any = keras
    for part in theirs.split(".")[1:]:
        found = getattr(found, part)
    called = getattr(found, method) if method else found
    if argument not in inspect.signature(called).parameters:
        return None
    return source.replace(ours, theirs)
