"""Files that are whole or absent, whatever happens to their writers."""

import errno
import os
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import pyinit
from pyinit.manifests import atomic_files
from pyinit.manifests.atomic_files import SUFFIX, NewFile, NewFolder, remove_abandoned, write_file
from pyinit.manifests.sinks import RawSink
from tests.support import running


@pytest.fixture(params=["unnamed", "named"], autouse=True)
def _mechanism(request, monkeypatch):
    """Run each test with unnamed files, and as on systems and file systems without them."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)


def names_in(folder):
    return sorted(os.listdir(folder))


def test_a_new_file(tmp_path):
    """A file appears with its whole content, and with the permissions of any new file."""
    path = tmp_path / "a"
    with NewFile(path) as file:
        file.write_at(2, b"cd")
        file.write_at(0, b"ab")
        found = bytearray(4)
        file.read_at(0, found)
        assert found == b"abcd"
        assert not path.exists()
        file.publish()
        assert path.read_bytes() == b"abcd"
    assert names_in(tmp_path) == ["a"]
    (tmp_path / "b").touch()
    assert path.stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_file_that_is_not_published(tmp_path):
    """A failure leaves nothing."""

    def fail():
        with NewFile(tmp_path / "a") as file:
            file.write_at(0, b"ab")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names_in(tmp_path) == []


def test_the_first_writer_wins(tmp_path):
    """Of two writers without `replace`, the second to publish gets an error that names the file."""
    path = tmp_path / "a"
    with NewFile(path) as first, NewFile(path) as second:
        first.write_at(0, b"first")
        second.write_at(0, b"second")
        second.publish()
        with pytest.raises(FileExistsError, match="already exists") as raised:
            first.publish()
        assert raised.value.filename == str(path)
    assert path.read_bytes() == b"second"
    with pytest.raises(FileExistsError, match="already exists"):
        write_file(path, b"third")
    write_file(path, b"third", replace=True)
    assert path.read_bytes() == b"third"
    assert names_in(tmp_path) == ["a"]


def test_many_writers(tmp_path):
    """Of many threads, one writes the file; with `replace`, the file is always that of one."""
    path, outcomes = tmp_path / "a", []

    def write(k, replace):
        try:
            write_file(path, bytes([k]) * 100_000, replace=replace)
        except FileExistsError:
            outcomes.append(None)
        else:
            outcomes.append(k)

    for replace in (False, True):
        outcomes.clear()
        threads = [threading.Thread(target=write, args=(k, replace)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [k for k in outcomes if k is not None]
        assert len(winners) == (8 if replace else 1)
        content = path.read_bytes()
        assert content == content[:1] * 100_000
        assert content[0] in winners
        assert names_in(tmp_path) == ["a"]


@pytest.mark.parametrize("replace", [False, True])
def test_only_regular_files_are_replaced(tmp_path, replace):
    """A link, a pipe, a device or a folder is no target, even with `replace`."""
    (tmp_path / "target").write_text("x")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "dangling").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    before = names_in(tmp_path)
    for name, kind, message in (
        ("link", FileExistsError, "is a symbolic link"),
        ("dangling", FileExistsError, "is a symbolic link"),
        ("pipe", FileExistsError, "is a device, pipe or socket"),
        ("folder", IsADirectoryError, "is a folder"),
    ):
        with pytest.raises(kind, match=message) as raised:
            write_file(tmp_path / name, b"y", replace=replace)
        assert raised.value.filename == str(tmp_path / name)
    assert names_in(tmp_path) == before
    assert (tmp_path / "target").read_text() == "x"
    manifest = pyinit.create_manifest([{"name": "x", "shape": [3], "initializer": "zeros"}])
    with pytest.raises(FileExistsError, match="is a device, pipe or socket"):
        pyinit.write_manifest(manifest, "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_errors_name_the_file(tmp_path):
    """An error of the system names the file that was to be written, not a temporary one."""
    for path in (tmp_path / "no folder" / "a", tmp_path / "b" / "a"):
        (tmp_path / "b").touch()
        with pytest.raises(OSError, match=r"No such file|Not a directory") as raised:
            write_file(path, b"x")
        assert raised.value.filename == str(path)


def test_a_file_that_another_program_changes(tmp_path):
    """Values are read back from the file, so a change of it by others is found."""
    values = np.arange(6, dtype=np.float32)
    with NewFile(tmp_path / "a") as file:
        sink = RawSink(file, 0)
        sink.write(values)
        opened = os.open(f"/proc/self/fd/{file._descriptor}", os.O_RDWR)
        os.pwrite(opened, np.float32(7).tobytes(), 8)
        assert sink.read_back(values.copy()).tolist() == [0, 1, 7, 3, 4, 5]
        os.ftruncate(opened, 5)
        os.close(opened)
        with pytest.raises(OSError, match="was truncated by another program"):
            RawSink(file, 0).read_back(values.copy())


def partial(folder, *, kernel=None, age=0, is_folder=False):
    """Make what a killed process leaves."""
    path = folder / f".{kernel or atomic_files._kernel()}-{os.urandom(16).hex()}{SUFFIX}"
    if is_folder:
        path.mkdir()
        (path / "x").touch()
    else:
        path.touch()
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_abandoned_files_are_removed(tmp_path):
    """Only partial files that no process holds are removed, and those of others when they are old.

    Other machines' locks may not be visible.
    """
    for is_folder in (False, True):
        partial(tmp_path, is_folder=is_folder)
        partial(tmp_path, kernel="00000000", age=25 * 3600, is_folder=is_folder)
    young = partial(tmp_path, kernel="00000000")
    others = [tmp_path / "x.pyinit-partial", tmp_path / ".a.partial", tmp_path / f".1-2{SUFFIX}"]
    for path in others:
        path.touch()
    with NewFolder(tmp_path / "b", tmp_path) as folder, NewFile(tmp_path / "a") as file:
        file.write_at(0, b"x")
        held = {path for path in tmp_path.iterdir() if path == folder.content}
        remove_abandoned(tmp_path)
        assert {young, *others, *held} <= set(tmp_path.iterdir())
        write_file(tmp_path / "c", b"")  # this removes abandoned files, too
        file.publish()
        folder.publish()
    assert set(tmp_path.iterdir()) == {young, *others, *(tmp_path / name for name in "abc")}


def test_a_killed_process(tmp_path):
    """The next run removes what a killed one has left, while that one is alive nothing of it."""
    code = (
        "import os, sys, time\n"
        "if sys.argv[2] == 'named': del os.O_TMPFILE\n"
        "from pathlib import Path\n"
        "from pyinit.manifests.atomic_files import NewFile, NewFolder\n"
        "folder = Path(sys.argv[1])\n"
        "with NewFile(folder / 'a') as file, NewFolder(folder / 'b', folder):\n"
        "    file.write_at(0, b'x')\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    how = "unnamed" if hasattr(os, "O_TMPFILE") else "named"
    with running(
        [sys.executable, "-c", code, tmp_path, how], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        remove_abandoned(tmp_path)
        left = names_in(tmp_path)
        assert len(left) == (1 if how == "unnamed" else 2)
        assert all(name.endswith(SUFFIX) for name in left)
        process.kill()
        process.wait()
    assert names_in(tmp_path) == left
    remove_abandoned(tmp_path)
    assert names_in(tmp_path) == []


def test_file_systems_without_links(tmp_path, monkeypatch):
    """Without hard links, a file is still published only once, and whole."""
    if hasattr(os, "O_TMPFILE"):
        pytest.skip("file systems with unnamed files have links")

    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with NewFile(tmp_path / "a") as first, NewFile(tmp_path / "a") as second:
        first.write_at(0, b"first")
        second.write_at(0, b"second")
        first.publish()
        with pytest.raises(FileExistsError, match="already exists"):
            second.publish()
    assert names_in(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"first"


def test_folders(tmp_path):
    """A folder appears with all of its files; without `replace`, an existing one stays."""
    for content, replace in ((b"1", False), (b"2", True)):
        with NewFolder(tmp_path / "a", tmp_path, replace=replace) as folder:
            (folder.content / "x").write_bytes(content)
            folder.publish()
        assert (tmp_path / "a" / "x").read_bytes() == content
    with NewFolder(tmp_path / "b", tmp_path) as first, NewFolder(tmp_path / "b", tmp_path) as other:
        (first.content / "x").touch()
        first.publish()
        with pytest.raises(FileExistsError, match="already exists"):
            other.publish()
    with pytest.raises(FileExistsError, match="already exists"):
        NewFolder(tmp_path / "a", tmp_path)
    with pytest.raises(NotADirectoryError, match="not a folder"):
        NewFolder(tmp_path / "a" / "x", tmp_path, replace=True)
    assert names_in(tmp_path) == ["a", "b"]
