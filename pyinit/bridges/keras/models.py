"""The weights of a Keras model, and their initialization from one seed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import keras

from pyinit.arguments import argument_error, is_instance
from pyinit.bridges.keras.provenance import (
    CannotDrawError,
    Provenance,
    StateProvenance,
    children,
    own_weights,
    quantization_problem,
    weight_names,
    weight_provenance,
)
from pyinit.bridges.problems import check_problems
from pyinit.initializers.base import Initializer
from pyinit.manifests.keras_names import SEED_STATE
from pyinit.seeds import as_seed, derive_seed

_Path = tuple[str, ...]


def initialize(model: Any, seed: int) -> None:
    """Set all weights of a model to their start, drawn from one seed.

    Each random weight is drawn by the initializer of its layer, with `derive_seed(seed, path)` in
    place of the initializer's own seed. The path consists of the names of the enclosing layers,
    without the model's own, and the name of the weight, joined by slashes:
    `"encoder/dense/kernel"`. So a weight depends only on the seed, its path, its shape and its
    initializer, not on other layers. Name your layers: the names that Keras generates (`dense_1`)
    depend on how many layers the process has made. Weights without a name are numbered within their
    layer: `variable`, `variable_1`.

    The same holds for weights made with `trainable=False` and for those of frozen layers: fixed
    projections and power-iteration vectors are drawn; moving averages, adapted statistics and
    counters return to their initial values. A weight with one of Keras' own initializers is drawn
    by pyinit's initializer of the same name and arguments. A constant initializer sets its constant
    again. A seed generator starts again with its seed; without one, with
    `derive_seed(seed, path)` modulo 2**31. The state of a stateful RNN becomes zero. Metrics and
    the optimizer are not part of a model's weights and stay unchanged.

    Args:
        model: A built model or layer.
        seed: An integer from -2**63 to 2**64 - 1.

    Raises:
        TypeError: `model` is not a Keras model or layer.
        ValueError: `seed` is out of range, the model or one of its layers is not built, or some
            weights cannot be drawn, such as the kernels of quantized layers. The error lists these
            with the reasons; the weights of the model are unchanged.

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
    if not is_instance(model, keras.Layer):
        raise argument_error("model", model, "a Keras model", TypeError)
    seed = as_seed("seed", seed)
    weights = keras_weights("model", model)
    find_provenance(weights)
    initializers = [seeded_initializer(weight, seed) for weight in weights]
    check_problems(
        "model",
        "a model whose weights can all be drawn",
        ((weight.path, weight.problem) for weight in weights),
    )
    for weight, initializer in zip(weights, initializers, strict=True):
        _assign(weight.variable, initializer)
    for layer in model._flatten_layers():
        _reset_derived_state(layer)


@dataclass
class KerasWeight:
    """A weight of a model, or the state of a seed generator.

    Args:
        variable: The Keras variable.
        path: The names of the enclosing layers, without the model's own, and the weight's name.
        layer: The layer that owns it.
        generator: The seed generator whose state it is; None for a weight.
        provenance: How its layer made it; None until `find_provenance()` finds it.
        problem: Why it cannot be drawn; empty if it can.
    """

    variable: Any
    path: str
    layer: Any
    generator: Any = None
    provenance: Provenance | StateProvenance | None = None
    problem: str = ""


def keras_weights(argument: str, model: Any) -> list[KerasWeight]:
    """Return all weights of a built model and the states of its seed generators.

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
            f"Argument `{argument}` must be a model whose weights have distinct paths, since the "
            f"path is a weight's name and decides its seed. Received: {', '.join(shared)}"
        )


def _walk(model: Any) -> Iterator[KerasWeight]:
    """Yield each weight once; a shared weight or layer has the first of its paths."""
    seen: set[int] = set()

    def walk(layer: Any, path: _Path, state_path: _Path) -> Iterator[KerasWeight]:
        if id(layer) in seen:
            return
        seen.add(id(layer))
        for weight in (*_own_weights(layer, path), *_own_states(layer, state_path)):
            if id(weight.variable) not in seen:
                seen.add(id(weight.variable))
                yield weight
        sublayers = children(layer)
        for child, name in zip(sublayers, _stable_names(sublayers), strict=True):
            yield from walk(child, (*path, child.name), (*state_path, name))

    return walk(model, (), ())


def _own_weights(layer: Any, path: _Path) -> Iterator[KerasWeight]:
    variables = own_weights(layer)
    for variable, name in zip(variables, weight_names(variables), strict=True):
        yield KerasWeight(variable, "/".join((*path, name)), layer)


def _own_states(layer: Any, path: _Path) -> Iterator[KerasWeight]:
    for count, generator in enumerate(layer._seed_generators):
        name = f"{SEED_STATE}_{count}" if count else SEED_STATE
        yield KerasWeight(generator.state, "/".join((*path, name)), layer, generator)


def _stable_names(layers: list[Any]) -> list[str]:
    """Return the names of sibling layers; those that Keras generated are numbered among them.

    Weights have the names of their layers in their paths. Few users name a dropout layer, and the
    one in an attention layer cannot be named, so the states of seed generators have these names.
    """
    bases = [_generated_base(layer) for layer in layers]
    used = {layer.name for layer, base in zip(layers, bases, strict=True) if base is None}
    names = []
    for layer, base in zip(layers, bases, strict=True):
        name, count = base or layer.name, 0
        while base is not None and name in used:
            count += 1
            name = f"{base}_{count}"
        used.add(name)
        names.append(name)
    return names


def _generated_base(layer: Any) -> str | None:
    """Return a name that Keras generated from the layer's class, without its number; else None."""
    base = re.sub(r"_[0-9]+\Z", "", layer.name)
    is_generated = base.replace("_", "") == type(layer).__name__.replace("_", "").lower()
    return base if is_generated else None


def find_provenance(weights: list[KerasWeight]) -> None:
    """Find how its layer made each of the weights, or record why that is unknown."""
    for weight in weights:
        if weight.generator is not None:
            weight.provenance = StateProvenance(weight.generator)
    others = [weight for weight in weights if weight.generator is None]
    for _, group in groupby(others, key=lambda weight: id(weight.layer)):
        _find_provenance_of_layer(list(group))


def _find_provenance_of_layer(weights: list[KerasWeight]) -> None:
    layer = weights[0].layer
    for weight in weights:
        weight.problem = quantization_problem(layer, weight.variable)
    if any(weight.problem for weight in weights):
        return
    try:
        found = weight_provenance(layer)
    except CannotDrawError as error:
        for weight in weights:
            weight.problem = str(error)
        return
    for weight in weights:
        weight.provenance = found[id(weight.variable)]
        if weight.provenance is None:
            weight.problem = (
                "it was not made by add_weight(), and building the layer again gives other values: "
                "make it with self.add_weight(shape, initializer)"
            )


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


def _reset_derived_state(layer: Any) -> None:
    """Reset what a layer keeps outside its weights: values computed from them, and RNN states."""
    if isinstance(layer, keras.layers.Normalization) and layer.built:
        layer.finalize_state()
    if isinstance(layer, keras.layers.RNN) and layer.stateful:
        layer.reset_state()
