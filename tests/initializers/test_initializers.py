"""Calls of initializers: values, shapes, dtypes, partitions, seeds and copies."""

import copy
import inspect
import itertools
import math
import pickle
import tracemalloc

import keras
import ml_dtypes
import numpy as np
import pytest

import pyinit
from pyinit.dtypes import FLOAT_DTYPES, NUMERIC_DTYPES
from pyinit.initializers import factories
from tests.support import same_bits

SHAPES = [(), (5,), (3, 4), (2, 3, 4), (2, 1, 3, 2), (2, 2, 1, 2, 3), (0,), (3, 0), (0, 2, 0)]
CONSTANT = {
    "constant": lambda: pyinit.Constant(1),
    "zeros": pyinit.Zeros,
    "ones": pyinit.Ones,
    "identity": lambda: pyinit.Identity(1),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_random_shapes_and_dtypes(random_class, float_dtype, shape):
    """Protects every rank, empty tensors included, in every dtype."""
    initializer = random_class(3)
    if isinstance(initializer, pyinit.Orthogonal) and len(shape) < 2:
        shape = (*shape, 2, 2)
    values = initializer(shape, float_dtype)
    assert isinstance(values, np.ndarray)
    assert (values.shape, values.dtype) == (shape, FLOAT_DTYPES[float_dtype])
    assert values.flags.c_contiguous
    assert np.isfinite(values.astype(np.float64)).all()
    assert same_bits(values, initializer(shape, float_dtype))


@pytest.mark.parametrize("dtype", list(NUMERIC_DTYPES))
@pytest.mark.parametrize("name", list(CONSTANT))
def test_constant_dtypes(name, dtype):
    """Protects integers and bool in the initializers that support them."""
    values = CONSTANT[name]()((2, 3), dtype)
    expected = {"zeros": np.zeros((2, 3)), "identity": np.eye(2, 3)}.get(name, np.ones((2, 3)))
    assert same_bits(values, expected.astype(NUMERIC_DTYPES[dtype]))


@pytest.mark.parametrize("order", ["C", "F"])
def test_out_is_filled_in_place(random_class, float_dtype, order):
    """Protects `out`: the call returns it, with the values of a call without it."""
    initializer = random_class(4)
    out = np.empty((5, 6, 7), FLOAT_DTYPES[float_dtype], order=order)
    assert initializer((5, 6, 7), out=out) is out
    assert same_bits(out, initializer((5, 6, 7), float_dtype))


@pytest.mark.parametrize(
    "index", [np.s_[:, ::2], np.s_[::-1], np.s_[:, ::-3], np.s_[1::2, 2:, ::-1]]
)
def test_out_may_have_any_strides(random_class, float_dtype, index):
    """Protects views with gaps or negative strides, and the memory between their elements."""
    buffer = np.zeros((6, 7, 8), FLOAT_DTYPES[float_dtype])
    out = buffer[index]
    initializer = random_class(4)
    assert initializer(out.shape, out=out) is out
    assert same_bits(out, initializer(out.shape, float_dtype))
    out[...] = 0
    assert not buffer.any()


def test_partition_is_the_slice(random_class, float_dtype):
    """Protects `partition_shape` and `partition_offset` of every random class."""
    initializer = random_class(5)
    partition = initializer(
        (6, 70, 5), float_dtype, partition_shape=(2, 33, 3), partition_offset=(1, 7, 2)
    )
    assert same_bits(partition, initializer((6, 70, 5), float_dtype)[1:3, 7:40, 2:5])


@pytest.mark.parametrize("offset", [(0, 0), (2, 0), (0, 3), (4, 4), (5, 0), (0, 5), (1, 2)])
@pytest.mark.parametrize("partition", [(2, 2), (1, 3), (3, 1), (0, 2), (2, 0)])
def test_partition_of_the_identity(offset, partition):
    """Protects the diagonal in partitions that it crosses, touches or misses."""
    initializer = pyinit.Identity(2.5)
    values = initializer((8, 8), partition_shape=partition, partition_offset=offset)
    (row, column), (rows, columns) = offset, partition
    assert same_bits(values, initializer((8, 8))[row : row + rows, column : column + columns])


@pytest.mark.parametrize("shape", [(3, 10**6), (10**6, 3)])
def test_identity_allocates_little_beside_its_values(shape):
    """Protects a long, narrow identity from arrays of indices of its longer axis."""
    out = np.empty(shape, np.int8)
    tracemalloc.start()
    try:
        pyinit.Identity().lazy(shape, "int8").read_into(out)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000
    assert out[:3, :3].tolist() == np.eye(3).tolist()
    assert out.sum() == 3


def test_partition_of_constants_and_stft():
    """Protects `partition_shape` and `partition_offset` of the other classes."""
    assert pyinit.Constant(2)((9, 9), partition_shape=(1, 2), partition_offset=(8, 7)).tolist() == [
        [2.0, 2.0]
    ]
    stft = pyinit.STFT("imag")
    partition = stft((16, 1, 9), partition_shape=(3, 1, 2), partition_offset=(4, 0, 7))
    assert same_bits(partition, stft((16, 1, 9))[4:7, :, 7:9])
    empty = stft((16, 1, 9), partition_shape=(3, 0, 2), partition_offset=(4, 1, 7))
    assert empty.shape == (3, 0, 2)


def test_rounding_to_bfloat16_is_one_rounding():
    """Protects against rounding twice, by way of float32, which rounds this value up."""
    just_below_half = 1 + 2.0**-8 - 2.0**-40
    assert float(pyinit.Constant(just_below_half)((), "bfloat16")) == 1.0
    just_above_half = 1 + 2.0**-8 + 2.0**-40
    assert float(pyinit.Constant(just_above_half)((), "bfloat16")) == 1 + 2.0**-7
    tie = 1 + 2.0**-8
    beyond_float64 = 2**60 + 2**36 + 1
    assert float(pyinit.Constant(beyond_float64)((), "float32")) == 2**60 + 2**37
    assert float(pyinit.Constant(-beyond_float64)((), "float32")) == -(2**60) - 2**37
    assert float(pyinit.Constant(tie)((), "bfloat16")) == 1.0


@pytest.mark.parametrize("side", ["real", "imag"])
@pytest.mark.parametrize("window", ["hann", "hamming", None, [0.5, 1, 2, 3, 3, 2, 1, 0.5]])
@pytest.mark.parametrize("scaling", ["density", "spectrum", None])
@pytest.mark.parametrize("periodic", [True, False])
def test_stft_equals_keras(side, window, scaling, periodic):
    """Protects the kernels' values: they are those of Keras."""
    ours = pyinit.STFT(side, window, scaling, periodic)
    theirs = keras.initializers.STFT(side, window, scaling, periodic)
    # Keras computes the angles in float32 even for a float64 kernel.
    np.testing.assert_allclose(ours((8, 1, 9), "float64"), theirs((8, 1, 9), "float64"), atol=3e-6)


def test_seeds_repeat_and_generators_advance(random_class):
    """Protects Keras' rule: an integer seed repeats its values, a generator does not."""
    repeated = random_class(11)
    assert same_bits(repeated((4, 5)), repeated((4, 5)))
    generator = pyinit.random_seed_generator(11)
    first, second = random_class(generator), random_class(generator)
    values = [first((4, 5)), second((4, 5)), first((4, 5))]
    assert same_bits(values[0], repeated((4, 5)))
    assert not np.array_equal(values[0], values[1])
    assert not np.array_equal(values[0], values[2])
    assert generator.state == (11, 3)


def test_unseeded_initializers_differ_and_repeat_after_set_random_seed(random_class):
    """Protects `seed=None`: a visible seed, new at each construction, reproducible on demand."""
    pyinit.set_random_seed(5)
    first, second = random_class(None), random_class(None)
    assert first.seed != second.seed
    assert same_bits(first((3, 3)), first((3, 3)))
    pyinit.set_random_seed(5)
    assert same_bits(random_class(None)((3, 3)), first((3, 3)))
    assert first.get_config()["seed"] is None


def test_keras_set_random_seed_sets_our_seeds():
    """Protects scripts that call keras.utils.set_random_seed() first."""
    keras.utils.set_random_seed(3)
    first = pyinit.HeNormal()
    keras.utils.set_random_seed(3)
    assert pyinit.HeNormal().seed == first.seed


@pytest.mark.parametrize("seed", [-1, -(2**63), 2**63, 2**64 - 1, np.int32(-5), np.uint64(7)])
def test_seeds_count_modulo_two_to_the_64(seed):
    """Protects negative and large seeds, and NumPy's integers."""
    values = pyinit.HeNormal(seed)((3, 3))
    assert same_bits(values, pyinit.HeNormal(int(seed) % 2**64)((3, 3)))


def test_distributions_of_zero_width():
    """Protects the degenerate distributions that Keras allows."""
    assert (pyinit.RandomNormal(3, 0, seed=1)((5,)) == 3).all()
    assert (pyinit.TruncatedNormal(3, 0, seed=1)((5,)) == 3).all()
    assert (pyinit.RandomUniform(3, 3, seed=1)((5,)) == 3).all()


def test_a_negative_zero_is_zero():
    """Protects the cache of distributions, for which -0.0 and 0.0 are equal keys."""
    for first, second in ((0.0, -0.0), (-0.0, 0.0)):
        values = [pyinit.RandomNormal(mean, 0, seed=1)((64,)) for mean in (first, second)]
        assert same_bits(*values)
        assert not np.signbit(values[0]).all()


def test_shapes_are_sequences_whose_length_is_known():
    """Protects from iterators, which may never end: they are refused before they are read."""
    initializer = pyinit.HeNormal(1)
    endless = itertools.count()
    for name, call in {
        "shape": lambda: initializer(endless),
        "partition_shape": lambda: initializer(
            (4, 3), partition_shape=endless, partition_offset=(0, 0)
        ),
        "partition_offset": lambda: initializer(
            (4, 3), partition_shape=(1, 1), partition_offset=endless
        ),
        "offset": lambda: initializer.lazy((4, 3)).read((1, 1), endless),
        "input_axes": lambda: pyinit.compute_fans((4, 3), endless, [1]),
        "batch_axes": lambda: pyinit.HeNormal(batch_axes=endless),
        "window": lambda: pyinit.STFT(window=endless),
        "manifests": lambda: pyinit.merge_manifests(endless),
    }.items():
        with pytest.raises(ValueError, match=f"Argument `{name}` must be "):
            call()
    with pytest.raises(TypeError, match="Argument `target` must be "):
        pyinit.create_manifest(endless)
    assert next(endless) == 0


def test_a_partition_of_an_stft_kernel_is_cheap():
    """Protects partitions of kernels that are larger than memory."""
    partition = pyinit.STFT(window=None)(
        (10**12, 1, 3), partition_shape=(2, 1, 3), partition_offset=(10**12 - 4, 0, 0)
    )
    np.testing.assert_allclose(partition[:, 0], [[1, 1, 1], [1, 0, -1]], atol=1e-15)


def test_a_generators_draws_are_counted_across_threads():
    """Protects a shared generator: two threads never take the same draw."""
    from concurrent.futures import ThreadPoolExecutor

    generator = pyinit.SeedGenerator(1)
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: generator.next(), range(2000)))
    assert sorted(draw for _, draw in keys) == list(range(2000))


def test_a_generator_ends_after_its_last_draw():
    """Protects the counter's range: draw 2**32 would repeat draw 0."""
    generator = pyinit.SeedGenerator(1)
    generator._draw = 2**32 - 1
    assert generator.next() == (1, 2**32 - 1)
    with pytest.raises(RuntimeError, match="4294967296 draws"):
        generator.next()


@pytest.mark.parametrize("shape", [[3, 4], (np.int64(3), np.uint8(4)), np.array([3, 4])])
def test_shapes_come_in_many_forms(shape):
    """Protects the shapes that NumPy and R users pass."""
    assert pyinit.HeNormal(1)(shape).shape == (3, 4)


@pytest.mark.parametrize("dtype", ["float64", np.float64, np.dtype("float64"), np.dtype("<f8")])
def test_dtypes_come_in_many_forms(dtype):
    """Protects against `np.dtype("float64") == float`, which Keras reads as float32."""
    assert pyinit.HeNormal(1)((2,), dtype).dtype == np.float64


def test_python_types_are_dtypes_as_in_keras():
    """Protects Python's types as dtypes: they mean what Keras reads them as."""
    assert pyinit.Ones()((2,), float).dtype == np.float32
    assert pyinit.Ones()((2,), int).dtype == np.int32
    assert pyinit.Ones()((2,), bool).dtype == np.bool_
    assert pyinit.Ones()((2,), ml_dtypes.bfloat16).dtype == ml_dtypes.bfloat16


def test_floatx_is_the_default_dtype():
    """Protects `dtype=None`."""
    pyinit.set_floatx("bfloat16")
    assert pyinit.floatx() == "bfloat16"
    assert pyinit.HeNormal(1)((2,)).dtype == ml_dtypes.bfloat16


def test_copies_and_pickles_continue():
    """Protects copy and pickle, including a generator's state."""
    generator = pyinit.SeedGenerator(4, name="shared")
    initializer = pyinit.HeNormal(generator)
    initializer((2,))
    for copied in (copy.deepcopy(initializer), pickle.loads(pickle.dumps(initializer))):
        assert copied.seed.state == (4, 1)
        assert copied.seed is not generator
        assert copied.get_config() == initializer.get_config()


def test_generators_are_named_as_in_keras():
    """Protects generated names and the repr."""
    first, second = pyinit.SeedGenerator(1), pyinit.SeedGenerator(2)
    prefix, _, number = second.name.rpartition("_")
    assert prefix == "seed_generator"
    assert int(number) >= 1
    assert first.name != second.name
    assert repr(pyinit.SeedGenerator(3, name="x")) == "SeedGenerator(seed=3, name='x')"


def test_reprs_construct_the_same():
    """Protects the repr: evaluated, it constructs an equal initializer."""
    for initializer in (
        pyinit.VarianceScaling(2.0, "fan_avg", "uniform", seed=3),
        pyinit.GlorotUniform(4, input_axes=[0], output_axes=[1]),
        pyinit.HeNormal(4, batch_axes=[0, -1]),
        pyinit.RandomNormal(1, 2, seed=5),
    ):
        typed = eval(repr(initializer), vars(pyinit))
        assert typed.get_config() == initializer.get_config()


def test_factories_have_the_signatures_of_the_classes():
    """Protects the R names: they take the classes' arguments and defaults."""
    found = {name: getattr(pyinit, name) for name in factories.__all__}
    assert len(found) == 18
    for name, factory in found.items():
        cls = pyinit.initializers.registry.NAMES[name.removeprefix("initializer_")]
        takes = inspect.signature(factory).parameters
        of_class = {
            key: value
            for key, value in inspect.signature(cls).parameters.items()
            if key not in ("input_axes", "output_axes")
        }
        assert list(takes) == list(of_class)
        assert [p.default for p in takes.values()] == [p.default for p in of_class.values()]
        kwargs = {"seed": 1} if "seed" in takes else {}
        assert type(factory(**kwargs)) is cls


@pytest.mark.parametrize("name", [*factories.__all__, "initializer_kaiming_normal"])
def test_get_calls_a_factory(name):
    """Protects users who forget the parentheses; a function of their own is returned unchanged."""
    factory = getattr(pyinit, name)
    assert type(pyinit.get(factory)) is type(factory())

    def own(shape, dtype=None):
        return np.ones(shape, dtype)

    assert pyinit.get(own) is own


def test_an_unfinished_subclass_raises():
    """Protects the message of a subclass that does not compute values."""
    with pytest.raises(NotImplementedError, match="must override `__call__"):
        pyinit.Initializer()((2,))


def test_a_large_flat_index_is_exact():
    """Protects 64-bit indices: a small partition of a tensor larger than any memory."""
    shape = (2**20, 2**20, 2**19)
    initializer = pyinit.RandomUniform(0, 1, seed=6)
    partition = initializer(
        shape, partition_shape=(1, 1, 4), partition_offset=(2**20 - 1, 5, 2**19 - 4)
    )
    again = initializer(
        (math.prod(shape),),
        partition_shape=(4,),
        partition_offset=((2**20 - 1) * 2**39 + 5 * 2**19 + 2**19 - 4,),
    )
    assert same_bits(partition.reshape(-1), again)
