"""Files of weights, and comparison of weights with a manifest."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pytest
import safetensors
import safetensors.numpy

import pyinit
from pyinit.dtypes import FLOAT_DTYPES, NUMERIC_DTYPES
from pyinit.initializers import chunking
from pyinit.manifests import limits, materialization
from pyinit.manifests.model import DifferenceError, ManifestError
from pyinit.manifests.shards import assign_shards
from tests.support import same_bits

#: Every dtype; scalars and empty tensors, names that are invalid as paths, segments, Orthogonal.
PLAN = [
    *[
        {"name": f"{dtype}/x", "shape": [7, 3], "dtype": dtype, "initializer": "ones"}
        for dtype in NUMERIC_DTYPES
    ],
    *[
        {"name": f"{dtype}/n", "shape": [5, 30], "dtype": dtype, "initializer": "random_normal"}
        for dtype in FLOAT_DTYPES
    ],
    {"name": "scalar", "shape": [], "initializer": "random_uniform"},
    {"name": "empty", "shape": [0, 4], "initializer": "random_uniform"},
    {"name": "../../etc/passwd", "shape": [3], "initializer": "zeros"},
    {"name": "C:\\weights \N{GREEK SMALL LETTER MU}", "shape": [3], "initializer": "zeros"},
    {"name": "q", "shape": [40, 30], "initializer": "orthogonal", "axes": [1, 0]},
    {"name": "t", "shape": [6, 8], "initializer": "he_normal", "axes": [1, 0]},
    {
        "name": "gru",
        "shape": [30, 10],
        "initializer": "glorot_uniform",
        "axes": [1, 0],
        "gates": [1, 0, 2],
    },
    {
        "name": "embedding",
        "shape": [9, 4],
        "segments": [
            {"rows": [0, 9], "initializer": "uniform"},
            {"rows": [2, 3], "initializer": "zeros"},
        ],
    },
]


@pytest.fixture(scope="module")
def pinned():
    """Return the manifest of the plan."""
    return pyinit.create_manifest(PLAN, seed=42)


@pytest.fixture(params=[1 << 20, 17], ids=["whole", "in chunks"])
def _chunks(request, monkeypatch):
    monkeypatch.setattr(chunking, "CHUNK_SIZE", request.param)


def values_of(pinned):
    """Return all weights, drawn without chunks."""
    found = {}
    for tensor in pinned.tensors:
        found[tensor.name] = np.asarray(tensor.lazy())
    return found


# ---- safetensors ----


@pytest.mark.usefixtures("_chunks")
def test_the_safetensors_package_reads_our_files(pinned, tmp_path):
    """The reference implementation finds our names, shapes, dtypes, values and alignment."""
    [path] = pyinit.materialize(pinned, tmp_path / "m.safetensors")
    assert path == tmp_path / "m.safetensors"
    expected = values_of(pinned)
    header = json.loads(path.read_bytes()[8:].split(b"}}")[0] + b"}}")
    with safetensors.safe_open(path, "np") as file:
        assert set(file.keys()) == set(expected)
        assert file.metadata() == {"format": "pt", "pyinit_stream_version": "1"}
        for name, values in expected.items():
            found = file.get_slice(name)
            assert tuple(found.get_shape()) == values.shape
            start = header[name]["data_offsets"][0]
            assert start % values.dtype.itemsize == 0
            if values.dtype != FLOAT_DTYPES["bfloat16"]:  # not supported by the package for NumPy
                assert same_bits(file.get_tensor(name), values)
    assert pyinit.verify(pinned, path)


def test_we_read_files_of_the_safetensors_package(pinned, tmp_path):
    """The reader accepts files written by the reference implementation."""
    path = tmp_path / "theirs.safetensors"
    expected = {n: v for n, v in values_of(pinned).items() if v.dtype.name != "bfloat16"}
    safetensors.numpy.save_file(expected, path)
    found = pyinit.verify(pinned, path)
    assert {d.name: d.reason for d in found.differences} == {
        "bfloat16/x": "it is missing",
        "bfloat16/n": "it is missing",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has no header"),
        (b"\x10\0\0", "it has no header"),
        (b"\xff" * 8 + b"{}", "it has no header"),
        (b"\x02\0\0\0\0\0\0\0[]", "its header is not a JSON object"),
        (b"\x03\0\0\0\0\0\0\0{]}", "its header is not JSON"),
    ],
)
def test_invalid_safetensors_files(content, message, pinned, tmp_path):
    """Invalid files are errors, and no size in them decides how much memory is allocated."""
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=message):
        pyinit.verify(pinned, path)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"dtype": "F8", "shape": [1], "data_offsets": [0, 1]},
            "its dtype must be one of F16, BF16",
        ),
        (
            {"dtype": "F32", "shape": [100], "data_offsets": [0, 400]},
            "its byte range lies outside the file",
        ),
        (
            {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]},
            "its data_offsets must be a list of integers, at least 0",
        ),
        ({"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}, "its size does not match"),
        (
            {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]},
            "its shape must be a list of integers, at least 0",
        ),
        ({"dtype": "F32", "shape": [1]}, "its entry lacks the field 'data_offsets'"),
        ({"dtype": [], "shape": [1], "data_offsets": [0, 4]}, "its dtype must be one of"),
        ({"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}, "its shape must be a list"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}, "the start and the end"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [0]}, "the start and the end"),
        ({"dtype": "F32", "shape": [1] * 99, "data_offsets": [0, 4]}, "at most [0-9]+ of them"),
        ({"dtype": "F32", "shape": [0, 2**62], "data_offsets": [0, 0]}, "at most .* elements"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}, "its values follow a gap"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "4 bytes follow the values"),
        ([], "its entry is not a JSON object"),
    ],
)
def test_headers_with_wrong_byte_ranges(entry, message, pinned, tmp_path):
    """A tensor must lie inside the file, and its size must match its shape."""
    path = tmp_path / "m.safetensors"
    header = json.dumps({"x": entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 8)
    with pytest.raises(ManifestError, match=message):
        pyinit.verify(pinned, path)


def test_a_reserved_name(tmp_path):
    """No tensor may have the name of the metadata."""
    pinned = pyinit.create_manifest(
        [{"name": "__metadata__", "shape": [2], "initializer": "zeros"}]
    )
    with pytest.raises(ManifestError, match="cannot have a tensor called '__metadata__'"):
        pyinit.materialize(pinned, tmp_path / "m.safetensors")
    assert pyinit.materialize(pinned, tmp_path / "arrow", format="arrow")


# ---- Arrow ----


@pytest.mark.usefixtures("_chunks")
def test_arrow_files(pinned, tmp_path):
    """Other Arrow readers find the values and the metadata of the tensor."""
    folder = tmp_path / "new" / "folder"
    written = pyinit.materialize(pinned, folder, format="arrow")
    # names of tensors are not paths
    assert sorted(folder.iterdir()) == sorted(written)
    assert {path.parent for path in written} == {folder}
    names = {path.name for path in written}
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzC0123456789_-.") for name in names)
    expected = values_of(pinned)
    for path, tensor in zip(written, pinned.tensors, strict=True):
        table = pa.ipc.open_file(path).read_all()
        metadata = table.schema.metadata
        assert metadata[b"pyinit.name"].decode() == tensor.name
        assert tuple(json.loads(metadata[b"pyinit.shape"])) == tensor.shape
        assert metadata[b"pyinit.dtype"].decode() == tensor.dtype
        assert metadata[b"pyinit.fingerprint"].decode() == tensor.fingerprint
        values = table.column("values").to_numpy().view(tensor.numpy_dtype)
        assert same_bits(values.reshape(tensor.shape), expected[tensor.name])
    assert pyinit.verify(pinned, folder)
    assert pyinit.verify(pinned, [str(path) for path in written])


def test_invalid_arrow_files(pinned, tmp_path):
    """Other Arrow files, damaged files and files with wrong metadata are errors."""
    path = tmp_path / "x.arrow"
    path.write_bytes(b"ARROW1 no")
    with pytest.raises(ManifestError, match="not an Arrow file with a tensor"):
        pyinit.verify(pinned, path)
    good = {"pyinit.name": "x", "pyinit.dtype": "float32", "pyinit.shape": "[2]"}
    for metadata, values in (
        (None, pa.array([1.0, 2.0], pa.float32())),
        ({**good, "pyinit.shape": "[3]"}, pa.array([1.0, 2.0], pa.float32())),
        ({**good, "pyinit.shape": "[-1, -2]"}, pa.array([1.0, 2.0], pa.float32())),
        ({**good, "pyinit.dtype": "float8"}, pa.array([1.0, 2.0], pa.float32())),
        (good, pa.array([1.0, 2.0], pa.float64())),
        (good, pa.array([1.0, None], pa.float32())),
    ):
        table = pa.table({"values": values}).replace_schema_metadata(metadata)
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
        with pytest.raises(ManifestError, match="not an Arrow file with a tensor"):
            pyinit.verify(pinned, path)


# ---- NumPy ----


@pytest.mark.usefixtures("_chunks")
def test_npy_files(pinned, tmp_path):
    """NumPy loads the files, whose names are those of the tensors, percent-encoded."""
    folder = tmp_path / "folder"
    written = pyinit.materialize(pinned, folder, format="npy")
    assert sorted(folder.iterdir()) == sorted(written)
    expected = values_of(pinned)
    for path, tensor in zip(written, pinned.tensors, strict=True):
        assert unquote(path.name) == f"{tensor.name}.npy"
        values = np.load(path)
        assert values.flags.c_contiguous
        if tensor.dtype == "bfloat16":  # as NumPy saves it
            assert values.dtype.str == "|V2"
            values = values.view(tensor.numpy_dtype)
        assert same_bits(values, expected[tensor.name])
    assert "..%2F..%2Fetc%2Fpasswd.npy".replace("..", "%2E.", 1) in os.listdir(folder)
    assert pyinit.verify(pinned, folder)


def test_npy_files_of_numpy(tmp_path):
    """Files that NumPy has saved are verified, in any memory order; others are errors."""
    values = {"kernel": np.ones((3, 2), np.float32, "F"), "x/y": np.ones(3, ">f8")}
    manifest = pyinit.create_manifest(values, values=True)
    np.save(tmp_path / "kernel.npy", values["kernel"])
    np.save(tmp_path / "x%2Fy.npy", values["x/y"])
    assert pyinit.verify(manifest, tmp_path)
    np.save(tmp_path / "kernel.npy", np.array([None]))
    with pytest.raises(ManifestError, match="is an array of Python objects"):
        pyinit.verify(manifest, tmp_path)
    for content in (b"", b"\x93NUMPY no", (tmp_path / "x%2Fy.npy").read_bytes()[:-1]):
        (tmp_path / "kernel.npy").write_bytes(content)
        with pytest.raises(ManifestError, match=r"kernel\.npy"):
            pyinit.verify(manifest, tmp_path)


@pytest.mark.parametrize("file_format", ["npy", "zarr"])
def test_a_name_that_is_too_long_for_a_file(file_format, tmp_path):
    """The error names the tensor, before anything is drawn."""
    plan = [{"name": "\N{GREEK SMALL LETTER MU}" * 60, "shape": [2], "initializer": "zeros"}]
    if file_format == "zarr":
        pytest.importorskip("zarr", minversion="3.0")
    manifest = pyinit.create_manifest(plan)
    with pytest.raises(ManifestError, match=r"too long for a file of its own: 36\d bytes"):
        pyinit.materialize(manifest, tmp_path / "x.zarr", format=file_format)
    assert list(tmp_path.iterdir()) == []


# ---- Zarr ----


@pytest.mark.usefixtures("_chunks")
def test_zarr_arrays(pinned, tmp_path):
    """Zarr finds an array for each tensor, with its values and a description."""
    zarr = pytest.importorskip("zarr", minversion="3.0")
    folder = tmp_path / "new" / "w.zarr"
    written = pyinit.materialize(pinned, folder, format="zarr")
    group = zarr.open_group(str(folder), mode="r")
    assert {name for name, _ in group.arrays()} == {path.name for path in written}
    assert list(group.groups()) == []
    expected = values_of(pinned)
    for path, tensor in zip(written, pinned.tensors, strict=True):
        assert unquote(path.name) == tensor.name
        array = group[path.name]
        assert array.attrs["pyinit"] == {
            "name": tensor.name,
            "dtype": tensor.dtype,
            "fingerprint": tensor.fingerprint,
            "stream_version": 1,
        }
        values = np.asarray(array[...])
        if tensor.dtype == "bfloat16":
            assert values.dtype == np.uint16
            values = values.view(tensor.numpy_dtype)
        assert same_bits(values, expected[tensor.name])
    assert pyinit.verify(pinned, folder)
    assert list(folder.parent.iterdir()) == [folder]
    for number in (1, 2, 3):
        pyinit.materialize(pinned, tmp_path / "s.zarr", format="zarr", shard=(number, 3))
    assert pyinit.verify(pinned, tmp_path / "s.zarr")


def test_zarr_arrays_of_others(tmp_path, monkeypatch):
    """Arrays of Zarr in nested groups, compressed and in shards, are verified in chunks."""
    zarr = pytest.importorskip("zarr", minversion="3.0")
    monkeypatch.setattr(chunking, "CHUNK_SIZE", 7)
    values = {
        "dense/kernel": np.arange(5 * 4 * 6, dtype="f4").reshape(5, 4, 6),
        "dense/bias": np.arange(40, dtype="i8"),
        "scale": np.array(3.5),
    }
    group = zarr.create_group(str(tmp_path / "m.zarr"))
    group.create_array("dense/kernel", data=values["dense/kernel"], chunks=(2, 3, 4))
    group.create_array("dense/bias", data=values["dense/bias"], chunks=(4,), shards=(16,))
    group.create_array("scale", data=values["scale"])
    manifest = pyinit.create_manifest(values, values=True)
    assert pyinit.verify(manifest, tmp_path / "m.zarr")
    group["dense/kernel"][4, 3, 5] = -1
    [difference] = pyinit.verify(manifest, tmp_path / "m.zarr").differences
    assert difference.name == "dense/kernel"
    assert pyinit.create_manifest(tmp_path / "m.zarr", values=True).tensors


def test_invalid_zarr_arrays(pinned, tmp_path):
    """A group can name code to run as a codec: only codecs that transform bytes are used."""
    zarr = pytest.importorskip("zarr", minversion="3.0")
    folder = tmp_path / "m.zarr"
    group = zarr.create_group(str(folder))
    group.create_array("x", data=np.arange(4.0), chunks=(2,), shards=(4,))
    file = folder / "x" / "zarr.json"
    good = file.read_text()

    def refused(text, message):
        file.write_text(text)
        with pytest.raises(ManifestError, match=message) as raised:
            pyinit.verify(pinned, folder)
        assert str(folder) in str(raised.value)

    refused(good.replace('"zstd"', '"numcodecs.pickle"'), r"the codec 'numcodecs\.pickle'")
    refused(good.replace('"sharding_indexed"', '"mine"'), "the codec 'mine'")
    refused(good.replace('"float64"', '"float65"'), "is not a readable Zarr array")
    refused("{", "not JSON")
    broken = json.loads(good)
    broken["shape"] = [-4]
    refused(json.dumps(broken), "is not a readable Zarr array")
    broken = json.loads(good)
    broken["attributes"] = {"pyinit": {"name": 3}}
    refused(json.dumps(broken), "no valid name")
    file.unlink()
    with pytest.raises(ManifestError, match="has no arrays of Zarr's format 3"):
        pyinit.verify(pinned, folder)


def test_a_missing_or_old_zarr(pinned, tmp_path, monkeypatch):
    """Without Zarr 3, the error says what to install, and nothing is written."""
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ImportError, match=r"zarr, 3\.0 or newer, is needed .*pip install"):
        pyinit.materialize(pinned, tmp_path / "m.zarr", format="zarr")
    assert list(tmp_path.iterdir()) == []


# ---- materialize ----


def test_shards(pinned, tmp_path):
    """The shards together hold all tensors, and all shards write the same index."""
    target, indices = tmp_path / "m.safetensors", []
    for number in (3, 1, 2):
        [path] = pyinit.materialize(pinned, target, shard=f"{number}/3")
        assert path.name == f"m-0000{number}-of-00003.safetensors"
        assert pyinit.verify(pinned, path, shard=(number, 3))
        assert pyinit.verify(pinned, path, shard=(number % 3 + 1, 3)).differences
        indices.append((tmp_path / "m.safetensors.index.json").read_text())
    assert len(set(indices)) == 1
    index = json.loads(indices[0])
    assert index["metadata"]["total_size"] == pinned.nbytes
    for name, file in index["weight_map"].items():
        with safetensors.safe_open(tmp_path / file, "np") as opened:
            assert name in opened.keys()  # noqa: SIM118 - not a dictionary
    (tmp_path / "m.safetensors.index.json").unlink()
    assert pyinit.verify(pinned, tmp_path)
    dealt = [assign_shards(pinned.tensors, 2)[k] for k in (0, 1)]
    for number, numbers in enumerate(dealt, 1):
        paths = pyinit.materialize(pinned, tmp_path / "a", format="arrow", shard=(number, 2))
        assert [int(path.name[:5]) for path in paths] == numbers
    assert pyinit.verify(pinned, tmp_path / "a")


@pytest.mark.parametrize("file_format", materialization.FORMATS)
def test_all_shards_of_one_call(file_format, pinned, tmp_path):
    """Protects one machine that writes all shards: the files of as many calls, and one index."""
    suffix = {"safetensors": ".safetensors", "zarr": ".zarr"}.get(file_format, "")
    one, all_shards = (tmp_path / folder / f"model{suffix}" for folder in ("one", "all"))
    if file_format == "zarr":
        pytest.importorskip("zarr", minversion="3.0")
    expected = [
        path.relative_to(one.parent)
        for number in (1, 2, 3)
        for path in pyinit.materialize(pinned, one, format=file_format, shard=(number, 3))
    ]
    reports = []
    written = pyinit.materialize(
        pinned,
        all_shards,
        format=file_format,
        shards=3,
        progress=lambda *report: reports.append(report),
    )
    assert [path.relative_to(all_shards.parent) for path in written] == expected
    files = {path.relative_to(one.parent) for path in one.parent.rglob("*")}
    assert {path.relative_to(all_shards.parent) for path in all_shards.parent.rglob("*")} == files
    for file in files:
        if (one.parent / file).is_file():
            data = (all_shards.parent / file).read_bytes()
            assert data == (one.parent / file).read_bytes(), file
    assert reports == sorted(reports)
    assert reports[-1] == (pinned.nbytes, pinned.nbytes)
    assert pyinit.verify(pinned, all_shards.parent if file_format == "safetensors" else all_shards)


def test_a_folder_of_shards(pinned, tmp_path):
    """Protects users who name the folder: an existing one, or a path without an extension."""
    (tmp_path / "b.1").mkdir()
    for name in ("a", "b.1"):
        written = pyinit.materialize(pinned, tmp_path / name, shards=2)
        assert [path.name for path in written] == [
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
        ]
        assert (tmp_path / name / "model.safetensors.index.json").exists()
        assert pyinit.verify(pinned, tmp_path / name)
        again = pyinit.materialize(pinned, tmp_path / name, shard="2/2", existing="keep")
        assert again == written[1:]
    [one] = pyinit.materialize(pinned, tmp_path / "c", shards=1)
    assert one == tmp_path / "c" / "model.safetensors"
    with pytest.raises(
        ValueError, match=r"Argument `path` must be .*, or the folder of the shards\."
    ):
        pyinit.materialize(pinned, tmp_path / "x.npz", shards=2)


def test_no_shard_is_drawn_if_one_exists(pinned, tmp_path):
    """Protects hours of drawing: all files are checked first."""
    path = tmp_path / "m.safetensors"
    pyinit.materialize(pinned, path, shard="3/3")
    (tmp_path / "m.safetensors.index.json").unlink()
    with pytest.raises(FileExistsError, match="m-00003-of-00003"):
        pyinit.materialize(pinned, path, shards=3)
    assert [file.name for file in tmp_path.iterdir()] == ["m-00003-of-00003.safetensors"]
    assert len(pyinit.materialize(pinned, path, shards=3, existing="overwrite")) == 3


@pytest.mark.parametrize("shards", [0, -1, 1.5, "8", True, 100_000])
def test_invalid_numbers_of_shards(shards, pinned, tmp_path):
    """Protects users from a number of shards that is no number."""
    with pytest.raises(ValueError, match="Argument `shards` must be None or an integer from 1"):
        pyinit.materialize(pinned, tmp_path, shards=shards)
    with pytest.raises(ValueError, match="Argument `shards` must be None if `shard` is given"):
        pyinit.materialize(pinned, tmp_path, shards=2, shard="1/2")


def test_more_shards_than_tensors(tmp_path):
    """Shards without tensors are valid."""
    pinned = pyinit.create_manifest([{"name": "x", "shape": [2], "initializer": "zeros"}])
    for number in (1, 2, 3):
        [path] = pyinit.materialize(pinned, tmp_path / "m.safetensors", shard=(number, 3))
        assert pyinit.verify(pinned, path, shard=(number, 3))


@pytest.mark.parametrize("file_format", materialization.FORMATS)
def test_files_are_replaced_on_request_and_never_incomplete(
    file_format, pinned, tmp_path, monkeypatch
):
    """Existing files are kept without `existing="overwrite"`; a failure leaves no partial file."""
    if file_format == "zarr":
        pytest.importorskip("zarr", minversion="3.0")
    path = tmp_path / f"weights.{file_format}"
    first = pyinit.materialize(pinned, path, format=file_format)
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=r"already exists .*'overwrite' or 'keep'"):
        pyinit.materialize(pinned, path, format=file_format)
    for existing in ("overwrite", "keep"):
        assert pyinit.materialize(pinned, path, format=file_format, existing=existing) == first
        assert contents(tmp_path) == before

    # the fingerprints of other weights
    others = {tensor.name: tensor for tensor in pyinit.create_manifest(PLAN, seed=43).tensors}
    broken = replace(
        pinned,
        tensors=tuple(
            replace(tensor, segments=others[tensor.name].segments)
            if tensor.name == "embedding"
            else tensor
            for tensor in pinned.tensors
        ),
    )
    with pytest.raises(DifferenceError, match=r"the manifest's fingerprints: 'embedding'\."):
        pyinit.materialize(broken, path, format=file_format, existing="overwrite")
    assert contents(tmp_path) == before

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(materialization, "compute_fingerprint", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pyinit.materialize(pinned, path, format=file_format, existing="overwrite")
    assert contents(tmp_path) == before


def contents(folder):
    """Return the content of every file in a folder and the folders in it."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_arguments_of_materialize(pinned, tmp_path):
    """Invalid arguments are errors."""
    with pytest.raises(ValueError, match="Argument `format`"):
        pyinit.materialize(pinned, tmp_path / "x", format="npz")
    with pytest.raises(ValueError, match="Argument `shard`"):
        pyinit.materialize(pinned, tmp_path / "x", shard="3-8")
    for bad in (True, "replace", None):
        with pytest.raises(ValueError, match=r"Argument `existing` must be .*'keep'"):
            pyinit.materialize(pinned, tmp_path / "x", existing=bad)
    with pytest.raises(ValueError, match=r"Argument `path` must be .* in \.zarr for"):
        pyinit.materialize(pinned, tmp_path / "x", format="zarr")
    for name in ("w.npz", "w.h5", "w.rds", "w.arrow", "w"):
        with pytest.raises(
            ValueError, match=r"Argument `path` must be .* in \.safetensors, unless .*'arrow'"
        ):
            pyinit.materialize(pinned, tmp_path / name)
    with pytest.raises(ValueError, match=r"Argument `path` must be a path\. Received: path=3"):
        pyinit.materialize(pinned, 3)
    with pytest.raises(ValueError, match=r"Argument `file` must be a path\. Received: file=3"):
        pyinit.write_manifest(pinned, 3)
    with pytest.raises(ValueError, match=r"Argument `file` must be a path\. Received: file=None"):
        pyinit.read_manifest(None)
    assert list(tmp_path.iterdir()) == []


def test_memory_is_bounded_by_chunks(tmp_path):
    """Peak memory is a few chunks, whatever the size of the weights."""
    code = (
        "import resource, sys, pyinit\n"
        "from pyinit.manifests import verification, materialization\n"
        "import jsonschema, json\n"
        "plan = [{'name': 'x', 'shape': [2**26], 'initializer': 'he_uniform'}]\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "pyinit.verify(pyinit.create_manifest([{**plan[0], 'shape': [2**22]}], 1))\n"
        "before = peak()\n"
        "pinned = pyinit.create_manifest(plan, 1)\n"
        "path = sys.argv[1]\n"
        "assert pyinit.verify(pinned)\n"
        "pyinit.materialize(pinned, path)\n"
        "print(peak() - before)\n"
    )
    path = tmp_path / "x.safetensors"
    result = subprocess.run(
        [sys.executable, "-c", code, path], check=True, capture_output=True, text=True
    )
    assert int(result.stdout) < 30_000  # KiB, for 256 MiB of weights
    assert path.stat().st_size > 2**28


# ---- verify ----


def test_arrays_of_any_kind(pinned):
    """A dictionary may hold arrays of any library and memory order."""
    values = values_of(pinned)
    assert pyinit.verify(pinned, values)
    assert pyinit.verify(pinned, {n: v.copy(order="F") for n, v in values.items()})
    swapped = {
        n: v if v.dtype.name == "bfloat16" else v.astype(v.dtype.newbyteorder(">"))
        for n, v in values.items()
    }
    assert pyinit.verify(pinned, swapped)


def test_differences_are_reported(pinned):
    """The report names the difference of each tensor."""
    values = values_of(pinned)
    values["q"] = values["q"].copy()
    values["q"][3, 4] += 0.5
    values["q"][7, 1] += 0.25
    values["gru"] = values["gru"].T
    values["scalar"] = values["scalar"].astype("float64")
    values["float32/x"] = -values["float32/x"] * 0
    del values["embedding"]
    values["more"] = np.zeros(3)
    found = pyinit.verify(pinned, values)
    assert not found
    reasons = {d.name: d.reason for d in found.differences}
    assert reasons.pop("q").startswith("2 of 1200 values differ, by at most 0.5; the first is ")
    assert "at [3, 4] (counted from 0)" in repr(found)
    # -0.0 instead of 1.0
    assert reasons.pop("float32/x").startswith("21 of 21 values differ, by at most 1; ")
    assert reasons == {
        "gru": "the shape is [10, 30], not [30, 10]",
        "scalar": "the dtype is float64, not float32",
        "embedding": "it is missing",
        "more": "it is not in the manifest",
    }
    assert repr(found).startswith(f"DIFFERENT: 6 differences; checked {len(PLAN)} tensors, ")


@pytest.mark.usefixtures("_chunks")
def test_the_first_difference_is_found_in_any_chunk():
    """The reported position is right beyond the first chunk."""
    pinned = pyinit.create_manifest(
        [{"name": "x", "shape": [50, 60], "initializer": "he_normal"}], 1
    )
    values = values_of(pinned)["x"]
    values[31, 59] = np.nan
    [difference] = pyinit.verify(pinned, {"x": np.asfortranarray(values)}).differences
    assert difference.reason.startswith("1 of 3000 values differ, by at most nan; the first is nan")
    assert difference.reason.endswith("at [31, 59] (counted from 0)")


def test_no_details_without_enough_memory(monkeypatch):
    """A machine that cannot draw a tensor still reports that its fingerprint differs."""
    plan = [{"name": "q", "shape": [40, 30], "initializer": "orthogonal"}]
    pinned = pyinit.create_manifest(plan, 1)
    monkeypatch.setattr(limits, "usable_memory", lambda: 1000)
    [difference] = pyinit.verify(pinned, {"q": np.zeros((40, 30), np.float32)}).differences
    assert difference.reason.startswith("the fingerprint is ")
    assert "needs 21.1 KiB of memory at once, but this machine has 1000 bytes" in difference.reason


def test_a_manifest_that_contradicts_itself(pinned):
    """A fingerprint of other weights is reported as a contradiction in the manifest."""
    other = pyinit.create_manifest(PLAN, seed=43)
    forged = type(pinned)(
        1,
        tuple(
            type(t)(t.name, t.shape, t.dtype, t.segments, o.fingerprint)
            for t, o in zip(pinned.tensors, other.tensors, strict=True)
        ),
    )
    found = pyinit.verify(forged)
    random = {t.name for t, o in zip(pinned.tensors, other.tensors, strict=True) if t != o}
    changed = {d.name for d in found.differences}
    assert {"q", "gru", "embedding", "scalar"} <= changed <= random
    assert all("the manifest contradicts itself" in d.reason for d in found.differences)
    # the report also says that the weights are those of the initializers
    found = pyinit.verify(forged, values_of(pinned))
    assert {d.name for d in found.differences} == changed
    assert "the values are those drawn here" in repr(found)


def test_two_manifests(pinned, tmp_path):
    """Two manifests are compared field by field: seeds, shapes, dtypes and others."""
    plan = {entry["name"]: dict(entry) for entry in PLAN}
    plan["t"] |= {"axes": [0, 1]}
    plan["scalar"] |= {"initializer": "random_normal"}
    plan["float16/n"] |= {"dtype": "bfloat16"}
    plan["float32/n"] |= {"shape": [6, 30]}
    plan["float64/n"] |= {"initializer": pyinit.RandomNormal(stddev=1, seed=3)}
    del plan["embedding"], plan["gru"]
    plan["embedding"] = {"name": "embedding", "shape": [9, 4], "initializer": "uniform"}
    other = pyinit.create_manifest([*plan.values(), {**PLAN[0], "name": "more"}], seed=42)
    pyinit.write_manifest(other, tmp_path / "other.json")
    assert pyinit.verify(pinned, pinned)
    reasons = {d.name: d.reason for d in pyinit.verify(pinned, tmp_path / "other.json").differences}
    assert reasons == {
        "t": "the order of axes is (0, 1), not (1, 0)",
        "scalar": "the initializer is RandomNormal, not RandomUniform",
        "float16/n": "the dtype is bfloat16, not float16",
        "float32/n": "the shape is [6, 30], not [5, 30]",
        "float64/n": "the stddev is 1, not 0.05, the seed is 3, not the one derived from 42",
        "embedding": "it has 1 segments, not 2",
        "gru": "it is missing",
        "more": "it is not in the manifest",
    }
    once, again = (
        pyinit.create_manifest([{**PLAN[0], "initializer": pyinit.HeNormal(1), "draw": n}])
        for n in (0, 2)
    )
    assert repr(pyinit.verify(once, again)).endswith("float16/x: the draw is 2, not 0")


def test_a_tensor_in_two_files(pinned, tmp_path):
    """A tensor that is in two files is an error."""
    for name in ("a", "b"):
        pyinit.materialize(pinned, tmp_path / f"{name}.safetensors")
    with pytest.raises(ManifestError, match="is also in another file"):
        pyinit.verify(pinned, tmp_path)
    os.makedirs(tmp_path / "empty")
    (tmp_path / "weights.txt").touch()
    with pytest.raises(ManifestError, match="the folder has no"):
        pyinit.verify(pinned, tmp_path / "empty")
    with pytest.raises(
        ManifestError, match=r"not one of the formats \.safetensors, \.arrow, \.keras, .*\.zarr$"
    ):
        pyinit.verify(pinned, tmp_path / "weights.txt")
    for name in ("weights.safetensors", "weights"):
        with pytest.raises(FileNotFoundError):
            pyinit.verify(pinned, tmp_path / name)


def test_names_cannot_control_a_terminal(pinned):
    """Control characters in untrusted names are escaped."""
    found = pyinit.verify(pinned, {**values_of(pinned), "\x1b[31mred": np.zeros(1)})
    assert "\x1b" not in repr(found)
    assert r"\x1b[31mred" in repr(found)
