"""The number of threads, and the pool that runs tasks in parallel."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

from pyinit.arguments import argument_error, as_index
from pyinit.runtime.cgroups import cpu_quota

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

#: The environment variable with the default number of threads.
VARIABLE = "PYINIT_NUM_THREADS"
MAX_THREADS = 1024

#: The number that the user set.
_num_threads: int | None = None
#: The number of usable CPUs, once it has been determined.
_cpus: int | None = None
#: The default that a caller who runs several draws at a time sets for each of them.
_default: ContextVar[int | None] = ContextVar("pyinit_default_num_threads", default=None)
_pool: ThreadPoolExecutor | None = None
_pool_process: int | None = None


def set_num_threads(n: int | None) -> None:
    """Set the number of threads that a large draw uses. No value depends on it.

    Args:
        n: The number of threads, from 1 to 1024, or None for the default: the environment variable
            `PYINIT_NUM_THREADS` if it is set, else the number of CPUs that the affinity of this
            process and the quota of its container allow.

    Raises:
        ValueError: `n` is not an integer from 1 to 1024 or None.

    Example:
        >>> import pyinit
        >>> pyinit.set_num_threads(2)
        >>> pyinit.set_num_threads(None)
    """
    global _num_threads, _cpus
    if n is not None:
        n = _as_count("n", n, as_index(n))
    _num_threads, _cpus = n, None


def num_threads() -> int:
    """Return the number of threads that a large draw uses.

    Returns:
        The number set by `set_num_threads()`; else the environment variable `PYINIT_NUM_THREADS`;
        else the number of CPUs that the affinity of this process and the quota of its container
        allow, or 1 while a block of `pyinit.dask` is drawn.

    Raises:
        ValueError: The environment variable is not an integer from 1 to 1024.

    Example:
        >>> import pyinit
        >>> pyinit.set_num_threads(2)
        >>> pyinit.num_threads()
        2
        >>> pyinit.set_num_threads(None)
    """
    global _num_threads, _cpus
    if _num_threads is not None:
        return _num_threads
    text = os.environ.get(VARIABLE)
    if text:
        _num_threads = _as_count(VARIABLE, text, int(text) if text.isdecimal() else None)
        return _num_threads
    default = _default.get()
    if default is not None:
        return default
    if _cpus is None:
        _cpus = min(usable_cpus(), MAX_THREADS)
    return _cpus


@contextmanager
def single_threaded_by_default() -> Iterator[None]:
    """Draw with one thread in this context, unless the user has set a number of threads."""
    token = _default.set(1)
    try:
        yield
    finally:
        _default.reset(token)


def _as_count(name: str, value: object, count: int | None) -> int:
    if count is None or not 1 <= count <= MAX_THREADS:
        raise argument_error(name, value, f"an integer from 1 to {MAX_THREADS}")
    return count


def usable_cpus() -> int:
    """Return the number of CPUs that affinity and the container's quota allow."""
    affinity = getattr(os, "sched_getaffinity", None)
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota = cpu_quota()
    return cpus if quota is None else max(1, min(cpus, quota))


def run_parallel(tasks: Iterable[Callable[[], None]]) -> None:
    """Run tasks on this thread and the threads of the pool; return when all are done.

    An error or an interrupt is raised after all workers have stopped, because they write to the
    caller's array until then. If no more threads can be started, fewer do the work.
    """
    batch = _Batch(tasks)
    # starting a thread fails at the system's limits and while Python shuts down
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
    """Tasks shared by this thread and helpers, which may start late or never."""

    def __init__(self, tasks: Iterable[Callable[[], None]]) -> None:
        self.waiting = deque(tasks)
        self.error: BaseException | None = None
        self._running = 0
        self._changed = threading.Condition()

    def help(self) -> None:
        """Run tasks until none is left."""
        while True:
            with self._changed:
                if not self.waiting:
                    return
                task = self.waiting.popleft()
                self._running += 1
            try:
                task()
            except BaseException as error:
                self.error = error
                self.waiting.clear()
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

    def stop(self) -> None:
        """Wait until all helpers have stopped. Defers KeyboardInterrupt until then."""
        interrupt = None
        while True:
            try:
                with self._changed:
                    self.waiting.clear()
                    while self._running:
                        self._changed.wait()
                break
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt


def _the_pool() -> ThreadPoolExecutor:
    global _pool, _pool_process
    # a forked child has the pool but none of its threads; R forks without telling Python
    if _pool is None or _pool_process != os.getpid():
        # imported here because only large draws need it and `import pyinit` must be fast
        from concurrent.futures import ThreadPoolExecutor

        # starts threads on demand and keeps them: starting one takes as long as a small draw
        _pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="pyinit")
        _pool_process = os.getpid()
    return _pool
