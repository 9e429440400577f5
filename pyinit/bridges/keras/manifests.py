"""Manifests of Keras models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import FunctionType
from typing import Any

import keras
import numpy as np

from pyinit.arguments import Shape
from pyinit.bridges.keras.models import (
    KerasWeight,
    find_provenance,
    keras_weights,
    seeded_initializer,
)
from pyinit.bridges.keras.provenance import (
    ArrayInitializer,
    CannotDrawError,
    Provenance,
    StateInitializer,
    is_array_function,
    is_constant,
)
from pyinit.bridges.problems import check_problems
from pyinit.dtypes import AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import Constant, Ones
from pyinit.initializers.placement import Placement
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import CLASSES, NAMES
from pyinit.manifests.model import Segment, TensorSpec
from pyinit.reproducibility.fingerprint import fingerprint
from pyinit.reproducibility.json_config import has_large_array
from pyinit.runtime.host_arrays import host_array
from pyinit.seeds import is_generator, next_draw

#: Number of values that are compared to identify the draw of a seed generator.
_COMPARED_VALUES = 64
#: The dtype of a seed generator's state in a manifest: two 32-bit words, on every backend.
_STATE_DTYPE = "uint32"


class KerasAdapter:
    """The `ModelAdapter` of a Keras model.

    Args:
        model: The model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def remedy(self, seed: int | None) -> str:
        """Return how to record the model's weights: see `ModelAdapter`."""
        present = "With `values`, the manifest records the present weights, of any origin."
        if seed is None:
            return (
                "If pyinit.keras.initialize(model, seed) has set the weights, pass the same seed "
                f"to create_manifest(). {present}"
            )
        return (
            f"The initial weights for seed={seed} are those that "
            f"pyinit.keras.initialize(model, {seed}) sets. {present}"
        )

    def plan(self, seed: int | None) -> list[TensorSpec]:
        """Return the tensors with their initializers: see `ModelAdapter`."""
        weights = keras_weights("target", self._model)
        if seed is None:
            # a generator without a seed starts with another one each time the model is built
            weights = [weight for weight in weights if weight.generator is None]
        find_provenance(weights)
        specs = [_spec(weight, seed) for weight in weights]
        check_problems(
            "target",
            "a model whose initializers can all be recorded (with `values`, none is needed)",
            ((weight.path, weight.problem) for weight in weights),
        )
        return [spec for spec in specs if spec is not None]

    def values(self) -> Iterator[tuple[str, AnyArray | None]]:
        """Yield the name and the values of each weight and of each seed generator's state."""
        for weight in keras_weights("target", self._model):
            values = host_array(weight.variable)
            # the state of a seed generator has another dtype on each backend
            yield weight.path, values if weight.generator is None else values.astype(_STATE_DTYPE)

    def buffers(self) -> Iterator[tuple[str, AnyArray | None]]:
        """Yield nothing: all weights of a model are part of its plan."""
        yield from ()


def _shape(weight: KerasWeight) -> Shape:
    return tuple(weight.variable.shape)


def _spec(weight: KerasWeight, seed: int | None) -> TensorSpec | None:
    """Return the tensor of a weight, or record the weight's problem."""
    provenance = weight.provenance
    if provenance is None:
        return None
    initializer: Any
    if seed is None and isinstance(provenance, Provenance):
        initializer = provenance.as_built()
    else:
        assert seed is not None
        initializer = seeded_initializer(weight, seed)
    if isinstance(initializer, StateInitializer):
        words = (Constant(word) for word in initializer.words)
        rows = tuple(
            Segment(word, placement=Placement(rows=(row, row + 1)))
            for row, word in enumerate(words)
        )
        return TensorSpec(weight.path, (2,), _STATE_DTYPE, rows)
    dtype = weight.variable.dtype
    storage_dtype = keras.backend.standardize_dtype(weight.variable.value.dtype)
    if dtype != storage_dtype:
        weight.problem = f"its dtype is {dtype}, but the backend stores it as {storage_dtype}"
    if weight.problem:
        return None
    try:
        if isinstance(initializer, ArrayInitializer):
            return _spec_of_array(weight, initializer.values)
        segments = _segments(weight, provenance, initializer)
    except CannotDrawError as error:
        weight.problem = str(error)
        return None
    spec = TensorSpec(weight.path, _shape(weight), dtype, segments)
    if any(has_large_array(segment.initializer) for segment in segments):
        return replace(spec, segments=(), fingerprint=fingerprint(spec.lazy()))
    return spec


def _spec_of_array(weight: KerasWeight, values: AnyArray) -> TensorSpec:
    """Return the tensor of a variable made from fixed values: its fingerprint, or a constant."""
    spec = TensorSpec(weight.path, _shape(weight), weight.variable.dtype, ())
    if values.size and is_constant(values):
        return replace(spec, segments=(Segment(_constant(values)),))
    return replace(spec, fingerprint=fingerprint(values))


def _constant(values: AnyArray) -> Constant:
    """Return the initializer of an array whose values are all equal."""
    first = values.reshape(-1)[:1]
    if first.dtype.kind not in "biu":
        first = first.astype(np.float64)
    return Constant(first.item() if first.size else 0)


def _segments(weight: KerasWeight, provenance: Any, initializer: Any) -> tuple[Segment, ...]:
    if isinstance(initializer, FunctionType):
        return _segments_of_function(weight, provenance, initializer)
    return (_segment(weight, initializer, Placement()),)


def _segments_of_function(
    weight: KerasWeight, provenance: Provenance, function: Any
) -> tuple[Segment, ...]:
    """Return the segments of a weight whose initializer is a function of its layer."""
    layer, shape = provenance.layer, _shape(weight)
    if getattr(layer, "unit_forget_bias", False) and function.__name__ == "bias_initializer":
        # Keras concatenates bias_initializer((n,)), ones((n,)) and bias_initializer((2 * n,))
        size = shape[0] // 4
        rows = [(0, size), (size, 2 * size), (2 * size, 4 * size)]
        initializers = (layer.bias_initializer, Ones(), layer.bias_initializer)
        return tuple(
            _segment(weight, initializer, Placement(rows=of_segment))
            for initializer, of_segment in zip(initializers, rows, strict=True)
        )
    values = host_array(function(shape, dtype=weight.variable.dtype))
    if is_array_function(function):
        return (Segment(Constant(values)),)
    if not is_constant(values):
        name = f"{function.__module__}.{function.__qualname__}"
        raise CannotDrawError(f"it is made by the function {name}")
    return (Segment(_constant(values)),)


def _segment(weight: KerasWeight, initializer: Any, placement: Placement) -> Segment:
    ours = _as_ours(initializer)
    if not isinstance(ours, RandomInitializer):
        return Segment(ours, placement=placement)
    if not is_generator(ours.seed):
        return Segment(ours.with_seed(ours.seed), placement=placement)
    return _segment_of_generator(weight, ours, placement)


def _as_ours(initializer: Any) -> Initializer:
    """Return pyinit's own initializer unchanged; convert a deterministic one of Keras."""
    if type(initializer) in CLASSES:
        return initializer  # type: ignore[no-any-return]
    name = type(initializer).__name__
    if getattr(keras.initializers, name, None) is not type(initializer):
        name = getattr(initializer, "__name__", name)
        raise CannotDrawError(f"its initializer, {name}, is not one of pyinit's")
    config = initializer.get_config()
    if "seed" in config:
        raise CannotDrawError(
            f"its initializer is Keras' own {name}, whose values depend on the backend: give the "
            f"layer pyinit.{name}(), or create the manifest with a seed"
        )
    return NAMES[name].from_config(config)


def _segment_of_generator(weight: KerasWeight, initializer: Any, placement: Placement) -> Segment:
    """Recover the draw by comparing values: the generator only keeps the index of its next one."""
    seed, next_index = next_draw(initializer.seed)
    seeded = initializer.with_seed(seed)
    values = placement.place(host_array(weight.variable))
    for draw in range(next_index):
        weights = seeded.lazy(values.shape, values.dtype, draw=draw)
        # a tensor without elements has no chunks
        slices, drawn = next(weights.chunks(_COMPARED_VALUES), (..., values))
        if values[slices].tobytes() == drawn.tobytes():
            return Segment(seeded, draw, placement)
    raise CannotDrawError(
        f"none of the {next_index} draws of its seed generator has its values: it was trained, or "
        "initialized in another way"
    )
