"""Portable JSON configurations of initializers.

Many JSON readers store numbers as doubles. Following RFC 7493, a seed beyond 2**53 is a string of
decimal digits, and a non-finite constant or bound is the string `"NaN"`, `"Infinity"` or
`"-Infinity"`. An array is an object: its shape, its dtype, and its values as the base64 encoding
(RFC 4648) of their little-endian bytes in C order.

Sources: https://www.rfc-editor.org/rfc/rfc7493, https://www.rfc-editor.org/rfc/rfc4648
"""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from pyinit.dtypes import BOOL, NUMERIC_DTYPES, AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import CLASSES
from pyinit.reproducibility.fingerprint import little_endian
from pyinit.seeds import as_seed

_MAX_INTEGER = 2**53
#: Maximum size of an array, in bytes.
MAX_ARRAY_SIZE = 2**22
_BY_NAME = {cls.__name__: cls for cls in CLASSES}
#: The arguments that may be infinite or NaN.
_MAY_BE_NOT_FINITE = ("value", "lower", "upper")
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json_config(initializer: Initializer) -> dict[str, Any]:
    """Return the class name and the configuration of an initializer, including the seed in use.

    Raises:
        ValueError: The initializer is not of one of pyinit's classes, or its seed is not an
            integer, or its array is too large.
    """
    if type(initializer) not in CLASSES:
        raise ValueError(f"{type(initializer).__name__} is not one of pyinit's initializers")
    config = initializer.get_config()
    if isinstance(initializer, RandomInitializer):
        config["seed"] = seed_to_json(as_seed("seed", initializer.seed))
    for name in ("input_axes", "output_axes"):
        if name in config and config[name] is None:
            del config[name]
    if isinstance(config.get("value"), dict):
        config["value"] = _array_to_json(initializer)
    for name in _MAY_BE_NOT_FINITE:
        value = config.get(name)
        if isinstance(value, float) and not math.isfinite(value):
            config[name] = next(
                text for text, x in _NOT_FINITE.items() if x == value or math.isnan(value)
            )
    return {"class_name": type(initializer).__name__, "config": config}


def has_large_array(initializer: Initializer) -> bool:
    """Return whether the value of a Constant is an array that is too large for a configuration."""
    value = getattr(initializer, "value", None)
    return isinstance(value, np.ndarray) and value.nbytes > MAX_ARRAY_SIZE


def _array_to_json(initializer: Initializer) -> dict[str, Any]:
    values: AnyArray = initializer.value  # type: ignore[attr-defined]
    if has_large_array(initializer):
        raise ValueError(
            f"the array of its Constant has {values.nbytes} bytes; a manifest holds arrays of at "
            f"most {MAX_ARRAY_SIZE} bytes"
        )
    return {
        "shape": list(values.shape),
        "dtype": values.dtype.name,
        "data": base64.b64encode(little_endian(values)).decode("ascii"),
    }


def _array_from_json(value: dict[str, Any]) -> AnyArray:
    """Return the array of a JSON object, whose size is that of its data."""
    shape, dtype = tuple(map(int, value["shape"])), NUMERIC_DTYPES[value["dtype"]]
    try:
        data = base64.b64decode(value["data"], validate=True)
    except ValueError as error:
        raise ValueError(f"the data of the array is not base64: {error}") from None
    if len(data) != math.prod(shape) * dtype.itemsize or len(data) > MAX_ARRAY_SIZE:
        raise ValueError(
            f"the data of the array must be {dtype.itemsize} bytes for each element of "
            f"shape={list(shape)}, at most {MAX_ARRAY_SIZE}. Received: {len(data)} bytes"
        )
    flat = np.frombuffer(data, f"<u{dtype.itemsize}").astype(f"=u{dtype.itemsize}")
    if dtype == BOOL and (flat > 1).any():
        raise ValueError("the data of an array of bools must be bytes 0 and 1")
    return flat.view(dtype).reshape(shape)


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
    if isinstance(config.get("value"), dict):
        config["value"] = _array_from_json(config["value"])
    return _BY_NAME[description["class_name"]].from_config(config)
