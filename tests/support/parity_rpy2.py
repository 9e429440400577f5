"""Parity of Python and R, to the last bit, with both in one process.

R cannot be unloaded, so bridges/r/test_rpy2.py runs this file in a separate process.
"""

import gc
import json
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import pyinit
from pyinit.bridges.r import arrow, session
from pyinit.dtypes import FLOAT_DTYPES, INTEGER_DTYPES
from pyinit.initializers.lazy import LazyTensor
from tests.support import DATA, same_bits

session.start()

from rpy2 import robjects  # noqa: E402 - warns about reticulate unless R runs

pytestmark = pytest.mark.r

CASES = json.loads((DATA / "parity.json").read_text())
FACTORIES = CASES["factories"]
RANDOM = [name for name, arguments in FACTORIES.items() if "seed" in arguments]


def shapes_of(name):
    """Return the shapes of the tensors that a factory's initializer draws."""
    return CASES["shapes_of"].get(name, CASES["shapes"])


def first_shape_of(name):
    """Return one shape that a factory's initializer draws."""
    return CASES["shapes_of"].get(name, [[5, 3]])[0]


def numbers(values):
    """Return numbers as R's doubles."""
    return robjects.FloatVector(list(values))


def in_r(name):
    """Return a function of the R package."""
    return robjects.r(f"pyinit:::{name}")


def r_of_python(value):
    """Return R's object for a Python object."""
    sys.modules["__main__"].passed = value
    return robjects.r("reticulate::import_main(convert = FALSE)$passed")


def is_drawn(drawn, expected):
    """Return whether R's array has the values of Python's, as doubles."""
    # In R a scalar is a vector of length 1.
    expected = expected.astype(np.float64).reshape(expected.shape or 1)
    return same_bits(session.from_r(drawn), expected)


def address(x):
    """Return the address of the values of an R array."""
    return int(in_r("data_address")(x)[0])


def test_every_factory_is_covered():
    """Protects the list of cases."""
    assert set(FACTORIES) == {name for name in dir(pyinit) if name.startswith("initializer_")}


def test_r_uses_this_interpreter():
    """Protects against a second Python in the process."""
    assert robjects.r('reticulate::import("os")$getpid()')[0] == os.getpid()
    # Only the folders' links are resolved: that of the program leads out of the environment.
    used = Path(robjects.r("reticulate::py_config()$python")[0])
    assert used.parent.resolve() == Path(sys.executable).parent.resolve()
    identity = "reticulate::py_str(reticulate::import_builtins(FALSE)$id({}$Zeros))"
    found = robjects.r(identity.format('reticulate::import("pyinit", convert = FALSE)'))
    assert int(found[0]) == id(pyinit.Zeros)


def test_a_second_start_does_nothing():
    """Protects code that starts R more than once."""
    process = robjects.r("Sys.getpid()")[0]
    session.start()
    assert robjects.r("Sys.getpid()")[0] == process
    assert robjects.r("sum(loadedNamespaces() == 'pyinit')")[0] == 1


@pytest.mark.parametrize("dtype", [*FLOAT_DTYPES, None])
@pytest.mark.parametrize("name", FACTORIES)
def test_every_initializer_draws_the_same_bits(name, dtype):
    """Protects every factory, dtype and shape."""
    arguments = FACTORIES[name]
    ours = getattr(pyinit, name)(**arguments)
    theirs = in_r(name)(**arguments)
    dtype_of_r = robjects.NULL if dtype is None else dtype
    for shape in shapes_of(name):
        assert is_drawn(theirs(numbers(shape), dtype_of_r), ours(shape, dtype)), shape


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform"])
def test_variance_scaling(mode, distribution):
    """Protects every mode and distribution."""
    arguments = {"scale": 0.7, "mode": mode, "distribution": distribution, "seed": 3}
    ours = pyinit.initializer_variance_scaling(**arguments)
    theirs = in_r("initializer_variance_scaling")(**arguments)
    for shape in CASES["shapes"]:
        assert is_drawn(theirs(numbers(shape)), ours(shape)), shape


@pytest.mark.parametrize("dtype", [*INTEGER_DTYPES, "bool"])
def test_integers_and_bools(dtype):
    """Protects the other dtypes."""
    for name in ("initializer_ones", "initializer_identity"):
        drawn = session.from_r(in_r(name)()(numbers((2, 3)), dtype))
        np.testing.assert_array_equal(drawn, getattr(pyinit, name)()((2, 3), dtype))


@pytest.mark.parametrize("seed", CASES["seeds"])
@pytest.mark.parametrize("name", RANDOM)
def test_every_seed(name, seed):
    """Protects seeds at the limits of R's numbers; each repeats its values."""
    shape = first_shape_of(name)
    ours = getattr(pyinit, name)(seed=seed)
    theirs = in_r(name)(seed=float(seed))
    assert is_drawn(theirs(numbers(shape)), ours(shape))
    assert is_drawn(theirs(numbers(shape)), ours(shape))


@pytest.mark.parametrize("name", RANDOM)
def test_generators_of_each_language(name):
    """Protects the sequence of draws."""
    shape = first_shape_of(name)
    ours, theirs = pyinit.random_seed_generator(7), in_r("random_seed_generator")(7)
    for _ in range(3):
        drawn = in_r(name)(seed=theirs)(numbers(shape))
        assert is_drawn(drawn, getattr(pyinit, name)(seed=ours)(shape))


def test_one_generator_in_both_languages():
    """Protects a generator that both languages share."""
    shared, alone = pyinit.random_seed_generator(7), pyinit.random_seed_generator(7)
    ours = pyinit.initializer_he_normal(shared)
    theirs = in_r("initializer_he_normal")(seed=r_of_python(shared))
    expected = pyinit.initializer_he_normal(alone)
    for _ in range(3):
        assert is_drawn(theirs(numbers((5, 3))), expected((5, 3)))
        assert same_bits(ours((5, 3)), expected((5, 3)))
    assert shared.state == (7, 6)


@pytest.mark.parametrize("partition", CASES["partitions"])
@pytest.mark.parametrize("name", ["initializer_ones", *RANDOM])
def test_partitions(name, partition):
    """Protects partitions."""
    shape, part, offset = CASES["partitioned_shape"], partition["shape"], partition["offset"]
    arguments = FACTORIES[name]
    drawn = in_r(name)(**arguments)(
        numbers(shape), partition_shape=numbers(part), partition_offset=numbers(offset)
    )
    full = getattr(pyinit, name)(**arguments)(shape)
    slices = tuple(slice(first, first + length) for first, length in zip(offset, part, strict=True))
    assert is_drawn(drawn, full[slices])


def test_a_draw_in_r_is_the_memory_that_python_has_filled(monkeypatch):
    """Protects memory: R's array is the one that Python filled."""
    read = LazyTensor.read
    addresses = []

    def watched(weights, *arguments, **options):
        values = read(weights, *arguments, **options)
        addresses.append(values.ctypes.data)
        return values

    monkeypatch.setattr(LazyTensor, "read", watched)
    drawn = in_r("initializer_random_normal")(seed=1)(numbers((30, 20)))
    view = session.from_r(drawn)
    assert [address(drawn)] == addresses == [view.ctypes.data]
    assert address(drawn) == pa.array(view.reshape(-1, order="F")).buffers()[1].address


@pytest.mark.parametrize("shape", [(6,), (3, 2), (2, 3, 4), (2, 1, 3, 1, 2)])
def test_arrays_of_python_are_the_same_memory_in_r(shape):
    """Protects memory in to_r(); R copies before it writes."""
    ours = np.asfortranarray(np.random.default_rng(1).standard_normal(shape))
    theirs = session.to_r(ours)
    exported, _, _ = arrow.exportable(ours)
    assert address(theirs) == exported.buffers()[1].address == ours.ctypes.data
    assert tuple(robjects.r("dim")(theirs)) == shape
    back = session.from_r(theirs)
    assert back.ctypes.data == ours.ctypes.data
    assert same_bits(back, ours)

    before = ours.copy()
    written = robjects.r("function(x) { x[[1]] <- 99; x }")(theirs)
    assert written[0] == 99
    assert same_bits(ours, before)


@pytest.mark.parametrize(
    "code", ["c(1.5, NA, -0)", "matrix(c(1, 2, 3, 4, 5, 6), 2)", "array(1, 2:5)"]
)
def test_arrays_of_r_are_the_same_memory_in_python(code):
    """Protects memory in from_r(); the view is read-only."""
    theirs = robjects.r(code)
    ours = session.from_r(theirs)
    assert ours.ctypes.data == address(theirs)
    assert not ours.flags.writeable
    np.testing.assert_array_equal(ours.reshape(-1, order="F"), np.array(list(theirs)))
    back = session.to_r(ours)
    assert address(back) == address(theirs)


@pytest.mark.parametrize(
    "array",
    [
        np.array(3.0),
        np.zeros((0, 3)),
        np.arange(6.0).reshape(2, 3),
        np.arange(6.0)[::-2],
        np.arange(6, dtype=np.int32).reshape(3, 2),
        np.arange(6, dtype=np.int32),
        np.array([[True, False, True]]),
    ],
)
def test_other_arrays_are_copied(array):
    """Protects the values of arrays that cannot be shared."""
    assert same_bits(session.from_r(session.to_r(array)), array.reshape(array.shape or 1))


@pytest.mark.parametrize(
    ("dtype", "type_of_r"),
    [
        *((dtype, "double") for dtype in ("float16", "bfloat16", "float32", "float64")),
        *((dtype, "integer") for dtype in ("int8", "int16", "int32", "uint8", "uint16")),
        *((dtype, "double") for dtype in ("uint32", "int64", "uint64")),
        ("bool", "logical"),
    ],
)
def test_every_dtype_has_a_type_of_r(dtype, type_of_r):
    """Protects the types of to_r(), which are those of as_r_array()."""
    ours = np.array([[0, 1, 1], [1, 0, 0]]).astype(pyinit.dtypes.NUMERIC_DTYPES[dtype])
    theirs = session.to_r(ours)
    assert robjects.r("typeof")(theirs)[0] == type_of_r
    assert tuple(theirs) == tuple(ours.ravel(order="F"))


def test_arrow_arrays_of_r_are_views():
    """Protects from_r() of an array of R's nanoarrow."""
    if not robjects.r("isTRUE(requireNamespace('nanoarrow', quietly = TRUE))")[0]:
        pytest.skip("R has no package nanoarrow")
    array = robjects.r("nanoarrow::as_nanoarrow_array(1:3)")
    view = session.from_r(array)
    assert view.dtype == np.int32
    assert view.tolist() == [1, 2, 3]


def test_other_objects_are_errors_of_python():
    """Protects the errors."""
    with pytest.raises(TypeError, match="Argument `x` must be a real or bool array or tensor"):
        session.to_r(np.zeros(2, complex))
    with pytest.raises(ValueError, match=f"with {2**53 + 1}$"):
        session.to_r(np.array([2**53 + 1]))
    with pytest.raises(ValueError, match="Argument `x` must be of dimensions up to 2\\^31 - 1"):
        session.to_r(np.zeros((2**31, 0)))
    with pytest.raises(TypeError, match="Argument `x` must be an object of rpy2"):
        session.from_r([1.0])
    with pytest.raises(TypeError, match="Argument `x` must be a double, integer or logical array"):
        session.from_r(robjects.StrVector(["a"]))
    with pytest.raises(ValueError, match="only one of doubles may have NA"):
        session.from_r(robjects.r("c(1L, NA)"))


def test_garbage_collection_of_either_language():
    # Creates references to Python objects that only R's garbage collector can drop.
    """Protects views and arrays while either language collects garbage."""
    litter = robjects.r(
        """
        local({
          sys <- reticulate::import("sys", convert = FALSE)
          function() {
            for (i in 1:20) sys$version_info$count(1L)
            invisible(gc())
          }
        })
        """
    )
    draw = in_r("initializer_he_normal")(seed=1)
    expected = pyinit.initializer_he_normal(seed=1)((4, 3)).astype(np.float64)
    views = []
    for _ in range(10):
        views.append(session.from_r(draw(numbers((4, 3)))))
        litter()
        gc.collect()
    assert all(same_bits(view, expected) for view in views)
    # R's arrays are released with Python's last view of them, on any thread.
    thread = threading.Thread(target=views.clear)
    thread.start()
    thread.join()
    for _ in range(3):
        litter()


def test_frequent_garbage_collection():
    """Protects R's objects in our C code, which must protect them from the collector."""
    torture = robjects.r("function(step) invisible(gctorture2(step))")
    ours = np.arange(6.0)
    torture(50)
    try:
        drawn = in_r("initializer_he_normal")(seed=1)(numbers((4, 3)))
        back = session.from_r(session.to_r(ours))
    finally:
        torture(0)
    assert is_drawn(drawn, pyinit.initializer_he_normal(seed=1)((4, 3)))
    assert same_bits(back, ours)
