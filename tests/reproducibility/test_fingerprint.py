"""Fingerprints of initializers, lazy tensors and arrays."""

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


def test_the_canonical_form_to_the_byte():
    """The digest covers the documented bytes, so that others can compute it."""
    values = [1.5, -2.0, 0.0, -0.0, 3.25, 1e-3]
    data = b"pyinit fingerprint 1\x001\x00float32\x002,3\x00" + struct.pack("<6f", *values)
    array = np.array(values, np.float32).reshape(2, 3)
    assert pyinit.fingerprint(array) == hashlib.sha256(data).hexdigest()
    data = b"pyinit fingerprint 1\x001\x00bool\x00\x00\x01"
    assert pyinit.fingerprint(pyinit.Ones(), (), "bool") == hashlib.sha256(data).hexdigest()
    data = b"pyinit fingerprint 1\x001\x00int16\x000,4\x00"
    assert pyinit.fingerprint(np.zeros((0, 4), np.int16)) == hashlib.sha256(data).hexdigest()


def test_known_fingerprints():
    """Recorded fingerprints stay the same, in every float dtype."""
    initializer = pyinit.HeNormal(seed=1)
    start = {
        "float16": "a6bfac6961f190ff",
        "bfloat16": "9e434079f82f1081",
        "float32": "236c9e232ba1f4fd",
        "float64": "388d316549568754",
    }
    assert {d: pyinit.fingerprint(initializer, (4, 3), d)[:16] for d in start} == start


@pytest.mark.parametrize("shape", [(), (0, 3), (7,), (3, 700), (2, 5, 3, 11), (70, 1, 9)])
@pytest.mark.parametrize(
    ("chunk_size", "dtype"), [(1, "float16"), (10, "float32"), (64, "float64")]
)
def test_chunks_do_not_matter(shape, chunk_size, dtype, random_class, monkeypatch):
    """The fingerprint does not depend on the size of the chunks."""
    if len(shape) < 2 and "Orthogonal" in repr(random_class(1)):
        shape = (*shape, 2, 3)
    monkeypatch.setattr(chunking, "CHUNK_SIZE", chunk_size)
    initializer = random_class(7)
    expected = pyinit.fingerprint(initializer(shape, dtype))
    assert pyinit.fingerprint(initializer, shape, dtype) == expected


def test_lazy_tensors(monkeypatch):
    """The fingerprint of a lazy tensor is that of its values."""
    monkeypatch.setattr(chunking, "CHUNK_SIZE", 10)
    weights = pyinit.HeNormal(seed=1).lazy((7, 9), "float16")
    expected = pyinit.fingerprint(weights[...])
    assert pyinit.fingerprint(weights) == pyinit.fingerprint(weights, (7, 9), "float16") == expected
    widened = pyinit.fingerprint(weights[...].astype("float64"))
    assert pyinit.fingerprint(weights, dtype="float64") == widened
    with pytest.raises(ValueError, match="Argument `shape` must be None or the shape of `x`"):
        pyinit.fingerprint(weights, (9, 7))
    with pytest.raises(ValueError, match="Argument `dtype` must be one that represents"):
        pyinit.fingerprint(weights, dtype="int8")


@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 200))
def test_chunks_are_consecutive(shape, size):
    """The concatenated chunks are the tensor in C order."""
    whole = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    chunks = [
        whole[tuple(slice(f, f + n) for n, f in zip(lengths, offset, strict=True))]
        for lengths, offset in chunking.chunk_partitions(tuple(shape), size)
    ]
    assert all(0 < chunk.size <= size for chunk in chunks)
    joined = np.concatenate([whole.reshape(-1)[:0], *(chunk.reshape(-1) for chunk in chunks)])
    np.testing.assert_array_equal(joined, whole.reshape(-1))


def test_chunks_of_huge_tensors_are_lazy():
    """No list as long as the tensor is built."""
    chunks = chunking.chunk_partitions((2**40, 3, 2**18), 1 << 20)
    assert next(chunks) == ((1, 3, 2**18), (0, 0, 0))
    assert next(chunks) == ((1, 3, 2**18), (1, 0, 0))
    assert next(chunking.chunk_partitions((1, 2**40), 100)) == ((1, 100), (0, 0))


def test_arrays_in_any_order_and_byte_order():
    """The fingerprint does not depend on memory order, strides or byte order."""
    array = pyinit.RandomNormal(seed=3)((40, 50), "float32")
    expected = pyinit.fingerprint(array)
    wide = np.zeros((80, 50), np.float32)
    wide[::2] = array
    for same in (np.asfortranarray(array), array.astype(">f4"), wide[::2]):
        assert pyinit.fingerprint(same) == expected
    assert pyinit.fingerprint(array.T) != expected
    assert pyinit.fingerprint(array.reshape(50, 40)) != expected
    assert pyinit.fingerprint(array.astype(np.float64)) != expected


def test_conversion_to_another_dtype():
    """Values are converted to `dtype` where it represents them exactly, such as R's doubles."""
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
    """The fingerprint is that of the next call, and takes its draw."""
    generator, other = pyinit.random_seed_generator(5), pyinit.random_seed_generator(5)
    mine, theirs = pyinit.HeNormal(generator), pyinit.HeNormal(other)
    for _ in range(3):
        assert pyinit.fingerprint(mine, (300, 4000)) == pyinit.fingerprint(theirs((300, 4000)))


def test_a_user_defined_class():
    """Initializers that override `__call__` are called."""

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
def test_other_objects(x, error):
    """Objects that are not arrays are a TypeError."""
    with pytest.raises(error, match="Received"):
        pyinit.fingerprint(x)


def test_shapes_and_dtypes_are_checked():
    """`shape` and `dtype` are checked, for initializers and for arrays."""
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
    """A big-endian machine swaps the bytes; simulated here with swapped values."""
    array = pyinit.RandomNormal(seed=3)((5,), "bfloat16")
    expected = pyinit.fingerprint(array)
    swapped = array.view(np.uint16).byteswap().view(array.dtype)
    monkeypatch.setattr(module.sys, "byteorder", "big")
    assert pyinit.fingerprint(swapped) == expected
