"""One seed for a whole model: every weight is drawn anew with a seed of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from pyinit.bridges.keras.provenance import CannotDrawError, Origin, children, origins, own_weights
from pyinit.bridges.problems import check_problems
from pyinit.initializers.base import Initializer
from pyinit.seeds import as_seed, derive_seed

#: A name that Keras makes up, with a number that depends on what else was made in the process.
_MADE_UP = re.compile(r"(jax_|nnx_)?variable(_\d+)?")


def initialize(model: Any, seed: int) -> None:
    """Draws every weight of a model anew, all of them from one seed.

    Each weight is drawn by the initializer that its layer was given, with
    `derive_seed(seed, path)` in place of the initializer's own seed. The path is the names of the
    layers from the model, which is not counted itself, down to the weight, and the weight's name,
    joined by slashes: `"encoder/dense/kernel"`. So a weight depends on the seed, on its path, its
    shape and its initializer, and not on what other layers there are. Give layers names: those that
    Keras makes up (`dense_1`) count the layers made before in the process. (Weights without a name
    are counted within their layer: `variable`, `variable_1`.)

    Initializers of Keras are taken for ours of the same name and arguments. Constant ones give
    their constant again. Weights that no optimizer trains (moving averages, the state of seed
    generators) and the state of the optimizer stay as they are; those of frozen layers are drawn.

    Args:
        model: A built model, or another layer.
        seed: An integer from -2**63 to 2**64 - 1.

    Raises:
        TypeError: `model` is not a Keras model or layer.
        ValueError: `seed` is not such an integer; the model, or one of its layers, is not built; or
            there are weights that cannot be drawn. The error names them and says why, and the
            model's weights are as before.

    Example:
        >>> import keras
        >>> import pyinit.keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="dense")])
        >>> pyinit.keras.initialize(model, seed=42)
        >>> expected = pyinit.GlorotUniform(pyinit.derive_seed(42, "dense/kernel"))((4, 3))
        >>> kernel = keras.ops.convert_to_numpy(model.get_layer("dense").kernel)
        >>> bool((kernel == expected).all())
        True

    Source: https://github.com/tensorflow/tensorflow/issues/31149
    """
    if not isinstance(model, keras.Layer):
        raise TypeError(f"Argument `model` must be a Keras model. Received: model={model!r}")
    seed = as_seed("seed", seed)
    weights = [weight for weight in weights_of("model", model) if weight.is_drawn]
    drawn = [(weight, seeded(weight, seed)) for weight in weights]
    check_problems(
        "model",
        "a model whose weights can all be drawn",
        [(weight.path, weight.problem) for weight in weights],
    )
    for weight, initializer in drawn:
        _assign(weight.variable, initializer)


@dataclass
class Weight:
    """A weight of a model.

    Args:
        variable: Keras' variable.
        path: The names of the layers down to it, and its own.
        origin: What it was made from; None where that is not known.
        is_drawn: Whether it is drawn anew with the others: an optimizer trains it, unless its layer
            is frozen.
        problem: Why it cannot be drawn, if it cannot.
    """

    variable: Any
    path: str
    origin: Origin | None
    is_drawn: bool = True
    problem: str = ""


def weights_of(name: str, model: Any) -> list[Weight]:
    """All weights of a built model.

    Args:
        name: What the caller's argument is called, for messages.
        model: The model.

    Raises:
        ValueError: The model is not built, or two of its weights have one path.
    """
    _check_built(name, model)
    weights = list(_weights(model))
    _check_paths(name, weights)
    return weights


def _check_built(name: str, model: Any) -> None:
    unbuilt = [
        layer.name
        for layer in model._flatten_layers()
        if not layer.built and (layer is model or type(layer).build is not keras.Layer.build)
    ]
    if unbuilt:
        raise ValueError(
            f"Argument `{name}` must be built: call it on data, or model.build(input_shape). "
            f"Received: {name}={model.name!r}, in which these are not built: {', '.join(unbuilt)}"
        )


def _check_paths(name: str, weights: list[Weight]) -> None:
    counts = Counter(weight.path for weight in weights)
    shared = [f"{path} ({count} weights)" for path, count in counts.items() if count > 1]
    if shared:
        raise ValueError(
            f"Argument `{name}` must be a model whose weights have paths of their own, since "
            f"weights with one path would have one seed. Received: {', '.join(shared)}"
        )


def _weights(model: Any) -> Iterator[Weight]:
    # weights and layers that are used twice count where they are met first
    seen: set[int] = set()

    def walk(layer: Any, path: tuple[str, ...]) -> Iterator[Weight]:
        if id(layer) in seen:
            return
        seen.add(id(layer))
        for weight in _weights_of_layer(layer, path):
            if id(weight.variable) not in seen:
                seen.add(id(weight.variable))
                yield weight
        for child in children(layer):
            yield from walk(child, (*path, child.name))

    return walk(model, ())


def _weights_of_layer(layer: Any, path: tuple[str, ...]) -> Iterator[Weight]:
    variables = own_weights(layer)
    if not variables:
        return
    paths = ["/".join((*path, name)) for name in _names(variables)]
    try:
        made_from = origins(layer)
    except CannotDrawError as error:
        yield from (
            Weight(variable, path, None, problem=str(error))
            for variable, path in zip(variables, paths, strict=True)
        )
        return
    for variable, weight_path, origin in zip(variables, paths, made_from, strict=True):
        if origin is None:
            problem = "add_weight() did not make it"
            yield Weight(variable, weight_path, None, variable.trainable, problem)
        else:
            yield Weight(variable, weight_path, origin, origin.trainable)


def _names(variables: list[Any]) -> Iterator[str]:
    """The names of one layer's weights, those without one counted."""
    count = 0
    for variable in variables:
        if _MADE_UP.fullmatch(variable.name):
            yield f"variable_{count}" if count else "variable"
            count += 1
        else:
            yield variable.name


def seeded(weight: Weight, seed: int) -> Any:
    """The initializer to draw the weight with; if there is none, the weight notes why."""
    if weight.origin is None:
        return None
    try:
        return weight.origin.with_seed(derive_seed(seed, weight.path))
    except CannotDrawError as error:
        weight.problem = str(error)
        return None


def _assign(variable: Any, initializer: Any) -> None:
    """Draws the weight, on each device what it holds."""
    shape, dtype = tuple(variable.shape), variable.dtype
    sharding = getattr(variable.value, "sharding", None)
    if isinstance(initializer, Initializer) and len(getattr(sharding, "device_set", ())) > 1:
        variable.assign(initializer(shape, dtype=dtype, layout=sharding))
    else:
        variable.assign(initializer(shape, dtype=dtype))
