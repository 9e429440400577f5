"""Dask arrays on a cluster of several processes, one of which is killed."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from distributed import Client, LocalCluster, futures_of, wait

import pyinit
import pyinit.dask
from tests.support import RANDOM, ROOT, same_bits
from tests.support.dask_blocks import when_released

# what a busy disk makes Dask say
SLOW_DISK = "ignore:Creating scratch directories"
pytestmark = pytest.mark.filterwarnings(SLOW_DISK)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A client of a cluster of three processes with a thread each."""
    folder = str(tmp_path_factory.mktemp("workers"))
    options = {"dashboard_address": None, "host": "127.0.0.1", "local_directory": folder}
    with (
        LocalCluster(n_workers=3, threads_per_worker=1, processes=True, **options) as cluster,
        Client(cluster) as client,
    ):
        yield client
        processes = client.run(os.getpid).values()
    assert not any(map(is_alive, processes))


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition):
    """Wait for the first true value of a function, and return it."""
    end = time.monotonic() + 30
    while not (value := condition()):
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)
    return value


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("chunks", [(100, 70), (33, 50), "auto"], ids=repr)
@pytest.mark.parametrize("name", ["he_normal", "truncated_normal_bounds", "orthogonal"])
def test_values(name, chunks):
    """Protects values on other processes, whatever the chunks, and matrices cut from one task."""
    array = pyinit.dask.from_initializer(RANDOM[name](3), (300, 140), chunks, "bfloat16")
    assert same_bits(array.compute(), RANDOM[name](3)((300, 140), "bfloat16"))


def test_a_worker_is_killed(client, tmp_path):
    """Protects a computation that goes on: lost blocks are drawn again, with the same bits."""
    before = client.run(os.getpid)
    assert len(set(before.values())) == 3
    array = pyinit.dask.from_initializer(pyinit.HeNormal(seed=1), (600, 200), (100, 100))
    gated = array.map_blocks(when_released, str(tmp_path / "released"), meta=array._meta)
    persisted = client.persist(gated)
    # each worker holds a block and is at its second one
    wait_until(lambda: all(client.has_what().values()))
    victim = min(before)
    os.kill(before[victim], signal.SIGKILL)
    assert sum(future.done() for future in futures_of(persisted)) <= 3
    (tmp_path / "released").touch()
    wait(persisted, timeout=60)
    assert same_bits(persisted.compute(), pyinit.HeNormal(seed=1)((600, 200)))
    client.wait_for_workers(3, timeout=60)
    assert not is_alive(before[victim])
    assert before[victim] not in client.run(os.getpid).values()


@pytest.mark.usefixtures("client")
def test_zarr(tmp_path):
    """Protects the way to a file larger than memory, of whole chunks or of others."""
    zarr = pytest.importorskip("zarr")
    array = pyinit.dask.from_initializer(pyinit.HeNormal(seed=1), (300, 200), (100, 200))
    array.to_zarr(str(tmp_path / "weights.zarr"))
    stored = zarr.open_array(tmp_path / "weights.zarr", mode="r")
    assert stored.chunks == (100, 200)
    assert same_bits(np.asarray(stored[...]), pyinit.HeNormal(seed=1)((300, 200)))


def test_the_example(tmp_path):
    """Protects the script of the documentation, which starts a cluster of its own."""
    zarr = pytest.importorskip("zarr")
    page = (ROOT / "docs" / "dask.md").read_text()
    (example,) = re.findall(r"```python\n(import pyinit.dask\nfrom dask.*?)```", page, re.S)
    (tmp_path / "example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:Port", "-W", SLOW_DISK, "example.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    expected = pyinit.HeNormal(seed=1)((4096, 1024))
    assert float(done.stdout) == pytest.approx(expected.std(), rel=1e-4)
    stored = zarr.open_array(tmp_path / "weights.zarr", mode="r")
    assert same_bits(np.asarray(stored[...]), expected)
