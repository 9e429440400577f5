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
    arrow.move_out(arrow.float64_array(values), transfer.address)
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
    arrow.move_out(arrow.float64_array(values), transfer.address)
    del values
    gc.collect()
    assert alive() is not None
    transfer.release()
    assert alive() is None

    values = np.arange(5.0)
    alive = weakref.ref(values)
    arrow.move_out(arrow.float64_array(values), transfer.address)
    view = arrow.move_in(transfer.address)[1:]
    del values
    assert alive() is not None
    del view
    assert alive() is None


@pytest.mark.parametrize(
    ("array", "shared"),
    [
        (np.arange(6.0), True),
        (np.ones(()), True),
        (np.arange(6.0).reshape(2, 3, order="F"), True),
        (np.arange(6.0).reshape(2, 3), False),
        (np.arange(6.0)[::2], False),
        (np.arange(6.0)[::-1], False),
        (np.frombuffer(b"\0" * 17, np.uint8)[1:].view(np.float64), False),
        (np.arange(6, dtype=np.int32).reshape(2, 3), False),
        (np.array([[True, False]]), False),
    ],
)
def test_arrays_are_exported_in_column_major_order(array, shared, transfer):
    """Protects R's order of elements; other arrays are copied."""
    array = np.asarray(array)
    exported, shape, is_shared = arrow.exportable(array)
    assert shape == array.shape
    assert is_shared == shared
    assert exported.to_pylist() == array.reshape(-1, order="F").tolist()
    if shared:
        arrow.move_out(exported, transfer.address)
        assert transfer.values(np.float64).ctypes.data == array.ctypes.data


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(2, np.float32),
        np.zeros(2, ">f8"),
        np.zeros(2, np.int64),
        np.ma.zeros(2),
        pa.array([1.0, None]),
        pa.array(["a"]),
        pa.chunked_array([[1.0], [2.0]]),
        [1.0],
        None,
    ],
    ids=lambda array: f"{type(array).__name__}",
)
def test_another_type_of_array_is_a_type_error(array):
    """Protects the error for other arrays and objects."""
    with pytest.raises(TypeError, match="Argument `x` must be a NumPy or Arrow array"):
        arrow.exportable(array)


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
    ("dtype", "arrow_format"),
    [
        ("bool", b"b"),
        *((dtype, b"i") for dtype in ("int8", "int16", "int32", "uint8", "uint16")),
        *((dtype, b"g") for dtype in ("uint32", "int64", "uint64")),
    ],
)
def test_integers_and_bools_arrive_in_the_type_of_r(dtype, arrow_format, transfer):
    """Protects integers and logicals; wider integers become doubles."""
    calls.draw(pyinit.Ones(), [2.0, 3.0], dtype, None, None, None, transfer.decimal)
    assert transfer.schema.format == arrow_format
    assert transfer.array.length == 6


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(-(2**31), "int32"), (2**53 + 1, "int64"), (-(2**53) - 1, "int64"), (2**64 - 1, "uint64")],
)
def test_values_that_r_cannot_hold_are_errors(value, dtype, transfer):
    """Protects against NA, which R reads for -2**31, and against rounded integers."""
    with pytest.raises(ValueError, match="Argument `dtype` must be one whose values R can hold"):
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
