"""Arrays as the value of Constant: taken, converted, copied, configured, drawn in parts."""

import copy
import json
import pickle
import sys

import numpy as np
import pytest

import pyinit
from pyinit.dtypes import NUMERIC_DTYPES
from tests.support import same_bits

VALUES = np.array([[1.5, -2.0, 0.25], [3.0, -0.0, 7.0]], "float32")
#: Arrays and what is equal to them, as Constant keeps it.
ARRAYS = {
    "fortran": (np.asfortranarray(VALUES), VALUES),
    "strided": (np.repeat(VALUES, 2, 1)[:, ::2], VALUES),
    "byte order": (VALUES.astype(">f4"), VALUES),
    "lists": ([[1, 2], [3, 4]], np.array([[1, 2], [3, 4]])),
    "tuples of floats": (((1.0, 2.0),), np.array([[1.0, 2.0]])),
    "bools": ([True, False], np.array([True, False])),
    "bfloat16": (VALUES.astype(NUMERIC_DTYPES["bfloat16"]), VALUES.astype("bfloat16")),
    "empty": (np.zeros((0, 3)), np.zeros((0, 3))),
    "lazy tensor": (pyinit.HeNormal(1).lazy((2, 3)), pyinit.HeNormal(1)((2, 3))),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_taken(name):
    """Protects every kind of array, whose dtype and values are kept."""
    given, kept = ARRAYS[name]
    initializer = pyinit.Constant(given)
    assert same_bits(initializer.value, kept)
    assert same_bits(initializer(kept.shape, kept.dtype), kept)


def test_later_changes_have_no_effect():
    """Protects initial values from the user's writes to the array, and from writes to `value`."""
    given = VALUES.copy()
    initializer = pyinit.Constant(given)
    weights = initializer.lazy((2, 3))
    given[...] = 0
    assert same_bits(initializer((2, 3)), VALUES)
    assert same_bits(weights[...], VALUES)
    with pytest.raises(ValueError, match="read-only"):
        initializer.value[0] = 1
    drawn = initializer((2, 3))
    drawn[...] = 0
    assert same_bits(initializer((2, 3)), VALUES)


def test_arrays_broadcast_as_in_numpy():
    """Protects the shapes that Keras' Constant accepts, and the error for others."""
    row = pyinit.Constant([1, 2, 3])
    assert row((2, 3), "int8").tolist() == [[1, 2, 3], [1, 2, 3]]
    assert row.lazy((4, 2, 3))[1:3, 1, ::2].tolist() == [[1, 3], [1, 3]]
    for shape in [(3, 2), (), (4,)]:
        with pytest.raises(ValueError, match=r"Argument `shape` must be one to which `value`, of"):
            row(shape)


def test_arrays_without_axes_are_numbers():
    """Protects 0-d arrays and NumPy's scalars, which fill any shape."""
    for value in (np.array(2.5), np.float16(2.5), np.array(np.nan), np.array(True), np.uint8(3)):
        initializer = pyinit.Constant(value)
        assert isinstance(initializer.value, bool | int | float)
        np.testing.assert_array_equal(initializer((2,)), np.full(2, value, "float32"))


def test_partitions_and_slices():
    """Protects partitions, `out` and any slice of a lazy tensor."""
    initializer = pyinit.Constant(VALUES)
    part = initializer((2, 3), partition_shape=(1, 2), partition_offset=(1, 1))
    assert same_bits(part, VALUES[1:, 1:])
    out = np.zeros((3, 2), "float32").T
    assert initializer((2, 3), out=out) is out
    assert same_bits(np.array(out, order="C"), VALUES)
    weights = initializer.lazy((2, 3))
    assert same_bits(weights[::-1, 2:0:-2], VALUES[::-1, 2:0:-2])
    wide = np.empty((2, 3))
    weights.read_into(wide)
    assert same_bits(wide, VALUES.astype("float64"))
    assert pyinit.fingerprint(weights) == pyinit.fingerprint(VALUES)


def test_lazy_tensors_are_equal_by_content():
    """Protects equality, hashes and pickles of lazy tensors."""
    weights = pyinit.Constant(VALUES).lazy((2, 3))
    same, other = pyinit.Constant(VALUES.copy()).lazy((2, 3)), pyinit.Constant(-VALUES).lazy((2, 3))
    assert weights == same == pickle.loads(pickle.dumps(weights))
    assert hash(weights) == hash(same)
    assert weights != other != weights
    assert weights != pyinit.Constant(VALUES).lazy((2, 3), "float64")
    assert "given values" in repr(weights)


#: (values, dtype, expected): each value is rounded once.
ROUNDED = [
    ([2**24 + 1, 2**53 + 1, 3], "float32", [2**24, 2**53, 3]),
    # through float64 these would be rounded to 2**60 first, then stay half-way
    ([2**60 + 2**36 + 1, -(2**60) - 2**36 - 1], "float32", [2**60 + 2**37, -(2**60) - 2**37]),
    ([1 + 2**-8 + 2**-30, 1 + 2**-8], "bfloat16", [1 + 2**-7, 1]),
    ([65519.0, float("inf")], "float16", [65504, float("inf")]),
    ([1.0, 0.0], "bool", [1, 0]),
    ([255.0, 0.0], "uint8", [255, 0]),
]


@pytest.mark.parametrize(("values", "dtype", "expected"), ROUNDED)
def test_values_are_rounded_once(values, dtype, expected):
    """Protects the conversion of every value, as that of a single number."""
    drawn = pyinit.Constant(values)((len(values),), dtype)
    assert drawn.dtype == NUMERIC_DTYPES[dtype]
    assert [float(value) for value in drawn] == expected
    for value, one in zip(values, drawn, strict=True):
        assert pyinit.Constant(value)((), dtype) == one


@pytest.mark.parametrize(
    ("values", "dtype", "example"),
    [
        ([1.0, 0.5], "int32", "0.5"),
        ([1, 300], "uint8", "300"),
        ([0.0, 2.0**63], "int64", "9.2233720368547"),
        ([1.0, float("nan")], "int8", "nan"),
        ([1, 2], "bool", "2"),
        ([1.0, 1e5], "float16", "100000.0"),
        (np.array([1, 2**64 - 1], "uint64"), "int64", "18446744073709551615"),
    ],
)
def test_values_that_a_dtype_cannot_hold_are_refused(values, dtype, example):
    """Protects against values that are truncated, wrapped around or infinite; names one of them."""
    with pytest.raises(ValueError, match=rf"Argument `value` must be .*{dtype}.*value={example}"):
        pyinit.Constant(values)((2,), dtype)


def test_copies_and_configurations():
    """Protects the configuration, which is JSON and Keras' own form, and every kind of copy."""
    initializer = pyinit.Constant(VALUES)
    config = initializer.get_config()
    assert config["value"]["class_name"] == "__numpy__"
    written = json.loads(json.dumps(pyinit.serialize(initializer)))
    tensor = {"class_name": "__tensor__", "config": config["value"]["config"]}
    for one in (
        pyinit.deserialize(written),
        pyinit.Constant.from_config({"value": tensor}),
        initializer.clone(),
        copy.deepcopy(initializer),
        pickle.loads(pickle.dumps(initializer)),
    ):
        assert same_bits(one.value, VALUES)
        assert not one.value.flags.writeable
        assert repr(one) == "Constant(value=<array of shape (2, 3) and dtype float32>)"
    scalar = {"class_name": "__tensor__", "config": {"value": 3, "dtype": "int64"}}
    assert pyinit.Constant.from_config({"value": scalar}).value == 3


@pytest.mark.parametrize(
    "config",
    [
        {"value": [1, 300], "dtype": "int8"},
        {"value": [1, 2], "dtype": "complex64"},
        {"value": [[1], [2, 3]], "dtype": "float32"},
        {"value": [1]},
        [1, 2],
    ],
)
def test_bad_configurations_are_refused(config):
    """Protects configurations with values that their dtype cannot hold, or of other objects."""
    with pytest.raises(ValueError, match="Argument `value` must be a number, a bool, or an array"):
        pyinit.Constant.from_config({"value": {"class_name": "__numpy__", "config": config}})


def test_get_takes_arrays_for_their_own_shape():
    """Protects get(array): a Constant, which can be saved, and Keras' check of the shape."""
    initializer = pyinit.get(VALUES)
    assert type(initializer) is pyinit.Constant
    assert same_bits(initializer((2, 3)), VALUES)
    for shape in [(3, 2), (1, 2, 3)]:
        with pytest.raises(ValueError, match=r"must be \(2, 3\), the shape of the array given"):
            initializer(shape)
    assert pyinit.get(np.float32(2.5))(()) == 2.5
    with pytest.raises(ValueError, match=r"Argument `shape` must be \(\)"):
        pyinit.get(np.float32(2.5))((2,))
    with pytest.raises(ValueError, match="Argument `identifier` must be an array without a mask"):
        pyinit.get(np.ma.masked_array([1.0, 2.0], [True, False]))


@pytest.mark.backends
def test_arrays_of_other_libraries():
    """Protects tensors of torch and JAX."""
    import jax.numpy as jnp
    import torch

    for array in (torch.tensor(VALUES), jnp.asarray(VALUES)):
        assert same_bits(pyinit.Constant(array).value, VALUES)
        assert same_bits(pyinit.get(array)((2, 3)), VALUES)
    half = torch.tensor([1.5, 2.5], dtype=torch.bfloat16)
    assert pyinit.Constant(half).value.dtype == NUMERIC_DTYPES["bfloat16"]
    linear = torch.nn.Linear(3, 2)
    pyinit.torch.init_(linear, seed=1, parameters={"weight": pyinit.Constant(VALUES.T)})
    assert same_bits(linear.weight.detach().numpy(), VALUES)


def test_large_arrays_are_not_copied_for_each_tensor():
    """Protects memory: lazy tensors of the array's own dtype share it."""
    initializer = pyinit.Constant(np.zeros((1000, 1000), "float32"))
    assert np.shares_memory(initializer.lazy((1000, 1000))._values, initializer.value)
    assert sys.getsizeof(repr(initializer)) < 200
