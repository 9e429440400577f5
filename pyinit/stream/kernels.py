"""Which kernel draws: the native one where it was built, or the NumPy reference."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from pyinit.arguments import invalid
from pyinit.dtypes import AnyArray
from pyinit.stream import native, reference
from pyinit.stream.distributions import Parameters

#: The environment variable that chooses the kernel, for tests.
VARIABLE = "PYINIT_KERNEL"


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


def available() -> tuple[str, ...]:
    """The names of the kernels that can run here, the fastest one last."""
    return ("reference", *native.levels())


@lru_cache(maxsize=1)
def choice() -> tuple[str, str]:
    """The name of the kernel in use, and why it is that one."""
    wanted = os.environ.get(VARIABLE)
    names = available()
    if wanted is not None:
        if wanted not in names:
            raise invalid(VARIABLE, wanted, "one of " + ", ".join(map(repr, names)) + " here")
        return wanted, f"the environment variable {VARIABLE} asks for it"
    if native.MISSING is not None:
        return "reference", f"the native kernel was not built ({native.MISSING})"
    return names[-1], "the best instruction set of this processor"


@lru_cache(maxsize=1)
def kernel() -> Kernel:
    """The kernel in use."""
    name, _ = choice()
    return reference.fill if name == "reference" else native.NativeKernel(name)
