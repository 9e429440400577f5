"""The functions that the R package calls for lazy tensors, through reticulate."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pyinit.bridges.r import calls
from pyinit.dtypes import AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.random import RandomInitializer
from pyinit.seeds import is_generator, take_draw

__all__ = ["lazy_of", "make_lazy", "partition_facts", "restore_lazy"]

#: Runs of evenly spaced indices along one axis: their first indices, steps and counts.
Runs = tuple[Sequence[float], Sequence[float], Sequence[float]]

#: Moves the elements with given runs of indices along each axis to R.
Read = Callable[[Sequence[Runs], str], None]


def make_lazy(
    handle: calls.Handle, shape: calls.Sizes, dtype: Any
) -> tuple[Read, str, float | None, str, dict[str, Any]]:
    """Make a lazy tensor, which takes the next draw of a seed generator.

    Args:
        handle: The handle of an initializer, see `calls.construct()`.
        shape: The shape of the tensor.
        dtype: The dtype, or None.

    Returns:
        A function that reads the tensor, and the arguments that make it again: the name of its
        dtype, the draw (None if nothing is random), the initializer's class name and its
        configuration with the seed in use.

    Raises:
        ValueError: An argument is invalid. No draw is taken then.
    """
    initializer = calls.initializer_of(handle)
    sizes = calls.whole(shape)
    draw = None
    if isinstance(initializer, RandomInitializer):
        seed, draw = initializer.seed, 0
        if is_generator(seed):
            # with a given draw this checks the arguments and takes none
            initializer.lazy(sizes, dtype, draw=0)
            seed, draw = take_draw(seed)
        initializer = initializer.with_seed(seed)
    weights = initializer.lazy(sizes, dtype, draw=draw)
    draw_for_r = None if draw is None else float(draw)
    return _reader(weights), weights.dtype.name, draw_for_r, *calls.description(initializer)


def restore_lazy(
    class_name: str, config: Any, shape: calls.Sizes, dtype: Any, draw: float | None
) -> Read:
    """Make a lazy tensor again in a new session, and return the function that reads it."""
    initializer: Initializer = calls.initializer_of(calls.construct(class_name, config, None)[0])
    weights = initializer.lazy(calls.whole(shape), dtype, draw=None if draw is None else int(draw))
    return _reader(weights)


def lazy_of(read: functools.partial[None]) -> LazyTensor:
    """Return the lazy tensor that a function of `make_lazy()` reads."""
    weights: LazyTensor = read.args[0]
    return weights


def partition_facts(read: functools.partial[None]) -> dict[str, Any]:
    """Return what R needs to divide the lazy tensor that a function of `make_lazy()` reads."""
    weights = lazy_of(read)
    return {"needs_whole": weights.needs_whole, "itemsize": float(weights.dtype.itemsize)}


def _reader(weights: LazyTensor) -> Read:
    return functools.partial(_read, weights)


def _read(weights: LazyTensor, runs: Sequence[Runs], address: str) -> None:
    """Move elements of a lazy tensor to R, in column-major order.

    Args:
        weights: The lazy tensor.
        runs: For each axis, the runs of indices to read.
        address: The transfer to fill.
    """
    axes = [_slices(*axis) for axis in runs]
    shape = tuple(axis[-1][1].stop if axis else 0 for axis in axes)
    out: AnyArray = np.empty(shape, calls.storage_dtype(weights.dtype), order="F")
    for pairs in itertools.product(*axes):
        source: tuple[Any, ...] = tuple(pair[0] for pair in pairs)
        # the ellipsis keeps a view of an array without axes
        target: tuple[Any, ...] = (*(pair[1] for pair in pairs), ...)
        if all(entry.step == 1 for entry in source):
            weights.read_into(out[target], tuple(entry.start for entry in source))
        else:
            out[target] = weights[source]
    calls.move_to_r(out, address)


def _slices(
    firsts: Sequence[float], steps: Sequence[float], counts: Sequence[float]
) -> list[tuple[slice, slice]]:
    """Return the slice of the tensor and the slice of the result for each run."""
    slices = []
    start = 0
    for first, step, count in zip(map(int, firsts), map(int, steps), map(int, counts), strict=True):
        stop = first + step * count
        slices.append(
            (slice(first, stop if stop >= 0 else None, step), slice(start, start + count))
        )
        start += count
    return slices
