"""Manifests of Keras models."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import Any

import keras
import numpy as np

from pyinit.arguments import Shape
from pyinit.bridges.keras.models import KerasWeight, keras_weights, seeded_initializer
from pyinit.bridges.keras.provenance import CannotDrawError, Provenance
from pyinit.bridges.problems import check_problems
from pyinit.dtypes import AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import Constant, Ones
from pyinit.initializers.placement import Placement
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import CLASSES, NAMES
from pyinit.manifests.model import Segment, TensorSpec
from pyinit.runtime.host_arrays import host_array
from pyinit.seeds import is_generator, next_draw

#: Number of values that are compared to identify the draw of a seed generator.
_COMPARED_VALUES = 64


class KerasAdapter:
    """The `ModelAdapter` of a Keras model.

    Args:
        model: The model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.remedy = "pyinit.keras.initialize(model, seed) gives it the weights of a seed."

    def plan(self, seed: int | None) -> list[TensorSpec]:
        """Return the tensors with their initializers: see `ModelAdapter`."""
        weights = keras_weights("target", self._model)
        segments = [_segments(weight, seed) for weight in weights]
        check_problems(
            "target",
            "a model whose weights can all be recorded",
            ((weight.path, weight.problem) for weight in weights),
        )
        return [
            TensorSpec(weight.path, _shape(weight), weight.variable.dtype, of_weight)
            for weight, of_weight in zip(weights, segments, strict=True)
        ]

    def values(self) -> Iterator[tuple[str, AnyArray | None]]:
        """Yield the name and the values of each weight."""
        for weight in keras_weights("target", self._model):
            yield weight.path, host_array(weight.variable)


def _shape(weight: KerasWeight) -> Shape:
    return tuple(weight.variable.shape)


def _segments(weight: KerasWeight, seed: int | None) -> tuple[Segment, ...]:
    """Return the segments of a weight, or record the weight's problem."""
    if weight.provenance is None:
        return ()
    dtype = weight.variable.dtype
    storage_dtype = keras.backend.standardize_dtype(weight.variable.value.dtype)
    if dtype != storage_dtype:
        weight.problem = f"its dtype is {dtype}, but the backend stores it as {storage_dtype}"
        return ()
    if seed is None or not weight.is_drawn:
        initializer = keras.initializers.get(weight.provenance.initializer)
    else:
        initializer = seeded_initializer(weight, seed)
    if weight.problem:
        return ()
    try:
        if isinstance(initializer, FunctionType):
            return _segments_of_function(weight, weight.provenance, initializer)
        return (_segment(weight, initializer, Placement()),)
    except CannotDrawError as error:
        weight.problem = str(error)
        return ()


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
    first = values.reshape(-1)[:1]
    if not (values == first).all():
        name = f"{function.__module__}.{function.__qualname__}"
        raise CannotDrawError(f"it is made by the function {name}")
    return (Segment(Constant(first.astype(np.float64).item() if first.size else 0)),)


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
