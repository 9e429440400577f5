"""Functions of a tensor that is larger than memory, evaluated partition by partition."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeVar

from pyinit.arguments import Shape, argument_error, as_positive_integer, as_shape, is_instance
from pyinit.dtypes import DTypeLike
from pyinit.initializers.base import Initializer
from pyinit.initializers.lazy import LazyTensor
from pyinit.runtime.progress import Progress, reporting

Result = TypeVar("Result")

#: The default number of elements in a partition: 64 MiB of R's doubles, so that both languages
#: divide a tensor in the same way.
PARTITION_SIZE = 1 << 23


def map_partitions(
    initializer: Initializer | LazyTensor,
    shape: Collection[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    fun: Callable[..., Result],
    rows: int | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """Apply a function to a tensor partition by partition, a number of rows at a time.

    A row consists of all elements with the same index along the first axis. Only one partition is
    in memory at a time, so the tensor may be larger than memory. The exception is a tensor whose
    elements depend on each other, such as an orthogonal matrix: it is computed whole, once.

    Args:
        initializer: An initializer or a lazy tensor.
        shape: For an initializer, the shape of the tensor, with at least one axis; None for a lazy
            tensor. With a seed generator, the initializer takes one draw.
        dtype: For an initializer, the dtype of the tensor; None means `floatx()`. None for a lazy
            tensor.
        fun: A function of a partition, a NumPy array with the axes of the tensor. If it has an
            argument `first_row`, it also receives the index of the partition's first row, by name.
        rows: The number of rows in a partition; the last one may have fewer. None means as many as
            fit into 2**23 elements, but at least one.
        progress: A function of the number of bytes done and the total, called after each partition;
            None shows a progress bar on a terminal after two seconds.

    Returns:
        The results of `fun`, in the order of the rows.

    Raises:
        TypeError: `initializer` or `fun` has a wrong type.
        ValueError: Another argument is invalid.

    Example:
        >>> import pyinit
        >>> weights = pyinit.Constant(0.5).lazy((1000, 4))
        >>> pyinit.map_partitions(weights, fun=lambda part: float(part.sum()), rows=400)
        [800.0, 800.0, 400.0]

    Source: https://docs.dask.org/en/stable/generated/dask.array.map_blocks.html
    """
    if not callable(fun):
        raise argument_error("fun", fun, "a function", TypeError)
    if rows is not None:
        rows = as_positive_integer("rows", rows, "None or a positive integer")
    weights = _as_lazy(initializer, shape, dtype)
    takes_row = _takes_first_row(fun)
    results = []
    done = 0
    with reporting(progress) as report:
        for part_shape, offset in row_partitions(weights.shape, rows):
            values = weights.read(part_shape, offset)
            done += values.nbytes
            results.append(fun(values, first_row=offset[0]) if takes_row else fun(values))
            report(done, weights.nbytes)
            # freed before the next partition is computed
            del values
    return results


def _as_lazy(
    initializer: Initializer | LazyTensor, shape: Collection[int] | None, dtype: DTypeLike | None
) -> LazyTensor:
    """Return the tensor to divide. All arguments are checked before a draw is taken."""
    if is_instance(initializer, LazyTensor):
        for name, value in (("shape", shape), ("dtype", dtype)):
            if value is not None:
                raise argument_error(name, value, "None for a lazy tensor")
        if not initializer.shape:
            raise argument_error("initializer", initializer, "a tensor with rows, not a scalar")
        return initializer
    if not is_instance(initializer, Initializer):
        allowed = "an initializer or a lazy tensor"
        raise argument_error("initializer", initializer, allowed, TypeError)
    if shape is None:
        raise argument_error("shape", shape, "given for an initializer")
    full = as_shape(shape)
    if not full:
        raise argument_error("shape", full, "of rank 1 or more: a scalar has no rows")
    return initializer.lazy(full, dtype)


def row_partitions(shape: Shape, rows: int | None) -> Iterator[tuple[Shape, Shape]]:
    """Yield the shape and the offset of each partition of `rows` rows; None means the default."""
    if rows is None:
        rows = max(1, PARTITION_SIZE // max(1, math.prod(shape[1:])))
    for first in range(0, shape[0], rows):
        yield (min(rows, shape[0] - first), *shape[1:]), (first, *(0,) * (len(shape) - 1))


def _takes_first_row(fun: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(fun).parameters
    except ValueError:  # a function without a signature, written in C
        return False
    return "first_row" in parameters
