"""Actions that wait for a library to be imported."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any

Action = Callable[[Any], object]


def when_imported(name: str, action: Action) -> None:
    """Call `action` with a module: now if it is loaded, or else once it has been imported.

    Args:
        name: The name of a top-level module.
        action: The function to call.
    """
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    if module is not None and not getattr(spec, "_initializing", False):
        action(module)
    else:
        sys.meta_path.insert(0, _Watcher(name, action))


class _Watcher:
    """Finds the module as the other finders do, and calls the action after it is executed.

    It is no subclass of `importlib.abc.MetaPathFinder`, whose module takes milliseconds to import.
    """

    def __init__(self, name: str, action: Action) -> None:
        self._name = name
        self._action = action
        self._is_searching = False

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of the module, whose loader calls the action; None for another one."""
        if fullname != self._name or self._is_searching:
            return None
        self._is_searching = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._is_searching = False
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            # not earlier: others look for the spec only to learn whether the module is installed
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                self._action(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
