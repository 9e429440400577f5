"""What manifests need to know of a Keras model: the names, values and origins of its weights."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import Any

import keras
import numpy as np

from pyinit.arguments import Shape
from pyinit.bridges.keras.models import Weight, seeded, weights_of
from pyinit.bridges.keras.provenance import CannotDrawError, Origin
from pyinit.bridges.problems import check_problems
from pyinit.dtypes import AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import Constant, Ones
from pyinit.initializers.placement import Placement
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import CLASSES, NAMES
from pyinit.manifests.model import Segment, TensorSpec
from pyinit.reproducibility.chunks import chunks
from pyinit.reproducibility.fingerprint import host_array
from pyinit.seeds import is_generator, next_key

#: TensorSource by which a draw of a generator is told from the others.
_TELLING = 64


class KerasModel:
    """A model of Keras, as `pyinit.manifests.adapters` has it.

    Args:
        model: The model.

    Raises:
        ValueError: It is not built.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.remedy = "pyinit.keras.initialize(model, seed) draws those of a seed."

    def plan(self, seed: int | None) -> list[TensorSpec]:
        """Return what draws each weight: see `ModelAdapter`."""
        weights = weights_of("target", self._model)
        planned = [(weight, _segments(weight, seed)) for weight in weights]
        check_problems(
            "target",
            "a model whose weights can all be pinned",
            [(weight.path, weight.problem) for weight in weights],
        )
        return [
            TensorSpec(weight.path, _shape(weight), weight.variable.dtype, segments)
            for weight, segments in planned
        ]

    def values(self) -> Iterator[tuple[str, AnyArray | None]]:
        """The values of each weight."""
        for weight in weights_of("target", self._model):
            yield weight.path, host_array(weight.variable)


def _shape(weight: Weight) -> Shape:
    return tuple(weight.variable.shape)


def _segments(weight: Weight, seed: int | None) -> tuple[Segment, ...]:
    """What draws a weight; if that cannot be told, the weight notes why."""
    if weight.origin is None:
        return ()
    dtype, held = (
        weight.variable.dtype,
        keras.backend.standardize_dtype(weight.variable.value.dtype),
    )
    if dtype != held:
        weight.problem = f"its dtype is {dtype}, and the backend holds it as {held}"
        return ()
    if seed is None or not weight.is_drawn:
        initializer = keras.initializers.get(weight.origin.initializer)
    else:
        initializer = seeded(weight, seed)
    if weight.problem:
        return ()
    try:
        if isinstance(initializer, FunctionType):
            return _segments_of_function(weight, weight.origin, initializer)
        return (_segment(weight, initializer, Placement()),)
    except CannotDrawError as error:
        weight.problem = str(error)
        return ()


def _segments_of_function(weight: Weight, origin: Origin, function: Any) -> tuple[Segment, ...]:
    """The segments of a weight that a function of its layer makes."""
    layer, shape = origin.layer, _shape(weight)
    if getattr(layer, "unit_forget_bias", False) and function.__name__ == "bias_initializer":
        # Keras: bias_initializer((n,)), ones((n,)), bias_initializer((2 * n,))
        size = shape[0] // 4
        rows = [(0, size), (size, 2 * size), (2 * size, 4 * size)]
        drawn_by = (layer.bias_initializer, Ones(), layer.bias_initializer)
        return tuple(
            _segment(weight, initializer, Placement(rows=part))
            for initializer, part in zip(drawn_by, rows, strict=True)
        )
    values = host_array(function(shape, dtype=weight.variable.dtype))
    first = values.reshape(-1)[:1]
    if not (values == first).all():
        name = f"{function.__module__}.{function.__qualname__}"
        raise CannotDrawError(f"it is made by the function {name}")
    return (Segment(Constant(first.astype(np.float64).item() if first.size else 0)),)


def _segment(weight: Weight, initializer: Any, placement: Placement) -> Segment:
    ours = _as_ours(initializer)
    if not isinstance(ours, RandomInitializer):
        return Segment(ours, placement=placement)
    if not is_generator(ours.seed):
        ours = type(ours).from_config({**ours.get_config(), "seed": ours.seed})
        return Segment(ours, placement=placement)
    return _drawn_by_generator(weight, ours, placement)


def _as_ours(initializer: Any) -> Initializer:
    """One of our own initializers; those of Keras without chance are taken for ours."""
    if type(initializer) in CLASSES:
        return initializer  # type: ignore[no-any-return]
    name = type(initializer).__name__
    if getattr(keras.initializers, name, None) is not type(initializer):
        name = getattr(initializer, "__name__", name)
        raise CannotDrawError(f"its initializer, {name}, is not one of pyinit's")
    config = initializer.get_config()
    if "seed" in config:
        raise CannotDrawError(
            f"its initializer is Keras' own {name}, whose values are those of a backend: give the "
            f"layer pyinit.{name}(), or pin the model with a seed"
        )
    return NAMES[name].from_config(config)


def _drawn_by_generator(weight: Weight, initializer: Any, placement: Placement) -> Segment:
    """The part with the draw that gave the weight, which its values tell: the generator forgot."""
    seed, next_draw = next_key(initializer.seed)
    fixed = type(initializer).from_config({**initializer.get_config(), "seed": seed})
    values = placement.place(host_array(weight.variable))
    part, offset = next(chunks(values.shape, _TELLING), (values.shape, (0,) * values.ndim))
    expected = values[tuple(slice(first, first + n) for n, first in zip(part, offset, strict=True))]
    for draw in range(next_draw):
        fixed.seed = seed, draw
        drawn = fixed(
            values.shape,
            expected.dtype,
            device="cpu",
            partition_shape=part,
            partition_offset=offset,
        )
        if drawn.tobytes() == expected.tobytes():
            return Segment(fixed, draw, placement)
    raise CannotDrawError(
        f"none of the {next_draw} draws that its seed generator has given are its values: it was "
        "trained, or initialized in another way"
    )
