"""What the weights of a layer are made from.

A weight does not know its initializer, and a layer does not always keep it (attention gives one to
each of its projections). So a layer is built a second time, from its configuration, and what its
weights are made from is noted then.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import keras

from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import Constant, Identity, Ones, Zeros
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import NAMES
from pyinit.initializers.stft import STFT

_CONSTANTS = tuple(
    cls
    for ours in (Constant, Identity, Ones, STFT, Zeros)
    for cls in (ours, getattr(keras.initializers, ours.__name__, ours))
)


class CannotDrawError(Exception):
    """Why a weight cannot be drawn."""


@dataclass
class Origin:
    """What a weight is made from.

    Args:
        initializer: What `add_weight()` was given.
        trainable: Whether an optimizer trains the weight, unless its layer is frozen.
        layer: The layer that was built a second time, with this weight in it.
    """

    initializer: Any
    trainable: bool
    layer: Any

    def with_seed(self, seed: int) -> Any:
        """The initializer with that seed; as it is if it is constant.

        Raises:
            CannotDrawError: It does not take a seed, as far as one can know.
        """
        initializer = keras.initializers.get(self.initializer)
        if not isinstance(initializer, FunctionType):
            return _with_seed(initializer, seed)
        if not initializer.__module__.startswith(("keras.", "pyinit.")):
            raise CannotDrawError(f"{initializer.__qualname__} is a function, and takes no seed")
        # A function of the layer, which calls initializers that the layer holds: so LSTM makes its
        # bias, of which one part is ones. (Or it gives the array that came as initializer.)
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
        of_keras = getattr(keras.initializers, name, None) is cls
        cls = NAMES.get(name) if of_keras else None
    config = {} if cls is None else initializer.get_config()
    if "seed" not in config:
        raise CannotDrawError(f"{name} is neither constant nor known to take a seed")
    return cls.from_config({**config, "seed": seed})


def own_weights(layer: Any) -> list[Any]:
    """A layer's weights without those of the layers in it."""
    of_others = {id(weight) for other in children(layer) for weight in other.weights}
    return [weight for weight in layer.weights if id(weight) not in of_others]


def children(layer: Any) -> list[Any]:
    """The layers that a layer consists of."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def origins(layer: Any) -> list[Origin | None]:
    """What each of the layer's own weights is made from; None if `add_weight()` did not make it.

    Raises:
        CannotDrawError: There is no building a second one.
    """
    made: dict[int, Origin] = {}
    cls: Any = type(layer)

    def add_weight(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = {**dict(zip(("shape", "initializer", "dtype"), args, strict=False)), **kwargs}
        initializer = given.pop("initializer", None)
        variable = cls.add_weight(self, initializer="zeros", **given)
        if initializer is None:
            # Keras' own choice
            initializer = "glorot_uniform" if "float" in variable.dtype else "zeros"
        made[id(variable)] = Origin(initializer, given.get("trainable", True), self)
        return variable

    noting: Any = type(
        cls.__name__, (cls,), {"__module__": cls.__module__, "add_weight": add_weight}
    )
    try:
        with keras.saving.custom_object_scope(_custom_objects(layer)):
            again = noting.from_config(_config(layer))
            _share_seeds(layer, again)
            if not again.built:
                again.build_from_config(layer.get_build_config())
    except Exception as error:  # whatever a class of the user's may raise
        # of Keras' own messages, the last line is the one that says why
        reason = (str(error).splitlines() or [""])[-1]
        raise CannotDrawError(
            f"no second {cls.__name__} can be built from its configuration "
            f"({type(error).__name__}: {reason})"
        ) from error
    weights = own_weights(again)
    if [tuple(w.shape) for w in weights] != [tuple(w.shape) for w in own_weights(layer)]:
        raise CannotDrawError(f"a second {cls.__name__} has other weights than this one")
    return [made.get(id(weight)) for weight in weights]


def _share_seeds(layer: Any, again: Any) -> None:
    """Gives the second layer's initializers the seeds of the first one's.

    A seed that was not given is not in a configuration, and a generator's draws are not either.
    """
    for name, initializer in vars(layer).items():
        copy = vars(again).get(name)
        if isinstance(initializer, RandomInitializer) and isinstance(copy, RandomInitializer):
            copy.seed = initializer.seed


def _config(layer: Any) -> dict[str, Any]:
    """A layer's configuration, with arguments that it leaves out but that the layer keeps.

    (Keras' own ConvLSTMCell does so.)
    """
    needed = [
        parameter.name
        for parameter in inspect.signature(type(layer).__init__).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    kept = {name: getattr(layer, name) for name in needed[1:] if hasattr(layer, name)}
    return {**kept, **layer.get_config()}


def _custom_objects(layer: Any) -> dict[str, Any]:
    """Functions and classes of the user's that a layer holds: they need not be registered."""
    values = [value for part in layer._flatten_layers() for value in vars(part).values()]
    custom = [value if isinstance(value, FunctionType) else type(value) for value in values]
    return {
        value.__name__: value
        for value in custom
        if value.__module__.partition(".")[0] not in ("builtins", "keras", "pyinit")
    }
