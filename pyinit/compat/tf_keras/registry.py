"""Look-up and serialization of initializers, as in `tf_keras.initializers`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, overload

from pyinit import hooks
from pyinit.arguments import argument_error, as_bool
from pyinit.compat.arguments import argument_errors
from pyinit.compat.tf_keras.base import CLASSES
from pyinit.compat.tf_keras.classes import FixedVarianceScaling
from pyinit.initializers import base, registry
from pyinit.initializers.registry import AnyCallable


def _names() -> Iterator[tuple[str, type[base.Initializer]]]:
    for name, cls in CLASSES.items():
        shortcut = registry.snake_case(name)
        yield from ((name, cls), (shortcut, cls), (f"{name}V2", cls))
        if issubclass(cls, FixedVarianceScaling):
            yield f"{shortcut}V2", cls


#: Every name under which tf_keras knows an initializer.
NAMES: dict[str, type[base.Initializer]] = {
    **dict(_names()),
    "normal": CLASSES["RandomNormal"],
    "one": CLASSES["Ones"],
    "uniform": CLASSES["RandomUniform"],
    "zero": CLASSES["Zeros"],
}


hooks.export_to_tf_keras(__name__, "pyinit_tf_keras", CLASSES)


@overload
def serialize(initializer: None, use_legacy_format: bool = False) -> None: ...
@overload
def serialize(initializer: base.Initializer, use_legacy_format: bool = False) -> dict[str, Any]: ...
def serialize(
    initializer: base.Initializer | None, use_legacy_format: bool = False
) -> dict[str, Any] | None:
    """Return an initializer's class and configuration as a JSON-serializable dictionary.

    Args:
        initializer: An initializer of `pyinit.compat.tf_keras`, or None.
        use_legacy_format: Whether to write `class_name` and `config` only.

    Returns:
        The dictionary that tf_keras writes for its own initializer; None for None.

    Raises:
        ArgumentError: `initializer` is not an initializer of `pyinit.compat.tf_keras`.

    Example:
        >>> from pyinit.compat import tf_keras
        >>> tf_keras.serialize(tf_keras.HeNormal(seed=3), use_legacy_format=True)
        {'class_name': 'HeNormal', 'config': {'seed': 3}}
    """
    if initializer is None:
        return None
    with argument_errors():
        as_bool("use_legacy_format", use_legacy_format)
        if type(initializer) not in CLASSES.values():
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
    """Return the initializer described by a dictionary of `serialize()`, ours or tf_keras'.

    Args:
        config: A dictionary with `class_name` and `config`, or a name: any under which tf_keras
            knows an initializer.
        custom_objects: Your own classes, by name.
        use_legacy_format: Ignored: both formats are read.

    Raises:
        ArgumentError: `config` is not such a dictionary, or its class is unknown.

    Example:
        >>> from pyinit.compat import tf_keras
        >>> tf_keras.deserialize({"class_name": "HeNormal", "config": {"seed": 3}})
        HeNormal(seed=3)
    """
    if isinstance(config, str):
        config = {"class_name": config, "config": {}}
    with argument_errors():
        as_bool("use_legacy_format", use_legacy_format)
        registry.check_custom_objects(custom_objects)
        return registry.deserialize(config, {**NAMES, **(custom_objects or {})})


@overload
def get(identifier: None) -> None: ...
@overload
def get(identifier: str | dict[str, Any]) -> base.Initializer: ...
@overload
def get(identifier: type[AnyCallable]) -> AnyCallable: ...
@overload
def get(identifier: AnyCallable) -> AnyCallable: ...
def get(identifier: Any) -> Any:
    """Return the initializer for an identifier that Keras 2's layers accept.

    Args:
        identifier: A name, a dictionary from `serialize()`, a callable with
            `(shape, dtype=None, **kwargs)`, a class of such callables, or None.

    Returns:
        A callable; None for None.

    Raises:
        ArgumentError: `identifier` is none of these.

    Example:
        >>> from pyinit.compat import tf_keras
        >>> type(tf_keras.get("he_normal")).__name__
        'HeNormal'
    """
    if isinstance(identifier, dict | str):
        return deserialize(identifier)
    with argument_errors():
        return registry.get(identifier)
