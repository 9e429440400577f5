"""Arrays over the Arrow C data interface, and the functions that the R package calls."""

import ctypes
import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest

import pyinit

pa = pytest.importorskip("pyarrow")

from pyinit.bridges.r import arrow, calls  # noqa: E402


class Transfer:
    """The memory of a transfer, which R allocates."""

    def __init__(self):
        self._memory = arrow._Transfer()
        self.schema = self._memory.schema
        self.array = self._memory.array
        self.address = ctypes.addressof(self._memory)
        self.decimal = str(self.address)

    def release(self):
        """Release the contents of the structs."""
        for struct in (self.schema, self.array):
            ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(struct.release)(ctypes.addressof(struct))

    def values(self, dtype):
        """Return the elements of the array, in place."""
        address = ctypes.cast(self.array.buffers, ctypes.POINTER(ctypes.c_void_p))[1]
        size = (self.array.offset + self.array.length) * np.dtype(dtype).itemsize
        memory = (ctypes.c_char * size).from_address(address)
        return np.frombuffer(memory, dtype)[self.array.offset :]


@pytest.fixture
def transfer():
    transfer = Transfer()
    yield transfer
    if transfer.schema.release:
        transfer.release()


def test_import_of_pyinit_does_not_import_pyarrow():
    """Protects users without pyarrow."""
    code = "import sys, pyinit; sys.exit('pyarrow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_array_moves_without_a_copy(transfer):
    """Protects memory: both sides see the same address."""
    values = np.arange(5.0)
    arrow.move_out(arrow.array_of(values), transfer.address)
    assert transfer.schema.format == b"g"
    assert transfer.array.length == 5
    assert transfer.values(np.float64).ctypes.data == values.ctypes.data

    view = arrow.move_in(transfer.address)
    assert transfer.schema.release is None
    assert transfer.array.release is None
    assert view.ctypes.data == values.ctypes.data
    assert not view.flags.writeable
    np.testing.assert_array_equal(view, values)


def test_the_array_lives_until_it_is_released(transfer):
    """Protects the owner of the memory: the array lives as long as a struct or view of it."""
    values = np.arange(5.0)
    alive = weakref.ref(values)
    arrow.move_out(arrow.array_of(values), transfer.address)
    del values
    gc.collect()
    assert alive() is not None
    transfer.release()
    assert alive() is None

    values = np.arange(5.0)
    alive = weakref.ref(values)
    arrow.move_out(arrow.array_of(values), transfer.address)
    view = arrow.move_in(transfer.address)[1:]
    del values
    assert alive() is not None
    del view
    assert alive() is None


@pytest.mark.parametrize("dtype", [np.float64, np.int32])
@pytest.mark.parametrize(
    ("array", "shared"),
    [
        (np.arange(6.0), True),
        (np.ones(()), True),
        (np.arange(6.0).reshape(2, 3, order="F"), True),
        (np.arange(6.0).reshape(2, 3), False),
        (np.arange(6.0)[::2], False),
        (np.arange(6.0)[::-1], False),
    ],
)
def test_arrays_are_exported_in_column_major_order(array, shared, dtype, transfer):
    """Protects R's order of elements; other arrays are copied."""
    array = array if dtype == np.float64 else array.astype(dtype, order="K")
    if not shared and array.ndim == 1:
        array = np.repeat(array, 2)[::2]
    exported, shape, is_shared = arrow.exportable(array)
    assert shape == array.shape
    assert is_shared == shared
    assert exported.to_pylist() == array.reshape(-1, order="F").tolist()
    arrow.move_out(exported, transfer.address)
    assert (transfer.values(dtype).ctypes.data == array.ctypes.data) == shared


def test_arrays_that_are_not_aligned_are_copied():
    """Protects R, whose values are aligned."""
    array = np.frombuffer(b"\0" * 17, np.uint8)[1:].view(np.float64)
    exported, _, shared = arrow.exportable(array)
    assert not shared
    assert exported.buffers()[1].address % 8 == 0


#: The type of R for each dtype, and the extreme values that it represents.
R_TYPES = {
    "float64": ("g", [-1.7976931348623157e308, 5e-324, np.inf, np.nan, -0.0]),
    "float32": ("g", [-3.4028234663852886e38, 1e-45, np.inf, np.nan, -0.0]),
    "float16": ("g", [-65504.0, 6e-08, np.inf, np.nan, -0.0]),
    "bfloat16": ("g", [-3.3895314e38, 9.2e-41, np.inf, np.nan, -0.0]),
    "int8": ("i", [-128, 127]),
    "int16": ("i", [-32768, 32767]),
    "int32": ("i", [1 - 2**31, 2**31 - 1]),
    "int64": ("g", [-(2**53), 2**53]),
    "uint8": ("i", [0, 255]),
    "uint16": ("i", [0, 65535]),
    "uint32": ("g", [0, 2**32 - 1]),
    "uint64": ("g", [0, 2**53]),
}


@pytest.mark.parametrize("dtype", R_TYPES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_every_dtype_arrives_exactly(dtype, order, byte_order, transfer):
    """Protects the values of every dtype, which R must represent without rounding."""
    arrow_format, extremes = R_TYPES[dtype]
    values = np.array([extremes, extremes[::-1]]).astype(pyinit.dtypes.NUMERIC_DTYPES[dtype])
    if dtype != "bfloat16":
        values = values.astype(values.dtype.newbyteorder(byte_order))
    values = np.asarray(values, order=order)
    exported, shape, shared = arrow.exportable(values)
    assert shape == values.shape
    assert shared == (order == "F" and dtype in ("float64", "int32") and values.dtype.isnative)
    arrow.move_out(exported, transfer.address)
    assert transfer.schema.format.decode() == arrow_format
    assert transfer.schema.name == b""
    found = arrow.move_in(transfer.address).reshape(shape, order="F")
    for first, second in zip(found.ravel(), values.ravel(), strict=True):
        assert first.item() == second.item() or (np.isnan(first) and np.isnan(second))
    np.testing.assert_array_equal(np.signbit(found), np.signbit(values.astype(found.dtype)))


@pytest.mark.parametrize("order", ["C", "F"])
def test_bools_are_logicals_in_32_bits(order, transfer):
    """Protects R's logicals, which the name of the schema tells from integers."""
    values = np.array([[True, False, False], [True, True, False]], order=order)
    exported, shape, shared = arrow.exportable(values)
    assert (shape, shared) == ((2, 3), False)
    arrow.move_out(exported, transfer.address)
    assert (transfer.schema.format, transfer.schema.name) == (b"i", b"logical")
    np.testing.assert_array_equal(transfer.values(np.int32), values.ravel(order="F"))


def test_the_integer_that_is_missing_in_r_makes_doubles(transfer):
    """Protects -2**31, which R's integers use for NA."""
    values = np.array([-(2**31), 2**31 - 1], np.int32)
    exported, _, shared = arrow.exportable(values)
    assert not shared
    arrow.move_out(exported, transfer.address)
    assert transfer.schema.format == b"g"
    assert arrow.move_in(transfer.address).tolist() == values.tolist()


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(2**53 + 1, "int64"), (-(2**53) - 1, "int64"), (-(2**63), "int64"), (2**64 - 1, "uint64")],
)
@pytest.mark.parametrize("library", ["NumPy", "Arrow"])
def test_an_integer_that_r_cannot_hold_is_named(value, dtype, library):
    """Protects against rounded integers."""
    array = np.array([0, value, 1], dtype)
    with pytest.raises(ValueError, match=rf"Argument `x` must be.* with {value}$"):
        arrow.exportable(array if library == "NumPy" else pa.array(array))


def test_scalars_of_numpy_have_no_dimensions():
    """Protects NumPy's scalars and arrays of rank 0, which become vectors of length 1."""
    for scalar in (np.float32(0.5), np.int64(2**53), np.bool_(True), np.array(1, np.int8)):
        transfer = Transfer()
        assert calls.send_array(scalar, transfer.decimal)[0] == []
        assert arrow.move_in(transfer.address).tolist() == [scalar]


@pytest.mark.parametrize("dtype", [*R_TYPES, "bool"])
def test_arrow_arrays_arrive_exactly(dtype, transfer):
    """Protects Arrow arrays, with an offset or in chunks."""
    if dtype == "bfloat16":
        pytest.skip("Arrow has no bfloat16")
    values = np.array([1, 0, 1, 1]).astype(dtype)
    array = pa.array(values)
    for given, expected, zero_copy in (
        (array, values, True),
        (array[1:], values[1:], True),
        (array[:0], values[:0], False),
        (pa.chunked_array([array[1:]]), values[1:], True),
        (pa.chunked_array([array[:1], array[1:]]), values, False),
        (pa.chunked_array([], array.type), values[:0], False),
    ):
        exported, shape, shared = arrow.exportable(given)
        assert shape == expected.shape
        assert shared == (zero_copy and dtype in ("float64", "int32")), given
        arrow.move_out(exported, transfer.address)
        found = arrow.move_in(transfer.address)
        np.testing.assert_array_equal(found, expected)
        assert not found.flags.writeable


def test_arrow_memory_is_shared(transfer):
    """Protects memory: R sees the buffer of an Arrow array."""
    array = pa.array([1.0, 2.0, 3.0])[1:]
    arrow.move_out(arrow.exportable(array)[0], transfer.address)
    assert transfer.values(np.float64).ctypes.data == array.buffers()[1].address + 8


def test_a_lazy_tensor_is_read():
    """Protects lazy tensors, which are arrays of all values."""
    weights = pyinit.RandomNormal(seed=1).lazy((2, 3))
    exported, shape, _ = arrow.exportable(weights)
    assert shape == (2, 3)
    assert exported.to_pylist() == np.asarray(weights).ravel(order="F").tolist()


@pytest.mark.parametrize(
    ("array", "received"),
    [
        (np.zeros(2, complex), "an array of dtype complex128"),
        (np.array(["a"]), "an array of dtype <U1"),
        (np.array([1.0], object), "an array of dtype object"),
        (np.array(["2020-01-01"], "M8[D]"), "an array of dtype datetime64[D]"),
        (np.ma.zeros(2), "an object of class MaskedArray"),
        (pa.array(["a"]), "an Arrow array of string"),
        (pa.array([[1.0]]), "an Arrow array of list<item: double>"),
        (pa.array([1.0, None]), "an Arrow array of double with null_count = 1"),
        (pa.array([True, None]), "an Arrow array of bool with null_count = 1"),
        (pa.chunked_array([[1.0], [None]]), "an Arrow array of double with null_count = 1"),
        (pa.table({"a": [1.0]}), "an object of class Table"),
        (
            pa.RecordBatch.from_arrays([pa.array([1.0])], ["a"]),
            "an Arrow array of struct<a: double>",
        ),
        (pa.DoubleArray, "the class DoubleArray itself"),
        (np.float32, "the class float32 itself"),
        ([1.0], "an object of class list"),
        (1.0, "an object of class float"),
        (None, "an object of class NoneType"),
    ],
    ids=repr,
)
def test_another_type_of_array_is_a_type_error(array, received):
    """Protects the error for other arrays and objects."""
    with pytest.raises(TypeError, match="Argument `x` must be a") as raised:
        arrow.exportable(array)
    assert str(raised.value).endswith(f"Received: {received}")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", None])
@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (2, 3, 4), (0, 3)])
def test_a_draw_equals_the_call(dtype, shape, transfer):
    """Protects R's values: they are those of the call, as doubles."""
    initializer = pyinit.RandomNormal(seed=1)
    expected = initializer(shape, dtype)
    sizes = list(map(float, shape))
    calls.draw(initializer, sizes, dtype, None, None, None, transfer.decimal)
    drawn = arrow.move_in(transfer.address).reshape(shape, order="F")
    np.testing.assert_array_equal(drawn, expected.astype(np.float64))


def test_a_draw_of_a_partition_is_the_slice(transfer):
    """Protects R's partitions."""
    initializer = pyinit.RandomNormal(seed=1)
    calls.draw(initializer, [5.0, 4.0], None, [2.0, 3.0], [3.0, 1.0], "cpu", transfer.decimal)
    drawn = arrow.move_in(transfer.address).reshape((2, 3), order="F")
    np.testing.assert_array_equal(drawn, initializer((5, 4))[3:5, 1:4])


class Own(pyinit.Initializer):
    """A user's initializer, which overrides `__call__` as Keras documents."""

    def __call__(self, shape, dtype=None, partition_shape=None, partition_offset=None):
        """Return 0, 1, 2, ... in C order."""
        values = np.arange(np.prod(shape)).reshape(shape).astype(dtype or pyinit.floatx())
        if partition_shape is None:
            return values
        ends = np.add(partition_shape, partition_offset)
        return values[tuple(map(slice, partition_offset, ends))]


@pytest.mark.parametrize("initializer", [Own(), lambda shape, dtype=None: Own()(shape, dtype)])
@pytest.mark.parametrize("dtype", ["bfloat16", "float64", "int8", "int64", None])
def test_other_callables_are_drawn(initializer, dtype, transfer):
    """Protects user-defined initializers, both classes and functions."""
    calls.draw(initializer, [2.0, 3.0], dtype, None, None, None, transfer.decimal)
    drawn = arrow.move_in(transfer.address).reshape((2, 3), order="F")
    np.testing.assert_array_equal(drawn, np.arange(6).reshape(2, 3))


def test_other_callables_are_asked_for_the_partition(transfer):
    """Protects partitions of user-defined initializers."""
    calls.draw(Own(), [4.0, 3.0], None, [2.0, 1.0], [1.0, 2.0], None, transfer.decimal)
    drawn = arrow.move_in(transfer.address).reshape((2, 1), order="F")
    np.testing.assert_array_equal(drawn, [[5], [8]])


def test_other_callables_keep_their_array(transfer):
    """Protects an array that the user's function returns and keeps: R gets a copy."""
    kept = np.zeros((2, 3), order="F")
    calls.draw(lambda shape, dtype: kept, [2, 3], None, None, None, None, transfer.decimal)
    assert transfer.values(np.float64).ctypes.data != kept.ctypes.data


@pytest.mark.parametrize("returned", [np.zeros(3), np.zeros((2, 3), complex), "zeros"])
def test_other_callables_must_return_the_shape(returned, transfer):
    """Protects against arrays of another shape or type."""
    with pytest.raises(ValueError, match="Argument `initializer` must be one that returns"):
        calls.draw(lambda *_: returned, [2, 3], None, None, None, None, transfer.decimal)
    assert transfer.schema.release is None


@pytest.mark.parametrize(
    ("dtype", "arrow_format", "name"),
    [
        ("bool", b"i", b"logical"),
        *((dtype, b"i", b"") for dtype in ("int8", "int16", "int32", "uint8", "uint16")),
        *((dtype, b"g", b"") for dtype in ("uint32", "int64", "uint64")),
    ],
)
def test_integers_and_bools_arrive_in_the_type_of_r(dtype, arrow_format, name, transfer):
    """Protects integers and logicals; wider integers become doubles."""
    calls.draw(pyinit.Ones(), [2.0, 3.0], dtype, None, None, None, transfer.decimal)
    assert (transfer.schema.format, transfer.schema.name) == (arrow_format, name)
    assert transfer.array.length == 6


def test_a_draw_of_the_integer_that_is_missing_in_r_has_doubles(transfer):
    """Protects -2**31 against NA, as in arrays."""
    calls.draw(pyinit.Constant(-(2**31)), [1.0], "int32", None, None, None, transfer.decimal)
    assert transfer.schema.format == b"g"
    assert arrow.move_in(transfer.address) == [-(2**31)]


@pytest.mark.parametrize(
    ("value", "dtype"), [(2**53 + 1, "int64"), (-(2**53) - 1, "int64"), (2**64 - 1, "uint64")]
)
def test_values_that_r_cannot_hold_are_errors(value, dtype, transfer):
    """Protects against rounded integers."""
    allowed = r"Argument `dtype` must be one whose values R can hold.* \(found "
    with pytest.raises(ValueError, match=allowed + str(value)):
        calls.draw(pyinit.Constant(value), [1.0], dtype, None, None, None, transfer.decimal)
    assert transfer.schema.release is None


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("shape", ([2.0], None, None, None, None)),
        ("dtype", ([2.0, 2.0], "float8", None, None, None)),
        ("partition_offset", ([2.0, 2.0], None, [1.0, 1.0], None, None)),
        ("partition_shape", ([2.0, 2.0], None, None, [1.0, 1.0], None)),
        ("partition_offset", ([2.0, 2.0], None, [1.0, 1.0], [2.0, 0.0], None)),
        ("device", ([2.0, 2.0], None, None, None, "abacus")),
    ],
)
def test_a_bad_argument_of_a_draw_is_named(name, arguments, transfer):
    """Protects the errors that R users see."""
    with pytest.raises(ValueError, match=f"Argument `{name}` must be"):
        calls.draw(pyinit.Identity(), *arguments, transfer.decimal)
    assert transfer.schema.release is None


def test_arrays_are_sent_and_received(transfer):
    """Protects arrays of Python in R and back, logicals included."""
    values = np.arange(6.0).reshape(2, 3, order="F")
    assert calls.send_array(values, transfer.decimal) == ([2.0, 3.0], True)
    back = calls.receive_array(transfer.decimal, [2.0, 3.0], False)
    assert back.ctypes.data == values.ctypes.data
    np.testing.assert_array_equal(back, values)

    logicals = np.array([0, 1, 1], np.int32)
    calls.send_array(logicals, transfer.decimal)
    back = calls.receive_array(transfer.decimal, [3.0], True)
    np.testing.assert_array_equal(back, np.array([False, True, True]))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
def test_arrow_arrays_are_received(dtype, transfer):
    """Protects Arrow arrays of R, which become NumPy arrays of their own type."""
    values = np.array([0, 1, 1]).astype(dtype)
    array = pa.array(values)
    arrow.move_out(array, transfer.address)
    back = calls.receive_array(transfer.decimal, None, False)
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)
    assert (back.ctypes.data == array.buffers()[1].address) == (dtype != "bool")
    arrow.move_out(pa.array([1.0, None]), transfer.address)
    with pytest.raises(TypeError, match="without nulls"):
        calls.receive_array(transfer.decimal, None, False)


@pytest.mark.parametrize(
    ("config", "fresh_seed", "seed"),
    [({"seed": 1.0}, None, 1), ({"seed": 2**64 - 1}, None, 2**64 - 1), ({"seed": None}, 7.0, 7)],
)
def test_an_initializer_is_constructed_and_described_at_once(config, fresh_seed, seed, transfer):
    """Protects R's initializers, which take one call of Python."""
    handle, class_name, described = calls.construct("HeNormal", config, fresh_seed)
    initializer = calls.initializer_of(handle)
    assert initializer.seed == seed
    assert initializer.get_config()["seed"] == config["seed"]
    assert (class_name, described) == calls.describe(initializer)
    calls.draw_of(handle, [2.0, 3.0], None, None, None, None, transfer.decimal)
    drawn = arrow.move_in(transfer.address).reshape((2, 3), order="F")
    np.testing.assert_array_equal(drawn, pyinit.HeNormal(seed)((2, 3)))


def test_a_configuration_is_normalised_by_python():
    """Protects aliases and defaults in R's configurations."""
    config = {"scale": 2.0, "distribution": "Normal", "seed": 1.0}
    assert calls.construct("VarianceScaling", config, None)[2] == {
        "scale": 2.0,
        "mode": "fan_in",
        "distribution": "truncated_normal",
        "seed": 1,
        "input_axes": None,
        "output_axes": None,
    }
    assert calls.construct("Zeros", [], None)[1:] == ("Zeros", {})


def test_the_end_of_python_is_announced():
    """Protects R from calling into Python after it has ended."""
    code = """
import atexit, ctypes
flag = ctypes.c_int(0)
atexit.register(lambda: print(flag.value))
from pyinit.bridges.r import calls
calls.announce_exit(str(ctypes.addressof(flag)))
"""
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout == "1\n"
