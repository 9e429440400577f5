"""Initializers as Dask arrays."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from itertools import chain, groupby, repeat, starmap
from typing import Any

import dask
import dask.array
import numpy as np
from dask.array.core import getter, normalize_chunks
from dask.base import tokenize
from dask.layers import ArraySliceDep

from pyinit.arguments import (
    MAX_SIZE,
    argument_error,
    as_index,
    exact_str,
    is_instance,
    sequence_elements,
)
from pyinit.dtypes import DTypeLike
from pyinit.initializers.base import Initializer, is_drawn_lazily
from pyinit.initializers.given_values import GivenTensor
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.registry import get_argument
from pyinit.runtime.threads import single_threaded_by_default

#: The largest number of blocks along an axis that can be given by their lengths.
_MAX_BLOCKS = 10**6
#: A size in bytes in Dask's notation.
_SIZE = re.compile(r"auto|[0-9]+(\.[0-9]+)? ?[kKMGTP]?i?B", re.IGNORECASE)

#: The lengths of the blocks along each axis.
Blocks = tuple[tuple[int, ...], ...]
#: For each axis, the lengths of its blocks, each with the number of blocks that follow each other.
Runs = tuple[tuple[tuple[int, int], ...], ...]


def from_initializer(
    initializer: Any,
    shape: Collection[int],
    chunks: Any = "auto",
    dtype: DTypeLike | None = None,
) -> dask.array.Array:
    """Return the tensor of an initializer as a Dask array.

    Each block is drawn by the task that needs it, with the values that it has in the whole tensor.
    So the values do not depend on the chunks, the scheduler or the workers, and if a worker is
    lost, its blocks are drawn again. The graph holds the seed and no values: 10,000 blocks of equal
    lengths take about 1 kB. An array given as the initializer is in the graph once.

    The draw of a seed generator is taken, and the seed of an unseeded initializer is fixed, when
    the array is made. The same initializer, seed, draw, shape, dtype and chunks give the same name.

    A tensor whose elements depend on each other, such as a matrix of `Orthogonal`, is computed by a
    single task. Smaller chunks are cut from it, by a graph that grows with their number. A stack of
    matrices along leading axes is divided between matrices.

    A block is drawn by one thread, since Dask computes several blocks at a time, unless
    `pyinit.set_num_threads()` or `PYINIT_NUM_THREADS` sets another number in the worker.

    Args:
        initializer: An initializer, or anything else that `pyinit.get()` accepts.
        shape: The shape of the tensor: a sequence of non-negative integers.
        chunks: The chunks, as for `dask.array.from_array`: `"auto"`, a size in bytes such as
            `"64MiB"`, or the lengths along each axis. For matrices that are computed whole,
            `"auto"` and a size divide only the axes along which they are stacked.
        dtype: The dtype, as in a call of the initializer; None means `floatx()`.

    Returns:
        A `dask.array.Array`.

    Raises:
        TypeError: `initializer` is not an initializer of pyinit.
        ValueError: An argument is invalid. No draw is taken.

    Example:
        >>> import pyinit.dask
        >>> weights = pyinit.dask.from_initializer(pyinit.HeNormal(seed=1), (6, 4), chunks=(2, 4))
        >>> weights.numblocks
        (3, 1)
        >>> bool((weights.compute() == pyinit.HeNormal(seed=1)((6, 4))).all())
        True

    Source: https://docs.dask.org/en/stable/array-creation.html
    """
    ours = get_argument("initializer", initializer)
    if not is_instance(ours, Initializer):
        allowed = "an initializer of pyinit, its name or its configuration"
        raise argument_error("initializer", initializer, allowed, TypeError)
    # draw=0 checks the arguments without taking a draw of a seed generator
    checked = ours.lazy(shape, dtype, draw=0 if is_drawn_lazily(ours) else None)
    blocks = _checked_blocks(chunks, checked)
    weights = ours.lazy(checked.shape, checked.dtype)
    axis = _first_joint_axis(weights)
    whole = blocks[:axis] + tuple((length,) for length in weights.shape[axis:])
    array = _drawn(weights, whole)
    # a graph of tasks: shuffling, the alternative, is for arrays of many blocks
    return array if whole == blocks else array.rechunk(blocks, method="tasks")


class BlockReader:
    """Reads blocks of a lazy tensor, by one thread unless the user sets another number.

    Args:
        weights: The lazy tensor.
    """

    __slots__ = ("_weights",)

    def __init__(self, weights: LazyTensor) -> None:
        self._weights = weights

    def __getitem__(self, index: tuple[Any, ...]) -> Any:
        with single_threaded_by_default():
            # a block without axes is an array, not a scalar
            return self._weights[index or ...]


class BlockSlices(ArraySliceDep):  # type: ignore[misc]
    """The slices of the blocks. A pickle has the lengths of equal blocks once.

    Args:
        chunks: The lengths of the blocks along each axis.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        runs = tuple(
            tuple((length, len(list(equal))) for length, equal in groupby(lengths))
            for lengths in self.chunks
        )
        return _slices_of_runs, (runs,)


def _slices_of_runs(runs: Runs) -> BlockSlices:
    return BlockSlices(tuple(tuple(chain.from_iterable(starmap(repeat, axis))) for axis in runs))


def _drawn(weights: LazyTensor, blocks: Blocks) -> dask.array.Array:
    """Return the Dask array whose tasks read these blocks."""
    token = tokenize(weights, blocks)
    reader: Any = BlockReader(weights)
    if isinstance(weights, GivenTensor):
        # its values go to each worker once, not with every task
        reader = dask.delayed(reader, name=f"pyinit-values-{token}", traverse=False)
    axes = tuple(range(weights.ndim))
    name = f"pyinit-{token}"
    array = dask.array.blockwise(
        getter,
        axes,
        reader,
        None,
        BlockSlices(blocks),
        axes,
        name=name,
        align_arrays=False,
        dtype=weights.dtype,
        meta=np.empty((0,) * weights.ndim, weights.dtype),
    )
    # the length of every block, of which Dask only makes a drawing of the layer
    (array.dask.layers[name].collection_annotations or {}).pop("chunks", None)
    return array


def _first_joint_axis(weights: LazyTensor) -> int:
    """Return the first of the trailing axes along which elements are computed together."""
    axis = weights.ndim
    while axis and math.prod(weights.shape[axis:]) < weights.joint_size:
        axis -= 1
    return axis


def _checked_chunks(chunks: Any, rank: int, allowed: str) -> Any:
    """Return the argument `chunks` made of Python's own types."""

    def along_axis(entry: Any) -> Any:
        return None if entry is None else _checked_lengths(chunks, entry, allowed)

    if is_instance(chunks, dict):
        axes = [as_index(axis) for axis in chunks]
        if not set(axes) <= set(range(rank)):
            raise argument_error("chunks", chunks, f"{allowed}; the keys of a dictionary are axes")
        return dict(zip(axes, map(along_axis, chunks.values()), strict=True))
    if exact_str(chunks) is not None or as_index(chunks) is not None:
        return _checked_lengths(chunks, chunks, allowed)
    entries = sequence_elements("chunks", chunks, allowed, _MAX_BLOCKS)
    return tuple(map(along_axis, entries))


def _checked_lengths(chunks: Any, entry: Any, allowed: str) -> Any:
    """Return a size, a length or the lengths of the blocks along an axis."""
    text, length = exact_str(entry), as_index(entry)
    if text is not None:
        if _SIZE.fullmatch(text):
            return text
    elif length is not None:
        if length >= -1:
            return min(length, MAX_SIZE)
    else:
        try:
            elements = sequence_elements("chunks", entry, allowed, _MAX_BLOCKS)
        except ValueError:
            raise argument_error("chunks", chunks, allowed) from None
        lengths = [as_index(element) for element in elements]
        if all(length is not None and length >= 0 for length in lengths):
            return tuple(lengths)
    raise argument_error("chunks", chunks, allowed)


def _checked_blocks(chunks: Any, weights: LazyTensor) -> Blocks:
    """Return the lengths of the blocks along each axis."""
    shape = weights.shape
    allowed = (
        '"auto", a size in bytes such as "64MiB", or the lengths of the blocks along each axis of '
        f"shape={shape}, as for dask.array.from_array: a positive integer, -1 for the whole axis, "
        "or a tuple of lengths that add up to it"
    )
    checked = _checked_chunks(chunks, len(shape), allowed)
    axis = _first_joint_axis(weights)
    given = checked
    if isinstance(checked, str):
        given = (checked,) * axis + (-1,) * (len(shape) - axis)
    try:
        blocks = normalize_chunks(given, shape=shape, dtype=weights.dtype)
    except (TypeError, ValueError, ArithmeticError):
        raise argument_error("chunks", chunks, allowed) from None
    lengths = tuple(tuple(map(as_index, lengths)) for lengths in blocks)
    if any(length is None or length < 0 for axis in lengths for length in axis):
        raise argument_error("chunks", chunks, allowed)
    return lengths  # type: ignore[return-value]
