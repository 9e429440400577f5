"""Ctrl-C in R, for the versions of reticulate whose own handling can crash R."""

from __future__ import annotations

import ctypes
import sys


def handle_interrupts() -> None:
    """Let reticulate's signal handler read R's interrupt flag instead of calling R.

    Before version 1.37, the handler calls a function of R to learn whether an interrupt is pending.
    R may handle the interrupt in that very call and jump over Python's frames: the next call of
    Python crashes (https://github.com/rstudio/reticulate/issues/1601). Later versions have no such
    handler.
    """
    signals = sys.modules.get("rpytools.signals")
    if signals is None:
        return
    try:
        process = ctypes.CDLL(None)
        pending = ctypes.c_int.in_dll(process, "R_interrupts_pending")
        suspended = ctypes.c_int.in_dll(process, "R_interrupts_suspended")
    except (TypeError, OSError, ValueError):  # Windows, or an R that hides its variables
        return

    def is_pending(reset: bool) -> bool:
        if reset and not suspended.value:
            pending.value = 0
        return bool(pending.value) and not suspended.value

    signals._callback = is_pending  # type: ignore[attr-defined]
