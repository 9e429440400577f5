"""One hash on 1 to 4 processes, and the page about torch on several processes."""

import os
import re
import sys

import pytest

from tests.support import ROOT, run_torch

pytest.importorskip("torch")
pytestmark = pytest.mark.backends

from conformance import table, torch_worlds  # noqa: E402

PAGE = torch_worlds.PAGE.read_text(encoding="utf-8")


def rows_of(text):
    """Return the rows of a table in Markdown, without its header."""
    lines = text.strip().splitlines()[2:]
    return {
        name: cells
        for name, *cells in ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    }


def run(*command, **options):
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = run_torch([sys.executable, *command], env=variables, timeout=600, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_one_hash(rows):
    """Check that every placement has the hash of the plain model in this process."""
    assert list(rows) == list(torch_worlds.PLACEMENTS)
    assert {ours for ours, *_ in rows.values()} == {f"`{torch_worlds.expected()[:8]}`"}


@pytest.mark.slow
def test_one_hash_for_any_number_of_processes_and_any_placement():
    """Protects the promise, on real processes whose memory starts as NaN."""
    rows = rows_of(run("-m", "conformance.torch_worlds", "--check", cwd=ROOT))
    assert_one_hash(rows)
    # the measurement tells different weights apart
    assert len(set(rows["FSDP2, first axis"])) == 1 + len(torch_worlds.WORLDS)
    assert torch_worlds.DIFFERENT in rows["tensor parallel"]


def test_the_table_is_that_of_this_version():
    """Protects the page: a placement that was added, or weights that changed."""
    assert_one_hash(rows_of(PAGE.partition(table.START)[2].partition(table.END)[0]))


@pytest.mark.parametrize("processes", [1, 2])
def test_the_script_on_the_page(tmp_path, processes):
    """Protects readers who copy the script: it prints what the page says."""
    script = tmp_path / "train.py"
    script.write_text(re.search(r"```python\n(# train.py\n.*?)```", PAGE, re.S)[1])
    printed = re.findall(
        r"^\$ torchrun --standalone --nproc-per-node (\d) train.py\n(\w+)$", PAGE, re.M
    )
    launcher = "-m", "torch.distributed.run", "--standalone"
    assert run(*launcher, f"--nproc-per-node={processes}", script).split() == [
        dict(printed)[str(processes)]
    ]
