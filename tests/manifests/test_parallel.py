"""Tasks for many tensors at a time."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import pyinit
from pyinit.manifests.parallel import for_each_tensor


def test_an_interrupt_while_tasks_start(monkeypatch):
    """Protects Ctrl-C: tasks that have started by then are stopped too, and not waited for."""
    pyinit.set_num_threads(2)
    plan = [{"name": name, "shape": [3], "initializer": "ones"} for name in "abc"]
    tensors = pyinit.create_manifest(plan).tensors
    submit = ThreadPoolExecutor.submit
    ended = []

    def interrupted(pool, function):
        submit(pool, function)
        raise KeyboardInterrupt

    def task(tensor, advance):
        for _ in range(200):
            advance(0)
            time.sleep(0.01)
        ended.append(tensor)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        for_each_tensor(tensors, task)
    assert ended == []
