"""The number of threads, and the pool that runs tasks in parallel."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from _thread import start_new_thread
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from queue import Empty, SimpleQueue

from pyinit.arguments import argument_error, as_index
from pyinit.native import _kernel
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
#: The pool of each process, by its number.
_pools: dict[int, _Pool] = {}
#: Whether the host program may fork without telling Python.
_forks_untold = False
#: Whether this process ends, so that no more threads are started.
_ending = False
#: How long to wait for threads to begin or to settle. They take microseconds.
_SETTLE_SECONDS = 5.0


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
    global _cpus
    # each variable is read once: another thread may set it
    count = _num_threads
    if count is not None:
        return count
    text = os.environ.get(VARIABLE)
    if text:
        return _as_count(VARIABLE, text, int(text) if text.isdecimal() else None)
    count = _default.get()
    if count is None:
        count = _cpus
    if count is None:
        count = _cpus = min(usable_cpus(), MAX_THREADS)
    return count


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


def expect_forks() -> None:
    """Prepare for a host program, such as R, that forks without telling Python."""
    global _forks_untold
    if sys.platform != "win32" and not _forks_untold:
        _forks_untold = True
        for pool in _pools.values():
            pool.wait_until_begun()
        _pools.clear()


def run_parallel(
    tasks: Iterable[Callable[[], None]],
    *,
    here: Callable[[], None] | None = None,
    poll: Callable[[], None] | None = None,
    cancel: Callable[[], None] | None = None,
) -> None:
    """Run tasks on this thread and on threads of the pool; return when all are done.

    An error or an interrupt is raised only after all threads have stopped writing to the caller's
    array. If too few threads can be started, fewer do the work.

    Args:
        tasks: The tasks.
        here: Called first on this thread, which does not count as one of the threads then.
        poll: Called on this thread ten times a second while other threads run the tasks. Not called
            if there is no other thread.
        cancel: Called after an error or an interrupt on this thread, to end tasks early.
    """
    batch = _Batch(tasks)
    helpers = min(len(batch.waiting), num_threads())
    if here is None:
        helpers -= 1
    pool = _the_pool()
    raised: BaseException | None = None
    try:
        pool.submit(batch, helpers)
        if here is not None:
            here()
        if poll is None or not batch.reserved:
            batch.run()
        else:
            while not batch.wait(0.1):
                poll()
    except BaseException:
        if cancel is not None:
            cancel()
        raise
    finally:
        # The loops are here and not in a function: a signal handler may raise an exception as a
        # function is entered, before its first `try`. There are two: it may, too, as one repeats.
        while True:
            try:
                while True:
                    try:
                        batch.stop()
                        pool.release(batch)
                        pool.settle()
                        break
                    except BaseException as error:
                        raised = error
                break
            except BaseException as error:
                raised = error
        # A frame of a traceback must not refer to the error: such a cycle would keep the array.
        error_of_helper, batch.error = batch.error, None
    try:
        if raised is not None:
            raise raised
        if error_of_helper is not None:
            raise error_of_helper
    finally:
        del raised, error_of_helper


# A signal handler may raise an exception, such as KeyboardInterrupt, at nearly every instruction.
# In `threading.Condition`, `Thread.start()` and `concurrent.futures`, it can leave a lock held, or
# a thread for which Python waits forever at its end. In CPython 3.14, `with` can leave a lock held.
# So the calling thread takes no locks, and relies on atomic methods of `deque`, `list` and
# `SimpleQueue`.


class _Batch:
    """Tasks shared by this thread and helpers, which may start late or never."""

    def __init__(self, tasks: Iterable[Callable[[], None]]) -> None:
        self.waiting = deque(tasks)
        #: The number of threads that may help.
        self.reserved = 0
        #: The first error of a helper.
        self.error: BaseException | None = None
        #: An item for each helper: before it takes its first task, and after its last one.
        self._begun: list[None] = []
        self._ended: list[None] = []
        #: Wakes the thread that waits.
        self._signals: SimpleQueue[None] = SimpleQueue()

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
        self._begun.append(None)
        try:
            self.run()
        except BaseException as error:
            if self.error is None:
                self.error = error
            self.waiting.clear()
        self._ended.append(None)
        self._signals.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait at most some seconds for all tasks; return whether they are done."""
        if not self._is_done():
            with suppress(Empty):
                self._signals.get(timeout=seconds)
        return self._is_done()

    def stop(self) -> None:
        """Wait until no helper runs a task. An interrupted call can be repeated."""
        self.waiting.clear()
        # with a timeout, because an interrupt can lose a signal
        while not self.wait(0.1):
            pass

    def _is_done(self) -> bool:
        # a helper that begins later finds no task
        return not self.waiting and len(self._begun) == len(self._ended)


class _Pool:
    """Threads that are kept, because starting one takes as long as a small draw.

    They work only while `run_parallel()` runs, so Python may end without them.
    """

    def __init__(self) -> None:
        self._functions: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._threads: list[int] = []
        #: An item for each thread that runs.
        self._begun: list[None] = []
        #: An item for each thread that is not reserved for a batch.
        self._idle: list[None] = []
        self._running: list[_Batch] = []

    def submit(self, batch: _Batch, count: int) -> None:
        """Let up to `count` threads help with a batch. Starts threads if too few are idle."""
        self._running.append(batch)
        for _ in range(count):
            try:
                self._idle.pop()
            except IndexError:
                if not self._start():
                    return
            batch.reserved += 1
            self._put(batch.help)

    def release(self, batch: _Batch) -> None:
        """Let the threads help with other batches. An interrupted call can be repeated."""
        while batch.reserved:
            batch.reserved -= 1
            self._idle.append(None)
        with suppress(ValueError):
            self._running.remove(batch)

    def settle(self) -> None:
        """Wait until this process can fork. An interrupted call can be repeated.

        Python prepares itself for the forks that it is told of.
        """

    def _start(self) -> bool:
        if len(self._threads) >= MAX_THREADS or _ending:
            return False
        try:
            # a single call, so that no signal handler runs between start and append
            self._threads.extend(map(start_new_thread, (self._run,), ((),)))
        except RuntimeError:  # at the system's limits
            return False
        return True

    def wait_until_begun(self) -> None:
        """Wait until all threads have begun."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while len(self._begun) < len(self._threads) and time.monotonic() < deadline:
            time.sleep(5e-5)

    def _run(self) -> None:
        self._begun.append(None)
        # as threads of `threading` do, for debuggers, profilers and coverage
        if threading.gettrace() is not None:
            sys.settrace(threading.gettrace())
        if threading.getprofile() is not None:
            sys.setprofile(threading.getprofile())
        while True:
            self._get()()

    def _put(self, function: Callable[[], None]) -> None:
        self._functions.put(function)

    def _get(self) -> Callable[[], None]:
        return self._functions.get()


class _GatedPool(_Pool):
    """A pool for programs that fork without telling Python.

    Such a child has none of its parent's threads, but waits forever for one that was about to take
    Python's lock (the GIL). Here the threads wait in the native kernel, which tells how many do.
    Without the kernel, there are no threads.
    """

    def __init__(self) -> None:
        super().__init__()
        self._gate = None
        if _kernel is not None:
            self._gate = _kernel.lib.pyinit_gate_new()

    def settle(self) -> None:
        deadline = time.monotonic() + _SETTLE_SECONDS
        while self._is_settling():
            if time.monotonic() > deadline:  # a debugger may have ended a thread, for example
                _pools.pop(os.getpid(), None)
                return
            time.sleep(5e-5)

    def _is_settling(self) -> bool:
        # The threads of another batch do not wait, and this may be one of them. While Python ends,
        # threads may never wait again.
        if self._running or not self._threads or sys.is_finalizing():
            return False
        return int(_kernel.lib.pyinit_gate_waiting(self._gate)) < len(self._threads)

    def _start(self) -> bool:
        return bool(self._gate) and super()._start()

    def _put(self, function: Callable[[], None]) -> None:
        self._functions.put(function)
        _kernel.lib.pyinit_gate_open(self._gate)

    def _get(self) -> Callable[[], None]:
        # look before waiting: an interrupt can leave a function behind the closed gate
        while True:
            with suppress(Empty):
                return self._functions.get_nowait()
            _kernel.lib.pyinit_gate_wait(self._gate)


@atexit.register
def _end() -> None:
    """Start no more threads, and wait until the last ones have begun.

    Before Python 3.12, a thread that begins while Python ends uses memory that is already freed.
    """
    global _ending
    _ending = True
    pool = _pools.get(os.getpid())
    if pool is not None:
        pool.wait_until_begun()


def _the_pool() -> _Pool:
    # A forked child has its parent's pool but none of its threads. Python may not know of the fork.
    process = os.getpid()
    pool = _pools.get(process)
    return pool or _pools.setdefault(process, _GatedPool() if _forks_untold else _Pool())
