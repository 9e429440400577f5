"""The weights of a Keras model, and their initialization from one seed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from pyinit.bridges.keras.provenance import (
    CannotDrawError,
    Provenance,
    children,
    own_weights,
    weight_provenance,
)
from pyinit.bridges.problems import check_problems
from pyinit.initializers.base import Initializer
from pyinit.seeds import as_seed, derive_seed

#: A name that Keras generates. Its number depends on the other variables made in the process.
_GENERATED_NAME = re.compile(r"(jax_|nnx_)?variable(_\d+)?")


def initialize(model: Any, seed: int) -> None:
    """Draw all weights of a model from one seed.

    Each weight is drawn by the initializer of its layer, with `derive_seed(seed, path)` in place of
    the initializer's own seed. The path consists of the names of the enclosing layers, without the
    model's own, and the name of the weight, joined by slashes: `"encoder/dense/kernel"`. So a
    weight depends only on the seed, its path, its shape and its initializer, not on other layers.
    Name your layers: the names that Keras generates (`dense_1`) depend on how many layers the
    process has made. Weights without a name are numbered within their layer: `variable`,
    `variable_1`.

    A weight with one of Keras' own initializers is drawn by pyinit's initializer of the same name
    and arguments. A constant initializer sets its constant again. Weights made with
    `trainable=False` (moving averages, the state of seed generators) and the state of the optimizer
    keep their values; the weights of frozen layers are drawn.

    Args:
        model: A built model or layer.
        seed: An integer from -2**63 to 2**64 - 1.

    Raises:
        TypeError: `model` is not a Keras model or layer.
        ValueError: `seed` is out of range, the model or one of its layers is not built, or some
            weights cannot be drawn. The error lists these with the reasons; the weights of the
            model are unchanged.

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
    weights = [weight for weight in keras_weights("model", model) if weight.is_drawn]
    initializers = [seeded_initializer(weight, seed) for weight in weights]
    check_problems(
        "model",
        "a model whose weights can all be drawn",
        ((weight.path, weight.problem) for weight in weights),
    )
    for weight, initializer in zip(weights, initializers, strict=True):
        _assign(weight.variable, initializer)


@dataclass
class KerasWeight:
    """A weight of a model.

    Args:
        variable: The Keras variable.
        path: The names of the enclosing layers, without the model's own, and the weight's name.
        provenance: How its layer made it; None if unknown.
        is_drawn: Whether `initialize()` draws it, which it does if the layer made it trainable.
        problem: Why it cannot be drawn; empty if it can.
    """

    variable: Any
    path: str
    provenance: Provenance | None
    is_drawn: bool = True
    problem: str = ""


def keras_weights(argument: str, model: Any) -> list[KerasWeight]:
    """Return all weights of a built model.

    Args:
        argument: The name of the caller's argument, for messages.
        model: The model.

    Raises:
        ValueError: The model is not built, or two of its weights have the same path.
    """
    _check_built(argument, model)
    weights = list(_walk(model))
    _check_paths(argument, weights)
    return weights


def _check_built(argument: str, model: Any) -> None:
    unbuilt = [
        layer.name
        for layer in model._flatten_layers()
        if not layer.built and (layer is model or type(layer).build is not keras.Layer.build)
    ]
    if unbuilt:
        raise ValueError(
            f"Argument `{argument}` must be built: call it on data, or model.build(input_shape). "
            f"Received: {argument}={model.name!r}, with unbuilt layers: {', '.join(unbuilt)}"
        )


def _check_paths(argument: str, weights: list[KerasWeight]) -> None:
    counts = Counter(weight.path for weight in weights)
    shared = [f"{path} ({count} weights)" for path, count in counts.items() if count > 1]
    if shared:
        raise ValueError(
            f"Argument `{argument}` must be a model whose weights have distinct paths, since "
            f"weights with the same path would have the same seed. Received: {', '.join(shared)}"
        )


def _walk(model: Any) -> Iterator[KerasWeight]:
    """Yield each weight once; a shared weight or layer has the first of its paths."""
    seen: set[int] = set()

    def walk(layer: Any, path: tuple[str, ...]) -> Iterator[KerasWeight]:
        if id(layer) in seen:
            return
        seen.add(id(layer))
        for weight in _layer_weights(layer, path):
            if id(weight.variable) not in seen:
                seen.add(id(weight.variable))
                yield weight
        for child in children(layer):
            yield from walk(child, (*path, child.name))

    return walk(model, ())


def _layer_weights(layer: Any, path: tuple[str, ...]) -> Iterator[KerasWeight]:
    variables = own_weights(layer)
    if not variables:
        return
    paths = ["/".join((*path, name)) for name in _weight_names(variables)]
    try:
        provenances = weight_provenance(layer)
    except CannotDrawError as error:
        yield from (
            KerasWeight(variable, path, None, problem=str(error))
            for variable, path in zip(variables, paths, strict=True)
        )
        return
    for variable, weight_path, provenance in zip(variables, paths, provenances, strict=True):
        if provenance is None:
            problem = "it was not made by add_weight()"
            yield KerasWeight(variable, weight_path, None, variable.trainable, problem)
        else:
            yield KerasWeight(variable, weight_path, provenance, provenance.trainable)


def _weight_names(variables: list[Any]) -> Iterator[str]:
    """Yield the names of one layer's weights; those without one are numbered."""
    count = 0
    for variable in variables:
        if _GENERATED_NAME.fullmatch(variable.name):
            yield f"variable_{count}" if count else "variable"
            count += 1
        else:
            yield variable.name


def seeded_initializer(weight: KerasWeight, seed: int) -> Any:
    """Return the initializer that draws the weight, or record the weight's problem."""
    if weight.provenance is None:
        return None
    try:
        return weight.provenance.with_seed(derive_seed(seed, weight.path))
    except CannotDrawError as error:
        weight.problem = str(error)
        return None


def _assign(variable: Any, initializer: Any) -> None:
    """Draw a weight; each device of a sharded variable draws its own shard."""
    shape, dtype = tuple(variable.shape), variable.dtype
    sharding = getattr(variable.value, "sharding", None)
    if isinstance(initializer, Initializer) and len(getattr(sharding, "device_set", ())) > 1:
        variable.assign(initializer(shape, dtype=dtype, layout=sharding))
    else:
        variable.assign(initializer(shape, dtype=dtype))
