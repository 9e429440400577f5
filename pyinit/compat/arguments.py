"""Arguments as TensorFlow takes them, and the exceptions that it raises for bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pyinit.arguments import argument_error
from pyinit.dtypes import standardize_dtype

#: Names that only TensorFlow has for these dtypes.
_DTYPE_ALIASES = {"half": "float16", "float": "float32", "double": "float64"}


class ArgumentError(TypeError, ValueError):
    """A bad argument.

    TensorFlow raises a TypeError for one bad argument and a ValueError for the next, and for the
    same shape or dtype now one, now the other, by class and by mode (eager or graph). This is both,
    so that code which expects either finds it.
    """


@contextmanager
def argument_errors() -> Iterator[None]:
    """Turns a ValueError into an ArgumentError with the same message."""
    try:
        yield
    except ArgumentError:
        raise
    except ValueError as error:
        raise ArgumentError(*error.args) from None


def as_dtype(dtype: Any, allowed: dict[str, np.dtype[Any]]) -> np.dtype[Any]:
    """The NumPy dtype that a dtype of TensorFlow or NumPy, or a name, stands for.

    Args:
        dtype: One of these; unlike elsewhere, None is none.
        allowed: The dtypes that the initializer can fill, by name.

    Raises:
        ValueError: `dtype` is none of the allowed ones.
    """
    if dtype is None:
        raise argument_error("dtype", dtype, "one of " + ", ".join(map(repr, allowed)))
    if isinstance(dtype, str):
        dtype = _DTYPE_ALIASES.get(dtype, dtype)
    return standardize_dtype(dtype, allowed)


def as_distribution(distribution: Any) -> str:
    """The name of a distribution in lower case.

    Raises:
        AttributeError: `distribution` is not a string, which TensorFlow finds out in this way.
    """
    if not isinstance(distribution, str):
        raise AttributeError(
            f"Argument `distribution` must be a string. Received: distribution={distribution!r}"
        )
    return distribution.lower()
