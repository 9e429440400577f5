"""What Python without the GIL needs: a build for it, and no state that threads can tear.

No such Python can be installed on the machines that run these tests. The build is therefore tested
with Python told that it has no GIL, and threads with as many switches between them as Python makes.
"""

import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pyinit
from pyinit.runtime import threads
from tests.support import ROOT, same_bits

THREADS = 16


@pytest.fixture
def _many_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(work):
    """Call `work` in many threads that start at the same moment; return the results."""
    barrier = threading.Barrier(THREADS, timeout=60)

    def start(_):
        barrier.wait()
        return work()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(THREADS)))


@pytest.mark.usefixtures("_many_switches")
def test_each_draw_is_taken_once():
    """Protects seed generators that threads share: no draw is lost or given twice."""
    generator = pyinit.SeedGenerator(1)
    initializer = pyinit.RandomNormal(seed=generator)

    def work():
        taken = [generator.next()[1] for _ in range(300)]
        return taken, [initializer((2,)).tobytes() for _ in range(100)]

    results = in_threads(work)
    draws = [draw for taken, _ in results for draw in taken]
    values = {drawn for _, several in results for drawn in several}
    assert len(set(draws)) == len(draws)
    assert len(values) == THREADS * 100
    assert generator.state == (1, THREADS * 400)


@pytest.mark.usefixtures("_many_switches")
def test_names_are_unique():
    """Protects the names of seed generators that threads construct."""
    names = in_threads(lambda: [pyinit.SeedGenerator(1).name for _ in range(200)])
    assert len({name for several in names for name in several}) == THREADS * 200


@pytest.mark.usefixtures("_many_switches")
def test_first_use_in_many_threads(monkeypatch):
    """Protects caches, the pool and tensors that are computed when first read."""
    monkeypatch.setattr(threads, "_pools", {})
    monkeypatch.setattr(threads, "_cpus", None)
    pyinit.set_num_threads(3)
    orthogonal = pyinit.Orthogonal(seed=1).lazy((60, 60))
    stacked = pyinit.Orthogonal(seed=1, batch_axes=0).lazy((4, 20, 20))
    given = pyinit.Constant(np.arange(400.0)).lazy((400,))

    def work():
        drawn = pyinit.TruncatedNormal(0.0, 0.7, seed=3, lower=-2.5)((400, 400))
        return drawn, orthogonal[...], stacked[3], hash(given), stacked[...]

    first, *others = in_threads(work)
    for values in others:
        assert values[3] == first[3]
        assert all(same_bits(values[k], first[k]) for k in (0, 1, 2, 4))


@pytest.mark.slow
def test_a_build_without_the_gil(tmp_path):
    """Protects the build: no stable ABI, a wheel for one version of Python, the same bits."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    pytest.importorskip("cffi", "2.0", reason="only cffi 2 builds without the stable ABI")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "pyinit", tmp_path / "pyinit", ignore=shutil.ignore_patterns("*.so"))
    code = (
        "import runpy, sys, sysconfig\n"
        "sysconfig.get_config_vars()['Py_GIL_DISABLED'] = 1\n"
        "sys.argv = ['setup.py', *sys.argv[1:]]\n"
        "runpy.run_path('setup.py', run_name='__main__')\n"
    )
    command = [sys.executable, "-c", code, "-q", "bdist_wheel", "--dist-dir", "dist"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "dist").iterdir()
    version = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert f"-{version}-{version}" in wheel.name
    target = tmp_path / "installed"
    shutil.unpack_archive(wheel, target, "zip")
    (library,) = (target / "pyinit" / "native").glob("_kernel*")
    assert "abi3" not in library.name
    check = "import pyinit; print(pyinit.__file__); assert pyinit.self_test()"
    done = subprocess.run([sys.executable, "-c", check], cwd=target, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(target))
