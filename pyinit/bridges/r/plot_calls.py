"""The functions that the R package calls for plots, through reticulate."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from pyinit.bridges.r import calls
from pyinit.bridges.r.lazy_calls import lazy_of
from pyinit.plots.signal_propagation import given_arguments, signal_propagation
from pyinit.plots.tensor_numbers import TensorNumbers, as_lazy, tensor_numbers

__all__ = ["plotted_image", "plotted_names", "plotted_numbers", "propagated"]


def plotted_numbers(read: functools.partial[None]) -> tuple[TensorNumbers, dict[str, Any]]:
    """Compute the numbers of a plot of the lazy tensor that a function of `make_lazy()` reads.

    Returns:
        The numbers, for `plotted_image()`, and those of them that R gets as lists.
    """
    found = tensor_numbers(as_lazy(lazy_of(read))[1])
    x, density = found.curve
    return found, {
        "count": float(found.count),
        "infinite": float(found.infinite),
        "mean": found.mean,
        "stddev": found.stddev,
        "expected_mean": found.expected_mean,
        "expected_stddev": found.expected_stddev,
        "breaks": found.edges.tolist(),
        "density": found.heights.tolist(),
        "curve": [x.tolist(), density.tolist()],
        "atoms": [
            [atom.value for atom in found.atoms],
            [atom.share for atom in found.atoms],
            [atom.expected for atom in found.atoms],
        ],
        "corner": list(map(float, found.corner)),
        "row_axes": list(map(float, found.row_axes)),
        "column_axes": list(map(float, found.column_axes)),
    }


def plotted_image(numbers: TensorNumbers, address: str) -> list[float]:
    """Move the matrix of an image to R; return its shape."""
    calls.move_to_r(numbers.image.copy(order="F"), address)
    return list(map(float, numbers.image.shape))


def plotted_names(handle: calls.Handle) -> list[str]:
    """Return the names of an initializer's arguments that the label of a curve shows."""
    return given_arguments(calls.initializer_of(handle))


def propagated(
    handles: Sequence[calls.Handle],
    labels: Sequence[str],
    depth: Any,
    width: Any,
    activation: Any,
    batch_size: Any,
    seed: Any,
) -> list[list[float]]:
    """Call `signal_propagation()` with arguments from R.

    Returns:
        The standard deviations of the activations and those of the gradients, each for all layers
        of the first initializer, then those of the next one.
    """
    found = signal_propagation(
        dict(zip(labels, map(calls.initializer_of, handles), strict=True)),
        depth=calls.as_integers(depth),
        width=calls.as_integers(width),
        activation=activation,
        batch_size=calls.as_integers(batch_size),
        seed=calls.as_integers(seed),
    )
    return [found.activations.ravel().tolist(), found.gradients.ravel().tolist()]
