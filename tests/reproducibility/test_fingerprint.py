"""Fingerprints: the documented bytes, in pieces, of initializers and of arrays."""

import hashlib
import struct

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyinit
from pyinit.initializers import chunking
from pyinit.reproducibility import fingerprint as module
from pyinit.reproducibility.chunks import chunks


def test_the_canonical_form_to_the_byte():
    """Protects whoever computes a fingerprint without this library."""
    values = [1.5, -2.0, 0.0, -0.0, 3.25, 1e-3]
    data = b"pyinit fingerprint 1\x001\x00float32\x002,3\x00" + struct.pack("<6f", *values)
    array = np.array(values, np.float32).reshape(2, 3)
    assert pyinit.fingerprint(array) == hashlib.sha256(data).hexdigest()
    data = b"pyinit fingerprint 1\x001\x00bool\x00\x00\x01"
    assert pyinit.fingerprint(pyinit.Ones(), (), "bool") == hashlib.sha256(data).hexdigest()
    data = b"pyinit fingerprint 1\x001\x00int16\x000,4\x00"
    assert pyinit.fingerprint(np.zeros((0, 4), np.int16)) == hashlib.sha256(data).hexdigest()


def test_known_fingerprints():
    """Protects fingerprints that were written down: of both kinds of values, and in 16 bits."""
    initializer = pyinit.HeNormal(seed=1)
    start = {
        "float16": "a6bfac6961f190ff",
        "bfloat16": "9e434079f82f1081",
        "float32": "236c9e232ba1f4fd",
        "float64": "388d316549568754",
    }
    assert {d: pyinit.fingerprint(initializer, (4, 3), d)[:16] for d in start} == start


@pytest.mark.parametrize("shape", [(), (0, 3), (7,), (3, 700), (2, 5, 3, 11), (70, 1, 9)])
@pytest.mark.parametrize(("piece", "dtype"), [(1, "float16"), (10, "float32"), (64, "float64")])
def test_pieces_do_not_show(shape, piece, dtype, random_class, monkeypatch):
    """Protects tensors that are drawn in pieces: their bits, whatever the pieces."""
    if len(shape) < 2 and "Orthogonal" in repr(random_class(1)):
        shape = (*shape, 2, 3)
    monkeypatch.setattr(chunking, "CHUNK_SIZE", piece)
    initializer = random_class(7)
    expected = pyinit.fingerprint(initializer(shape, dtype))
    assert pyinit.fingerprint(initializer, shape, dtype) == expected


@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 200))
def test_pieces_follow_one_another(shape, size):
    """Protects the order: put together, the parts are the tensor in C order."""
    whole = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    cut = [
        whole[tuple(slice(f, f + n) for n, f in zip(part, offset, strict=True))]
        for part, offset in chunks(tuple(shape), size)
    ]
    assert all(0 < part.size <= size for part in cut)
    joined = np.concatenate([whole.reshape(-1)[:0], *(part.reshape(-1) for part in cut)])
    np.testing.assert_array_equal(joined, whole.reshape(-1))


def test_huge_tensors_are_cut_without_memory():
    """Protects against lists as long as the tensor."""
    parts = chunks((2**40, 3, 2**18), 1 << 20)
    assert next(parts) == ((1, 3, 2**18), (0, 0, 0))
    assert next(parts) == ((1, 3, 2**18), (1, 0, 0))
    assert next(chunks((1, 2**40), 100)) == ((1, 100), (0, 0))


def test_arrays_in_any_order_and_byte_order():
    """Protects `fingerprint(array)`: it is of the values, not of how they lie in memory."""
    array = pyinit.RandomNormal(seed=3)((40, 50), "float32")
    expected = pyinit.fingerprint(array)
    wide = np.zeros((80, 50), np.float32)
    wide[::2] = array
    for same in (np.asfortranarray(array), array.astype(">f4"), wide[::2]):
        assert pyinit.fingerprint(same) == expected
    assert pyinit.fingerprint(array.T) != expected
    assert pyinit.fingerprint(array.reshape(50, 40)) != expected
    assert pyinit.fingerprint(array.astype(np.float64)) != expected


def test_a_dtype_that_holds_the_values():
    """Protects R's doubles: they are taken for the dtype whose values they hold, or refused."""
    initializer = pyinit.HeNormal(seed=1)
    for dtype in ("float16", "bfloat16", "float32"):
        doubles = initializer((30, 4), dtype).astype(np.float64)
        drawn = pyinit.fingerprint(initializer, (30, 4), dtype)
        assert pyinit.fingerprint(doubles, dtype=dtype) == drawn
    special = np.array([np.nan, np.inf, -0.0])
    assert pyinit.fingerprint(special, dtype="float32") == pyinit.fingerprint(
        special.astype(np.float32)
    )
    for values, dtype in (
        ([0.1], "float32"),
        ([1e6], "float16"),
        ([np.nan], "int32"),
        ([0.5], "int8"),
        ([300.0], "int8"),
        ([2.0], "bool"),
    ):
        with pytest.raises(
            ValueError, match="Argument `dtype` must be one that represents the values"
        ):
            pyinit.fingerprint(np.array(values), dtype=dtype)


def test_seed_generators_take_a_draw():
    """Protects the promise that a fingerprint is that of what the next call returns."""
    generator, other = pyinit.random_seed_generator(5), pyinit.random_seed_generator(5)
    mine, theirs = pyinit.HeNormal(generator), pyinit.HeNormal(other)
    for _ in range(3):
        assert pyinit.fingerprint(mine, (300, 4000)) == pyinit.fingerprint(theirs((300, 4000)))


def test_a_class_of_the_users_own():
    """Protects initializers that override their call."""

    class Halves(pyinit.Initializer):
        def __call__(self, shape, dtype=None, **kwargs):
            return np.full(shape, 0.5, dtype or pyinit.floatx())

    assert pyinit.fingerprint(Halves(), (2, 3)) == pyinit.fingerprint(np.full((2, 3), 0.5, "f4"))


@pytest.mark.parametrize(
    ("x", "error"),
    [
        ([1.0], TypeError),
        ("he_normal", TypeError),
        (None, TypeError),
        (np.ma.masked_array([1.0], [True]), TypeError),
        (np.array([1j]), ValueError),
        (np.array(["a"]), ValueError),
        (np.array([1.0], ml_dtypes.float8_e4m3fn), ValueError),
    ],
)
def test_what_is_no_array(x, error):
    """Protects against a digest of something else."""
    with pytest.raises(error, match="Received"):
        pyinit.fingerprint(x)


def test_shapes_and_dtypes_are_checked():
    """Protects the arguments, which mean one thing for initializers and another for arrays."""
    for call in (
        lambda: pyinit.fingerprint(pyinit.Zeros()),
        lambda: pyinit.fingerprint(pyinit.Zeros(), (-1,)),
        lambda: pyinit.fingerprint(np.zeros((2, 3)), (3, 2)),
        lambda: pyinit.fingerprint(pyinit.Identity(), (3,)),
    ):
        with pytest.raises(ValueError, match="Argument `shape`"):
            call()
    with pytest.raises(ValueError, match="Argument `dtype`"):
        pyinit.fingerprint(pyinit.HeNormal(1), (3,), "int32")
    assert pyinit.fingerprint(np.zeros((2, 3)), (2, 3)) == pyinit.fingerprint(np.zeros((2, 3)))


def test_big_endian_machines(monkeypatch):
    """Protects the byte order: what such a machine would do, done here to swapped values."""
    array = pyinit.RandomNormal(seed=3)((5,), "bfloat16")
    expected = pyinit.fingerprint(array)
    swapped = array.view(np.uint16).byteswap().view(array.dtype)
    monkeypatch.setattr(module.sys, "byteorder", "big")
    assert pyinit.fingerprint(swapped) == expected
