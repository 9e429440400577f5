"""Parallel execution of a task for many tensors, with progress and interruption."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from pyinit.manifests.model import TensorSpec
from pyinit.runtime.progress import Progress, reporting
from pyinit.runtime.threads import run_parallel

Result = TypeVar("Result")
#: Called by a task with the number of bytes it has just processed.
Advance = Callable[[int], None]


class _StoppedError(BaseException):
    """Raised in a task after another one has failed or the caller was interrupted.

    No task takes it for an error of its own, as it might a subclass of Exception.
    """


def for_each_tensor(
    tensors: Sequence[TensorSpec],
    task: Callable[[TensorSpec, Advance], Result],
    progress: Progress | None = None,
) -> list[Result]:
    """Run a task for every tensor, several at a time, the largest tensors first.

    Args:
        tensors: The tensors.
        task: Called with a tensor and a function `advance`, on any thread. It reports progress
            through `advance`, which raises an exception once the task should stop.
        progress: Called from time to time, on this thread; None shows a bar on a terminal.

    Returns:
        The results of the task, in the order of `tensors`.

    Raises:
        Exception: The first exception that a task raises.
    """
    total = sum(tensor.nbytes for tensor in tensors)
    done = 0
    #: The bytes that are not yet in `done`.
    news: deque[int] = deque()
    stopped = False
    this_thread = threading.get_ident()

    def advance(nbytes: int) -> None:
        if stopped:
            raise _StoppedError
        news.append(nbytes)

    def show() -> None:
        nonlocal done
        while news:
            done += news.popleft()
        report(done, total)

    def advance_here(nbytes: int) -> None:
        advance(nbytes)
        # chunks are used on any thread
        if threading.get_ident() == this_thread:
            show()

    def stop() -> None:
        nonlocal stopped
        stopped = True

    order = sorted(range(len(tensors)), key=lambda index: -tensors[index].nbytes)
    # Tensors that need working memory, such as orthogonal matrices, are drawn one after another,
    # because each may need much memory and uses all threads itself. They are drawn on this thread,
    # where Ctrl-C ends them.
    alone: list[int] = []
    others: list[int] = []
    for index in order:
        (alone if tensors[index].working_memory else others).append(index)
    results: dict[int, Result] = {}

    def run(index: int) -> None:
        if stopped:
            return
        try:
            results[index] = task(tensors[index], advance)
        except _StoppedError:
            pass
        except BaseException:
            stop()
            raise

    def run_alone() -> None:
        # another task has failed, and run_parallel() raises its error
        with suppress(_StoppedError):
            for index in alone:
                results[index] = task(tensors[index], advance_here)

    with reporting(progress) as report:
        run_parallel(
            [partial(run, index) for index in others], here=run_alone, poll=show, cancel=stop
        )
        show()
    return [results[index] for index in range(len(tensors))]
