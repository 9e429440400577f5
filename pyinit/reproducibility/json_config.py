"""Portable JSON configurations of initializers.

Many JSON readers store numbers as doubles. Following RFC 7493, a seed beyond 2**53 is a string of
decimal digits, and a non-finite constant or bound is the string `"NaN"`, `"Infinity"` or
`"-Infinity"`.

Source: https://www.rfc-editor.org/rfc/rfc7493
"""

from __future__ import annotations

import math
from typing import Any

from pyinit.initializers.base import Initializer
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import CLASSES
from pyinit.seeds import as_seed

_MAX_INTEGER = 2**53
_BY_NAME = {cls.__name__: cls for cls in CLASSES}
#: The arguments that may be infinite or NaN.
_MAY_BE_NOT_FINITE = ("value", "lower", "upper")
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json_config(initializer: Initializer) -> dict[str, Any]:
    """Return the class name and the configuration of an initializer, including the seed in use.

    Raises:
        ValueError: The initializer is not of one of pyinit's classes, or its seed is not an
            integer.
    """
    if type(initializer) not in CLASSES:
        raise ValueError(f"{type(initializer).__name__} is not one of pyinit's initializers")
    config = initializer.get_config()
    if isinstance(initializer, RandomInitializer):
        config["seed"] = seed_to_json(as_seed("seed", initializer.seed))
    for name in ("input_axes", "output_axes"):
        if name in config and config[name] is None:
            del config[name]
    for name in _MAY_BE_NOT_FINITE:
        value = config.get(name)
        if isinstance(value, float) and not math.isfinite(value):
            config[name] = next(
                text for text, x in _NOT_FINITE.items() if x == value or math.isnan(value)
            )
    return {"class_name": type(initializer).__name__, "config": config}


def seed_to_json(seed: int) -> int | str:
    """Return a seed as an integer, or as a string of decimal digits beyond 2**53."""
    return seed if abs(seed) <= _MAX_INTEGER else str(seed)


def from_json_config(description: dict[str, Any]) -> Initializer:
    """Return the initializer of a configuration that `to_json_config()` has returned.

    Args:
        description: The class name and the configuration.

    Raises:
        KeyError: The class is unknown.
        ValueError: The configuration is invalid for the class.
    """
    config = dict(description["config"])
    if isinstance(config.get("seed"), str):
        config["seed"] = int(config["seed"])
    for name in _MAY_BE_NOT_FINITE:
        if isinstance(config.get(name), str):
            config[name] = _NOT_FINITE[config[name]]
    return _BY_NAME[description["class_name"]].from_config(config)
