"""Fan-in and fan-out of a weight tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pyinit.arguments import Shape, argument_error, as_axes, as_shape


def compute_fans(
    shape: Iterable[int],
    input_axes: Iterable[int] | None = None,
    output_axes: Iterable[int] | None = None,
) -> tuple[int, int]:
    """Compute the number of input and output units of a weight tensor.

    Args:
        shape: The shape of the tensor. A matrix is (inputs, outputs); a tensor of higher rank is
            the kernel of a convolution, (*receptive field, input channels, output channels).
        input_axes: The axes that count inputs, if the shape alone is ambiguous, as in attention.
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
    return fans_of_shape(
        as_shape(shape), as_axes("input_axes", input_axes), as_axes("output_axes", output_axes)
    )


def fans_of_shape(
    shape: Shape, input_axes: list[int] | None, output_axes: list[int] | None
) -> tuple[int, int]:
    """Compute the fans of a shape that is already checked."""
    if input_axes is not None and output_axes is not None:
        return (
            _units("input_axes", shape, input_axes),
            _units("output_axes", shape, output_axes),
        )
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    receptive_field = math.prod(shape[:-2])
    return shape[-2] * receptive_field, shape[-1] * receptive_field


def _units(name: str, shape: Shape, axes: list[int]) -> int:
    rank = len(shape)
    for axis in axes:
        if not -rank <= axis < rank:
            raise argument_error(name, axes, f"axes of shape={shape}, from {-rank} to {rank - 1}")
    if len({axis % rank for axis in axes}) != len(axes):
        raise argument_error(name, axes, "distinct axes")
    return math.prod(shape[axis] for axis in axes)
