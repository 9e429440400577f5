"""The choice of the kernel: a native one if it was built, else the NumPy reference."""

from __future__ import annotations

import os
from functools import lru_cache

from pyinit import native
from pyinit.arguments import argument_error

#: The environment variable that sets the kernel, for tests.
VARIABLE = "PYINIT_KERNEL"


def available() -> tuple[str, ...]:
    """Return the names of the kernels that this machine can run, the fastest one last."""
    return ("reference", *native.isa_levels())


@lru_cache(maxsize=1)
def choice() -> tuple[str, str]:
    """Return the name of the kernel in use and the reason for the choice."""
    wanted = os.environ.get(VARIABLE)
    names = available()
    if wanted is not None:
        if wanted not in names:
            raise argument_error(
                VARIABLE, wanted, "one of " + ", ".join(map(repr, names)) + " on this machine"
            )
        return wanted, f"set by the environment variable {VARIABLE}"
    if native.MISSING is not None:
        return "reference", f"the native kernel is missing: {native.MISSING}"
    return names[-1], "the best instruction set of this processor"
