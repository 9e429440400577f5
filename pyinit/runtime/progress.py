"""Progress reporting: the caller's function, or a bar on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyinit.arguments import argument_error

#: Called with the number of bytes done and the total.
Progress = Callable[[int, int], None]

#: No progress bar before this many seconds.
BAR_AFTER = 2.0


@contextmanager
def reporting(progress: Progress | None) -> Iterator[Progress]:
    """Yield `progress`, or by default the function that updates a progress bar."""
    if progress is not None:
        if not callable(progress):
            allowed = "None or a function of the number of bytes done and the total"
            raise argument_error("progress", progress, allowed)
        yield progress
        return
    bar = _Bar()
    try:
        yield bar.show
    finally:
        bar.close()


class _Bar:
    """A progress bar on a terminal, shown after `BAR_AFTER` seconds."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._bar: Any = None
        self._wanted = sys.stderr is not None and sys.stderr.isatty()

    def show(self, done: int, total: int) -> None:
        """Update the bar."""
        if not self._wanted or time.monotonic() - self._started < BAR_AFTER:
            return
        if self._bar is None:
            self._open(total)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done)

    def _open(self, total: int) -> None:
        try:
            from rich import progress
            from rich.console import Console
        except ImportError:
            self._wanted = False
            return
        self._bar = progress.Progress(
            progress.BarColumn(),
            progress.DownloadColumn(binary_units=True),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.add_task("", total=total)
        self._bar.start()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
