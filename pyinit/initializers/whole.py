"""Lazy tensors whose elements depend on each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from pyinit.arguments import Shape, shown
from pyinit.dtypes import AnyArray
from pyinit.initializers.chunking import memory_parts
from pyinit.initializers.lazy import LazyTensor, slices_of
from pyinit.runtime.host_arrays import host_array


class WholeTensor(LazyTensor):
    """A lazy tensor whose elements depend on each other: computed once, when first read."""

    __slots__ = ("_lock", "_whole")

    def __init__(self, shape: Shape, dtype: np.dtype[Any]) -> None:
        super().__init__(shape, dtype)
        self._lock = threading.Lock()
        self._whole: AnyArray | None = None

    @property
    def needs_whole(self) -> bool:
        """Whether reading any partition computes the whole tensor, once per object."""
        return True

    @property
    def joint_size(self) -> int:
        """The number of consecutive elements that are computed together."""
        return max(1, self.size)

    def _compute(self) -> AnyArray:
        """Compute all values, in any dtype that `_write` can round."""
        raise NotImplementedError

    def _write(self, out: AnyArray, values: AnyArray) -> None:
        """Write computed values to `out`, rounded to the tensor's dtype."""
        for part, first in memory_parts(out):
            part[...] = values[slices_of(part.shape, first)]

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        if out.size == 0:
            return
        with self._lock:
            if self._whole is None:
                self._whole = self._compute()
        whole = self._whole
        if offset is not None:
            whole = whole[slices_of(out.shape, offset, steps)]
        self._write(out, whole)


class CalledTensor(WholeTensor):
    """A lazy tensor of the values of a callable `(shape, dtype)`, called when first read.

    Args:
        shape: The shape.
        dtype: The dtype.
        function: The callable.
    """

    __slots__ = ("_function",)

    def __init__(self, shape: Shape, dtype: np.dtype[Any], function: Callable[..., Any]) -> None:
        super().__init__(shape, dtype)
        self._function = function

    def _compute(self) -> AnyArray:
        returned = self._function(self._shape, self._dtype.name)
        try:
            values = host_array(returned)
        except TypeError:
            received = f"an object of class {type(returned).__name__}"
        else:
            if values.shape == self._shape and values.dtype == self._dtype:
                return values
            received = f"one of shape {values.shape} and dtype {values.dtype}"
        raise ValueError(
            f"The initializer must return an array of shape {self._shape} and dtype "
            f"{self._dtype.name}. Received: {received} from {shown(self._function)}"
        )

    @property
    def working_memory(self) -> int:
        """The memory that reading needs besides the result, in bytes."""
        return self.nbytes

    def _parameters(self) -> tuple[Any, ...]:
        return (self._function,)

    def _summary(self) -> str:
        return repr(self._function)
