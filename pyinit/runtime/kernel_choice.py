"""Which kernel draws: the native one where it was built, or the NumPy reference."""

from __future__ import annotations

import os
from functools import lru_cache

from pyinit import native
from pyinit.arguments import argument_error

#: The environment variable that selects the kernel, for tests.
VARIABLE = "PYINIT_KERNEL"


def available() -> tuple[str, ...]:
    """The names of the kernels that can run here, the fastest one last."""
    return ("reference", *native.isa_levels())


@lru_cache(maxsize=1)
def choice() -> tuple[str, str]:
    """The name of the kernel in use, and the reason for it."""
    wanted = os.environ.get(VARIABLE)
    names = available()
    if wanted is not None:
        if wanted not in names:
            raise argument_error(
                VARIABLE, wanted, "one of " + ", ".join(map(repr, names)) + " here"
            )
        return wanted, f"set by the environment variable {VARIABLE}"
    if native.MISSING is not None:
        return "reference", f"the native kernel was not built ({native.MISSING})"
    return names[-1], "the best instruction set of this processor"
