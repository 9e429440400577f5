"""Lazy tensors: each way of reading one returns the values of the whole tensor."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyinit
from pyinit.compat import tf_keras
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.initializers.placement import ComposedTensor, Placement
from tests.support import RANDOM, same_bits

SHAPE = (6, 5, 4)
#: A lazy tensor of every kind, of shape `SHAPE` unless its class requires another one.
TENSORS = {
    **{name: make(3).lazy(SHAPE) for name, make in RANDOM.items()},
    "constant": pyinit.Constant(-0.0).lazy(SHAPE),
    "zeros": pyinit.Zeros().lazy(SHAPE, "int8"),
    "ones": pyinit.Ones().lazy(SHAPE, "bool"),
    "identity": pyinit.Identity(2.5).lazy((7, 9), "bfloat16"),
    "stft": pyinit.STFT().lazy((16, 1, 9), "float16"),
    "delta_orthogonal": pyinit.DeltaOrthogonal(1.5, 3).lazy((3, 2, 4, 5)),
    "dirac": pyinit.Dirac(2).lazy((3, 2, 4, 6), "float16"),
    "given values": tf_keras.Constant(list(range(12))).lazy((3, 4)),
    "uniform integers": tf_keras.RandomUniform(0, 1000, seed=1).lazy(SHAPE, "int32"),
    "composed": ComposedTensor(
        (8, 5),
        FLOAT_DTYPES["float32"],
        (Placement(axes=(1, 0), rows=(0, 6)), pyinit.HeNormal(1).lazy((5, 6))),
        (Placement(rows=(4, 8), gates=(0,)), pyinit.Orthogonal(seed=2).lazy((4, 5))),
    ),
    "divided into groups": ComposedTensor(
        (12, 5),
        FLOAT_DTYPES["float32"],
        (Placement(axes=(2, 0, 1), groups=3), pyinit.HeNormal(1).lazy((5, 3, 4))),
        (Placement(rows=(2, 10), groups=4), pyinit.Orthogonal(seed=2).lazy((4, 2, 5))),
    ),
    "scalar": pyinit.RandomNormal(seed=1).lazy(()),
    "empty": pyinit.RandomNormal(seed=1).lazy((3, 0)),
}


@pytest.fixture(params=list(TENSORS))
def weights(request):
    """A lazy tensor of each kind in turn."""
    return TENSORS[request.param]


def basic_indices(shape):
    """Draw an index of NumPy's basic indexing."""
    axes = [
        st.one_of(st.slices(length), *([st.integers(-length, length - 1)] if length else []))
        for length in shape
    ]
    full = st.tuples(*axes)
    return st.one_of(
        full,
        st.just(...),
        st.integers(0, len(shape)).flatmap(lambda n: full.map(lambda index: index[:n])),
        st.integers(0, len(shape)).flatmap(
            lambda n: full.map(lambda index: (*index[:n], ..., *index[n + 1 :]))
        ),
    )


@given(data=st.data(), name=st.sampled_from(sorted(TENSORS)))
def test_an_index_selects_what_numpy_selects(data, name):
    """Protects basic indexing of every kind: integers, steps of either sign, Ellipsis."""
    weights = TENSORS[name]
    index = data.draw(basic_indices(weights.shape))
    expected = np.asarray(weights)[index]
    found = weights[index]
    assert type(found) is type(expected)
    assert same_bits(np.asarray(found), np.asarray(expected))


def test_it_has_the_attributes_of_an_array(weights):
    """Protects the attributes that Dask, JAX, Zarr and h5py read."""
    values = np.asarray(weights)
    for attribute in ("shape", "dtype", "ndim", "size", "nbytes"):
        assert getattr(weights, attribute) == getattr(values, attribute)
    if weights.ndim:
        assert len(weights) == len(values)
        assert all(same_bits(row, value) for row, value in zip(weights, values, strict=True))
    else:
        with pytest.raises(TypeError, match="without axes"):
            len(weights)
    assert same_bits(np.array(weights, copy=True), values)
    assert np.asarray(weights, "complex64").dtype == np.complex64
    with pytest.raises(ValueError, match="no memory to share"):
        weights.__array__(copy=False)


def test_it_has_the_values_of_the_call(random_class, float_dtype):
    """Protects the single code path: a call reads a lazy tensor at once."""
    initializer = random_class(7)
    weights = initializer.lazy((5, 6), float_dtype)
    assert same_bits(np.asarray(weights), initializer((5, 6), float_dtype))
    assert weights.needs_whole == isinstance(initializer, pyinit.Orthogonal)


def test_pickles_are_small(weights):
    """Protects transfers to other processes: a few hundred bytes, equal, with the same values."""
    pickled = pickle.dumps(weights)
    assert len(pickled) < 1500
    again = pickle.loads(pickled)
    assert again == weights
    assert hash(again) == hash(weights)
    assert same_bits(np.asarray(again), np.asarray(weights))


def test_large_tensors_need_no_memory():
    """Protects against memory or time that grows with the tensor's size."""
    weights = pyinit.HeNormal(seed=1).lazy((10**6, 10**6), "bfloat16")
    assert len(pickle.dumps(weights)) < 500
    partition = weights[10**6 - 1, :: 10**5]
    assert same_bits(partition, weights[-1:, :][0, :: 10**5])


def test_it_is_immutable(weights):
    """Protects readers on other threads, and hashes."""
    for attribute in ("shape", "dtype", "anything"):
        with pytest.raises(AttributeError):
            setattr(weights, attribute, 1)
    assert copy.deepcopy(weights) is weights is copy.copy(weights)


def test_equal_tensors_have_the_same_values():
    """Protects caches whose keys are lazy tensors."""
    first = pyinit.RandomNormal(0.0, 1.0, seed=1).lazy((3,))
    assert first == pyinit.RandomNormal(-0.0, 1.0, seed=1).lazy((3,))
    assert first != pyinit.RandomNormal(0.0, 1.0, seed=2).lazy((3,))
    assert first != pyinit.RandomNormal(0.0, 1.0, seed=1).lazy((3,), draw=1)
    assert first != pyinit.RandomNormal(0.0, 1.0, seed=1).lazy((3,), "float16")
    assert pyinit.Constant(0.0).lazy((3,)) != pyinit.Constant(-0.0).lazy((3,))
    assert pyinit.Zeros().lazy((3,)) == pyinit.Constant(0).lazy((3,))
    assert first != "first"


def test_the_constructor_takes_the_draw():
    """Protects a seed generator: each tensor is one draw, however it is read."""
    generator = pyinit.SeedGenerator(5)
    first, second = (pyinit.HeNormal(generator).lazy((4, 3)) for _ in range(2))
    assert generator.state == (5, 2)
    assert same_bits(second[...], pyinit.HeNormal(5).lazy((4, 3), draw=1)[...])
    assert same_bits(first[...], pyinit.HeNormal(5)((4, 3)))
    assert generator.state == (5, 2)


def test_a_given_draw_takes_none():
    """Protects reading earlier draws of a generator."""
    generator = pyinit.SeedGenerator(5)
    initializer = pyinit.Orthogonal(seed=generator)
    drawn = [initializer((3, 3)) for _ in range(3)]
    for number, values in enumerate(drawn):
        assert same_bits(initializer.lazy((3, 3), draw=number)[...], values)
    assert generator.state == (5, 3)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (((-1,),), "shape"),
        (((2,), "int32"), "dtype"),
        (((2,), None, -1), "draw"),
        (((2,), None, 2**32), "draw"),
        (((2,), None, True), "draw"),
    ],
)
def test_bad_arguments_take_no_draw(arguments, name):
    """Protects the sequence of draws from failed calls; the error names the argument."""
    generator = pyinit.SeedGenerator(1)
    shape, dtype, draw = (*arguments, None, None)[:3]
    with pytest.raises(ValueError, match=f"Argument `{name}` must be"):
        pyinit.HeNormal(generator).lazy(shape, dtype, draw=draw)
    with pytest.raises(ValueError, match="of rank 2 or more for Orthogonal"):
        pyinit.Orthogonal(seed=generator).lazy((2,))
    assert generator.state == (1, 0)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ((0, 0, 0, 0), "too many indices: the tensor has 3 axes, 4 were indexed"),
        ((..., ...), "only integers, slices.* Received: 2 ellipses"),
        (6, "index 6 is out of bounds for axis 0 with size 6"),
        ((0, -6), "index -6 is out of bounds for axis 1 with size 5"),
        (None, "only integers, slices"),
        ([0, 1], r"only integers, slices.* Received: \[0, 1\]"),
        (True, "only integers, slices"),
        (np.array([True] * 6), "only integers, slices"),
        ("a", "only integers, slices"),
        (1.0, "only integers, slices"),
    ],
)
def test_other_indices_are_errors(index, message):
    """Protects against an index that is read as another one."""
    with pytest.raises(IndexError, match=message):
        TENSORS["he_normal"][index]


@given(data=st.data(), dtype=st.sampled_from(list(FLOAT_DTYPES)))
def test_read_into_fills_any_strides(data, dtype):
    """Protects callers' memory: a partition at an offset, in a view, also as float64."""
    weights = pyinit.TruncatedNormal(seed=4).lazy((9, 8, 7), dtype)
    axes = data.draw(st.permutations(range(3)))
    widened = data.draw(st.booleans())
    buffer = np.zeros((9, 8, 7), np.float64 if widened else weights.dtype).transpose(axes)
    steps = data.draw(st.tuples(*[st.sampled_from([-3, -2, -1, 1, 2, 3])] * 3))
    out = buffer[tuple(slice(None, None, step) for step in steps)]
    partition = tuple(
        min(length, full) for length, full in zip(out.shape, weights.shape, strict=True)
    )
    out = out[tuple(map(slice, partition))]
    offset = tuple(
        data.draw(st.integers(0, full - n))
        for n, full in zip(partition, weights.shape, strict=True)
    )
    weights.read_into(out, offset)
    slices = tuple(slice(first, first + n) for first, n in zip(offset, partition, strict=True))
    assert same_bits(np.array(out), np.asarray(weights)[slices].astype(out.dtype))
    out[...] = 0
    assert not buffer.any()


def test_invalid_buffers_are_errors():
    """Protects the caller's array: its dtype, writability and place are checked."""
    weights = pyinit.HeNormal(1).lazy((3, 2))
    with pytest.raises(ValueError, match="of dtype float32 or float64"):
        weights.read_into(np.zeros((3, 2), np.float16))
    read_only = np.zeros((3, 2), np.float32)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        weights.read_into(read_only)
    with pytest.raises(ValueError, match="Argument `offset` must be such that"):
        weights.read_into(np.zeros((2, 2), np.float32), (2, 0))
    with pytest.raises(ValueError, match=r"Argument `out\.shape` must be of the rank"):
        weights.read_into(np.zeros(2, np.float32))
    with pytest.raises(TypeError, match="a NumPy array, a torch tensor or an array on a GPU"):
        weights.read_into([0.0])
    with pytest.raises(ValueError, match="of dtype int8"):
        pyinit.Ones().lazy((2,), "int8").read_into(np.zeros(2))


def test_read_stores_in_its_dtype_or_float64():
    """Protects memory: a kernel that wrote another type would write beyond the array."""
    weights = pyinit.HeNormal(1).lazy((5, 4), "bfloat16")
    widened = weights.read((2, 4), (3, 0), dtype="float64", order="F")
    assert widened.flags.f_contiguous
    assert same_bits(np.ascontiguousarray(widened), np.asarray(weights)[3:].astype(np.float64))
    for dtype in ("float16", "float32", np.int16, "complex64"):
        with pytest.raises(
            ValueError, match="Argument `dtype` must be one of 'bfloat16', 'float64'"
        ):
            weights.read(dtype=dtype)
    with pytest.raises(ValueError, match="Argument `dtype` must be one of 'int8'"):
        pyinit.Ones().lazy((2,), "int8").read(dtype="float64")
    with pytest.raises(ValueError, match="Argument `order` must be one of 'C', 'F'"):
        weights.read(order="K")


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "7"])
def test_a_bad_size_of_chunks_is_an_error(size):
    """Protects a loop over chunks from an error in its middle, or from none."""
    with pytest.raises(ValueError, match="Argument `size` must be None or a positive integer"):
        pyinit.Ones().lazy((4, 3)).chunks(size)


@pytest.mark.parametrize("size", [1, 7, 20, 1000])
def test_chunks_are_consecutive(weights, size):
    """Protects reading tensors larger than memory: each element once, in C order."""
    chunks = list(weights.chunks(size))
    copied = np.zeros(weights.shape, weights.dtype)
    for slices, values in chunks:
        copied[slices] = values
    assert same_bits(copied, np.asarray(weights))
    flat = [values.reshape(-1) for _, values in chunks]
    joined = np.concatenate([np.zeros(0, weights.dtype), *flat])
    assert same_bits(joined, np.asarray(weights).reshape(-1))
    if weights.needs_whole:
        assert len(chunks) == 1
    else:
        assert all(values.size <= size for values in flat)


def test_orthogonal_is_computed_once_for_each_object(monkeypatch):
    """Protects slices of an orthogonal matrix from computing the matrix each time."""
    counts = []
    original = pyinit.initializers.orthogonal.orthonormalize
    monkeypatch.setattr(
        "pyinit.initializers.orthogonal.orthonormalize",
        lambda matrix: (counts.append(matrix.shape), original(matrix)),
    )
    weights = pyinit.Orthogonal(seed=1).lazy((30, 20))
    assert weights.needs_whole
    assert counts == []
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda row: weights[row], range(30)))
    assert counts == [(30, 20)]
    assert same_bits(np.stack(rows), pyinit.Orthogonal(seed=1)((30, 20)))


def test_an_overridden_call_is_made_once():
    """Protects subclasses that override `__call__`: its values are read."""
    calls = []

    class Counting(pyinit.RandomNormal):
        def __call__(self, shape, dtype=None, **kwargs):
            calls.append(shape)
            return 2 * super().__call__(shape, dtype, **kwargs)

    initializer = Counting(seed=1)
    weights = initializer.lazy((4, 3))
    assert calls == []
    assert same_bits(weights[1:], 2 * pyinit.RandomNormal(seed=1)((4, 3))[1:])
    assert same_bits(weights[:, 2], 2 * pyinit.RandomNormal(seed=1)((4, 3))[:, 2])
    assert calls == [(4, 3)]
    with pytest.raises(ValueError, match="Argument `draw` must be None for Counting"):
        initializer.lazy((4, 3), draw=1)

    class Wrong(pyinit.Initializer):
        def __call__(self, shape, dtype=None):
            return np.zeros(3)

    with pytest.raises(ValueError, match="must return an array of shape"):
        np.asarray(Wrong().lazy((4, 3)))

    class NoArray(pyinit.Initializer):
        def __call__(self, shape, dtype=None):
            return [0.0]

    with pytest.raises(ValueError, match="Received: an object of class list from NoArray"):
        np.asarray(NoArray().lazy((4, 3)))


def test_a_call_that_only_checks_arguments_is_read_in_partitions():
    """Protects the classes of compat, whose `__call__` does not change the values."""
    assert not tf_keras.HeNormal(1).lazy((4, 3)).needs_whole
    weights = tf_keras.HeNormal(1).lazy((4, 3))
    assert same_bits(weights[...], tf_keras.HeNormal(1)((4, 3)))


def test_repr():
    """Protects the repr: short, with everything that determines the values."""
    assert repr(pyinit.HeNormal(seed=1).lazy((4, 3), "bfloat16")) == (
        "LazyTensor(shape=(4, 3), dtype='bfloat16', truncated_normal, seed=1, draw=0)"
    )
    for weights in TENSORS.values():
        assert repr(weights).startswith(f"LazyTensor(shape={weights.shape}, dtype=")


def test_dask_reads_it(weights):
    """Protects `dask.array.from_array`: the values, and a name that is the same everywhere."""
    dask_array = pytest.importorskip("dask.array")
    array = dask_array.from_array(weights, chunks=3 if weights.ndim else ())
    assert same_bits(array.compute(), np.asarray(weights))
    assert (
        array.name
        == dask_array.from_array(
            pickle.loads(pickle.dumps(weights)), chunks=3 if weights.ndim else ()
        ).name
    )


@pytest.mark.parametrize("chunk", [2, 100])
def test_zarr_stores_it(weights, chunk, tmp_path):
    """Protects assignment to a Zarr array, of one chunk or of many."""
    zarr = pytest.importorskip("zarr")
    if weights.dtype.name == "bfloat16":
        pytest.skip("Zarr has no bfloat16")
    array = zarr.create_array(
        store=tmp_path / "weights.zarr",
        shape=weights.shape,
        dtype=weights.dtype,
        chunks=tuple(min(chunk, max(length, 1)) for length in weights.shape),
    )
    array[...] = weights
    assert same_bits(np.asarray(array[...]), np.asarray(weights))


def test_h5py_stores_it(weights, tmp_path):
    """Protects assignment to an HDF5 dataset."""
    h5py = pytest.importorskip("h5py")
    if weights.dtype.name == "bfloat16":
        pytest.skip("HDF5 has no bfloat16")
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        dataset = file.create_dataset("weights", weights.shape, weights.dtype)
        dataset[...] = weights
        assert same_bits(np.asarray(dataset[...]), np.asarray(weights))


def test_a_memory_map_stores_it(weights, tmp_path):
    """Protects assignment to an array in a file."""
    if not weights.size:
        pytest.skip("an empty file cannot be mapped")
    mapped = np.memmap(tmp_path / "weights", weights.dtype, "w+", shape=weights.shape or (1,))
    mapped[...] = weights
    assert same_bits(np.asarray(mapped).reshape(weights.shape), np.asarray(weights))


def test_jax_reads_it(weights):
    """Protects `jax.make_array_from_callback`."""
    jax = pytest.importorskip("jax")
    if weights.dtype.itemsize == 8:
        pytest.skip("JAX has no float64 unless asked for")
    sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    array = jax.make_array_from_callback(weights.shape, sharding, weights.__getitem__)
    assert same_bits(np.asarray(array), np.asarray(weights))


def test_steps_beyond_64_bits():
    """A step longer than the axis, of any size, selects the first element, as in NumPy."""
    weights = pyinit.HeNormal(seed=1).lazy((4, 4))
    for step in (2**61, 2**63 - 1, -(2**63)):
        assert same_bits(weights[::step, 1], np.ascontiguousarray(weights[...][::step, 1]))
    assert same_bits(weights[:: 2**80], weights[:1])
    assert same_bits(weights[:: -(2**80)], weights[3:])
