"""Work on many tensors at once, which can be watched and interrupted."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pyinit.manifests.model import TensorSpec
from pyinit.runtime.threads import num_threads

Result = TypeVar("Result")
#: A function of how many bytes are done, and of how many in all.
Progress = Callable[[int, int], None]
#: Takes how many bytes more are done.
Advance = Callable[[int], None]

#: Whoever waits no longer than so many seconds sees no bar.
BAR_AFTER = 2.0


class _StoppedError(Exception):
    """Ends the work on a tensor when that on another one has failed or was interrupted."""


def for_each_tensor(
    tensors: Sequence[TensorSpec],
    task: Callable[[TensorSpec, Advance], Result],
    progress: Progress | None = None,
) -> list[Result]:
    """Does a task for every tensor, several at a time, the largest first.

    Args:
        tensors: The tensors.
        task: What to do with a tensor. It says how it goes on by its second argument, on whatever
            thread; there it is also stopped.
        progress: Called from time to time, on this thread; None shows a bar on a terminal.

    Returns:
        What the task returned for each tensor, in their order.

    Raises:
        Exception: What a task raised first.
    """
    # `import pyinit` must be quick
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    total = sum(tensor.nbytes for tensor in tensors)
    done = 0
    stopped, lock = threading.Event(), threading.Lock()

    def advance(nbytes: int) -> None:
        nonlocal done
        if stopped.is_set():
            raise _StoppedError
        with lock:
            done += nbytes

    order = sorted(range(len(tensors)), key=lambda number: -tensors[number].nbytes)
    # one after the other, as each may need much of the memory and uses all threads itself; and on
    # this thread, where an interrupt ends it
    whole = [number for number in order if tensors[number].is_drawn_whole]
    others = [number for number in order if not tensors[number].is_drawn_whole]
    workers = max(1, min(num_threads(), len(others)))
    results: dict[int, Result] = {}
    with _shown(progress) as show, ThreadPoolExecutor(workers, "pyinit") as pool:
        futures = {number: pool.submit(task, tensors[number], advance) for number in others}
        try:
            for number in whole:
                results[number] = task(tensors[number], advance)
                show(done, total)
            waiting = set(futures.values())
            while waiting:
                ended, waiting = wait(waiting, timeout=0.1, return_when=FIRST_EXCEPTION)
                for future in ended:
                    future.result()
                show(done, total)
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
    results |= {number: future.result() for number, future in futures.items()}
    return [results[number] for number in range(len(tensors))]


@contextmanager
def _shown(progress: Progress | None) -> Iterator[Progress]:
    """What to call as the work goes on."""
    if progress is not None:
        yield progress
        return
    bar = _Bar()
    try:
        yield bar.show
    finally:
        bar.close()


class _Bar:
    """A bar on the terminal, if there is one, for those who wait long enough."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._bar: Any = None
        self._wanted = sys.stderr is not None and sys.stderr.isatty()

    def show(self, done: int, total: int) -> None:
        """Shows how far the work is."""
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
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()
