"""The kernel in use."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

from pyinit.dtypes import AnyArray
from pyinit.runtime import kernel_choice
from pyinit.stream import reference
from pyinit.stream.native_kernel import NativeKernel
from pyinit.stream.regions import Region


class Kernel(Protocol):
    """A function that fills buffers, as `pyinit.stream.reference.fill` defines it."""

    def __call__(self, out: AnyArray, region: Region) -> None:
        """Fill `out` with a region of the stream."""


@lru_cache(maxsize=1)
def kernel() -> Kernel:
    """Return the kernel in use."""
    name, _ = kernel_choice.choice()
    return reference.fill if name == "reference" else NativeKernel(name)
