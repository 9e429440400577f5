"""Arrays as values of an initializer: their checks, their configurations and their lazy tensor."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from pyinit.arguments import Shape, argument_error, exact_str, is_instance
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray, convert_values, standardize_dtype
from pyinit.initializers.chunking import memory_parts
from pyinit.initializers.lazy import LazyTensor, slices_of
from pyinit.runtime.host_arrays import host_array

#: The class names in Keras' configurations of arrays and of a backend's tensors.
_ARRAY_CLASSES = ("__numpy__", "__tensor__")
_ALLOWED = "a number, a bool, or an array of these"


class GivenTensor(LazyTensor):
    """A lazy tensor of given values.

    Args:
        shape: The shape.
        dtype: The dtype.
        values: The values in that dtype, in an array that broadcasts to the shape. It must not
            change afterwards.
    """

    __slots__ = ("_digest", "_values")

    def __init__(self, shape: Shape, dtype: np.dtype[Any], values: AnyArray) -> None:
        super().__init__(shape, dtype)
        self._values = values.view()
        self._values.flags.writeable = False
        self._digest = ""

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        given = np.broadcast_to(self._values, self._shape)
        for part, first in memory_parts(out, offset, steps):
            part[...] = given[slices_of(part.shape, first, steps)]

    def _parameters(self) -> tuple[Any, ...]:
        return (self._values,)

    def _identity(self) -> tuple[Any, ...]:
        if not self._digest:
            contiguous = np.ascontiguousarray(self._values)
            self._digest = hashlib.sha256(contiguous.view(np.uint8).data).hexdigest()
        return (*super()._identity()[:-1], self._values.shape, self._digest)

    def _summary(self) -> str:
        return "given values"


def as_given_values(name: str, value: Any, allowed: str = _ALLOWED) -> AnyArray | None:
    """Return an array of numbers or bools as a read-only copy; None for anything else.

    Args:
        name: The name of the argument, for messages.
        value: An array of NumPy or another library, a list or tuple, or Keras' configuration of an
            array. Everything without axes is left to the caller.
        allowed: The allowed values of the argument, for messages.

    Raises:
        ValueError: The elements are not numbers or bools, or the lists are of unequal lengths.
    """
    if is_instance(value, dict):
        value = _array_of_config(name, value)
    try:
        array = value
        if isinstance(value, list | tuple):
            array = np.asarray(value)
        if not getattr(array, "shape", None):
            return None
        array = host_array(array)
        dtype = standardize_dtype(array.dtype.newbyteorder("="), NUMERIC_DTYPES)
        # a copy, since users may write to their array
        copied = np.array(array, dtype, order="C", copy=True, subok=False)
    except MemoryError:
        raise
    except Exception:
        # lists of unequal lengths, elements that are no numbers, or errors of the object itself
        raise argument_error(name, value, allowed) from None
    copied.flags.writeable = False
    return copied


def array_config(values: AnyArray) -> dict[str, Any]:
    """Return the configuration of an array as Keras writes it into that of its Constant."""
    config = {"value": values.tolist(), "dtype": values.dtype.name}
    return {"class_name": _ARRAY_CLASSES[0], "config": config}


def _array_of_config(name: str, config: dict[str, Any]) -> AnyArray:
    inner = config.get("config")
    if exact_str(config.get("class_name")) not in _ARRAY_CLASSES or not is_instance(inner, dict):
        raise argument_error(name, config, _ALLOWED)
    try:
        values = np.asarray(inner["value"])
        return convert_values(name, values, standardize_dtype(inner["dtype"], NUMERIC_DTYPES))
    except (KeyError, TypeError, ValueError):
        allowed = f"{_ALLOWED}; if it is Keras' configuration of one, with 'value' and 'dtype'"
        raise argument_error(name, config, allowed) from None


def broadcast_given(name: str, values: AnyArray, shape: Shape) -> None:
    """Check that values broadcast to a shape, by NumPy's rules."""
    try:
        np.broadcast_to(values, shape)
    except ValueError:
        allowed = f"one to which `{name}`, of shape {values.shape}, broadcasts"
        raise argument_error("shape", shape, allowed) from None
