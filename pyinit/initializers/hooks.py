"""Where bridges attach to the initializers, which know nothing of them.

Each hook is a variable of this module: a function that does nothing until `pyinit.bridges.attach()`
has put another one there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyinit.arguments import argument_error


def _as_it_is(cls: type[Any]) -> type[Any]:
    return cls


def _no_config(generator: Any) -> dict[str, Any] | None:
    return None


def _no_generator(config: dict[str, Any]) -> Any:
    return None


def _nowhere(initializer: Any, shape: Any, dtype: Any, layout: Any) -> Any:
    raise argument_error("layout", layout, "None")


#: The class that an initializer of a class shows as its `__class__`.
isinstance_proxy: Callable[[type[Any]], type[Any]] = _as_it_is

#: The configuration of a seed generator where it is being saved together with others that may share
#: it, else None.
shared_config: Callable[[Any], dict[str, Any] | None] = _no_config

#: The seed generator that such a configuration stands for; None if it is not such a one.
shared_generator: Callable[[dict[str, Any]], Any] = _no_generator

#: The tensor that an initializer draws for (shape, dtype), sharded over devices by a layout.
draw_sharded: Callable[[Any, Any, Any, Any], Any] = _nowhere
