"""Ray draws the parts of a lazy tensor: the example of the documentation."""

import os
import re
import subprocess
import sys

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.backends

#: Appended to the example: the tasks ran in other processes, and the values are those of a call.
CHECKS = """
import os, tempfile, time

@ray.remote
def process(weights, row, folder):
    open(os.path.join(folder, str(os.getpid())), "w").close()
    while len(os.listdir(folder)) < 2:  # the other worker gets a task, too
        time.sleep(0.1)
    return os.getpid(), weights[row].tobytes()

folder = tempfile.mkdtemp(dir=os.getcwd())
found = ray.get([process.remote(weights, row, folder) for row in range(4)], timeout=200)
assert len({pid for pid, _ in found}) == 2
expected = pyinit.HeNormal(seed=1)((4000, 512))
assert [values for _, values in found] == [row.tobytes() for row in expected[:4]]
assert drawn.tobytes() == expected.tobytes()
ray.shutdown()
"""


def test_the_example(tmp_path):
    """Protects users of Ray: several workers, the bits of a call."""
    pytest.importorskip("ray")
    page = (ROOT / "docs" / "dask.md").read_text()
    (example,) = re.findall(r"```python\n(import numpy\n.*?)```", page, re.S)
    (tmp_path / "example.py").write_text(example + CHECKS)
    variables = {"PYTHONPATH": str(ROOT), "RAY_TMPDIR": "/tmp", "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "True"
