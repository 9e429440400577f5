"""How many threads draw, and the pool that they come from."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from pyinit.arguments import argument_error, as_index
from pyinit.runtime.cgroups import cpu_quota

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

#: The environment variable that sets the number of threads for a process.
VARIABLE = "PYINIT_NUM_THREADS"
MAX_THREADS = 1024

_num_threads: int | None = None
_pool: ThreadPoolExecutor | None = None
_pool_process: int | None = None


def set_num_threads(n: int | None) -> None:
    """Sets how many threads a large draw uses. The values do not depend on it.

    Args:
        n: A number of threads, from 1 to 1024, or None for the default: the environment variable
            `PYINIT_NUM_THREADS`, or else the CPUs that this process may use (by its affinity and
            its container's quota).

    Raises:
        ValueError: `n` is not such a number.

    Example:
        >>> import pyinit
        >>> pyinit.set_num_threads(2)
        >>> pyinit.set_num_threads(None)
    """
    global _num_threads
    if n is not None:
        n = _as_count("n", n, as_index(n))
    _num_threads = n


def num_threads() -> int:
    """How many threads a large draw uses."""
    global _num_threads
    if _num_threads is None:
        text = os.environ.get(VARIABLE)
        if not text:
            _num_threads = min(usable_cpus(), MAX_THREADS)
        else:
            _num_threads = _as_count(VARIABLE, text, int(text) if text.isdecimal() else None)
    return _num_threads


def _as_count(name: str, value: object, count: int | None) -> int:
    if count is None or not 1 <= count <= MAX_THREADS:
        raise argument_error(name, value, f"an integer from 1 to {MAX_THREADS}")
    return count


def usable_cpus() -> int:
    """The CPUs that this process may use: by its affinity, and by its container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota = cpu_quota()
    return cpus if quota is None else max(1, min(cpus, quota))


def run_parallel(tasks: Iterable[Callable[[], None]]) -> None:
    """Runs the tasks on this thread and the pool's, and returns when all are done.

    An error or an interrupt is raised once no other thread is at work any more: the caller's array
    is in use until then. Where no more threads can be had, those there are do the work.
    """
    batch = _Batch(tasks)
    # no thread may be had any more: the system has its limits, and Python may be about to end
    with suppress(RuntimeError):
        for _ in range(min(num_threads(), len(batch.waiting)) - 1):
            _the_pool().submit(batch.help)
    try:
        while batch.waiting:
            try:
                task = batch.waiting.popleft()
            except IndexError:  # another thread took the last one
                break
            task()
    finally:
        batch.stop()
    if batch.error is not None:
        raise batch.error


class _Batch:
    """Tasks that this thread shares with helpers, which may come late or not at all."""

    def __init__(self, tasks: Iterable[Callable[[], None]]) -> None:
        self.waiting = deque(tasks)
        self.error: BaseException | None = None
        self._at_work = 0
        self._changed = threading.Condition()

    def help(self) -> None:
        """Does tasks until none is left."""
        while True:
            with self._changed:
                if not self.waiting:
                    return
                task = self.waiting.popleft()
                self._at_work += 1
            try:
                task()
            except BaseException as error:
                self.error = error
                self.waiting.clear()
            finally:
                with self._changed:
                    self._at_work -= 1
                    self._changed.notify_all()

    def stop(self) -> None:
        """Waits until no helper is at work; an interrupt meanwhile is raised then."""
        interrupt = None
        while True:
            try:
                with self._changed:
                    self.waiting.clear()
                    while self._at_work:
                        self._changed.wait()
                break
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt


def _the_pool() -> ThreadPoolExecutor:
    global _pool, _pool_process
    # a child process has the pool's bookkeeping but none of its threads; R forks without Python
    if _pool is None or _pool_process != os.getpid():
        # a large draw needs it, `import pyinit` must be quick
        from concurrent.futures import ThreadPoolExecutor

        # it starts threads when they are needed, and keeps them: starting one takes a draw's time
        _pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="pyinit")
        _pool_process = os.getpid()
    return _pool
