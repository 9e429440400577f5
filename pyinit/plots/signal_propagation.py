"""The spread of a signal through a stack of dense layers, by depth."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyinit.arguments import (
    argument_error,
    as_positive_integer,
    exact_str,
    is_instance,
    one_of,
    sequence_elements,
)
from pyinit.dtypes import AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.random import RandomInitializer, RandomNormal
from pyinit.initializers.registry import get_argument
from pyinit.seeds import as_seed, derive_seed

#: The largest number of initializers in a list.
_MAX_INITIALIZERS = 1000
_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_LEAKY_SLOPE = 0.2


def _sigmoid(z: AnyArray) -> AnyArray:
    gate: AnyArray = (1 + np.tanh(z / 2)) / 2
    return gate


def _negative(z: AnyArray) -> AnyArray:
    """Return exp(z) - 1 of the negative elements, without overflow by the others."""
    negative: AnyArray = np.expm1(np.minimum(z, 0))
    return negative


def _silu_slope(z: AnyArray) -> AnyArray:
    gate = _sigmoid(z)
    slope: AnyArray = gate * (1 + z * (1 - gate))
    return slope


Elementwise = Callable[[AnyArray], AnyArray]
#: The activation functions and their derivatives, as in `keras.activations`.
ACTIVATIONS: dict[str, tuple[Elementwise, Elementwise]] = {
    "linear": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": (
        lambda z: np.where(z > 0, z, _LEAKY_SLOPE * z),
        lambda z: np.where(z > 0, 1.0, _LEAKY_SLOPE),
    ),
    "elu": (
        lambda z: np.where(z > 0, z, _negative(z)),
        lambda z: np.where(z > 0, 1.0, 1 + _negative(z)),
    ),
    "selu": (
        lambda z: _SELU_SCALE * np.where(z > 0, z, _SELU_ALPHA * _negative(z)),
        lambda z: _SELU_SCALE * np.where(z > 0, 1.0, _SELU_ALPHA * (1 + _negative(z))),
    ),
    "silu": (lambda z: z * _sigmoid(z), _silu_slope),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * (1 - _sigmoid(z))),
}


@dataclass(frozen=True)
class SignalPropagation:
    """The result of `signal_propagation()`.

    Args:
        labels: The labels of the initializers.
        activations: The standard deviations of the activations, an array of shape
            (initializers, depth + 1). Column 0 is that of the input, column l that of the output of
            layer l.
        gradients: The standard deviations of the gradients with respect to these activations, in an
            array of the same shape.
        activation: The name of the activation function.
        width: The number of units of each layer.
        batch_size: The number of rows of the input.
        seed: The seed.
    """

    labels: tuple[str, ...]
    activations: AnyArray
    gradients: AnyArray
    activation: str
    width: int
    batch_size: int
    seed: int

    @property
    def depth(self) -> int:
        """The number of layers."""
        return int(self.activations.shape[1]) - 1


def signal_propagation(
    initializers: Any,
    *,
    depth: int = 50,
    width: int = 256,
    activation: str = "relu",
    batch_size: int = 64,
    seed: int = 1,
) -> SignalPropagation:
    """Compute how a signal and its gradient spread through a stack of dense layers.

    The stack has `depth` dense layers of `width` units without bias. Layer l computes
    `x[l] = f(x[l - 1] @ W[l])`, where f is the activation function. Its kernel W[l], of shape
    (width, width), is drawn by the initializer with the seed
    `derive_seed(seed, f"layer_{l}/kernel")`; an initializer without a seed draws its usual
    values. The input x[0] and the gradient of the loss with respect to the output x[depth] are
    standard normal, of shape (batch_size, width), with the seeds `derive_seed(seed, "input")` and
    `derive_seed(seed, "gradient")`. Gradients are propagated back exactly:
    `g[l - 1] = (g[l] * f'(x[l - 1] @ W[l])) @ W[l].T`. All these values are drawn as float32; the
    arithmetic is float64.

    A spread that is the same at every depth lets a signal and its gradient pass. One that grows or
    shrinks by a constant factor in each layer explodes or vanishes with the depth.

    Args:
        initializers: An initializer, anything else that `get()` accepts, a list of these, or a
            dictionary of them by label. Seeds of their own are not used.
        depth: The number of layers: a positive integer.
        width: The number of units of each layer: a positive integer.
        activation: `"linear"`, `"relu"`, `"leaky_relu"` (of slope 0.2 below 0), `"elu"`, `"selu"`,
            `"silu"`, `"tanh"` or `"sigmoid"`, as in Keras.
        batch_size: The number of rows of the input: a positive integer.
        seed: An integer from -2**63 to 2**64 - 1.

    Returns:
        A `SignalPropagation`: the standard deviation, over the rows and the units, of x[l] and of
        g[l] for l from 0 to `depth`.

    Raises:
        ValueError: An argument is invalid, or an initializer cannot fill the shape of a kernel.

    Example:
        >>> import pyinit
        >>> found = pyinit.signal_propagation(["he_normal", "glorot_normal"], depth=10)
        >>> found.labels
        ('he_normal', 'glorot_normal')
        >>> found.activations[:, [0, 5, 10]].round(2)
        array([[1.  , 0.78, 0.68],
               [1.  , 0.14, 0.02]])

    Source: Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html; He et al. 2015,
    https://arxiv.org/abs/1502.01852
    """
    labelled = _labelled(initializers)
    depth = as_positive_integer("depth", depth)
    width = as_positive_integer("width", width)
    batch_size = as_positive_integer("batch_size", batch_size)
    functions = ACTIVATIONS[one_of("activation", activation, tuple(ACTIVATIONS))]
    whole_seed = as_seed("seed", seed)
    kernels = [_kernels(initializer, depth, width, whole_seed) for initializer in labelled.values()]
    signal, gradient = (
        RandomNormal(0.0, 1.0, derive_seed(whole_seed, name))
        .lazy((batch_size, width), "float32")
        .read(dtype="float64")
        for name in ("input", "gradient")
    )
    spreads = np.array([_spreads(each, signal, gradient, *functions) for each in kernels])
    return SignalPropagation(
        tuple(labelled), spreads[:, 0], spreads[:, 1], activation, width, batch_size, seed
    )


def _labelled(initializers: Any) -> dict[str, Initializer]:
    """Return the initializers by label."""
    if is_instance(initializers, Mapping) and "class_name" not in initializers:  # type: ignore[type-abstract]
        given = list(initializers.items())
    elif is_instance(initializers, Sequence) and exact_str(initializers) is None:  # type: ignore[type-abstract]
        allowed = "an initializer, its name, or a list or a dictionary of these"
        elements = sequence_elements("initializers", initializers, allowed, _MAX_INITIALIZERS)
        given = [(None, each) for each in elements]
    else:
        given = [(None, initializers)]
    if not given:
        raise argument_error("initializers", initializers, "at least one initializer")
    labelled: dict[str, Initializer] = {}
    for label, identifier in given:
        found = get_argument("initializers", identifier)
        if not is_instance(found, Initializer):
            allowed = "initializers of pyinit, their names, or a list or a dictionary of these"
            raise argument_error("initializers", identifier, allowed)
        if label is not None and not is_instance(label, str):
            raise argument_error("initializers", label, "a dictionary whose keys are strings")
        name = _label(identifier, found) if label is None else label
        labelled[_unique(name, labelled)] = found
    return labelled


def _label(identifier: Any, initializer: Initializer) -> str:
    """Return an initializer's name, or its class with the arguments that are not the defaults."""
    if isinstance(identifier, str):
        return identifier
    values = {name: getattr(initializer, name) for name in given_arguments(initializer)}
    arguments = ", ".join(f"{name}={_shown(value)}" for name, value in values.items())
    return f"{type(initializer).__name__}({arguments})"


def _shown(value: Any) -> str:
    return f"array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)


def given_arguments(initializer: Initializer) -> list[str]:
    """Return the names of the arguments, except the seed, that are not the defaults."""
    parameters = inspect.signature(type(initializer)).parameters
    return [
        name
        for name, value in initializer.get_config().items()
        if name != "seed" and not _is_default(value, parameters.get(name))
    ]


def _is_default(value: Any, parameter: inspect.Parameter | None) -> bool:
    return parameter is not None and bool(value == parameter.default)


def _unique(label: str, others: Mapping[str, Any]) -> str:
    number = 2
    unique = label
    while unique in others:
        unique = f"{label} ({number})"
        number += 1
    return unique


def _kernels(initializer: Initializer, depth: int, width: int, seed: int) -> list[LazyTensor]:
    """Return the kernel of each layer, not yet drawn."""
    kernels = []
    for layer in range(1, depth + 1):
        seeded = initializer
        if isinstance(initializer, RandomInitializer):
            seeded = initializer.with_seed(derive_seed(seed, f"layer_{layer}/kernel"))
        try:
            kernels.append(seeded.lazy((width, width), "float32"))
        except ValueError as error:
            allowed = f"initializers that can fill the shape {(width, width)} ({error})"
            raise argument_error("initializers", initializer, allowed) from None
    return kernels


def _spreads(
    kernels: list[LazyTensor],
    x: AnyArray,
    gradient: AnyArray,
    function: Elementwise,
    derivative: Elementwise,
) -> tuple[list[float], list[float]]:
    """Return the standard deviations of the activations and of the gradients, by depth."""
    forward, slopes = [_stddev(x)], []
    # a signal that explodes ends in infinities and NaN, which the result shows
    with np.errstate(all="ignore"):
        for kernel in kernels:
            z = x @ kernel.read(dtype="float64")
            x = function(z)
            slopes.append(derivative(z))
            forward.append(_stddev(x))
        backward = [_stddev(gradient)]
        for kernel, slope in zip(reversed(kernels), reversed(slopes), strict=True):
            # drawn again, rather than kept
            gradient = (gradient * slope) @ kernel.read(dtype="float64").T
            backward.append(_stddev(gradient))
    return forward, backward[::-1]


def _stddev(values: AnyArray) -> float:
    """Return the standard deviation, without overflow of the squares."""
    largest = float(abs(values).max())
    return largest * float(np.std(values / largest)) if largest else 0.0
