"""The functions that the R package calls for lazy tensors."""

import ctypes

import numpy as np
import pytest

import pyinit

pytest.importorskip("pyarrow")

from pyinit.bridges.r import arrow, calls, lazy_calls


def read(function, shape, *runs):
    """Read runs of a lazy tensor as R does."""
    transfer = arrow._Transfer()
    function(runs, str(ctypes.addressof(transfer)))
    return arrow.move_in(ctypes.addressof(transfer)).reshape(shape, order="F")


def handle_of(name, **config):
    """Return the handle of an initializer, as R holds it."""
    return calls.construct(name, config, None)[0]


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", ["HeNormal", "Orthogonal"])
def test_runs_are_read(name, dtype):
    """Protects R's indexing, for tensors that are computed by slices and as a whole."""
    function, *_ = lazy_calls.make_lazy(handle_of(name, seed=1.0), [6.0, 5.0], dtype)
    values = getattr(pyinit, name)(seed=1)((6, 5), dtype).astype(np.float64)
    rows = [4.0, 0.0, 2.0], [-2.0, 1.0, 1.0], [3.0, 2.0, 1.0]
    columns = [1.0], [1.0], [3.0]
    expected = values[[4, 2, 0, 0, 1, 2], 1:4]
    np.testing.assert_array_equal(read(function, (6, 3), rows, columns), expected)
    none = [], [], []
    assert read(function, (0, 3), none, columns).shape == (0, 3)


def test_scalars_and_integers_are_read():
    """Protects tensors without axes."""
    function, *_ = lazy_calls.make_lazy(handle_of("Constant", value=7.0), [], "int8")
    assert read(function, ()) == 7


def test_the_draw_of_a_generator_is_kept():
    """Protects a saved lazy tensor; an error takes no draw."""
    generator = pyinit.SeedGenerator(2**64 - 1)
    handle = handle_of("HeNormal", seed=generator)
    with pytest.raises(ValueError, match="dtype"):
        lazy_calls.make_lazy(handle, [3.0], "int8")
    for number in range(3):
        function, dtype, kept, class_name, config = lazy_calls.make_lazy(handle, [3.0], None)
        assert (dtype, kept, class_name) == ("float32", number, "HeNormal")
        assert config["seed"] == str(2**64 - 1)
        restored = lazy_calls.restore_lazy(
            class_name, {**config, "seed": 2**64 - 1}, [3.0], dtype, kept
        )
        weights = lazy_calls.lazy_of(function)
        assert lazy_calls.lazy_of(restored) == weights
        assert weights == pyinit.HeNormal(2**64 - 1).lazy((3,), draw=number)


def test_constant_tensors_have_no_draw():
    """Protects the state that R saves."""
    assert lazy_calls.make_lazy(handle_of("Ones"), [3.0], "bool")[1:] == (
        "bool",
        None,
        "Ones",
        {},
    )
