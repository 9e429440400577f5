"""Runs of `materialize()` that are killed, stopped, run into a full disk, or meet another run."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

import pyinit
from pyinit.manifests.atomic_files import SUFFIX
from pyinit.manifests.model import DifferenceError, ManifestError
from tests.support import running

PLAN = [
    {"name": f"layer {n}", "shape": [300_000 + n], "initializer": "he_normal", "dtype": dtype}
    for n, dtype in enumerate(["float32", "float16", "float64", "bfloat16"] * 4)
]
PATHS = {"safetensors": "w.safetensors", "arrow": "arrow", "npy": "npy", "zarr": "w.zarr"}
RUN = """
import os, resource, sys
manifest, path, file_format, shard, existing, how, limit = sys.argv[1:]
if how == "named":
    del os.O_TMPFILE
import pyinit
pyinit.set_num_threads(2)
print("ready", flush=True)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    pyinit.materialize(
        manifest, path, format=file_format, shard=shard or None, existing=existing
    )
except FileExistsError as error:
    sys.exit("exists" if "already exists" in str(error) else str(error))
"""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Return the path of a manifest of some megabytes."""
    path = tmp_path_factory.mktemp("manifest") / "manifest.json"
    pyinit.write_manifest(pyinit.create_manifest(PLAN, 42), path)
    return path


def start(
    manifest, path, file_format, *, shard="", existing="keep", how="unnamed", limit="", inside=()
):
    """Start a run in a process of its own, in which files have at most `limit` bytes."""
    arguments = [manifest, path, file_format, shard, existing, how, limit]
    return running(
        [*inside, sys.executable, "-c", RUN, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def errors_of(runs):
    """Return what runs at the same time print as errors."""
    with ExitStack() as stack:
        processes = [stack.enter_context(run) for run in runs]
        return [process.communicate(timeout=120)[1].strip() for process in processes]


def contents(folder):
    """Return the content of every file below a folder, by its path in the folder."""
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def skip_without(file_format):
    if file_format == "zarr":
        pytest.importorskip("zarr", minversion="3.0")


#: What runs in the quick suite, of all formats, ways to write and signals.
QUICK = {
    ("safetensors", "unnamed", signal.SIGKILL),
    ("npy", "named", signal.SIGKILL),
    ("arrow", "unnamed", signal.SIGTERM),
    ("zarr", "named", signal.SIGKILL),
}
ALL = itertools.product(PATHS, ("unnamed", "named"), (signal.SIGKILL, signal.SIGTERM))


@pytest.mark.parametrize(
    ("file_format", "how", "sent"),
    [pytest.param(*case, marks=[] if case in QUICK else pytest.mark.slow) for case in ALL],
)
def test_killed_runs_are_finished(manifest, tmp_path, file_format, how, sent):
    """After a kill at any moment, files are whole or absent, and a rerun gives identical files."""
    skip_without(file_format)
    whole, path = tmp_path / "whole", tmp_path / "killed" / PATHS[file_format]
    shards = ["1/2", "2/2"] if file_format == "safetensors" else [""]
    began = time.monotonic()
    for shard in shards:
        pyinit.materialize(
            manifest, whole / PATHS[file_format], format=file_format, shard=shard or None
        )
    duration = time.monotonic() - began
    expected = contents(whole)
    generator = random.Random(f"{file_format} {how} {sent}")
    killed = 0
    for k in range(40):
        # a loaded machine may finish before each of the first kills
        if k >= 4 and killed:
            break
        with start(manifest, path, file_format, shard=shards[k % len(shards)], how=how) as process:
            assert process.stdout.readline() == "ready\n"
            # the machine may have been slower when the duration was measured
            time.sleep(generator.uniform(0, duration) * 0.9**k)
            process.send_signal(sent)
            killed += process.wait(timeout=60) == -sent
        found = contents(path.parent) if path.parent.exists() else {}
        names = {name for name in found if SUFFIX not in str(name)}
        # the index and the description of the group are not weights
        assert all(found[name] == expected[name] for name in names)
    assert killed
    for shard in shards:
        pyinit.materialize(manifest, path, format=file_format, shard=shard or None, existing="keep")
    assert contents(path.parent) == expected
    assert pyinit.verify(manifest, path if len(shards) == 1 else path.parent)


@pytest.mark.parametrize("how", ["unnamed", "named"])
@pytest.mark.parametrize("file_format", PATHS)
def test_full_disks(manifest, tmp_path, file_format, how):
    """An error of the system in the middle of a file leaves no part of it, and a rerun finishes."""
    skip_without(file_format)
    path = tmp_path / PATHS[file_format]
    limit = 1_500_000  # less than the largest tensor

    with start(manifest, path, file_format, how=how, limit=limit) as process:
        _, errors = process.communicate(timeout=60)
    assert "File too large" in errors
    assert process.returncode == 1
    assert SUFFIX not in errors.splitlines()[-1]
    assert not [name for name in contents(tmp_path) if SUFFIX in str(name)]
    # whole files of small tensors are kept, others are absent
    pyinit.materialize(manifest, path, format=file_format, existing="keep")
    assert pyinit.verify(manifest, path)


@pytest.fixture
def small_disk(tmp_path):
    """Yield a file system of 4 MiB; skip where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_full_in_the_end(small_disk):
    """The weights fit exactly, but not the header: the error names the file, and nothing stays."""
    plan = [{"name": "x", "shape": [2**22], "dtype": "int8", "initializer": "ones"}]
    made, path = pyinit.create_manifest(plan), small_disk / "w.safetensors"
    with pytest.raises(OSError, match="No space left on device") as raised:
        pyinit.materialize(made, path)
    assert raised.value.filename == str(path)
    assert list(small_disk.iterdir()) == []
    manifest = small_disk / "manifest.json"
    pyinit.write_manifest(made, manifest)
    before = manifest.read_bytes()
    with pytest.raises(OSError, match="No space left"), (small_disk / "rest").open("wb") as rest:
        rest.write(bytes(2**23))
    with pytest.raises(OSError, match="No space left") as raised:
        pyinit.write_manifest(made, manifest)
    assert raised.value.filename == str(manifest)
    assert manifest.read_bytes() == before


@pytest.mark.parametrize(
    "file_format",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in {"arrow", "zarr"} else [])
        for name in PATHS
    ],
)
def test_runs_on_the_same_path(manifest, tmp_path, file_format):
    """Of runs at the same time, one writes each file; the result is the same as that of one run."""
    skip_without(file_format)
    path = tmp_path / PATHS[file_format]
    for existing in ("error", "overwrite"):
        runs = [start(manifest, path, file_format, existing=existing) for _ in range(2)]
        errors = errors_of(runs)
        if existing == "error":
            assert errors.count("") <= 1
            assert set(errors) <= {"", "exists"}
            pyinit.materialize(manifest, path, format=file_format, existing="keep")
        else:
            assert errors == [""] * 2
        assert pyinit.verify(manifest, path)
        assert not [name for name in contents(tmp_path) if SUFFIX in str(name)]


@pytest.mark.parametrize("how", ["unnamed", "named"])
def test_runs_with_the_same_process_id(manifest, tmp_path, how):
    """Runs in containers, all of which have the process id 1, do not share temporary files."""
    inside = ("unshare", "--pid", "--fork", "--mount-proc")
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to make a namespace of processes")
    path = tmp_path / "w.safetensors"
    for existing in ("error", "overwrite"):
        options = {"existing": existing, "how": how, "inside": inside}
        runs = [start(manifest, path, "safetensors", **options) for _ in range(3)]
        errors = sorted(errors_of(runs))
        if existing == "error":
            assert errors == ["", "exists", "exists"]
        else:
            assert errors == [""] * 3
        assert pyinit.verify(manifest, path)
        assert list(tmp_path.iterdir()) == [path]


# ---- existing="keep" ----


def test_only_missing_files_are_drawn(manifest, tmp_path):
    """Kept files are verified and not written; all paths are returned."""
    written = pyinit.materialize(manifest, tmp_path, format="npy")
    before = {path: path.stat().st_mtime_ns for path in written}
    for path in written[3:5]:
        path.unlink()
    reported = []
    again = pyinit.materialize(
        manifest,
        tmp_path,
        format="npy",
        existing="keep",
        progress=lambda done, total: reported.append((done, total)),
    )
    assert again == written
    changed = {path for path in written if path.stat().st_mtime_ns != before[path]}
    assert changed == set(written[3:5])
    total = pyinit.read_manifest(manifest).nbytes
    assert reported[-1] == (total, total)
    assert reported == sorted(reported)


@pytest.mark.parametrize("file_format", PATHS)
def test_a_kept_file_must_be_the_right_one(manifest, tmp_path, file_format):
    """A file with other weights is an error that names it; nothing is drawn or replaced."""
    skip_without(file_format)
    path = tmp_path / PATHS[file_format]
    other = pyinit.create_manifest(PLAN, 43)
    wrong = pyinit.materialize(other, path, format=file_format)
    if file_format != "safetensors":
        pyinit.materialize(manifest, path, format=file_format, existing="overwrite")
        pyinit.materialize(
            type(other)(1, other.tensors[:1]), path, format=file_format, existing="overwrite"
        )
    before = contents(tmp_path)
    with pytest.raises(DifferenceError, match="already exists, and is not the file") as raised:
        pyinit.materialize(manifest, path, format=file_format, existing="keep")
    assert str(wrong[0]) in str(raised.value)
    assert "'layer 0'" in str(raised.value)
    assert "of 300000 values differ" in str(raised.value)
    assert contents(tmp_path) == before


def test_kept_files_with_other_tensors(manifest, tmp_path):
    """A file that lacks a tensor, has one more, or is none of its format is not kept."""
    made = pyinit.read_manifest(manifest)
    path = tmp_path / "w.safetensors"
    for present, wanted, message in (
        (made.tensors[1:], made.tensors, "it lacks 'layer 0'"),
        ((), made.tensors[:1], "it lacks 'layer 0'"),
        (made.tensors[:2], made.tensors[:1], "it also has 'layer 1'"),
    ):
        pyinit.materialize(type(made)(1, tuple(present)), path, existing="overwrite")
        with pytest.raises(DifferenceError, match=message):
            pyinit.materialize(type(made)(1, tuple(wanted)), path, existing="keep")
    path.write_bytes(b"no")
    with pytest.raises(ManifestError, match=r"w\.safetensors is not a readable safetensors file"):
        pyinit.materialize(made, path, existing="keep")


def test_an_index_of_another_manifest(manifest, tmp_path):
    """The index of sharded files is compared before anything is drawn."""
    path, index = tmp_path / "w.safetensors", tmp_path / "w.safetensors.index.json"
    pyinit.materialize(manifest, path, shard="1/2")
    good = index.read_bytes()
    with pytest.raises(FileExistsError, match="already exists") as raised:
        pyinit.materialize(manifest, path, shard="1/3")
    assert raised.value.filename == str(index)
    with pytest.raises(DifferenceError, match="of another number of shards"):
        pyinit.materialize(manifest, path, shard="1/3", existing="keep")
    assert len(list(tmp_path.iterdir())) == 2
    pyinit.materialize(manifest, path, shard="1/3", existing="overwrite")
    assert index.read_bytes() != good


def test_targets_that_are_no_files(manifest, tmp_path):
    """Nothing is written through a link, and nothing into a pipe, whatever `existing` says."""
    target = tmp_path / "target"
    target.write_text("mine")
    link, pipe = tmp_path / "link.safetensors", tmp_path / "pipe.safetensors"
    link.symlink_to(target)
    os.mkfifo(pipe)
    for existing in ("error", "overwrite", "keep"):
        with pytest.raises(FileExistsError, match="is a symbolic link"):
            pyinit.materialize(manifest, link, existing=existing)
        with pytest.raises(FileExistsError, match="is a device, pipe or socket"):
            pyinit.materialize(manifest, pipe, existing=existing)
    assert target.read_text() == "mine"
    assert Path(link).is_symlink()
    assert np.array_equal(sorted(tmp_path.iterdir()), sorted([target, link, pipe]))
