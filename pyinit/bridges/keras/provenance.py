"""The provenance of a layer's weights: the initializer of each.

A variable does not record its initializer, and a layer does not always keep it (attention passes a
copy to each of its projections). The layer is therefore rebuilt from its configuration, with an
`add_weight()` that records the initializers.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import keras

from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import Constant, Identity, Ones, Zeros
from pyinit.initializers.convolution import Dirac
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import NAMES
from pyinit.initializers.stft import STFT

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
        trainable: Whether `add_weight()` made the weight trainable.
        layer: The rebuilt layer, which made the weight.
    """

    initializer: Any
    trainable: bool
    layer: Any

    def with_seed(self, seed: int) -> Any:
        """Return the initializer with that seed, or unchanged if it is constant.

        Raises:
            CannotDrawError: The initializer is not known to take a seed.
        """
        initializer = keras.initializers.get(self.initializer)
        if not isinstance(initializer, FunctionType):
            return _with_seed(initializer, seed)
        if not initializer.__module__.startswith(("keras.", "pyinit.")):
            raise CannotDrawError(f"{initializer.__qualname__} is a function and takes no seed")
        # The layer's own function calls initializers that are attributes of the layer: LSTM makes
        # its bias this way, with a segment of ones. (Keras also makes a function of an array that
        # is given as initializer.)
        for name, value in list(vars(self.layer).items()):
            if name.endswith("initializer") and isinstance(value, keras.initializers.Initializer):
                setattr(self.layer, name, _with_seed(value, seed))
        return initializer


def _with_seed(initializer: Any, seed: int) -> Any:
    if isinstance(initializer, _CONSTANTS):
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


def own_weights(layer: Any) -> list[Any]:
    """Return a layer's weights except those of its sublayers."""
    in_sublayers = {id(weight) for child in children(layer) for weight in child.weights}
    return [weight for weight in layer.weights if id(weight) not in in_sublayers]


def children(layer: Any) -> list[Any]:
    """Return a layer's direct sublayers."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def weight_provenance(layer: Any) -> list[Provenance | None]:
    """Return the provenance of each of a layer's own weights; None without `add_weight()`.

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
        recorded[id(variable)] = Provenance(initializer, given.get("trainable", True), self)
        return variable

    recording_class: Any = type(
        cls.__name__, (cls,), {"__module__": cls.__module__, "add_weight": add_weight}
    )
    try:
        with keras.saving.custom_object_scope(_custom_objects(layer)):
            rebuilt = recording_class.from_config(_complete_config(layer))
            _share_seeds(layer, rebuilt)
            if not rebuilt.built:
                rebuilt.build_from_config(layer.get_build_config())
    except Exception as error:  # a user's class may raise anything
        # the last line of Keras' messages has the reason
        reason = (str(error).splitlines() or [""])[-1]
        raise CannotDrawError(
            f"{cls.__name__} cannot be rebuilt from its configuration "
            f"({type(error).__name__}: {reason})"
        ) from error
    weights = own_weights(rebuilt)
    if [tuple(w.shape) for w in weights] != [tuple(w.shape) for w in own_weights(layer)]:
        raise CannotDrawError(f"{cls.__name__} has weights of different shapes when it is rebuilt")
    return [recorded.get(id(weight)) for weight in weights]


def _share_seeds(layer: Any, rebuilt: Any) -> None:
    """Give the initializers of the rebuilt layer the seeds of the original.

    A configuration holds neither the seed of an unseeded initializer nor a generator's draws.
    """
    for name, initializer in vars(layer).items():
        other = vars(rebuilt).get(name)
        if isinstance(initializer, RandomInitializer) and isinstance(other, RandomInitializer):
            other.seed = initializer.seed


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
