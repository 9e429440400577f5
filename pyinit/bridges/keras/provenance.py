"""The provenance of a layer's weights: the initializer of each.

A variable does not record its initializer, and a layer does not always keep it (attention passes a
copy to each of its projections). The layer is therefore rebuilt from its configuration, with an
`add_weight()` that records the initializers.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import keras
import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import Constant, Identity, Ones, Zeros
from pyinit.initializers.convolution import Dirac
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import NAMES
from pyinit.initializers.stft import STFT
from pyinit.manifests.keras_names import stable_name
from pyinit.runtime.host_arrays import host_array

_CONSTANTS = tuple(
    cls
    for ours in (Constant, Dirac, Identity, Ones, STFT, Zeros)
    for cls in (ours, getattr(keras.initializers, ours.__name__, ours))
)


class CannotDrawError(Exception):
    """A weight cannot be drawn; the message is the reason."""


@dataclass
class Provenance:
    """How a layer made a weight.

    Args:
        initializer: The initializer that `add_weight()` received.
        layer: The rebuilt layer, which made the weight.
    """

    initializer: Any
    layer: Any

    def as_built(self) -> Any:
        """Return the initializer with the seed of its own."""
        if isinstance(self.initializer, ArrayInitializer):
            return self.initializer
        return keras.initializers.get(self.initializer)

    def with_seed(self, seed: int) -> Any:
        """Return the initializer with that seed, or unchanged if it is constant.

        Raises:
            CannotDrawError: The initializer is not known to take a seed.
        """
        initializer = self.as_built()
        if not isinstance(initializer, FunctionType):
            return _with_seed(initializer, seed)
        if is_array_function(initializer):
            return initializer
        if not initializer.__module__.startswith(("keras.", "pyinit.")):
            raise CannotDrawError(f"{initializer.__qualname__} is a function and takes no seed")
        # The layer's own function calls initializers that are attributes of the layer: LSTM makes
        # its bias this way, with a segment of ones.
        for name, value in list(vars(self.layer).items()):
            if name.endswith("initializer") and isinstance(value, keras.initializers.Initializer):
                setattr(self.layer, name, _with_seed(value, seed))
        return initializer


@dataclass
class StateProvenance:
    """How a seed generator of Keras started.

    Args:
        generator: The seed generator.
    """

    generator: Any

    def with_seed(self, seed: int) -> StateInitializer:
        """Return the initializer of its state, with that seed if the generator was given none."""
        own = self.generator.get_config()["seed"]
        # Keras' backends take seeds below 2**31
        return StateInitializer(seed % 2**31 if own is None else own)


class StateInitializer:
    """The initializer of a seed generator's state: the seed, and no draws taken.

    Args:
        seed: The seed, taken modulo 2**32.
    """

    def __init__(self, seed: int) -> None:
        self.words = (seed % 2**32, 0)

    def __call__(self, shape: Shape, dtype: str) -> AnyArray:
        """Return the state in the dtype of the backend, which may be signed."""
        return np.array(self.words, np.uint32).astype(dtype)


@dataclass
class ArrayInitializer:
    """The initializer of a variable that a layer makes from fixed values.

    Args:
        values: The values.
    """

    values: AnyArray

    def __call__(self, shape: Shape, dtype: str) -> AnyArray:
        """Return the values."""
        return self.values


def _with_seed(initializer: Any, seed: int) -> Any:
    if isinstance(initializer, (*_CONSTANTS, ArrayInitializer)):
        return initializer
    cls: Any = type(initializer)
    name = cls.__name__
    if not isinstance(initializer, Initializer):
        is_keras_class = getattr(keras.initializers, name, None) is cls
        cls = NAMES.get(name) if is_keras_class else None
    config = {} if cls is None else initializer.get_config()
    if "seed" not in config:
        raise CannotDrawError(f"{name} is neither constant nor known to take a seed")
    return cls.from_config({**config, "seed": seed})


def is_array_function(initializer: Any) -> bool:
    """Return whether an initializer is the function that Keras makes of an array."""
    name = getattr(initializer, "__qualname__", "")
    return name == "get.<locals>.initialize_fn" and initializer.__module__.startswith("keras.")


def own_weights(layer: Any) -> list[Any]:
    """Return a layer's weights except those of its sublayers."""
    in_sublayers = {id(weight) for child in children(layer) for weight in child.weights}
    return [weight for weight in layer.weights if id(weight) not in in_sublayers]


def weight_names(variables: list[Any]) -> list[str]:
    """Return the names of one layer's weights; those without one are numbered."""
    counts: Counter[str] = Counter()
    return [stable_name(variable.name, counts) for variable in variables]


def children(layer: Any) -> list[Any]:
    """Return a layer's direct sublayers."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


#: The quantization modes that replace a kernel by values computed from it.
_QUANTIZED = ("int8", "int4", "gptq", "awq")


def quantization_problem(layer: Any, variable: Any) -> str:
    """Return why a weight of a quantized layer cannot be drawn; empty if it can."""
    mode = getattr(layer, "quantization_mode", None)
    is_computed = any(variable is other for other in layer._non_trainable_variables)
    if mode not in _QUANTIZED or not is_computed:
        return ""
    return (
        f"its layer is quantized to {mode}: it was computed from a kernel that is gone. Initialize "
        "the model, or create its manifest, before model.quantize()"
    )


def weight_provenance(layer: Any) -> dict[int, Provenance | None]:
    """Return the provenance of each of a layer's own weights, by the id of the variable.

    It is None for a variable that the layer made without `add_weight()`, unless it starts with
    the same values each time the layer is built. (For a trainable one they must all be equal, since
    a random one has to depend on the model's seed.)

    Raises:
        CannotDrawError: The layer cannot be rebuilt.
    """
    weights = own_weights(layer)
    rebuilt, recorded = _rebuild(layer)
    found = [recorded.get(id(weight)) for weight in rebuilt]
    if None in found:
        again, _ = _rebuild(layer)
        for index, weight in enumerate(weights):
            if found[index] is None:
                found[index] = _fixed_provenance(layer, weight, rebuilt[index], again[index])
    return {id(weight): provenance for weight, provenance in zip(weights, found, strict=True)}


def _fixed_provenance(layer: Any, weight: Any, first: Any, second: Any) -> Provenance | None:
    values, others = host_array(first), host_array(second)
    if values.tobytes() != others.tobytes():
        return None
    # a frozen layer's variables are not trainable, but stay among these
    is_trained = any(weight is other for other in layer._trainable_variables)
    if is_trained and not is_constant(values):
        return None
    return Provenance(ArrayInitializer(values.copy()), layer)


def is_constant(values: AnyArray) -> bool:
    """Return whether all values of an array are equal, to the last bit."""
    bits = np.ascontiguousarray(values).reshape(-1).view(f"u{values.itemsize}")
    return bool((bits == bits[:1]).all())


def _rebuild(layer: Any) -> tuple[list[Any], dict[int, Provenance]]:
    """Return the own weights of a layer rebuilt from its configuration.

    Returns:
        The weights, and the provenance of those that `add_weight()` made, by id.

    Raises:
        CannotDrawError: The layer cannot be rebuilt.
    """
    recorded: dict[int, Provenance] = {}
    cls: Any = type(layer)

    def add_weight(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = {**dict(zip(("shape", "initializer", "dtype"), args, strict=False)), **kwargs}
        initializer = given.pop("initializer", None)
        variable = cls.add_weight(self, initializer="zeros", **given)
        if initializer is None:
            # Keras' default
            initializer = "glorot_uniform" if "float" in variable.dtype else "zeros"
        recorded[id(variable)] = Provenance(initializer, self)
        return variable

    recording_class: Any = type(
        cls.__name__, (cls,), {"__module__": cls.__module__, "add_weight": add_weight}
    )
    try:
        with (
            _named_array_functions(layer) as arrays,
            keras.saving.custom_object_scope({**_custom_objects(layer), **arrays}),
        ):
            rebuilt = recording_class.from_config(_complete_config(layer))
            _share_seeds(layer, rebuilt)
            if not rebuilt.built:
                rebuilt.build_from_config(layer.get_build_config())
    except Exception as error:  # a user's class may raise anything
        raise CannotDrawError(
            f"{cls.__name__} cannot be rebuilt from its configuration "
            f"({type(error).__name__}: {_reason(error)})"
        ) from error
    weights = _in_order(own_weights(rebuilt), own_weights(layer))
    if [tuple(w.shape) for w in weights] != [tuple(w.shape) for w in own_weights(layer)]:
        raise CannotDrawError(f"{cls.__name__} has weights of different shapes when it is rebuilt")
    return weights, recorded


def _in_order(weights: list[Any], others: list[Any]) -> list[Any]:
    """Return weights in the order of others with the same names, if the names are distinct.

    A layer that was quantized after it was built has its weights in another order.
    """
    named = dict(zip(weight_names(weights), weights, strict=True))
    names = weight_names(others)
    is_same_set = len(named) == len(weights) == len(names) and named.keys() == set(names)
    return [named[name] for name in names] if is_same_set else weights


def _reason(error: Exception) -> str:
    """Return the reason in an exception's message, on one line.

    Keras follows the reason with an example of code, or puts a dump of a configuration before it.
    """
    text = str(error)
    _, found, encountered = text.rpartition("Exception encountered: ")
    paragraph = encountered if found else text.strip().partition("\n\n")[0]
    return " ".join(paragraph.split())


@contextmanager
def _named_array_functions(layer: Any) -> Iterator[dict[str, Any]]:
    """Give the functions that Keras makes of arrays names of their own; yield them by name.

    In a configuration, all of them have the name of the function in Keras that makes them.
    """
    functions = [
        value
        for sublayer in layer._flatten_layers()
        for value in vars(sublayer).values()
        if is_array_function(value)
    ]
    named = {f"{function.__name__}_{id(function)}": function for function in functions}
    for name, function in named.items():
        function.__name__ = name
    try:
        yield named
    finally:
        for function in functions:
            function.__name__ = "initialize_fn"


def _share_seeds(layer: Any, rebuilt: Any) -> None:
    """Give the initializers of the rebuilt layer the seeds of the original.

    A configuration holds neither the seed of an unseeded initializer nor a generator's draws.
    """
    for name, initializer in vars(layer).items():
        other = vars(rebuilt).get(name)
        if isinstance(initializer, RandomInitializer) and isinstance(other, RandomInitializer):
            vars(other)["seed"] = initializer.seed


def _complete_config(layer: Any) -> dict[str, Any]:
    """Return a layer's configuration, with omitted arguments taken from the layer's attributes.

    Keras' own ConvLSTMCell omits some.
    """
    required = [
        parameter.name
        for parameter in inspect.signature(type(layer).__init__).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    attributes = {name: getattr(layer, name) for name in required[1:] if hasattr(layer, name)}
    return {**attributes, **layer.get_config()}


def _custom_objects(layer: Any) -> dict[str, Any]:
    """Return the user's functions and classes that a layer uses, which may be unregistered."""
    values = [value for sublayer in layer._flatten_layers() for value in vars(sublayer).values()]
    objects = [value if isinstance(value, FunctionType) else type(value) for value in values]
    return {
        value.__name__: value
        for value in objects
        if value.__module__.partition(".")[0] not in ("builtins", "keras", "pyinit")
    }
