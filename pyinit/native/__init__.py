"""The C and CUDA sources, how they are built, and the compiled CPU extension."""

from __future__ import annotations

try:
    from pyinit.native import _kernel as _kernel  # type: ignore[attr-defined]
except ImportError as error:
    _kernel = None
    #: Why the extension is missing; None if it is there.
    MISSING: str | None = str(error)
else:
    MISSING = None

#: The instruction set levels, in the order of the enumeration in kernel.h.
ISA_LEVELS = ("baseline", "v3", "v4")


def isa_levels() -> tuple[str, ...]:
    """The levels that this build has and this processor can run, the best one last."""
    if _kernel is None:
        return ()
    return tuple(
        name for level, name in enumerate(ISA_LEVELS) if _kernel.lib.pyinit_has_isa_level(level)
    )
