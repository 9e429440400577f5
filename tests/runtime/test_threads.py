"""Threads: their number, simultaneous draws, interrupts and errors."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest

import pyinit
from pyinit.runtime import cgroups, threads
from tests.support import restore_interrupts, running, same_bits


def printed_by(code):
    """Return what a program prints in a process of its own."""
    with running([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        return process.communicate(timeout=120)[0]


@pytest.fixture(params=["told of forks", "not told of forks"])
def _pools(request, monkeypatch):
    if request.param == "not told of forks":
        if sys.platform == "win32":
            pytest.skip("no forks on Windows")
        monkeypatch.setattr(threads, "_forks_untold", True)
    monkeypatch.setattr(threads, "_pools", {})


#: Runs a test with each kind of pool, which has no threads at first.
each_pool = pytest.mark.usefixtures("_pools")
#: The same for the code of a process of its own.
in_each_pool = pytest.mark.parametrize("prepare", ["", "threads.expect_forks()\n"])


@each_pool
def test_users_own_threads():
    """Protects simultaneous draws from several threads."""
    initializer = pyinit.HeNormal(5)
    expected = initializer((1000, 700))
    with ThreadPoolExecutor(6) as pool:
        for drawn in pool.map(lambda _: initializer((1000, 700)), range(24)):
            assert same_bits(drawn, expected)


def test_a_fork_draws_without_its_parents_pool():
    """Protects draws in a child process, which has none of its parent's threads."""
    code = (
        "import os, pyinit\n"
        "pyinit.set_num_threads(2)\n"
        "initializer = pyinit.HeNormal(5)\n"
        "expected = initializer((1000, 700)).tobytes()\n"
        "child = os.fork()\n"
        "same = initializer((1000, 700)).tobytes() == expected\n"
        "os._exit(not same) if child == 0 else None\n"
        "assert same and os.waitpid(child, 0)[1] == 0\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


#: Interrupts a draw just after it has reserved a thread.
INTERRUPTED_DRAW = """
class Interrupted(list):
    def pop(self):
        super().pop()
        raise KeyboardInterrupt
pool = threads._the_pool()
pool._idle = Interrupted(pool._idle)
try:
    initializer((1000, 700))
except KeyboardInterrupt:
    pool._idle = list(pool._idle)
else:
    raise AssertionError
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no forks on Windows")
@pytest.mark.parametrize("before", ["", INTERRUPTED_DRAW], ids=["at once", "after an interrupt"])
def test_a_fork_that_python_is_not_told_of(before):
    """Protects R's forks after a draw, even if its threads begin late, as on a busy machine."""
    code = (
        "import ctypes, functools, operator, os, signal, time, pyinit\n"
        "from pyinit.runtime import threads\n"
        "threads.expect_forks()\n"
        "pyinit.set_num_threads(3)\n"
        "initializer = pyinit.HeNormal(5)\n"
        f"{before and 'initializer((1000, 700))'}{before}\n"
        "get = threads._GatedPool._get\n"
        "def get_late(pool):\n"
        "    time.sleep(0.02)\n"
        "    return get(pool)\n"
        "threads._GatedPool._get = get_late\n"
        "expected = initializer((1000, 700)).tobytes()\n"
        # one call after another without Python's lock given up, as R's
        "host = ctypes.PyDLL(None)\n"
        "calls = functools.partial(host.usleep, 50_000), host.fork\n"
        "*_, child = map(operator.methodcaller('__call__'), calls)\n"
        "if child == 0:\n"
        "    signal.alarm(20)\n"
        "    os._exit(initializer((1000, 700)).tobytes() != expected)\n"
        "print(os.waitpid(child, 0)[1])\n"
    )
    assert printed_by(code) == "0\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no forks on Windows")
def test_draws_without_threads_where_forks_are_not_told(monkeypatch):
    """Protects R where the package has no native kernel, which lets its threads wait."""
    monkeypatch.setattr(threads, "_forks_untold", True)
    monkeypatch.setattr(threads, "_pools", {})
    monkeypatch.setattr(threads, "_kernel", None)
    pyinit.set_num_threads(3)
    used = set()
    threads.run_parallel([lambda: used.add(threading.get_ident())] * 50)
    assert used == {threading.get_ident()}


@pytest.mark.skipif(sys.platform == "win32", reason="no forks on Windows")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_does_not_stop_the_caller(monkeypatch):
    """Protects R under debuggers and profilers, which may end a thread of the pool."""

    def end(_):
        raise SystemExit

    monkeypatch.setattr(threads, "_forks_untold", True)
    monkeypatch.setattr(threads, "_pools", {})
    monkeypatch.setattr(threads, "_SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(threads._GatedPool, "_get", end)
    pyinit.set_num_threads(3)
    done = []
    threads.run_parallel([lambda: done.append(None)] * 4)
    assert len(done) == 4
    assert not threads._pools


def test_an_interrupt_ends_a_long_draw():
    """Protects Ctrl-C: it raises KeyboardInterrupt soon, in a draw of many seconds."""
    code = (
        "import numpy as np, pyinit\n"
        "out = np.empty(1 << 20, np.float32)\n"
        "wide = np.lib.stride_tricks.as_strided(out, (1 << 16, 1 << 20), (0, 4))\n"
        "print('drawing', flush=True)\n"
        "pyinit.RandomNormal(seed=1).lazy(wide.shape).read_into(wide)\n"
    )
    restore_interrupts()
    with running(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "drawing\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert errors.rstrip().endswith("KeyboardInterrupt")


@each_pool
def test_a_draw_does_not_wait_for_another_threads_long_one():
    """Protects short draws beside a long one that keeps the pool busy."""
    pyinit.set_num_threads(2)
    end, started = threading.Event(), threading.Semaphore(0)

    def long_task():
        started.release()
        end.wait(30)

    long = threading.Thread(target=threads.run_parallel, args=([long_task, long_task],))
    long.start()
    started.acquire(timeout=30)
    started.acquire(timeout=30)
    done = []
    threads.run_parallel([lambda: done.append(1)] * 4)
    assert len(done) == 4
    assert long.is_alive()
    end.set()
    long.join(30)


@each_pool
def test_draws_fall_back_to_fewer_threads(monkeypatch):
    """Protects draws where no thread can start: at a limit, or at the end of Python."""
    pyinit.set_num_threads(4)

    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "start_new_thread", refuse)
    values = pyinit.HeNormal(5)((1000, 700))
    monkeypatch.undo()
    assert same_bits(values, pyinit.HeNormal(5)((1000, 700)))


@each_pool
@pytest.mark.parametrize("exception", [KeyboardInterrupt, TimeoutError])
def test_an_exception_of_a_signal_handler_waits_for_the_helpers(exception):
    """Protects the caller's array: no thread writes to it after Ctrl-C or a time limit."""
    pyinit.set_num_threads(2)
    helping, go_on, finished = threading.Event(), threading.Event(), threading.Event()
    main = threading.main_thread()

    def handle(*_):
        threading.Timer(0.4, go_on.set).start()
        raise exception

    def task():
        if threading.current_thread() is main:
            helping.wait(30)
            threading.Timer(0.2, lambda: signal.pthread_kill(main.ident, signal.SIGINT)).start()
            go_on.wait(30)
        else:
            helping.set()
            go_on.wait(30)
            finished.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        with pytest.raises(exception):
            threads.run_parallel([task, task])
    finally:
        signal.signal(signal.SIGINT, before)
    assert finished.is_set()


@each_pool
@pytest.mark.parametrize("started", [True, False])
def test_an_interrupt_while_threads_start(monkeypatch, started):
    """Protects the caller's array, and later draws, from an interrupt as a thread is started."""
    pyinit.set_num_threads(3)
    start = threads.start_new_thread
    starts = []
    helping, finished = threading.Event(), threading.Event()

    def interrupted(*arguments):
        starts.append(arguments)
        if len(starts) == 1 or started:
            start(*arguments)
        if len(starts) == 2:
            helping.wait(30)
            raise KeyboardInterrupt

    def task():
        helping.set()
        time.sleep(0.3)
        finished.set()

    with monkeypatch.context() as patched:
        patched.setattr(threads, "start_new_thread", interrupted)
        with pytest.raises(KeyboardInterrupt):
            threads.run_parallel([task] * 8)
    assert finished.is_set()
    all_at_once = threading.Barrier(3, timeout=30)
    threads.run_parallel([all_at_once.wait] * 3)


@in_each_pool
def test_python_ends_after_an_interrupt_while_threads_start(prepare):
    """Protects Ctrl-C: a thread that the pool does not know must not keep Python from ending."""
    code = (
        "import pyinit\n"
        f"from pyinit.runtime import threads\n{prepare}"
        "pyinit.set_num_threads(3)\n"
        "start = threads.start_new_thread\n"
        "def interrupted(*arguments):\n"
        "    start(*arguments)\n"
        "    raise KeyboardInterrupt\n"
        "threads.start_new_thread = interrupted\n"
        "try:\n"
        "    pyinit.HeNormal(seed=1)((2000, 2000))\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    assert printed_by(code) == "interrupted\n"


@in_each_pool
def test_python_ends_after_its_threads_have_begun(prepare):
    """Protects short programs: a thread that begins while Python ends uses freed memory."""
    code = (
        "import atexit, time\n"
        "def draw():\n"
        "    pyinit.HeNormal(seed=1)((1000, 1000))\n"
        "    print(len(begun), flush=True)\n"
        "atexit.register(draw)\n"  # after the functions that are registered later
        "import pyinit\n"
        f"from pyinit.runtime import threads\n{prepare}"
        "start = threads.start_new_thread\n"
        "begun = []\n"
        "def start_late(run, arguments):\n"
        "    def begin():\n"
        "        time.sleep(0.3)\n"
        "        begun.append(None)\n"
        "        run()\n"
        "    return start(begin, arguments)\n"
        "threads.start_new_thread = start_late\n"
        "pyinit.set_num_threads(3)\n"
        "pyinit.HeNormal(seed=1)((1000, 1000))\n"
        "pyinit.set_num_threads(8)\n"
    )
    assert printed_by(code) == "2\n"


@in_each_pool
def test_a_signal_handler_draws(prepare):
    """Protects handlers that draw, such as one that records a manifest before a job is ended."""
    code = (
        "import random, signal, pyinit\n"
        f"from pyinit.runtime import threads\n{prepare}"
        "pyinit.set_num_threads(3)\n"
        "initializer = pyinit.HeNormal(5)\n"
        "drawn = []\n"
        "signal.signal(signal.SIGALRM, lambda *_: drawn.append(initializer((700, 700))))\n"
        "while len(drawn) < 200:\n"
        "    threads._pools.clear()\n"
        "    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 1e-3))\n"
        "    last = initializer((700, 700))\n"
        "print(all((values == last).all() for values in drawn))\n"
    )
    assert printed_by(code) == "True\n"


@each_pool
def test_the_pool_does_not_grow():
    """Protects long runs: draws that end before a helper begins do not start another thread."""
    pyinit.set_num_threads(3)
    for _ in range(3000):
        threads.run_parallel([int] * 4)
    assert len(threads._the_pool()._threads) == 2
    assert len(threads._the_pool()._idle) == 2


@each_pool
def test_errors_do_not_keep_arrays():
    """Protects memory: no cycle of references keeps an array after an error on a thread."""
    pyinit.set_num_threads(2)
    gate = threading.Barrier(2, timeout=30)

    class Array:
        pass

    def fail(array):
        gate.wait()
        raise MemoryError("chunk")

    array = Array()
    kept = weakref.ref(array)
    gc.disable()
    try:
        with suppress(MemoryError):
            threads.run_parallel([partial(fail, array)] * 2)
        del array
        # a helper may be about to let go of it
        deadline = time.monotonic() + 30
        while kept() is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert kept() is None
    finally:
        gc.enable()


@each_pool
def test_an_error_on_a_thread_reaches_the_caller():
    """Protects against a failed chunk that leaves garbage in the array."""
    pyinit.set_num_threads(2)
    gate = threading.Barrier(2, timeout=30)

    def task():
        gate.wait()
        if threading.current_thread() is not threading.main_thread():
            raise MemoryError("chunk")

    with pytest.raises(MemoryError, match="chunk"):
        threads.run_parallel([task, task])


def test_the_environment_sets_the_number_of_threads():
    """Protects PYINIT_NUM_THREADS; an empty value counts as unset."""
    code = "from pyinit.runtime.threads import num_threads; print(num_threads())"
    for value, count in (("3", 3), ("", threads.usable_cpus())):
        environment = {**os.environ, threads.VARIABLE: value}
        result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
        assert int(result.stdout) == count


@pytest.mark.parametrize("count", [0, -1, 1025, 1.5, "2", True])
def test_bad_thread_counts_are_refused(count):
    """Protects set_num_threads()."""
    with pytest.raises(ValueError, match="Argument `n` must be an integer from 1 to 1024"):
        pyinit.set_num_threads(count)


def test_quotas_of_control_groups(monkeypatch, tmp_path):
    """Protects the default in containers, under both versions of cgroups."""
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    assert cgroups.cpu_quota() is None
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert cgroups.cpu_quota() is None
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert cgroups.cpu_quota() == 2
    (tmp_path / "cpu.max").unlink()
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert cgroups.cpu_quota() is None
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("300000\n")
    assert cgroups.cpu_quota() == 3
    assert threads.usable_cpus() >= 1
