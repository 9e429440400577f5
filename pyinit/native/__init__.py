"""The C and CUDA sources, their build, and the compiled CPU extension."""

from __future__ import annotations

from importlib.util import find_spec

try:
    from pyinit.native import _kernel as _kernel  # type: ignore[attr-defined]
except ImportError as error:
    _kernel = None
    #: The reason why the extension is missing and what to do, or None.
    MISSING: str | None = (
        "no C compiler when it was installed; install one and reinstall pyinit-bridge"
        if find_spec("pyinit.native._kernel") is None
        else f"the compiled extension cannot be loaded: {error}"
    )
else:
    MISSING = None

#: The ISA levels, in the order of the enumeration in kernel.h.
ISA_LEVELS = ("baseline", "v3", "v4")


def isa_levels() -> tuple[str, ...]:
    """Return the ISA levels that this build has and this processor can run, the best one last."""
    if _kernel is None:
        return ()
    return tuple(
        name for level, name in enumerate(ISA_LEVELS) if _kernel.lib.pyinit_has_isa_level(level)
    )
