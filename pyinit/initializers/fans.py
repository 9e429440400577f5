"""Fan-in and fan-out of a weight tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pyinit.arguments import argument_error, as_axes, as_shape


def compute_fans(
    shape: Iterable[int],
    input_axes: Iterable[int] | None = None,
    output_axes: Iterable[int] | None = None,
) -> tuple[int, int]:
    """The numbers of input and output units of a weight tensor.

    Args:
        shape: The tensor's shape. A matrix is (inputs, outputs); a tensor of higher rank is a
            convolution's kernel, (*receptive field, input channels, output channels).
        input_axes: The axes that count inputs, where the shape alone does not tell (attention).
            Used only together with `output_axes`, as in Keras.
        output_axes: The axes that count outputs.

    Returns:
        (fan_in, fan_out).

    Raises:
        ValueError: `shape` is not a shape, or an axis lies outside it.

    Example:
        >>> import pyinit
        >>> pyinit.compute_fans((3, 3, 16, 32))
        (144, 288)
        >>> pyinit.compute_fans((64, 4, 16), input_axes=[0], output_axes=[1, 2])
        (64, 64)

    Source: https://keras.io/api/layers/initializers/
    """
    dimensions = as_shape(shape)
    inputs, outputs = as_axes("input_axes", input_axes), as_axes("output_axes", output_axes)
    if inputs is not None and outputs is not None:
        return (
            _units("input_axes", dimensions, inputs),
            _units("output_axes", dimensions, outputs),
        )
    if len(dimensions) == 0:
        return 1, 1
    if len(dimensions) == 1:
        return dimensions[0], dimensions[0]
    receptive_field = math.prod(dimensions[:-2])
    return dimensions[-2] * receptive_field, dimensions[-1] * receptive_field


def _units(name: str, shape: tuple[int, ...], axes: list[int]) -> int:
    rank = len(shape)
    for axis in axes:
        if not -rank <= axis < rank:
            raise argument_error(name, axes, f"axes of shape={shape}, from {-rank} to {rank - 1}")
    if len({axis % rank for axis in axes}) != len(axes):
        raise argument_error(name, axes, "axes that are all different")
    return math.prod(shape[axis] for axis in axes)
