"""Arguments in TensorFlow's forms, and the exceptions for bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

import numpy as np

from pyinit.arguments import argument_error, one_of
from pyinit.dtypes import standardize_dtype
from pyinit.initializers.variance_scaling import DistributionName

#: The modes of variance scaling that TensorFlow has.
Mode = Literal["fan_in", "fan_out", "fan_avg"]
#: The description of the argument `mode`.
MODE_NOTE = (
    'The choice of n: `"fan_in"` for the number of input units, `"fan_out"` for that of output '
    'units, or `"fan_avg"` for their average.'
)


class ArgumentError(TypeError, ValueError):
    """A bad argument: both a TypeError and a ValueError.

    TensorFlow raises one or the other, depending on the argument, the class and the mode (eager or
    graph). An `except` clause for either catches this error.

    Example:
        >>> from pyinit.compat import ArgumentError, tf_keras
        >>> try:
        ...     tf_keras.HeNormal(seed="1")
        ... except ArgumentError as error:
        ...     isinstance(error, TypeError) and isinstance(error, ValueError)
        True
    """


@contextmanager
def argument_errors() -> Iterator[None]:
    """Turn a ValueError into an ArgumentError with the same message."""
    try:
        yield
    except ArgumentError:
        raise
    except ValueError as error:
        raise ArgumentError(*error.args) from None


def as_dtype(dtype: Any, allowed: dict[str, np.dtype[Any]]) -> np.dtype[Any]:
    """Return the NumPy dtype for a dtype of TensorFlow or NumPy, or for its name.

    Args:
        dtype: The dtype. None is an error here.
        allowed: The dtypes that the initializer can fill, by name.

    Raises:
        ValueError: `dtype` is not an allowed one.
    """
    if dtype is None:
        raise argument_error("dtype", dtype, "one of " + ", ".join(map(repr, allowed)))
    return standardize_dtype(dtype, allowed)


def as_distribution(distribution: Any) -> Any:
    """Return the name of a distribution in lower case.

    Raises:
        AttributeError: `distribution` is not a string (TensorFlow calls its method `lower`).
    """
    if not isinstance(distribution, str):
        raise argument_error("distribution", distribution, "a string", AttributeError)
    return distribution.lower()


def as_mode(mode: Any) -> Any:
    """Return a mode of variance scaling, if it is one of TensorFlow's.

    Raises:
        ValueError: `mode` is no such mode.
    """
    return one_of("mode", mode, get_args(Mode))


def scaling_arguments(cls: Any) -> tuple[float, Mode, DistributionName]:
    """Return the scale, mode and distribution of a class such as `HeNormal`."""
    initializer = cls(seed=0)
    return initializer.scale, initializer.mode, initializer.distribution
