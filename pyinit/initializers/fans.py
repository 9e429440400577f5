"""Fan-in and fan-out of a weight tensor."""

from __future__ import annotations

import math
from collections.abc import Collection

from pyinit.arguments import Shape, argument_error, as_axes, as_batch_axes, as_shape


def compute_fans(
    shape: Collection[int],
    input_axes: Collection[int] | None = None,
    output_axes: Collection[int] | None = None,
    batch_axes: int | Collection[int] | None = None,
) -> tuple[int, int]:
    """Compute the number of input and output units of a weight tensor.

    Args:
        shape: The shape of the tensor. A matrix is (inputs, outputs); a tensor of higher rank is
            the kernel of a convolution, (*receptive field, input channels, output channels).
        input_axes: The axes that count inputs, if the shape alone is ambiguous, as in attention.
            Used only together with `output_axes`, as in Keras.
        output_axes: The axes that count outputs.
        batch_axes: The axis or axes along which independent weights are stacked, such as layers or
            experts. The fans are those of one member.

    Returns:
        (fan_in, fan_out).

    Raises:
        ValueError: `shape` is not a shape, an axis lies outside it, or a batch axis also counts
            inputs or outputs.

    Example:
        >>> import pyinit
        >>> pyinit.compute_fans((3, 3, 16, 32))
        (144, 288)
        >>> pyinit.compute_fans((64, 4, 16), input_axes=[0], output_axes=[1, 2])
        (64, 64)
        >>> pyinit.compute_fans((8, 64, 16), batch_axes=0)
        (64, 16)

    Source: https://keras.io/api/layers/initializers/
    """
    return fans_of_shape(
        as_shape(shape),
        as_axes("input_axes", input_axes),
        as_axes("output_axes", output_axes),
        as_batch_axes(batch_axes),
    )


def fans_of_shape(
    shape: Shape,
    input_axes: list[int] | None,
    output_axes: list[int] | None,
    batch_axes: list[int] | None,
) -> tuple[int, int]:
    """Compute the fans of a shape that is already checked."""
    if batch_axes is not None:
        batch = axes_of_shape("batch_axes", batch_axes, shape)
        if input_axes is not None and output_axes is not None:
            check_disjoint(batch_axes, input_axes, output_axes, len(shape))
        else:
            shape = tuple(length for axis, length in enumerate(shape) if axis not in batch)
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


def axes_of_shape(name: str, axes: list[int], shape: Shape) -> tuple[int, ...]:
    """Return axes of a shape in ascending order, counted from the first.

    Raises:
        ValueError: An axis lies outside the shape or occurs twice.
    """
    rank = len(shape)
    for axis in axes:
        if not -rank <= axis < rank:
            raise argument_error(name, axes, f"axes of shape={shape}, from {-rank} to {rank - 1}")
    positive = {axis % rank for axis in axes}
    if len(positive) != len(axes):
        raise argument_error(name, axes, "distinct axes")
    return tuple(sorted(positive))


def check_disjoint(
    batch_axes: list[int] | None,
    input_axes: list[int] | None,
    output_axes: list[int] | None,
    rank: int | None = None,
) -> None:
    """Check that no batch axis counts inputs or outputs.

    Args:
        batch_axes: The batch axes.
        input_axes: The axes that count inputs; used only if the next are given too.
        output_axes: The axes that count outputs.
        rank: The rank of the tensor; None if it is not known yet, so that an axis is compared with
            axes that are counted from the same end.

    Raises:
        ValueError: A batch axis is among the others.
    """
    if batch_axes is None or input_axes is None or output_axes is None:
        return
    for name, axes in (("input_axes", input_axes), ("output_axes", output_axes)):
        for axis in batch_axes:
            if axis in axes or (rank and axis % rank in {other % rank for other in axes}):
                allowed = f"axes that are not in {name}={axes}"
                raise argument_error("batch_axes", batch_axes, allowed)


def _units(name: str, shape: Shape, axes: list[int]) -> int:
    return math.prod(shape[axis] for axis in axes_of_shape(name, axes, shape))
