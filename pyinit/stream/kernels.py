"""The kernel in use."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Protocol

from pyinit import native
from pyinit.dtypes import AnyArray
from pyinit.runtime import kernel_choice
from pyinit.stream import reference
from pyinit.stream.native_kernel import NativeKernel
from pyinit.stream.regions import Region

#: The number of elements from which the reference takes a noticeable time.
_LARGE = 1 << 20


class Kernel(Protocol):
    """A function that fills buffers, as `pyinit.stream.reference.fill` defines it."""

    def __call__(self, out: AnyArray, region: Region) -> None:
        """Fill `out` with a region of the stream."""


@lru_cache(maxsize=1)
def kernel() -> Kernel:
    """Return the kernel in use."""
    name, _ = kernel_choice.choice()
    if name != "reference":
        return NativeKernel(name)
    return reference.fill if native.MISSING is None else _fill_without_extension


def _fill_without_extension(out: AnyArray, region: Region) -> None:
    if out.size >= _LARGE:
        _warn_of_slowness()
    reference.fill(out, region)


@lru_cache(maxsize=1)
def _warn_of_slowness() -> None:
    warnings.warn(
        f"pyinit is slow, since it draws with NumPy: {native.MISSING}",
        RuntimeWarning,
        stacklevel=2,
    )
