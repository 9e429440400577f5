"""Arrays over the Arrow C data interface, and what the R package calls."""

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


class Structs:
    """Memory for a schema and an array, as the other language has it."""

    def __init__(self):
        self.schema = arrow._Schema()
        self.array = arrow._Array()

    @property
    def addresses(self):
        """Where they are."""
        return ctypes.addressof(self.schema), ctypes.addressof(self.array)

    @property
    def decimal(self):
        """Where they are, as R says it."""
        return [str(address) for address in self.addresses]

    def release(self):
        """Gives back what they hold."""
        for struct in (self.schema, self.array):
            ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(struct.release)(ctypes.addressof(struct))

    def values(self, dtype):
        """The elements of the array, where it has them."""
        address = ctypes.cast(self.array.buffers, ctypes.POINTER(ctypes.c_void_p))[1]
        size = (self.array.offset + self.array.length) * np.dtype(dtype).itemsize
        memory = (ctypes.c_char * size).from_address(address)
        return np.frombuffer(memory, dtype)[self.array.offset :]


@pytest.fixture
def structs():
    structs = Structs()
    yield structs
    if structs.schema.release:
        structs.release()


def test_import_of_pyinit_leaves_pyarrow_alone():
    code = "import sys, pyinit; sys.exit('pyarrow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_array_crosses_without_a_copy(structs):
    values = np.arange(5.0)
    arrow.move_out(arrow.float64_array(values), *structs.addresses)
    assert structs.schema.format == b"g"
    assert structs.array.length == 5
    assert structs.values(np.float64).ctypes.data == values.ctypes.data

    view = arrow.move_in(*structs.addresses)
    assert structs.schema.release is None
    assert structs.array.release is None
    assert view.ctypes.data == values.ctypes.data
    assert not view.flags.writeable
    np.testing.assert_array_equal(view, values)


def test_the_array_lives_until_it_is_released(structs):
    values = np.arange(5.0)
    alive = weakref.ref(values)
    arrow.move_out(arrow.float64_array(values), *structs.addresses)
    del values
    gc.collect()
    assert alive() is not None
    structs.release()
    assert alive() is None

    values = np.arange(5.0)
    alive = weakref.ref(values)
    arrow.move_out(arrow.float64_array(values), *structs.addresses)
    view = arrow.move_in(*structs.addresses)[1:]
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
def test_arrays_are_exported_in_column_major_order(array, shared, structs):
    array = np.asarray(array)
    exported, shape, is_shared = arrow.exportable(array)
    assert shape == array.shape
    assert is_shared == shared
    assert exported.to_pylist() == array.reshape(-1, order="F").tolist()
    if shared:
        arrow.move_out(exported, *structs.addresses)
        assert structs.values(np.float64).ctypes.data == array.ctypes.data


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
def test_what_cannot_cross_is_a_type_error(array):
    with pytest.raises(TypeError, match="Argument `x` must be a NumPy or Arrow array"):
        arrow.exportable(array)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", None])
@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (2, 3, 4), (0, 3)])
def test_a_draw_is_the_call(dtype, shape, structs):
    initializer = pyinit.RandomNormal(seed=1)
    expected = initializer(shape, dtype)
    sizes = list(map(float, shape))
    calls.draw(initializer, sizes, dtype, None, None, None, structs.decimal)
    drawn = arrow.move_in(*structs.addresses).reshape(shape, order="F")
    np.testing.assert_array_equal(drawn, expected.astype(np.float64))


def test_a_draw_of_a_part_is_the_slice(structs):
    initializer = pyinit.RandomNormal(seed=1)
    calls.draw(initializer, [5.0, 4.0], None, [2.0, 3.0], [3.0, 1.0], "cpu", structs.decimal)
    drawn = arrow.move_in(*structs.addresses).reshape((2, 3), order="F")
    np.testing.assert_array_equal(drawn, initializer((5, 4))[3:5, 1:4])


class Own(pyinit.Initializer):
    """An initializer of a user's own, which overrides what Keras tells users to override."""

    def __call__(self, shape, dtype=None, partition_shape=None, partition_offset=None):
        """0, 1, 2, ... in C order."""
        values = np.arange(np.prod(shape)).reshape(shape).astype(dtype or pyinit.floatx())
        if partition_shape is None:
            return values
        ends = np.add(partition_shape, partition_offset)
        return values[tuple(map(slice, partition_offset, ends))]


@pytest.mark.parametrize("initializer", [Own(), lambda shape, dtype=None: Own()(shape, dtype)])
@pytest.mark.parametrize("dtype", ["bfloat16", "float64", "int8", "int64", None])
def test_what_another_callable_returns_is_drawn(initializer, dtype, structs):
    calls.draw(initializer, [2.0, 3.0], dtype, None, None, None, structs.decimal)
    drawn = arrow.move_in(*structs.addresses).reshape((2, 3), order="F")
    np.testing.assert_array_equal(drawn, np.arange(6).reshape(2, 3))


def test_another_callable_is_asked_for_the_part(structs):
    calls.draw(Own(), [4.0, 3.0], None, [2.0, 1.0], [1.0, 2.0], None, structs.decimal)
    drawn = arrow.move_in(*structs.addresses).reshape((2, 1), order="F")
    np.testing.assert_array_equal(drawn, [[5], [8]])


def test_r_does_not_share_what_another_callable_keeps(structs):
    kept = np.zeros((2, 3), order="F")
    calls.draw(lambda shape, dtype: kept, [2, 3], None, None, None, None, structs.decimal)
    assert structs.values(np.float64).ctypes.data != kept.ctypes.data


@pytest.mark.parametrize("returned", [np.zeros(3), np.zeros((2, 3), complex), "zeros"])
def test_what_another_callable_must_return(returned, structs):
    with pytest.raises(ValueError, match="Argument `initializer` must be one that returns"):
        calls.draw(lambda *_: returned, [2, 3], None, None, None, None, structs.decimal)
    assert structs.schema.release is None


@pytest.mark.parametrize(
    ("dtype", "arrow_format"),
    [
        ("bool", b"b"),
        *((dtype, b"i") for dtype in ("int8", "int16", "int32", "uint8", "uint16")),
        *((dtype, b"g") for dtype in ("uint32", "int64", "uint64")),
    ],
)
def test_integers_and_bools_cross_in_the_type_of_r(dtype, arrow_format, structs):
    calls.draw(pyinit.Ones(), [2.0, 3.0], dtype, None, None, None, structs.decimal)
    assert structs.schema.format == arrow_format
    assert structs.array.length == 6


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(-(2**31), "int32"), (2**53 + 1, "int64"), (-(2**53) - 1, "int64"), (2**64 - 1, "uint64")],
)
def test_values_that_r_cannot_hold_are_errors(value, dtype, structs):
    with pytest.raises(ValueError, match="Argument `dtype` must be one whose values R can hold"):
        calls.draw(pyinit.Constant(value), [1.0], dtype, None, None, None, structs.decimal)
    assert structs.schema.release is None


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
def test_a_bad_argument_of_a_draw_is_named(name, arguments, structs):
    with pytest.raises(ValueError, match=f"Argument `{name}` must be"):
        calls.draw(pyinit.Identity(), *arguments, structs.decimal)
    assert structs.schema.release is None


def test_arrays_are_sent_and_received(structs):
    values = np.arange(6.0).reshape(2, 3, order="F")
    assert calls.send_array(values, structs.decimal) == ([2.0, 3.0], True)
    back = calls.receive_array(structs.decimal, [2.0, 3.0], False)
    assert back.ctypes.data == values.ctypes.data
    np.testing.assert_array_equal(back, values)

    logicals = np.array([0, 1, 1], np.int32)
    calls.send_array(logicals, structs.decimal)
    back = calls.receive_array(structs.decimal, [3.0], True)
    np.testing.assert_array_equal(back, np.array([False, True, True]))


def test_the_end_of_python_is_announced():
    code = """
import atexit, ctypes
flag = ctypes.c_int(0)
atexit.register(lambda: print(flag.value))
from pyinit.bridges.r import calls
calls.announce_exit(str(ctypes.addressof(flag)))
"""
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout == "1\n"
