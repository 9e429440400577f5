"""The number of threads, and the pool that runs tasks in parallel."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from pyinit.arguments import argument_error, as_index
from pyinit.runtime.cgroups import cpu_quota

#: The environment variable with the default number of threads.
VARIABLE = "PYINIT_NUM_THREADS"
MAX_THREADS = 1024

#: The number that the user set.
_num_threads: int | None = None
#: The number of usable CPUs, once it has been determined.
_cpus: int | None = None
#: The default that a caller who runs several draws at a time sets for each of them.
_default: ContextVar[int | None] = ContextVar("pyinit_default_num_threads", default=None)
_pool: _Pool | None = None


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


def run_parallel(
    tasks: Iterable[Callable[[], None]],
    *,
    here: Callable[[], None] | None = None,
    poll: Callable[[], None] | None = None,
    cancel: Callable[[], None] | None = None,
) -> None:
    """Run tasks on this thread and the threads of the pool; return when all are done.

    An error or an interrupt is raised after all threads have stopped, because they write to the
    caller's array until then. If no more threads can be started, fewer do the work.

    Args:
        tasks: The tasks.
        here: Called on this thread while other threads begin with the tasks, one for each.
        poll: Called on this thread ten times a second until all tasks are done. The tasks then run
            on other threads alone.
        cancel: Called after an error or an interrupt on this thread, to end tasks that have begun.
    """
    batch = _Batch(tasks)
    helpers = len(batch.waiting)
    if here is None:
        helpers = min(helpers, num_threads()) - 1
    try:
        helpers = _the_pool().submit(batch.help, helpers)
        if here is not None:
            here()
        if poll is None or helpers == 0:
            batch.run()
        else:
            while not batch.wait(0.1):
                poll()
    except BaseException:
        if cancel is not None:
            cancel()
        raise
    finally:
        # The loop is here and not in a function: an interrupt as a function is entered comes before
        # its first `try`.
        interrupt = None
        while True:
            try:
                batch.stop()
                break
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt
    if batch.error is not None:
        raise batch.error


# Threads that an interrupt may meet are not made with `concurrent.futures` and
# `threading.Condition`. An interrupt in their Python code can leave a lock held, or a thread that
# nobody tells to end, so that Python never ends. `with` on a lock and `acquire()` take it or are
# interrupted.


class _Batch:
    """Tasks shared by this thread and helpers, which may start late or never."""

    def __init__(self, tasks: Iterable[Callable[[], None]]) -> None:
        self.waiting = deque(tasks)
        #: The first error of a helper.
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._helpers = 0
        #: Released once, by the last helper as it stops.
        self._helping = threading.Lock()
        self._helping.acquire()

    def run(self) -> None:
        """Run tasks until none is waiting."""
        while self.waiting:
            try:
                task = self.waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            task()

    def help(self) -> None:
        """Run tasks, on a thread of the pool."""
        with self._lock:
            if not self.waiting:
                return
            self._helpers += 1
        try:
            self.run()
        except BaseException as error:
            if self.error is None:
                self.error = error
            self.waiting.clear()
        with self._lock:
            self._helpers -= 1
            if not self._helpers and not self.waiting:
                self._helping.release()

    def wait(self, seconds: float) -> bool:
        """Wait until all tasks are done, for a time; return whether they are."""
        with self._lock:
            if not self._helpers and not self.waiting:
                return True
        return self._helping.acquire(timeout=seconds)

    def stop(self) -> None:
        """Wait until all helpers have stopped. An interrupted call can be repeated."""
        with self._lock:
            self.waiting.clear()
            if not self._helpers:
                return
        self._helping.acquire()


class _Pool:
    """Daemon threads that are started on demand and kept.

    To start one takes as long as a small draw. They are idle except while `run_parallel()` waits
    for them, so Python may end at any other time.
    """

    def __init__(self) -> None:
        # imported here because only large draws need it and `import pyinit` must be fast
        from queue import SimpleQueue

        self.process = os.getpid()
        self._functions: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._size = self._idle = 0

    def submit(self, function: Callable[[], None], count: int) -> int:
        """Call a function on idle threads, and return on how many: `count` if that is possible."""
        if count <= 0:
            return 0
        with self._lock:
            if self._idle < count:
                self._start(count - self._idle)
            count = min(count, self._idle)
            self._idle -= count
            for _ in range(count):
                self._functions.put(function)
            return count

    def _start(self, count: int) -> None:
        # starting a thread fails at the system's limits and while Python shuts down
        with suppress(RuntimeError):
            for _ in range(min(count, MAX_THREADS - self._size)):
                name = f"pyinit_{self._size}"
                threading.Thread(target=self._run, name=name, daemon=True).start()
                # counted last: an interrupt costs at most an idle thread more
                self._size += 1
                self._idle += 1

    def _run(self) -> None:
        while True:
            self._functions.get()()
            with self._lock:
                self._idle += 1


def _the_pool() -> _Pool:
    global _pool
    # a forked child has the pool but none of its threads; R forks without telling Python
    if _pool is None or _pool.process != os.getpid():
        _pool = _Pool()
    return _pool
