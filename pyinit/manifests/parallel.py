"""Parallel execution of a task for many tensors, with progress and interruption."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from pyinit.manifests.model import TensorSpec
from pyinit.runtime.progress import Progress, reporting
from pyinit.runtime.threads import num_threads

Result = TypeVar("Result")
#: Called by a task with the number of bytes it has just processed.
Advance = Callable[[int], None]


class _StoppedError(Exception):
    """Raised in a task after another one has failed or the caller was interrupted."""


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
    # imported late: `import pyinit` must be quick
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

    def advance_here(nbytes: int) -> None:
        advance(nbytes)
        report(done, total)

    order = sorted(range(len(tensors)), key=lambda index: -tensors[index].nbytes)
    # Tensors that need working memory, such as orthogonal matrices, run one after another, since
    # each may need much and uses all threads itself, and on this thread, where Ctrl-C ends them.
    alone: list[int] = []
    others: list[int] = []
    for index in order:
        (alone if tensors[index].working_memory else others).append(index)
    workers = max(1, min(num_threads(), len(others)))
    results: dict[int, Result] = {}
    left = deque(others)

    def work() -> None:
        while not stopped.is_set():
            try:
                index = left.popleft()
            except IndexError:
                return
            results[index] = task(tensors[index], advance)

    with reporting(progress) as report, ThreadPoolExecutor(workers, "pyinit") as pool:
        try:
            waiting = {pool.submit(work) for _ in range(workers)}
            for index in alone:
                results[index] = task(tensors[index], advance_here)
            while waiting:
                ended, waiting = wait(waiting, timeout=0.1, return_when=FIRST_EXCEPTION)
                for future in ended:
                    future.result()
                report(done, total)
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [results[index] for index in range(len(tensors))]
