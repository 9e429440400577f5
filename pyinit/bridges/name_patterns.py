"""Initializers of single parameters, chosen by patterns of their names."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from typing import Any

from pyinit.arguments import argument_error, is_instance
from pyinit.initializers.registry import get_argument

_ALLOWED = "None or a dictionary of initializers by names or patterns of parameters"


class NamePatterns:
    """The argument `parameters` of `pyinit.torch.init_()` and `pyinit.jax.init()`.

    A name that is a key takes the initializer of that key; any other, that of the last pattern that
    matches.

    Args:
        parameters: The initializers, by name or pattern; None for a parameter that stays as it is.
        owner: What has the parameters, for messages.

    Raises:
        ValueError: `parameters` is not a dictionary by strings, or has an invalid initializer.
    """

    def __init__(self, parameters: Mapping[str, Any] | None, owner: str) -> None:
        given = {} if parameters is None else parameters
        is_mapping = is_instance(given, Mapping)  # type: ignore[type-abstract]
        if not is_mapping or not all(is_instance(key, str) for key in given):
            raise argument_error("parameters", parameters, _ALLOWED)
        self._given = given
        self._owner = owner
        self._initializers = {
            key: get_argument(f"parameters[{key!r}]", value) for key, value in given.items()
        }

    def choose(
        self,
        parameters: Collection[str],
        buffers: Collection[str] = (),
        computed: Mapping[str, Sequence[str]] | None = None,
        model: tuple[Collection[str], Collection[str]] = ((), ()),
    ) -> dict[str, Any]:
        """Return the initializers of the parameters and buffers that a key matches.

        Args:
            parameters: The names of the parameters.
            buffers: The names of buffers. A key applies to them only if it matches no parameter, or
                has None instead of an initializer.
            computed: The names of computed tensors, with those of the parameters each is computed
                from.
            model: The names of parameters and of buffers of the whole model, which keys may match
                too; empty if it is not given.

        Raises:
            ValueError: A key matches nothing, or a computed tensor instead of its originals.
        """
        computed = {} if computed is None else computed
        keys = _Keys(self._given, {*parameters, *buffers, *computed, *model[0], *model[1]})
        of_parameters = keys.matching([*parameters, *model[0]])
        of_buffers = keys.matching([*buffers, *model[1]])
        chosen = keys.assign(of_parameters, parameters)
        for name, key in keys.assign(keys.matching(computed), computed).items():
            if chosen.keys().isdisjoint(computed[name]):
                self._refuse(f": {name} is computed from {' and '.join(computed[name])}", key)
        kept = {key for key, initializer in self._initializers.items() if initializer is None}
        others = (keys.all - of_parameters) | kept
        chosen |= keys.assign(others & of_buffers, buffers)
        unmatched = keys.all - of_parameters - of_buffers
        for key in self._given:
            if key in unmatched:
                close = difflib.get_close_matches(key, [*parameters, *buffers], 3)
                similar = f" (similar: {', '.join(close)})" if close else ""
                self._refuse(f"; {self._owner} has none that matches {key!r}{similar}", key)
        return {name: self._initializers[key] for name, key in chosen.items()}

    def _refuse(self, reason: str, key: str) -> None:
        received = {key: self._given[key]}
        raise argument_error("parameters", received, _ALLOWED + reason)


class _Keys:
    """The keys of `parameters`: names, and patterns in the order given.

    Args:
        keys: The keys.
        names: All names; a key that is one of them is no pattern.
    """

    def __init__(self, keys: Iterable[str], names: Set[str]) -> None:
        self.all = set(keys)
        self._names = self.all & names
        self._patterns = {
            key: re.compile(fnmatch.translate(key)) for key in keys if key not in names
        }

    def matching(self, names: Collection[str]) -> set[str]:
        """Return the keys that match one of the names."""
        patterns = {
            key for key, pattern in self._patterns.items() if any(map(pattern.match, names))
        }
        return patterns | self._names.intersection(names)

    def assign(self, keys: Set[str], names: Iterable[str]) -> dict[str, str]:
        """Return the key of each name: the name itself, or else the last pattern that matches."""
        patterns = [(key, self._patterns[key]) for key in self._patterns if key in keys][::-1]
        assigned = {}
        for name in names:
            if name in self._names and name in keys:
                assigned[name] = name
                continue
            key = next((key for key, pattern in patterns if pattern.match(name)), None)
            if key is not None:
                assigned[name] = key
        return assigned
