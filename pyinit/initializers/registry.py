"""Initializers by name and configuration, as in `keras.initializers`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from pyinit.arguments import argument_error, as_shape
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray, standardize_dtype
from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import Constant, Identity, Ones, Zeros
from pyinit.initializers.orthogonal import Orthogonal
from pyinit.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from pyinit.initializers.stft import STFT

CLASSES: tuple[type[Initializer], ...] = (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    STFT,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
)


def snake_case(name: str) -> str:
    """The name of a class as Keras writes its shortcut: `he_normal` for `HeNormal`."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


#: Every name that Keras knows an initializer by.
NAMES: dict[str, type[Initializer]] = {
    **{cls.__name__: cls for cls in CLASSES},
    **{snake_case(cls.__name__): cls for cls in CLASSES},
    "IdentityInitializer": Identity,
    "OrthogonalInitializer": Orthogonal,
    "STFTInitializer": STFT,
    "normal": RandomNormal,
    "one": Ones,
    "uniform": RandomUniform,
    "zero": Zeros,
}


def serialize(initializer: Initializer) -> dict[str, Any]:
    """An initializer's class and configuration as a JSON-serializable dictionary.

    Args:
        initializer: An initializer.

    Returns:
        A dictionary in the form of Keras', with the keys `module` (`"pyinit"`), `class_name`,
        `config` and `registered_name`.

    Raises:
        ValueError: `initializer` is not an initializer.

    Example:
        >>> import pyinit
        >>> pyinit.serialize(pyinit.Identity(2))["config"]
        {'gain': 2}
    """
    if not isinstance(initializer, Initializer):
        raise argument_error("initializer", initializer, "an Initializer")
    cls = type(initializer)
    ours = cls in CLASSES
    return {
        "module": "pyinit" if ours else cls.__module__,
        "class_name": cls.__name__,
        "config": initializer.get_config(),
        "registered_name": f"pyinit>{cls.__name__}" if ours else None,
    }


def deserialize(
    config: dict[str, Any], custom_objects: dict[str, type[Initializer]] | None = None
) -> Initializer:
    """The initializer that a dictionary of `serialize()`, ours or Keras', describes.

    Args:
        config: A dictionary with `class_name` and `config`; the class is found by any name that
            Keras knows it by.
        custom_objects: Classes of your own, by name.

    Raises:
        ValueError: `config` is not such a dictionary, or its class is unknown.

    Example:
        >>> import pyinit
        >>> pyinit.deserialize({"class_name": "HeNormal", "config": {"seed": 3}})
        HeNormal(seed=3)
    """
    allowed = "a dictionary with 'class_name' and 'config', as serialize() returns it"
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise argument_error("config", config, allowed)
    arguments = config.get("config", {})
    if not isinstance(arguments, dict):
        raise argument_error("config", config, allowed)
    name = config["class_name"]
    cls = {**NAMES, **(custom_objects or {})}.get(name)
    if cls is None:
        raise ValueError(
            f"Argument `config` must name a known initializer, or one in `custom_objects`. "
            f"Received: class_name={name!r}. Known: {', '.join(sorted(NAMES))}"
        )
    return cls.from_config(arguments)


def get(identifier: Any) -> Callable[..., Any] | None:
    """An initializer from what a Keras layer takes as one.

    Args:
        identifier: A name (every alias of Keras is known), a dictionary as `serialize()` returns
            it, an initializer or another callable with `(shape, dtype=None)`, a class of these, an
            array (which then is the initial value, for its own shape), or None.

    Returns:
        A callable with `(shape, dtype=None)`; None for None.

    Raises:
        ValueError: `identifier` is none of these.

    Example:
        >>> import pyinit
        >>> pyinit.get("he_normal").__class__.__name__
        'HeNormal'
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        if identifier not in NAMES:
            allowed = "the name of an initializer, one of " + ", ".join(sorted(NAMES))
            raise argument_error("identifier", identifier, allowed)
        return NAMES[identifier]()
    if isinstance(identifier, np.ndarray | np.generic):
        return _initializer_of(np.asarray(identifier))
    found = identifier() if isinstance(identifier, type) else identifier
    if callable(found):
        return found  # type: ignore[no-any-return]
    allowed = "a name, a configuration, a callable, an array or None"
    raise argument_error("identifier", identifier, allowed)


# The names in R, where the short ones are functions of base R or of others.
get_initializer = get
serialize_initializer = serialize
deserialize_initializer = deserialize


def _initializer_of(values: AnyArray) -> Callable[..., AnyArray]:
    """A function that gives `values` for their own shape."""

    def initialize(shape: Any, dtype: Any = None) -> AnyArray:
        array_dtype = standardize_dtype(dtype, NUMERIC_DTYPES)
        if as_shape(shape) != values.shape:
            raise argument_error(
                "shape", shape, f"{values.shape}, that of the array given as initializer"
            )
        return values.astype(array_dtype)

    return initialize
