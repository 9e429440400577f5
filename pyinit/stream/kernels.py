"""The kernel in use, as the function that the stream calls."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from pyinit.dtypes import AnyArray
from pyinit.runtime import kernel_choice
from pyinit.stream import reference
from pyinit.stream.distributions import Parameters
from pyinit.stream.native_kernel import NativeKernel


class Kernel(Protocol):
    """What draws: `pyinit.stream.reference.fill` is the definition, and says what each takes."""

    def __call__(
        self,
        out: AnyArray,
        dtype: np.dtype[Any],
        parameters: Parameters,
        key: tuple[int, int],
        start: int,
        steps: tuple[int, ...],
    ) -> None:
        """Fills `out`."""


@lru_cache(maxsize=1)
def kernel() -> Kernel:
    """The kernel in use."""
    name, _ = kernel_choice.choice()
    return reference.fill if name == "reference" else NativeKernel(name)
