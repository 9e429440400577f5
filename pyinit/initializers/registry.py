"""Initializers by name and configuration, as in `keras.initializers`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType
from typing import Any, TypeVar, overload

from pyinit.arguments import (
    argument_error,
    did_you_mean,
    exact_str,
    has_attribute,
    is_instance,
    shown,
)
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray
from pyinit.initializers import (
    constant,
    convolution,
    factories,
    orthogonal,
    random,
    stft,
    torch_names,
    variance_scaling,
)
from pyinit.initializers.base import Initializer, constructed_without_dtype
from pyinit.runtime.host_arrays import host_array

AnyCallable = TypeVar("AnyCallable", bound=Callable[..., Any])

#: The classes of the public interface.
CLASSES: tuple[type[Initializer], ...] = tuple(
    getattr(module, name)
    for module in (constant, convolution, orthogonal, random, stft, variance_scaling)
    for name in module.__all__
)


_FACTORIES = frozenset(
    getattr(module, name)
    for module in (factories, torch_names)
    for name in module.__all__
    if name.startswith("initializer_")
)


def snake_case(name: str) -> str:
    """Convert the name of a class as Keras does for its shortcuts: `HeNormal` to `he_normal`."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


#: Every name that Keras accepts for an initializer, and the names of the classes that Keras lacks.
NAMES: dict[str, type[Initializer]] = {
    **{cls.__name__: cls for cls in CLASSES},
    **{snake_case(cls.__name__): cls for cls in CLASSES},
    "IdentityInitializer": constant.Identity,
    "OrthogonalInitializer": orthogonal.Orthogonal,
    "STFTInitializer": stft.STFT,
    "normal": random.RandomNormal,
    "one": constant.Ones,
    "uniform": random.RandomUniform,
    "zero": constant.Zeros,
}

#: Every name that `get()` accepts: those of Keras, and those of `torch.nn.init`, whose functions
#: construct a `VarianceScaling`.
CONSTRUCTORS: dict[str, Callable[..., Initializer]] = {
    **NAMES,
    **{
        name.removeprefix("initializer_"): getattr(torch_names, name)
        for name in torch_names.__all__
        if name.startswith("initializer_")
    },
}


def serialize(initializer: Initializer) -> dict[str, Any]:
    """Return an initializer's class and configuration as a JSON-serializable dictionary.

    Args:
        initializer: An initializer.

    Returns:
        A dictionary as Keras' function returns it, with the keys `module` (`"pyinit"`),
        `class_name`, `config` and `registered_name`.

    Raises:
        ValueError: `initializer` is not an initializer.

    Example:
        >>> import pyinit
        >>> pyinit.serialize(pyinit.Identity(2))["config"]
        {'gain': 2}

    Source: https://keras.io/api/layers/initializers/
    """
    if not is_instance(initializer, Initializer):
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
    """Construct an initializer from a dictionary of `serialize()`, ours or Keras'.

    Args:
        config: A dictionary with `class_name`, any name that `get()` accepts, and `config`, its
            arguments.
        custom_objects: Classes of your own, by name.

    Raises:
        ValueError: `config` is not such a dictionary, or its class is unknown.

    Example:
        >>> import pyinit
        >>> pyinit.deserialize({"class_name": "HeNormal", "config": {"seed": 3}})
        HeNormal(seed=3)

    Source: https://keras.io/api/layers/initializers/
    """
    check_custom_objects(custom_objects)
    return _deserialized("config", config, custom_objects)


def check_custom_objects(custom_objects: object) -> None:
    """Check the argument `custom_objects` of `deserialize()`."""
    are_classes = is_instance(custom_objects, Mapping) and all(  # type: ignore[type-abstract]
        exact_str(name) is not None and callable(found) for name, found in custom_objects.items()
    )
    if custom_objects is not None and not are_classes:
        allowed = "None or a dictionary of classes by name"
        raise argument_error("custom_objects", custom_objects, allowed)


def _deserialized(
    argument: str, config: Any, custom_objects: dict[str, type[Initializer]] | None = None
) -> Initializer:
    """Call `deserialize()` with an argument of another function, which the errors name."""
    allowed = "a dictionary with 'class_name' and 'config', as serialize() returns it"
    if not is_instance(config, dict):
        raise argument_error(argument, config, allowed)
    name, arguments = exact_str(config.get("class_name")), config.get("config", {})
    if name is None or not is_instance(arguments, dict):
        raise argument_error(argument, config, allowed)
    known: dict[str, Callable[..., Initializer]] = {**CONSTRUCTORS, **(custom_objects or {})}
    constructor = known.get(name)
    if constructor is None:
        allowed = "the configuration of a known initializer, or of one in `custom_objects`"
        raise ValueError(
            f"Argument `{argument}` must be {allowed}{did_you_mean(name, known)}. "
            f"Received: class_name={shown(name)}"
        )
    # a class may override from_config(); torch's names are functions
    construct = partial(constructed_without_dtype, constructor)
    return getattr(constructor, "from_config", construct)(arguments)


@overload
def get(identifier: None) -> None: ...
@overload
def get(identifier: str | Mapping[str, Any]) -> Initializer: ...
@overload
def get(identifier: type[AnyCallable]) -> AnyCallable: ...
@overload
def get(identifier: AnyCallable) -> AnyCallable: ...
@overload
def get(identifier: AnyArray) -> constant.Constant: ...
def get(identifier: Any) -> Any:
    """Return the initializer that an identifier stands for, as Keras' layers do.

    Args:
        identifier: One of:

            - A name: Keras' names and aliases, and torch's `"xavier_uniform"`, `"xavier_normal"`,
              `"kaiming_uniform"` and `"kaiming_normal"`.
            - A dictionary as `serialize()` returns it.
            - An initializer or another callable `(shape, dtype=None)`.
            - A class of these, or a function such as `initializer_he_normal`: it is called without
              arguments.
            - An array of NumPy or another library: the initial value of a weight of its shape.
            - None.

    Returns:
        A callable `(shape, dtype=None)`, for an array a `Constant`; None for None.

    Raises:
        ValueError: `identifier` is none of these.

    Example:
        >>> import pyinit
        >>> pyinit.get("he_normal").__class__.__name__
        'HeNormal'

    Source: https://keras.io/api/layers/initializers/
    """
    return get_argument("identifier", identifier)


def get_argument(argument: str, identifier: Any) -> Any:
    """Call `get()` with an argument of another function, which the errors name."""
    if identifier is None:
        return None
    if is_instance(identifier, Mapping):  # type: ignore[type-abstract]
        return _deserialized(argument, dict(identifier))
    name = exact_str(identifier)
    if name is not None:
        if name not in CONSTRUCTORS:
            # the name of a function is not one of the names
            near = did_you_mean(name.removeprefix("initializer_"), CONSTRUCTORS)
            hint = near or ", such as 'glorot_uniform'"
            raise argument_error(argument, name, f"the name of an initializer{hint}")
        return CONSTRUCTORS[name]()
    if not callable(identifier) and has_attribute(identifier, "shape"):
        return constant.constant_of_own_shape(_array(argument, identifier))
    is_factory = is_instance(identifier, FunctionType) and identifier in _FACTORIES
    found = identifier() if is_factory or is_instance(identifier, type) else identifier
    if callable(found):
        return found
    allowed = "a name, a configuration, a callable, an array or None"
    raise argument_error(argument, identifier, allowed)


def _array(argument: str, value: Any) -> AnyArray:
    try:
        array = host_array(value)
    except TypeError:
        raise argument_error(argument, value, "an array without a mask") from None
    if array.dtype.newbyteorder("=") not in NUMERIC_DTYPES.values():
        raise argument_error(argument, value, "an array of numbers or bools")
    return array


# The names in R, where base R and other packages define the short ones.
get_initializer = get
serialize_initializer = serialize
deserialize_initializer = deserialize
