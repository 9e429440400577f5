"""Files from untrusted sources: kinds of files, changes while they are read, sizes, names."""

import contextlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import threading
import zipfile

import numpy as np
import pyarrow as pa
import pytest

import pyinit
from pyinit.bridges.r import manifest_calls
from pyinit.initializers import chunking
from pyinit.manifests import keras_names, limits, reading, regular_files
from pyinit.manifests.model import ManifestError
from tests.support import ROOT
from tests.support.hostile_files import (
    START,
    entry,
    manifest,
    npy,
    write_arrow,
    write_safetensors,
    zipped,
)

h5py = pytest.importorskip("h5py")

#: A file with the array "w" of each format, and a manifest.
VALUES = np.arange(5000, dtype=np.float32)
MADE = pyinit.create_manifest({"w": VALUES}, values=True)


def write_keras(path):
    content = path.with_name("model.weights.h5")
    with h5py.File(content, "w") as file:
        file["w"] = VALUES
    zipped(path, {"model.weights.h5": content.read_bytes(), "config.json": "{}"})
    content.unlink()


def write_h5(path):
    with h5py.File(path, "w") as file:
        file["w"] = VALUES


def write_chunked_h5(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("w", data=VALUES, chunks=(100,), compression="gzip")


FORMATS = {
    "w.safetensors": lambda path: write_safetensors(
        path,
        {"w": {"dtype": "F32", "shape": [5000], "data_offsets": [0, 20000]}},
        VALUES.tobytes(),
    ),
    "w.arrow": lambda path: write_arrow(
        path,
        {"pyinit.name": "w", "pyinit.shape": "[5000]", "pyinit.dtype": "float32"},
        [pa.array(part) for part in np.split(VALUES, 5)],
    ),
    "w.npy": lambda path: path.write_bytes(npy(VALUES)),
    "stored.npz": lambda path: np.savez(path, w=VALUES),
    "compressed.npz": lambda path: np.savez_compressed(path, w=VALUES),
    "w.h5": write_h5,
    "chunked.h5": write_chunked_h5,
    "w.keras": write_keras,
    "w.json": lambda path: pyinit.write_manifest(MADE, path),
}


@contextlib.contextmanager
def naming_errors(path):
    """Ignore documented errors that name a file."""
    try:
        yield
    except (OSError, ManifestError) as error:
        if str(path) not in str(error):
            raise


def make(name, folder):
    """Write a file of a format, and return its path."""
    path = folder / name
    FORMATS[name](path)
    assert pyinit.verify(MADE, path)
    return path


def readers_of(path):
    """Return the functions that read a file of that suffix."""
    if path.suffix != ".json":
        return [
            lambda: pyinit.verify(MADE, path),
            lambda: pyinit.create_manifest(path, values=True),
        ]
    return [
        lambda: pyinit.read_manifest(path),
        lambda: pyinit.verify(path),
        lambda: pyinit.verify(MADE, path),
        lambda: pyinit.materialize(path, path.with_suffix(".safetensors")),
        lambda: pyinit.merge_manifests([path]),
    ]


# ---- kinds of files ----


@pytest.mark.parametrize("name", FORMATS)
def test_only_regular_files_are_read(name, tmp_path):
    """Protects against files that never end: pipes and devices are refused without reading."""
    path = tmp_path / name
    for create, message in (
        (os.mkfifo, "is a device, pipe or socket, and only regular files are read"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, pipe or socket"),
        (lambda path: path.symlink_to("/dev/stdin"), "."),
        (os.mkdir, "folder"),
    ):
        create(path)
        for read in readers_of(path):
            with pytest.raises((OSError, ManifestError), match=message) as raised:
                read()
            assert str(path) in str(raised.value)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (tmp_path / "other").mkdir()
    path.symlink_to(make(name, tmp_path / "other"))
    assert pyinit.verify(MADE, path)


def test_zarr_chunks_that_are_not_regular_files(tmp_path):
    """Protects against a pipe in place of a chunk of a Zarr array."""
    zarr = pytest.importorskip("zarr", minversion="3.0")
    group = zarr.create_group(str(tmp_path / "w.zarr"))
    group.create_array("w", data=VALUES, chunks=(1000,), compressors=None)
    assert pyinit.verify(MADE, tmp_path / "w.zarr")
    chunk = tmp_path / "w.zarr" / "w" / "c" / "2"
    chunk.unlink()
    os.mkfifo(chunk)
    with pytest.raises(OSError, match="only regular files are read"):
        pyinit.verify(MADE, tmp_path / "w.zarr")
    chunk.unlink()
    chunk.write_bytes(bytes(100))
    with pytest.raises(ManifestError, match="is not a readable Zarr array"):
        pyinit.verify(MADE, tmp_path / "w.zarr")


def test_an_index_that_is_a_pipe(tmp_path):
    """Protects `materialize()` beside files of others: the index of shards is read, too."""
    os.mkfifo(tmp_path / "m.safetensors.index.json")
    plan = [{"name": "x", "shape": [2], "initializer": "zeros"}]
    with pytest.raises(OSError, match="is a device, pipe or socket"):
        pyinit.materialize(pyinit.create_manifest(plan), tmp_path / "m.safetensors", shard="1/2")


# ---- changes ----


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "w.json"])
@pytest.mark.parametrize("change", ["truncate", "rewrite", "replace"])
def test_a_file_that_changes_while_it_is_read(name, change, tmp_path):
    """Protects processes: a file that shrinks is an error, and never a SIGBUS."""
    path = make(name, tmp_path)
    size = path.stat().st_size
    sources = reading_sources(path)
    if change == "truncate":
        os.truncate(path, size // 2)
    elif change == "rewrite":
        with path.open("r+b") as file:
            file.write(file.read(1))
            os.utime(path, ns=(1, 1))
    else:
        shutil.copyfile(path, path.with_name("other"))
        os.replace(path.with_name("other"), path)
    with pytest.raises((OSError, ManifestError)) as raised:
        sources["w"].read_flat(0, 5000)
    assert str(path) in str(raised.value)


def reading_sources(path):
    from pyinit.manifests.targets import read_file

    return read_file(path)


@pytest.mark.parametrize("name", ["w.safetensors", "w.npy", "w.arrow", "stored.npz", "w.h5"])
def test_another_process_truncates_a_file(name, tmp_path):
    """Protects against SIGBUS: a reader of a file that shrinks and grows ends with an error."""
    path = make(name, tmp_path)
    whole = path.read_bytes()
    code = """
import os, sys
whole = sys.stdin.buffer.read()
while True:
    for size in (len(whole) // 3, 0, len(whole)):
        descriptor = os.open(sys.argv[1], os.O_WRONLY)
        os.ftruncate(descriptor, size)
        os.pwrite(descriptor, whole[:size], 0)
        os.close(descriptor)
"""
    reader = """
import sys, pyinit
from pyinit.initializers import chunking
chunking.CHUNK_SIZE = 7
made = pyinit.create_manifest({"w": __import__("numpy").arange(5000, dtype="f4")}, values=True)
errors = 0
for _ in range(60):
    try:
        pyinit.verify(made, sys.argv[1])
    except (OSError, pyinit.ManifestError):
        errors += 1
print(errors)
"""
    writer = subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE)
    try:
        writer.stdin.write(whole)
        writer.stdin.close()
        done = subprocess.run(
            [sys.executable, "-c", reader, path],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
    finally:
        writer.kill()
        writer.wait()
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_a_thread_truncates_a_manifest(tmp_path):
    """Protects readers of a manifest that is written in place: it is whole, or an error."""
    path = make("w.json", tmp_path)
    whole = path.read_bytes()
    stop = threading.Event()

    def change():
        while not stop.is_set():
            path.write_bytes(whole[: len(whole) // 2])
            path.write_bytes(whole)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(200):
            with naming_errors(path):
                assert pyinit.read_manifest(path) == MADE
    finally:
        stop.set()
        thread.join()


def test_files_in_a_folder_that_cannot_be_written(tmp_path):
    """Protects users of read-only media: reading writes nothing."""
    path = make("w.safetensors", tmp_path)
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    before = tmp_path.stat().st_mtime_ns
    assert pyinit.verify(MADE, path)
    assert tmp_path.stat().st_mtime_ns == before
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["w.safetensors", "w.npy", "w.arrow", "stored.npz", "w.h5"])
def test_very_many_files_are_open_one_at_a_time(name, tmp_path):
    """Protects checkpoints of thousands of files and tensors from the limit of open files."""
    paths = []
    for k in range(60):
        folder = tmp_path / str(k)
        folder.mkdir()
        paths.append(make(name, folder))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(50, hard), hard))
    try:
        found = [reading_sources(path) for path in paths]
        assert len(found) == 60
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---- sizes ----


def test_the_size_of_a_manifest_is_bounded(tmp_path, monkeypatch):
    """Protects memory: the limit holds for the bytes that are read."""
    path = tmp_path / "m.json"
    path.touch()
    os.truncate(path, reading.MAX_FILE_SIZE + 1)
    with pytest.raises(ManifestError, match=r"m\.json has 67108865 bytes, more than 64\.0 MiB"):
        pyinit.read_manifest(path)
    content = regular_files.read_whole(make("w.json", tmp_path), 10_000)
    assert content == (tmp_path / "w.json").read_bytes()
    with pytest.raises(ManifestError, match=r"w\.json has \d+ bytes, more than 100 bytes"):
        regular_files.read_whole(tmp_path / "w.json", 100)


@pytest.mark.parametrize(
    ("filler", "mark"), [("{}", "{"), ("[]", "["), ("1.5", ","), ('""', ","), ("[[[[", "[")]
)
def test_the_number_of_values_is_bounded(filler, mark, monkeypatch):
    """Protects time and memory: text with too many values is refused before it is parsed."""
    monkeypatch.setattr(reading.json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    count = reading._MAX_MARKS[mark] + 2
    for text in (START + ",".join([filler] * count) + "]}", filler * count):
        if text.count(mark) > reading._MAX_MARKS[mark]:
            for given in (text, text.encode(), bytearray(text.encode())):
                with pytest.raises(ManifestError, match=rf"character '\{mark}' \d+ times"):
                    reading.load_json(given)
    with pytest.raises(ManifestError, match="times, at most"):
        manifest_calls.parse_manifest(filler * count + "," * count)


def test_large_values_are_quoted_in_part():
    """Protects time and memory: a message takes the start of a value, however large or deep."""
    for large in ("a" * 10**6, [1] * 10**6, {str(k): 1 for k in range(10**5)}):
        text = reading._quoted(large)
        assert text == ascii(large)[:117] + "..."
    deep = []
    for _ in range(50_000):
        deep = [deep]
    assert len(reading._quoted(deep)) == 120
    for value in ("a", [1, ["b"]], {"a": {"b": [None]}}, 3, "x" * 118):
        assert reading._quoted(value) == ascii(value)


def nested(depth):
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("depth", [100, 990, 5000, 100_000])
def test_deep_nesting(depth, tmp_path):
    """Protects the stack: deeply nested values are errors that name the file."""
    path = tmp_path / "m.json"
    for text in (
        nested(depth),
        START + nested(depth) + "]}",
        manifest(entry(shape=[])).replace("[]", nested(depth), 1),
        manifest(entry()).replace('"float32"', nested(depth)),
        manifest().replace('"format_version": 1', f'"format_version": {nested(depth)}'),
    ):
        path.write_text(text)
        with pytest.raises(ManifestError, match=r"m\.json: "):
            pyinit.read_manifest(path)
    write_safetensors(tmp_path / "w.safetensors", f'{{"w": {nested(depth)}}}')
    with pytest.raises(ManifestError, match=r"w\.safetensors"):
        pyinit.verify(MADE, tmp_path / "w.safetensors")
    plan = [{"name": "x", "shape": json.loads(nested(100)), "initializer": "zeros"}]
    with pytest.raises(ManifestError, match=r"tensors\[0\]"):
        pyinit.create_manifest(plan)


def test_safetensors_with_too_many_tensors(tmp_path, monkeypatch):
    """Protects time: a header of 95 MB is refused before it is parsed."""
    monkeypatch.setattr(reading.json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    one = '"%08d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    text = "{" + ",".join(one % k for k in range(limits.MAX_TENSORS + 3)) + "}"
    write_safetensors(tmp_path / "w.safetensors", text)
    with pytest.raises(ManifestError, match=r"w\.safetensors .*more than 200000 tensors"):
        pyinit.verify(MADE, tmp_path / "w.safetensors")
    metadata = ",".join(f'"{k:07}":"a"' for k in range(4_000_002))
    write_safetensors(tmp_path / "w.safetensors", f'{{"__metadata__":{{{metadata}}}}}')
    with pytest.raises(ManifestError, match=r"character ',' 4000001 times"):
        pyinit.verify(MADE, tmp_path / "w.safetensors")


def test_zip_archives_with_too_many_members(tmp_path):
    """Protects time: a large directory of an archive is refused before it is parsed."""
    path = tmp_path / "w.npz"
    directory = bytes(2**25 + 1)
    size = len(directory)
    end = b"PK\5\6" + bytes(8) + size.to_bytes(4, "little") + bytes(6)
    wide = b"PK\6\6" + bytes(36) + size.to_bytes(8, "little") + bytes(8)
    locator = b"PK\6\7" + bytes(4) + size.to_bytes(8, "little") + bytes(4)
    narrow = b"PK\5\6" + bytes(8) + b"\xff" * 4 + bytes(6)
    for ending in (end, end[:-2] + b"\4\0text", end[:18] + b"PK\0\0", wide + locator + narrow):
        path.write_bytes(directory + ending)
        with pytest.raises(ManifestError, match=r"w\.npz .*members has 33554433 bytes, more than"):
            pyinit.verify(MADE, path)


def test_large_archives_in_the_format_zip64(tmp_path):
    """Protects archives of more than 4 GiB, whose last record has no sizes."""
    path = tmp_path / "w.npz"
    np.savez(path, w=VALUES)
    content = path.read_bytes()
    start, end = content[:-22], content[-22:]
    directory = int.from_bytes(end[16:20], "little")
    fields = [44, 45 << 16 | 45, 0, 0, 1, 1, len(start) - directory, directory]
    sizes = [8, 4, 4, 4, 8, 8, 8, 8]
    wide = b"PK\6\6" + b"".join(
        field.to_bytes(size, "little") for field, size in zip(fields, sizes, strict=True)
    )
    locator = b"PK\6\7" + bytes(4) + len(start).to_bytes(8, "little") + b"\1\0\0\0"
    narrow = end[:8] + b"\xff" * 12 + bytes(2)
    path.write_bytes(start + wide + locator + narrow)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["w.npy"]
    assert pyinit.verify(MADE, path)


def test_hdf5_files_with_too_many_datasets(tmp_path, monkeypatch):
    """Protects time: the number of datasets and groups is bounded."""
    from pyinit.manifests import hdf5_files

    with h5py.File(tmp_path / "w.h5", "w") as file:
        for k in range(12):
            file[f"{k}/x"] = np.zeros(1)
    for name, limit in (("MAX_TENSORS", 10), ("_MAX_OBJECTS", 20)):
        with monkeypatch.context() as patched:
            patched.setattr(hdf5_files, name, limit)
            with pytest.raises(ManifestError, match=r"w\.h5 has more than \d+ datasets"):
                pyinit.verify(MADE, tmp_path / "w.h5")


def test_hdf5_attributes_that_repeat_a_string(tmp_path, monkeypatch):
    """Protects memory: a small attribute can refer to one long string many times."""
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["w"] = VALUES
        file.attrs["layer_names"] = ["w" * 1000] * 1000
    monkeypatch.setattr(limits, "usable_memory", lambda: 10**6)
    with pytest.raises(ManifestError, match=r"the attribute 'layer_names' needs .* of memory"):
        pyinit.verify(MADE, tmp_path / "w.h5")


def test_names_of_nested_layers_in_hdf5_files_are_bounded(tmp_path):
    """Protects memory: each level of a path can add a long name to the names of all variables."""
    with h5py.File(tmp_path / "w.weights.h5", "w") as file:
        for depth in range(1, 20):
            group = file.create_group("/".join("a" * depth) + "/vars")
            group.attrs["name"] = "n" * 100
            group["0"] = np.zeros(1)
    with pytest.raises(ManifestError, match=r"the name of the layer .* is too long"):
        pyinit.verify(MADE, tmp_path / "w.weights.h5")


def test_hdf5_groups_are_looked_up_once(tmp_path, monkeypatch):
    """Protects time: the names of layers take one look-up for each group, not for each variable."""
    from pyinit.manifests import hdf5_files

    path = "a/b/c/d/e"
    with h5py.File(tmp_path / "w.weights.h5", "w") as file:
        for layer in [path[:end] for end in range(1, 10, 2)]:
            file.create_group(f"{layer}/vars").attrs["name"] = layer[-1]
        for k in range(100):
            file[f"{path}/vars/{k}"] = np.zeros(1)
    asked = []
    text = hdf5_files._text
    monkeypatch.setattr(hdf5_files, "_text", lambda *given: asked.append(given) or text(*given))
    sources = reading_sources(tmp_path / "w.weights.h5")
    assert set(sources) == {f"{path}/vars/{k}" for k in range(100)}
    assert len(asked) == 5


def test_weights_of_legacy_files_are_compared_within_bounds(tmp_path):
    """Protects time: empty datasets can be far larger than the file, and have the same name."""
    with h5py.File(tmp_path / "w.h5", "w") as file:
        names = [f"layer{k}".encode() for k in range(50)]
        for name in names:
            group = file.create_group(name)
            group.create_dataset("k", (2**20,), "f4", chunks=(2**10,))
            group.attrs["weight_names"] = [b"k"]
        file.attrs["layer_names"] = names
    with pytest.raises(ManifestError, match="too many weights that have the same name"):
        pyinit.verify(MADE, tmp_path / "w.h5")


class Counted(keras_names.Contents):
    """Contents that count how often they are asked for."""

    def __init__(self):
        self.count = 0

    def kind(self, name):
        """Return the same kind for all."""
        self.count += 1
        return "float32"

    def value(self, name):
        """Return a value of its own for each."""
        self.count += 1
        return name


def test_matching_numbered_variables_takes_linear_time():
    """Protects time: a file can have any number of layers with more variables than the model."""
    count = 3000
    numbered = [f"a/vars/{k}" for k in range(count)] + [f"a/b{k}/vars/0" for k in range(count)]
    contents = Counted()
    found = keras_names.match_numbers(numbered, ["a/kernel", "a/bias"], contents)
    assert found == {"a/vars/0": "a/kernel", "a/vars/1": "a/bias"}
    assert contents.count < 20 * count
    layers = ["/".join("a" * depth) for depth in range(1, 2500)]
    with pytest.raises(ManifestError, match="nested too deeply"):
        keras_names.match_numbers(
            [f"{layer}/vars/{k}" for layer in layers for k in (0, 1)],
            [f"{layer}/kernel" for layer in layers],
            Counted(),
        )


# ---- formats ----


@pytest.mark.parametrize(
    ("ranges", "size", "message"),
    [
        ({"a": (4, 8)}, 8, "the tensor 'a': its values follow a gap"),
        ({"a": (0, 4), "b": (8, 12)}, 12, "the tensor 'b': its values follow a gap"),
        ({"a": (0, 8), "b": (4, 12)}, 12, "the tensor 'b': its values overlap"),
        ({"a": (0, 4), "b": (0, 4)}, 4, "the tensor 'b': its values overlap"),
        ({"a": (0, 4)}, 5, "1 bytes follow the values"),
        ({"a": (0, 4), "e": (2, 2)}, 4, "the tensor 'e': its values overlap"),
        ({}, 1, "1 bytes follow the values"),
    ],
)
def test_safetensors_with_gaps_and_overlaps(ranges, size, message, tmp_path):
    """Protects readers: as in the reference implementation, the values fill the file once."""
    path = tmp_path / "w.safetensors"
    header = {
        name: {"dtype": "F32", "shape": [(stop - start) // 4], "data_offsets": [start, stop]}
        for name, (start, stop) in ranges.items()
    }
    write_safetensors(path, header, bytes(size))
    with pytest.raises(ManifestError, match=rf"w\.safetensors is not a readable .*{message}"):
        pyinit.verify(MADE, path)
    import safetensors

    with pytest.raises(safetensors.SafetensorError):
        safetensors.safe_open(path, "np").__enter__()


@pytest.mark.parametrize("metadata", ["text", ["a"], {"a": 1}, {"a": None}])
def test_metadata_of_safetensors_are_strings(metadata, tmp_path):
    """Protects readers: other metadata are invalid in the format."""
    write_safetensors(tmp_path / "w.safetensors", {"__metadata__": metadata})
    with pytest.raises(ManifestError, match="__metadata__ must be an object of strings"):
        pyinit.verify(MADE, tmp_path / "w.safetensors")


ARROW = {"pyinit.name": "w", "pyinit.shape": "[2]", "pyinit.dtype": "float32"}


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("[2.5]", "its shape must be a list of integers"),
        ("[2.0]", "its shape must be a list of integers"),
        ("[Infinity]", "its shape is .*not a JSON number"),
        ("[1e999]", "its shape is .*too large"),
        ("[true, 2]", "its shape must be a list of integers"),
        ("2", "its shape must be a list of integers"),
        ("[" * 99_999, "its shape is .*"),
        ('["2"]', "its shape must be a list of integers"),
        ("[-1, -2]", "non-negative integers"),
        (str([1] * 99), "at most [0-9]+ of them"),
        (f"[{2**62}, 0]", "at most .* elements"),
        (f"[{10**400}]", "at most .* elements"),
        ("[3]", "its size does not match its shape"),
    ],
)
def test_shapes_in_arrow_files(shape, message, tmp_path):
    """Protects users: the error names the file and the reason."""
    write_arrow(tmp_path / "w.arrow", {**ARROW, "pyinit.shape": shape}, pa.array([1, 2], "f4"))
    with pytest.raises(ManifestError, match=rf"w\.arrow is not an Arrow file .*{message}"):
        pyinit.verify(MADE, tmp_path / "w.arrow")


def test_arrow_files_of_other_writers(tmp_path, monkeypatch):
    """Compressed values, missing ones, very many batches and other columns are errors."""
    path = tmp_path / "w.arrow"

    def refused(message):
        with pytest.raises(ManifestError, match=rf"w\.arrow is not an Arrow file .*{message}"):
            pyinit.verify(MADE, path)

    write_arrow(
        path, ARROW, pa.array([1, 2], "f4"), options=pa.ipc.IpcWriteOptions(compression="zstd")
    )
    refused("its values are compressed")
    table = pa.table({"values": pa.array([1, None], "f4")}).replace_schema_metadata(ARROW)
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)
    refused("a batch has missing values")
    write_arrow(path, ARROW, [pa.array([], "f4")] * 1100)
    refused(r"it has more than 10\d\d batches")
    for name in ARROW:
        write_arrow(path, {k: v for k, v in ARROW.items() if k != name}, pa.array([1, 2], "f4"))
        refused(f"its metadata lack '{name}'")
    write_arrow(path, {**ARROW, "pyinit.dtype": "float64"}, pa.array([1, 2], "f4"))
    refused("it must have one column, 'values', of float64")
    bools = pa.array([True, False, True] * 7)
    shape = {**ARROW, "pyinit.shape": "[3, 7]", "pyinit.dtype": "bool"}
    write_arrow(path, shape, bools)
    expected = pyinit.create_manifest({"w": bools.to_numpy(False).reshape(3, 7)}, values=True)
    for size in (1 << 20, 5):
        monkeypatch.setattr(chunking, "CHUNK_SIZE", size)
        assert pyinit.verify(expected, path)


def test_any_mutation_of_an_arrow_file(tmp_path):
    """Protects against crashes: a damaged file is an error, or has other values."""
    path = make("w.arrow", tmp_path)
    whole = path.read_bytes()
    for position in range(8, len(whole), 7 if len(whole) < 4000 else 61):
        for value in (0, 0x7F, 0xFF):
            path.write_bytes(whole[:position] + bytes([value]) + whole[position + 1 :])
            with naming_errors(path):
                pyinit.verify(MADE, path)


# ---- names ----

BAD_NAMES = [
    *("", "a\n", "\x1b[31m", "a\x00", "a\x7f", "a\x9b", "\u202e", "\u2066", "\u061c"),
    *("\u200e", "\u200f", "\u2028", "a" * 1025),
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_with_control_and_direction_characters(name, tmp_path, capsys):
    """Protects terminals: such names are refused everywhere, and never printed as they are."""
    from pyinit.cli import run

    (tmp_path / "m.json").write_text(manifest(entry(name)))
    write_safetensors(
        tmp_path / "w.safetensors", {name: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}
    )
    write_arrow(tmp_path / "w.arrow", {**ARROW, "pyinit.name": name}, pa.array([1, 2], "f4"))
    zipped(tmp_path / "w.npz", {f"{name}.npy": npy(VALUES)})
    pyinit.write_manifest(MADE, tmp_path / "made.json")
    for file in ("w.safetensors", "w.arrow", "w.npz"):
        if file == "w.npz" and "\0" in name:  # zipfile cuts such names
            continue
        with pytest.raises(ManifestError, match="the name of a tensor must have"):
            pyinit.verify(MADE, tmp_path / file)
        assert run(["verify", str(tmp_path / "made.json"), str(tmp_path / file)]) == 3
    with pytest.raises(ManifestError, match=r"tensors\[0\]\.name must"):
        pyinit.read_manifest(tmp_path / "m.json")
    assert run(["verify", str(tmp_path / "m.json")]) == 3
    with pytest.raises(ManifestError):
        pyinit.create_manifest([{"name": name, "shape": [1], "initializer": "zeros"}])
    printed = capsys.readouterr()
    assert not set(re.findall(r"[^ -~\n]", printed.out + printed.err))


def test_paths_with_control_characters_are_escaped(tmp_path, capsys):
    """Protects terminals: the names of files in a folder of a stranger are printed escaped."""
    from pyinit.cli import run

    (tmp_path / "\x1b[31mred.safetensors").write_bytes(b"no")
    pyinit.write_manifest(MADE, tmp_path / "made.json")
    assert run(["verify", str(tmp_path / "made.json"), str(tmp_path)]) == 3
    printed = capsys.readouterr().err
    assert r"\x1b[31mred.safetensors is not a readable safetensors file" in printed
    assert "\x1b" not in printed


PATTERN_FIELDS = [
    {"tensors": [entry(fingerprint="0" * 64 + "\n")]},
    {"tensors": [], "seed": "1\n"},
    *(
        {"tensors": [entry(initializer={"class_name": name, "config": config})]}
        for name, config in (
            ("HeNormal", {"seed": "1\n"}),
            ("Constant", {"value": "NaN\n"}),
            (
                "TruncatedNormal",
                {"mean": 0, "stddev": 1, "seed": 1, "lower": "-Infinity\n", "upper": 2},
            ),
        )
    ),
]


@pytest.mark.parametrize("fields", PATTERN_FIELDS)
def test_patterns_of_the_schema_match_whole_strings(fields):
    """Protects the format: Python's `$` also matches before a last newline."""
    from jsonschema import Draft202012Validator

    document = json.loads(manifest())
    document |= fields
    with pytest.raises(ManifestError, match=r"must match .*Received: '.*\\n'"):
        reading.parse_manifest(document)
    schema = json.loads(reading.SCHEMA.read_text())
    assert not Draft202012Validator(schema).is_valid(document)
    assert reading.parse_manifest(json.loads(json.dumps(document).replace("\\n", "")))


def test_no_regular_expression_ends_in_a_dollar():
    """Protects every check of a whole string: `$` matches before a last newline."""
    at_end = re.compile(r"""re\.(?:compile|match|search|sub|split)\(\s*r?f?["'].*\$["']""")
    for file in (ROOT / "pyinit").rglob("*.py"):
        for line in file.read_text().splitlines():
            assert not at_end.search(line) or "MULTILINE" in line, f"{file}: {line}"
    assert '$"' not in reading.SCHEMA.read_text().replace('"$', "")


# ---- memory ----

LIMITED = """
import json, sys
import h5py, jsonschema, pyarrow, pyinit
from pyinit.cli import run
from tests.support.memory import limit_memory

made, *paths = sys.argv[1:]
run(["verify", made])
limit_memory(2**28)
print(json.dumps([run(["manifest", "--values", path]) for path in paths]))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_hostile_files_under_a_limit_of_memory(tmp_path):
    """Protects processes with little memory: files that claim more are errors with status 3."""
    size = 2**30
    pyinit.write_manifest(MADE, tmp_path / "made.json")
    paths = [tmp_path / name for name in ("a.npy", "b.npz", "c.h5", "d.safetensors", "e.arrow")]
    header = {"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    write_safetensors(paths[3], header)
    os.truncate(paths[3], paths[3].stat().st_size + size)
    # in Fortran order, which is read at once
    start = npy(np.zeros((2, 2), "u1", "F")).replace(b"(2, 2)", b"(32768, 32768)")
    start = start.replace(b" " * 8, b"", 1)
    paths[0].write_bytes(start[:128])
    os.truncate(paths[0], 128 + size)
    with (
        zipfile.ZipFile(paths[1], "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("w.npy", "w", force_zip64=True) as member,
    ):
        member.write(start[:128])
        for _ in range(64):
            member.write(bytes(size // 64))
    with h5py.File(paths[2], "w") as file:
        file.create_dataset("w", (size,), "u1", chunks=(2**20,), compression="gzip")
    write_arrow(
        paths[4],
        {**ARROW, "pyinit.shape": "[1]", "pyinit.name": "w" * 10**6},
        pa.array([1], "f4"),
    )
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "made.json"), *map(str, paths)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    # the values of the safetensors file are read in chunks
    assert json.loads(done.stdout.splitlines()[-1]) == [3, 3, 3, 0, 3], done.stderr
