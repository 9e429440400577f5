"""Golden vectors: the file never changes, and every kernel reproduces it."""

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import pyinit
from pyinit.dtypes import NUMERIC_DTYPES
from pyinit.initializers.registry import CLASSES
from pyinit.reproducibility import golden
from pyinit.runtime import kernel_choice
from pyinit.stream import kernels

#: The digests of the files in pyinit/reproducibility, which never change once they are released.
DIGESTS = {
    "golden_vectors_1.json": "61afe1da9ddfe685f8170b4b5d50287bafb53f3ae15eaf2b769149cfe1ed2008",
    "golden_vectors_1b.json": "23ac3b263ef1b648dcae23aa82681edfd2dd7edbba8db19291cf17f08594194c",
    "golden_vectors_1c.json": "8228584007f9292e59fe33dbce06e9bedd3cb8c561804b3e2a4864dea5787c51",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_the_files_never_change(name):
    """The golden vectors of version 1 of the stream are frozen."""
    content = (golden.FOLDER / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == DIGESTS[name]
    assert golden.DIGESTS == DIGESTS


def test_every_file_is_read_and_listed():
    """No file of golden vectors is forgotten."""
    assert {path.name for path in golden.FOLDER.glob("golden_vectors_*.json")} == set(DIGESTS)
    assert len(golden.read()) == sum(len(golden.read_file(golden.FOLDER / n)) for n in DIGESTS)


def test_every_initializer_and_dtype_is_covered():
    """The golden vectors are complete."""
    vectors = golden.read()
    assert {v.class_name for v in vectors} == {cls.__name__ for cls in CLASSES}
    for cls in CLASSES:
        covered = {v.dtype for v in vectors if v.class_name == cls.__name__}
        assert covered == set(cls._dtypes) == set(NUMERIC_DTYPES) & set(cls._dtypes)
    drawn = [v for v in vectors if v.class_name == "RandomNormal"]
    assert {0, 1, 2**32 - 1} <= {v.draw for v in drawn}
    assert {str(2**64 - 1), str(-(2**63)), 0} <= {v.config["seed"] for v in drawn}
    assert any(v.partition_offset and np.prod(v.shape) > 2**42 for v in drawn)


@pytest.mark.parametrize("kernel", kernel_choice.available())
def test_every_kernel_passes(kernel, monkeypatch):
    """Every kernel reproduces the golden vectors."""
    monkeypatch.setenv(kernel_choice.VARIABLE, kernel)
    kernel_choice.choice.cache_clear()
    kernels.kernel.cache_clear()
    try:
        result = pyinit.self_test()
    finally:
        monkeypatch.undo()
        kernel_choice.choice.cache_clear()
        kernels.kernel.cache_clear()
    assert result
    assert result.differences == []
    assert repr(result) == (
        f"Self-test passed: all {len(golden.read())} golden vectors of stream version 1 "
        f"(kernel {kernel}), to the last bit."
    )


def test_a_wrong_bit_is_reported(monkeypatch):
    """The self-test fails if a kernel draws other bits, and names the vectors."""
    right = kernels.kernel()

    def wrong(out, region):
        right(out, region)
        if region.distribution.family == "normal" and out.dtype == np.float32 and out.size:
            out.reshape(-1).view(np.uint32)[-1] ^= 1

    monkeypatch.setattr("pyinit.stream.kernel", lambda: wrong)
    result = pyinit.self_test()
    assert not result
    names = [name for name, _ in result.differences]
    assert all("Normal" in name or "untruncated" in name for name in names)
    assert "RandomNormal(mean=0.1, stddev=2.5, seed=1), [3, 4], float32" in names
    text = repr(result)
    assert text.startswith(f"Self-test FAILED: {len(names)} of ")
    assert "1 of 12 values; the one at flat index 11 is " in text
    assert "the fingerprint is " in text


@pytest.mark.parametrize("name", DIGESTS)
def test_a_damaged_file(name, tmp_path):
    """A damaged or missing file is an error of its own, not a difference."""
    shutil.copytree(golden.FOLDER, tmp_path, dirs_exist_ok=True)
    assert golden.read(tmp_path) == golden.read()
    path = tmp_path / name
    entries = json.loads(path.read_bytes())
    entries["vectors"][0]["values"][0] = "0x1.0p+0"
    path.write_text(json.dumps(entries))
    with pytest.raises(ValueError, match=r"not those of version 1 .* Install pyinit again"):
        golden.read(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match=r"are missing\. Install pyinit again"):
        golden.read(tmp_path)


def test_devices_are_checked():
    """An invalid or missing device is an error."""
    for device in ("gpu", None, 0):
        with pytest.raises(ValueError, match="Argument `device`"):
            pyinit.self_test(device)


def test_the_script_never_overwrites_a_file():
    """The script that wrote the files refuses to write them again."""
    root = golden.FOLDER.parents[1]
    before = [(golden.FOLDER / name).read_bytes() for name in DIGESTS]
    process = subprocess.run(
        [sys.executable, root / "script" / "write_golden_vectors.py"],
        capture_output=True,
        text=True,
        cwd=root,
        env={"PYTHONPATH": str(root)},
    )
    assert process.returncode == 1
    assert "never overwritten" in process.stderr
    assert [(golden.FOLDER / name).read_bytes() for name in DIGESTS] == before
