"""Initializers of single parameters, chosen by patterns of their names."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pyinit.arguments import argument_error
from pyinit.bridges.torch.computed import Original
from pyinit.initializers.registry import get

_ALLOWED = "None or a dictionary of initializers by names or patterns of parameters"


class NamePatterns:
    """The argument `parameters` of `init_()`.

    A name that is a key takes the initializer of that key; any other, that of the last pattern that
    matches.

    Args:
        parameters: The initializers, by name or pattern; None for a parameter that stays as it is.

    Raises:
        ValueError: `parameters` is not a dictionary by strings, or has an invalid initializer.
    """

    def __init__(self, parameters: Mapping[str, Any] | None) -> None:
        given = {} if parameters is None else parameters
        if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
            raise argument_error("parameters", parameters, _ALLOWED)
        self._given = given
        self._initializers = {
            key: None if value is None else get(value) for key, value in given.items()
        }
        self._patterns = {key: re.compile(fnmatch.translate(key)) for key in given}

    def choose(
        self,
        parameters: Collection[str],
        buffers: Collection[str],
        originals: Mapping[str, Original],
    ) -> dict[str, Any]:
        """Return the initializers of the parameters and buffers that a key matches.

        Args:
            parameters: The names of a module's parameters.
            buffers: The names of its buffers. A key matches a buffer only if it matches no
                parameter, or has None instead of an initializer.
            originals: The originals of the module's computed tensors.

        Raises:
            ValueError: A key matches nothing, or a computed tensor instead of its originals.
        """
        keys = [key for key in self._patterns if self._matched(key, parameters)]
        chosen = self._assign(keys, parameters)
        self._refuse_computed(originals, chosen)
        others = [
            key for key in self._patterns if self._initializers[key] is None or key not in keys
        ]
        of_buffers = self._assign(others, buffers)
        for key in self._patterns:
            if key not in keys and not self._matched(key, buffers):
                self._refuse_unmatched(key, [*parameters, *buffers])
        return {**of_buffers, **chosen}

    def _matches(self, key: str, name: str) -> bool:
        return key == name or self._patterns[key].match(name) is not None

    def _matched(self, key: str, names: Collection[str]) -> bool:
        return key in names or any(self._patterns[key].match(name) for name in names)

    def _assign(self, keys: list[str], names: Iterable[str]) -> dict[str, Any]:
        chosen: dict[str, Any] = {}
        exact, last_first = set(keys), keys[::-1]
        for name in names:
            if name in exact:
                chosen[name] = self._initializers[name]
                continue
            key = next((key for key in last_first if self._patterns[key].match(name)), None)
            if key is not None:
                chosen[name] = self._initializers[key]
        return chosen

    def _refuse_computed(
        self, originals: Mapping[str, Original], chosen: Mapping[str, Any]
    ) -> None:
        computed: dict[str, list[str]] = {}
        for name, original in originals.items():
            computed.setdefault(original.computed, []).append(name)
        for key in self._patterns:
            for name, sources in computed.items():
                if self._matches(key, name) and not any(source in chosen for source in sources):
                    allowed = f"{_ALLOWED}: {name} is computed from {' and '.join(sources)}, name "
                    allowed += "these instead" if len(sources) > 1 else "this instead"
                    raise argument_error("parameters", self._given, allowed)

    def _refuse_unmatched(self, key: str, names: list[str]) -> None:
        close = difflib.get_close_matches(key, names, 3)
        hint = f" (similar: {', '.join(close)})" if close else ""
        allowed = f"{_ALLOWED}; the module has none that matches {key!r}{hint}"
        raise argument_error("parameters", self._given, allowed)
