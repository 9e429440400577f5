"""Manifests of values: fingerprints alone, from arrays and files, and files as targets."""

import contextlib
import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import safetensors.numpy

import pyinit
from pyinit.dtypes import NUMERIC_DTYPES
from pyinit.initializers import chunking
from pyinit.manifests import limits
from pyinit.manifests.model import ManifestError
from pyinit.manifests.writing import as_text
from tests.support.hostile_files import npy, zipped

h5py = pytest.importorskip("h5py")

ARRAYS = {
    **{f"{name}/x": np.arange(6).reshape(2, 3).astype(d) for name, d in NUMERIC_DTYPES.items()},
    "scalar": np.float32(3),
    "empty": np.zeros((0, 3), np.float32),
    "fortran": np.asfortranarray(np.arange(60.0).reshape(5, 4, 3)),
    "big-endian": np.arange(5, dtype=">f4"),
    "gr\u00f6\u00dfe": np.ones(3),
}


def write_npz(path) -> None:
    np.savez(path, **ARRAYS)


def write_compressed_npz(path) -> None:
    np.savez_compressed(path, **ARRAYS)


def write_h5(path) -> None:
    with h5py.File(path, "w") as file:
        for name, array in ARRAYS.items():
            file[name] = array


def write_compressed_h5(path) -> None:
    with h5py.File(path, "w") as file:
        for name, array in ARRAYS.items():
            options = {"compression": "gzip", "shuffle": True} if np.ndim(array) else {}
            file.create_dataset(name, data=array, **options)


def write_safetensors(path) -> None:
    in_order = {n: np.array(a, a.dtype.newbyteorder("="), order="C") for n, a in ARRAYS.items()}
    safetensors.numpy.save_file(in_order, path)


WRITERS = {
    "plain.npz": write_npz,
    "compressed.npz": write_compressed_npz,
    "plain.h5": write_h5,
    "compressed.hdf5": write_compressed_h5,
    "plain.safetensors": write_safetensors,
}


@pytest.fixture
def expected():
    """Return the manifest of the arrays."""
    return pyinit.create_manifest(ARRAYS, values=True)


@pytest.mark.parametrize("chunk_size", [1 << 20, 7], ids=["whole", "in chunks"])
@pytest.mark.parametrize("name", WRITERS)
def test_files_have_the_manifest_of_their_arrays(name, chunk_size, tmp_path, expected, monkeypatch):
    """Every format, dtype and memory order gives the same manifest, and is a target."""
    monkeypatch.setattr(chunking, "CHUNK_SIZE", chunk_size)
    path = tmp_path / name
    WRITERS[name](path)
    found = pyinit.create_manifest(path, values=True)
    assert {tensor.name: tensor for tensor in found.tensors} == {
        tensor.name: tensor for tensor in expected.tensors
    }
    assert pyinit.verify(expected, path)
    assert pyinit.verify(expected, str(path))
    other = pyinit.create_manifest({**ARRAYS, "scalar": np.float32(4)}, values=True)
    [difference] = pyinit.verify(other, path).differences
    assert difference.name == "scalar"
    assert difference.reason.startswith("the fingerprint is ")


def test_entries_have_fingerprints_alone(expected, tmp_path):
    """The file has null in place of the initializer, and is the same when read again."""
    document = json.loads(as_text(expected))
    entry = document["tensors"][-1]
    assert entry == {
        "name": "gr\u00f6\u00dfe",
        "shape": [3],
        "dtype": "float64",
        "initializer": None,
        "fingerprint": pyinit.fingerprint(np.ones(3)),
    }
    assert "seed" not in document
    pyinit.write_manifest(expected, tmp_path / "m.json")
    assert pyinit.read_manifest(tmp_path / "m.json") == expected
    assert "scalar [] float32, fingerprint alone" in repr(expected)


def test_tensors_without_initializers_cannot_be_drawn(expected, tmp_path):
    """materialize() writes nothing; verify() without a target compares what can be drawn."""
    with pytest.raises(ManifestError, match=r"only the fingerprints.*'float16/x'.* and 8 more"):
        pyinit.materialize(expected, tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ManifestError, match="pass the weights to compare as `target`"):
        pyinit.verify(expected)
    drawn = pyinit.create_manifest([{"name": "a", "shape": [2], "initializer": "ones"}])
    both = type(drawn)(1, (*drawn.tensors, *expected.tensors[:1]))
    found = pyinit.verify(both)
    assert found
    assert found.checked == 1
    assert repr(found) == (
        "The same: 1 tensor, 8 bytes.\n"
        "Not compared, since only their fingerprints are recorded: float16/x"
    )


def test_manifests_of_values_and_of_initializers_are_compared():
    """A manifest of values can be compared with the manifest that drew them."""
    drawn = pyinit.create_manifest([{"name": "a", "shape": [2], "initializer": "ones"}])
    same = pyinit.create_manifest({"a": pyinit.Ones()((2,))}, values=True)
    other = pyinit.create_manifest({"a": pyinit.Zeros()((2,))}, values=True)
    assert pyinit.verify(drawn, same)
    assert pyinit.verify(same, drawn)
    [difference] = pyinit.verify(drawn, other).differences
    fingerprints = f"{other.tensors[0].fingerprint}, not {same.tensors[0].fingerprint}"
    assert difference.reason == f"the fingerprint is {fingerprints}"


def test_the_arguments_of_values(tmp_path):
    """A seed, a plan, other objects and sizes are errors; without values, a file is one."""
    with pytest.raises(ValueError, match=r"`seed` must be None with `values`.*seed=3"):
        pyinit.create_manifest(ARRAYS, 3, values=True)
    with pytest.raises(ValueError, match="`values` must be True or False"):
        pyinit.create_manifest(ARRAYS, values=1)
    for target in (3, None, [3], {"a": "text"}):
        with pytest.raises(TypeError, match="Argument `target` must be a Keras model"):
            pyinit.create_manifest(target, values=True)
    with pytest.raises(TypeError, match="any weights with `values`"):
        pyinit.create_manifest(tmp_path / "weights.npz")
    with pytest.raises(ManifestError, match="max_bytes"):
        pyinit.create_manifest(ARRAYS, values=True, max_bytes=10)
    with pytest.raises(ManifestError, match=r"'a' must have one of the dtypes .*complex64"):
        pyinit.create_manifest({"a": np.zeros(2, np.complex64)}, values=True)
    with pytest.raises(ManifestError, match=r"'a\\x1b'.*name must match"):
        pyinit.create_manifest({"a\x1b": np.zeros(2)}, values=True)
    (tmp_path / "weights.pt").touch()
    with pytest.raises(ManifestError, match=r"weights\.pt: .*Reading a pickle would run it"):
        pyinit.create_manifest(tmp_path / "weights.pt", values=True)
    for name in ("a.npz", "a.h5", "a.keras", "a.safetensors"):
        with pytest.raises(FileNotFoundError):
            pyinit.create_manifest(tmp_path / name, values=True)


# ---- untrusted files ----


class Trap:
    """An object whose unpickling fails the test."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was run",)


def npy_of(dtype, shape: str, size: int) -> bytes:
    """Return an array of zeros with a header that NumPy does not write."""
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(size)


BAD_NPZ = {
    "objects": ({"a.npy": npy(np.array([Trap()]), allow_pickle=True)}, "pickles are not read"),
    "a pickle": ({"a.npy": pickle.dumps(Trap())}, "is not a numeric array"),
    "text": ({"a.npy": b"text"}, "is not a numeric array"),
    "negative lengths": ({"a.npy": npy_of("<f4", "(-2, -2)", 16)}, "is not a numeric array"),
    "a length that is a bool": ({"a.npy": npy_of("<f4", "(True,)", 4)}, "is not a numeric array"),
    "too many axes": ({"a.npy": npy_of("<f4", str((1,) * 65), 4)}, "is not a numeric array"),
    "elements with axes": ({"a.npy": npy_of(("<f4", (3,)), "(2,)", 24)}, "is not a numeric array"),
    "empty": ({"a.npy": b""}, "is not a numeric array"),
    "too short": ({"a.npy": npy(np.zeros(9))[:-8]}, "does not match its shape"),
    "too long": ({"a.npy": npy(np.zeros(9)) + b"\0"}, "does not match its shape"),
    "code": (
        {"a.npy": npy(np.zeros(9)).replace(b"'<f8'", b"exit()"[:5])},
        "is not a numeric array",
    ),
    "names twice": ({"a.npy": npy(np.zeros(9)), "a": npy(np.zeros(9))}, "two .* have the name 'a'"),
}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("case", BAD_NPZ)
def test_invalid_npz_files(case, compression, tmp_path):
    """An invalid array is an error that names it, and no pickle is run."""
    content, message = BAD_NPZ[case]
    zipped(tmp_path / "w.npz", content, compression)
    with pytest.raises(ManifestError, match=message):
        pyinit.create_manifest(tmp_path / "w.npz", values=True)


def test_damaged_zip_files(tmp_path, monkeypatch):
    """Damaged and encrypted members, other files, and more bytes than memory are errors."""
    path = tmp_path / "w.npz"
    path.write_bytes(b"PK" + bytes(100))
    with pytest.raises(ManifestError, match="is not a zip archive"):
        pyinit.create_manifest(path, values=True)
    zipped(path, {"a.npy": npy(np.arange(999))}, zipfile.ZIP_DEFLATED)
    whole = path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(limits, "usable_memory", lambda: 1000)
        with pytest.raises(ManifestError, match=r"'a\.npy' needs 7\.9 KiB of memory at once"):
            pyinit.create_manifest(path, values=True)
    for position in range(0, len(whole), 3):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        with contextlib.suppress(ManifestError):
            pyinit.create_manifest(path, values=True)


def edit_h5(path, edit) -> None:
    with h5py.File(path, "w") as file:
        edit(file)


def soft_link(file):
    file["a"] = h5py.SoftLink("/b")


def external_link(file):
    file["a"] = h5py.ExternalLink("/etc/passwd", "/b")


def external_values(file):
    file.create_dataset("a", (4,), "u1", external=[("/etc/passwd", 0, 4)])


def virtual_values(file):
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "b", (4,))
    file.create_virtual_dataset("a", layout)


def loop(file):
    file.create_group("a")["b"] = file["/"]


def text_values(file):
    file["a"] = ["text"]


def structured_values(file):
    file["a"] = np.zeros(3, [("x", "f4"), ("y", "f4")])


def repeated_layers(file):
    file["layer/kernel"] = np.zeros(3)
    file["layer"].attrs["weight_names"] = [b"kernel"]
    file.attrs["layer_names"] = [b"layer"] * 2


def repeated_weights(file):
    file["layer/kernel"] = np.zeros(3)
    file["layer"].attrs["weight_names"] = [b"kernel"] * 2
    file.attrs["layer_names"] = [b"layer"]


def values_with_axes(file):
    of_three = h5py.h5t.array_create(h5py.h5t.IEEE_F32LE, (3,))
    space = h5py.h5s.create_simple((2,))
    dataset = h5py.h5d.create(file.id, b"a", of_three, space)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.zeros((2, 3), "f4"), of_three)


BAD_H5 = {
    soft_link: "'a' is a link",
    external_link: "'a' is a link",
    external_values: "its values in other files",
    virtual_values: "its values in other files",
    loop: "linked in a loop",
    text_values: "is not a numeric array",
    structured_values: "is not a numeric array",
    values_with_axes: "is not a numeric array",
    repeated_layers: "is not a readable HDF5 file: .* occurs twice",
    repeated_weights: "is not a readable HDF5 file: .* occurs twice",
}


@pytest.mark.parametrize("edit", BAD_H5)
def test_invalid_hdf5_files(edit, tmp_path):
    """Links, external values and other types are errors."""
    edit_h5(tmp_path / "w.h5", edit)
    with pytest.raises(ManifestError, match=BAD_H5[edit]):
        pyinit.verify(pyinit.create_manifest(ARRAYS, values=True), tmp_path / "w.h5")


def test_an_hdf5_file_with_more_values_than_memory(tmp_path, monkeypatch):
    """An array that takes no space in the file takes no memory."""

    def unwritten(file):
        file.create_dataset("a", (2**40,), "f8", chunks=(2**20,), compression="gzip")

    edit_h5(tmp_path / "w.h5", unwritten)
    with pytest.raises(ManifestError, match=r"8\.0 TiB, more than the limit"):
        pyinit.create_manifest(tmp_path / "w.h5", values=True)
    with pytest.raises(ManifestError, match=r"'a' needs 8\.0 TiB of memory at once"):
        pyinit.create_manifest(tmp_path / "w.h5", values=True, max_bytes=2**50)


def test_any_mutation_of_an_hdf5_file_is_an_error_or_a_manifest(tmp_path):
    """A damaged file ends in an error."""
    path = tmp_path / "w.h5"
    edit_h5(path, lambda file: file.create_dataset("a/b", data=np.arange(9), compression="gzip"))
    whole = path.read_bytes()
    for position in range(0, len(whole), 29):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        with contextlib.suppress(ManifestError):
            pyinit.create_manifest(path, values=True)
    for size in range(0, len(whole), 997):
        path.write_bytes(whole[:size])
        with pytest.raises(ManifestError):
            pyinit.create_manifest(path, values=True)


def test_h5py_is_named_where_it_is_missing(tmp_path):
    """The package is optional."""
    write_h5(tmp_path / "w.h5")
    code = (
        "import sys; sys.modules['h5py'] = None; import pyinit\n"
        f"pyinit.create_manifest({str(tmp_path / 'w.h5')!r}, values=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ImportError: The Python package h5py is needed for" in done.stderr
    assert "(pip install h5py)" in done.stderr
