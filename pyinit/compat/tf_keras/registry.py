"""Initializers by name and configuration, as in `tf_keras.initializers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyinit.arguments import argument_error
from pyinit.compat.arguments import argument_errors
from pyinit.compat.tf_keras.base import Initializer
from pyinit.compat.tf_keras.constant import Constant, Identity, Ones, Zeros
from pyinit.compat.tf_keras.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from pyinit.initializers import base, registry

_CHILDREN: tuple[type[Initializer], ...] = (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
)
_CLASSES: tuple[type[Initializer], ...] = (
    *_CHILDREN,
    Constant,
    Identity,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
)

#: Every name that tf_keras knows an initializer by.
NAMES: dict[str, type[base.Initializer]] = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{registry.snake_case(cls.__name__): cls for cls in _CLASSES},
    **{f"{cls.__name__}V2": cls for cls in _CLASSES},
    **{f"{registry.snake_case(cls.__name__)}V2": cls for cls in _CHILDREN},
    "normal": RandomNormal,
    "one": Ones,
    "uniform": RandomUniform,
    "zero": Zeros,
}


def serialize(
    initializer: base.Initializer | None, use_legacy_format: bool = False
) -> dict[str, Any] | None:
    """An initializer's class and configuration as a JSON-serializable dictionary.

    Args:
        initializer: An initializer of `pyinit.compat.tf_keras`, or None.
        use_legacy_format: Whether to write `class_name` and `config` only.

    Returns:
        What tf_keras itself writes for its initializer, and reads as such; None for None.

    Raises:
        ValueError: `initializer` is not such an initializer (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> tf_keras.serialize(tf_keras.HeNormal(seed=3), use_legacy_format=True)
        {'class_name': 'HeNormal', 'config': {'seed': 3}}
    """
    if initializer is None:
        return None
    with argument_errors():
        if type(initializer) not in _CLASSES:
            raise argument_error(
                "initializer", initializer, "an initializer of pyinit.compat.tf_keras"
            )
    written = {"class_name": type(initializer).__name__, "config": initializer.get_config()}
    if use_legacy_format:
        return written
    return {"module": "keras.initializers", **written, "registered_name": None}


def deserialize(
    config: dict[str, Any] | str,
    custom_objects: dict[str, type[base.Initializer]] | None = None,
    use_legacy_format: bool = False,
) -> base.Initializer:
    """The initializer that a dictionary of `serialize()`, ours or tf_keras', describes.

    Args:
        config: A dictionary with `class_name` and `config`, or a name; every name that tf_keras
            knows an initializer by is known.
        custom_objects: Classes of your own, by name.
        use_legacy_format: Without effect: both formats are read.

    Raises:
        ValueError: `config` is not such a dictionary, or its class is unknown (the error is a
            TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> tf_keras.deserialize({"class_name": "HeNormal", "config": {"seed": 3}})
        HeNormal(seed=3)
    """
    if isinstance(config, str):
        config = {"class_name": config, "config": {}}
    with argument_errors():
        return registry.deserialize(config, {**NAMES, **(custom_objects or {})})


def get(identifier: Any) -> Callable[..., Any] | None:
    """An initializer from what a layer of Keras 2 takes as one.

    Args:
        identifier: A name, a dictionary as `serialize()` returns it, a callable with
            `(shape, dtype=None, **kwargs)`, a class of these, or None.

    Returns:
        A callable; None for None.

    Raises:
        ValueError: `identifier` is none of these (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> type(tf_keras.get("he_normal")).__name__
        'HeNormal'
    """
    if isinstance(identifier, dict | str):
        return deserialize(identifier)
    with argument_errors():
        return registry.get(identifier)
