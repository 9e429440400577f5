"""Tasks for many tensors at a time."""

import threading
import time

import numpy as np
import pytest

import pyinit
from pyinit.manifests.parallel import for_each_tensor
from pyinit.runtime import threads


def test_an_interrupt_while_tasks_start(monkeypatch):
    """Protects Ctrl-C: tasks that have started by then are stopped too, and not waited for."""
    pyinit.set_num_threads(2)
    plan = [{"name": name, "shape": [3], "initializer": "ones"} for name in "abc"]
    tensors = pyinit.create_manifest(plan).tensors
    submit = threads._Pool.submit
    begun, ended = threading.Event(), []

    def interrupted(*arguments):
        submit(*arguments)
        begun.wait(30)
        raise KeyboardInterrupt

    def task(tensor, advance):
        begun.set()
        for _ in range(200):
            advance(0)
            time.sleep(0.01)
        ended.append(tensor)

    monkeypatch.setattr(threads._Pool, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        for_each_tensor(tensors, task)
    assert begun.is_set()
    assert ended == []


def test_tasks_without_threads(monkeypatch):
    """Protects manifests where no thread can be started: this thread does the work."""
    pyinit.set_num_threads(2)
    plan = [{"name": name, "shape": [3], "initializer": "ones"} for name in "abc"]
    monkeypatch.setattr(threads._Pool, "submit", lambda *_: None)
    assert pyinit.verify(pyinit.create_manifest(plan))


def test_progress_of_stacks(monkeypatch):
    """Protects R, which is called on its own thread alone: chunks of stacks are used on others."""
    monkeypatch.setattr("pyinit.initializers.chunking.CHUNK_SIZE", 100)
    initializer = pyinit.Orthogonal(seed=1, batch_axes=0)
    plan = [{"name": "x", "shape": [50, 20, 10], "initializer": initializer}]
    reports = []
    pyinit.create_manifest(
        plan, progress=lambda done, total: reports.append((threading.get_ident(), done))
    )
    assert {thread for thread, _ in reports} == {threading.get_ident()}
    assert reports[-1][1] == 50 * 20 * 10 * np.dtype("float32").itemsize
