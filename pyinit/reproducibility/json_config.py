"""Initializers as JSON that every reader understands alike.

JSON readers hold numbers as doubles, so a seed beyond 2**53 is a string of its decimal digits (as
RFC 7493 has it), and a constant that is not finite is the string `"NaN"`, `"Infinity"` or
`"-Infinity"`.
"""

from __future__ import annotations

import math
from typing import Any

from pyinit.initializers.base import Initializer
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import CLASSES
from pyinit.seeds import as_seed

_MAX_WHOLE = 2**53
_BY_NAME = {cls.__name__: cls for cls in CLASSES}
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json_config(initializer: Initializer) -> dict[str, Any]:
    """The class and the configuration of one of our initializers, with the seed in use.

    Raises:
        ValueError: It is of another class, or its seed is no integer.
    """
    if type(initializer) not in CLASSES:
        raise ValueError(f"{type(initializer).__name__} is not one of pyinit's initializers")
    config = initializer.get_config()
    if isinstance(initializer, RandomInitializer):
        # a draw that is taken is a pair, of which the first is no longer the seed as it was given
        is_taken = isinstance(initializer.seed, tuple)
        seed = as_seed("seed", initializer._init_seed if is_taken else initializer.seed)
        config["seed"] = seed_to_json(seed)
    for name in ("input_axes", "output_axes"):
        if name in config and config[name] is None:
            del config[name]
    value = config.get("value")
    if isinstance(value, float) and not math.isfinite(value):
        config["value"] = next(
            text for text, x in _NOT_FINITE.items() if x == value or math.isnan(value)
        )
    return {"class_name": type(initializer).__name__, "config": config}


def seed_to_json(seed: int) -> int | str:
    """A seed as JSON has it."""
    return seed if abs(seed) <= _MAX_WHOLE else str(seed)


def from_json_config(description: dict[str, Any], draw: int = 0) -> Initializer:
    """The initializer of a description, all of whose calls give that draw of its seed.

    Args:
        description: What `to_json_config()` returns.
        draw: Which draw of the seed, from 0 to 2**32 - 1.

    Raises:
        KeyError: There is no such class.
        ValueError: The configuration is not one of the class.
    """
    config = dict(description["config"])
    if isinstance(config.get("seed"), str):
        config["seed"] = int(config["seed"])
    if isinstance(config.get("value"), str):
        config["value"] = _NOT_FINITE[config["value"]]
    initializer = _BY_NAME[description["class_name"]].from_config(config)
    if isinstance(initializer, RandomInitializer) and draw:
        initializer.seed = (initializer.seed % 2**64, draw)
    return initializer
