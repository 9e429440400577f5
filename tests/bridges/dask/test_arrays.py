"""Dask arrays of initializers: the values of the whole tensor, for any chunks and scheduler."""

import pickle
import subprocess
import sys

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyinit
import pyinit.dask
from pyinit.bridges.dask import arrays
from pyinit.initializers import orthogonal
from tests.support import RANDOM, same_bits

SHAPE = (6, 5, 4)
from_initializer = pyinit.dask.from_initializer


class Threads(pyinit.Initializer):
    """A user's own initializer, whose values are the number of threads."""

    def __call__(self, shape, dtype=None, **kwargs):
        """Return the number of threads in every element."""
        return np.full(shape, pyinit.num_threads(), dtype or pyinit.floatx())


def computed(array, scheduler="sync"):
    return array.compute(scheduler=scheduler)


@pytest.fixture
def reads(monkeypatch):
    """The shapes of the blocks that are read."""
    shapes = []
    read = arrays.BlockReader.__getitem__

    def recorded(self, index):
        values = read(self, index)
        shapes.append(values.shape)
        return values

    monkeypatch.setattr(arrays.BlockReader, "__getitem__", recorded)
    return shapes


def test_values_of_every_initializer(random_class, float_dtype):
    """Protects the values, the dtype and the meta, including those of bfloat16."""
    array = from_initializer(random_class(7), SHAPE, (4, 2, 3), float_dtype)
    expected = random_class(7)(SHAPE, float_dtype)
    assert array.dtype == array._meta.dtype == expected.dtype
    assert array._meta.shape == (0, 0, 0)
    assert same_bits(computed(array), expected)


def lengths(length):
    """Draw the lengths of the blocks of an axis."""
    cuts = st.sets(st.integers(1, max(1, length - 1)), max_size=4)
    return cuts.map(lambda at: tuple(np.diff([0, *sorted(n for n in at if n < length), length])))


@settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(RANDOM)),
    shape=st.lists(st.integers(1, 9), min_size=2, max_size=4).map(tuple),
    data=st.data(),
)
def test_any_chunks(name, shape, data):
    """Protects values from the chunks, also in orthogonal matrices, which are cut from one task."""
    chunks = tuple(data.draw(lengths(length)) for length in shape)
    array = from_initializer(RANDOM[name](3), shape, chunks)
    assert array.chunks == chunks
    assert same_bits(computed(array), RANDOM[name](3)(shape))


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
@pytest.mark.parametrize("name", ["he_normal", "orthogonal"])
def test_any_scheduler(scheduler, name):
    array = from_initializer(RANDOM[name](3), (60, 40), (25, 30))
    assert same_bits(computed(array, scheduler), RANDOM[name](3)((60, 40)))


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (0, 4, 5)])
@pytest.mark.parametrize("chunks", ["auto", -1, 2])
def test_scalars_and_empty_tensors(shape, chunks):
    array = from_initializer(pyinit.RandomNormal(seed=1), shape, chunks)
    assert same_bits(np.asarray(computed(array)), pyinit.RandomNormal(seed=1)(shape))


def test_operations():
    """Protects what users do with a Dask array; bfloat16 has no support of its own in NumPy."""
    for dtype in ("float32", "bfloat16"):
        array = from_initializer(pyinit.HeNormal(seed=1), (40, 30), (7, 9), dtype)
        values = pyinit.HeNormal(seed=1)((40, 30), dtype)
        for expression in (
            lambda x: x[5:20:3, ::-1],
            lambda x: x[3],
            lambda x: x[3, 4],
            lambda x: x[[4, 1, 30]],
            lambda x: x[2:30][:, np.array([4, 1, 20])],
            lambda x: x[np.arange(40) % 3 == 0][1:5],
            lambda x: x[x[:, 0] > 0],
            lambda x: x[:, None, 2],
            lambda x: (x * 2).T,
            lambda x: abs(x).max(axis=0),
        ):
            found, expected = computed(expression(array)), expression(values)
            assert same_bits(np.asarray(found), np.asarray(expected))
        assert same_bits(computed(array.rechunk((40, 1))), values)
        assert same_bits(computed(array.map_blocks(np.negative)), -values)
        assert same_bits(computed(array.persist(scheduler="sync")), values)
        stacked = da.stack([array, array + array])
        assert same_bits(computed(stacked), np.stack([values, values + values]))
        total = values.astype("float64").sum()
        assert float(computed(array.astype("float64").sum())) == pytest.approx(total)


def test_a_slice_draws_only_what_it_needs(reads):
    """Protects culling: neither other blocks nor the rest of a block are drawn."""
    array = from_initializer(pyinit.HeNormal(seed=1), (1000, 1000), (100, 100))
    assert same_bits(
        computed(array[205:207, 10:20]), pyinit.HeNormal(seed=1)((1000, 1000))[205:207, 10:20]
    )
    assert reads == [(2, 10)]
    computed((array + 1)[99:101, 0])
    assert reads[1:] == [(100, 100), (100, 100)]


@pytest.mark.parametrize(
    ("shape", "chunks"), [((10_000, 10_000), (100, 100)), ((1_000_000,), (100,))]
)
def test_the_graph_is_small(shape, chunks):
    """Protects the client and the scheduler: 10,000 blocks, in a graph of less than 10 kB."""
    array = from_initializer(pyinit.RandomNormal(seed=1), shape, chunks)
    assert array.npartitions == 10_000
    assert len(pickle.dumps(array.dask)) < 10_000
    graph = pickle.loads(pickle.dumps(array.dask))
    restored = da.Array(graph, array.name, array.chunks, meta=array._meta)
    index = tuple(slice(length - 3, length) for length in shape)
    expected = pyinit.RandomNormal(seed=1).lazy(shape)[index]
    assert same_bits(computed(restored[index]), expected)


def name_of(seed=1, shape=(6, 4), chunks=(3, 2), dtype=None):
    return from_initializer(pyinit.HeNormal(seed=seed), shape, chunks, dtype).name


def test_the_name_is_deterministic():
    """Protects results that Dask shares by name: the same array has the same name everywhere."""
    code = "from tests.bridges.dask.test_arrays import name_of; print(name_of())"
    command = [sys.executable, "-c", code]
    elsewhere = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert name_of() == name_of(chunks=((3, 3), 2), dtype="float32") == elsewhere
    advanced = pyinit.SeedGenerator(1)
    advanced.next()
    others = [
        name_of(2),
        name_of(shape=(6, 5)),
        name_of(chunks=2),
        name_of(dtype="float64"),
        name_of(advanced),
    ]
    assert len({name_of(), *others}) == 6
    assert name_of(pyinit.SeedGenerator(1)) == name_of(), "the first draw"
    cut = [from_initializer(pyinit.Orthogonal(seed=1), (6, 4), 2).name for _ in range(2)]
    assert cut[0] == cut[1]


def test_draws():
    """Protects seed generators: a draw for each array, and none for a failing call."""
    seed = pyinit.SeedGenerator(3)
    initializer = pyinit.HeNormal(seed=seed)
    first, second = (from_initializer(initializer, (6, 4), 3) for _ in range(2))
    assert seed.state == (3, 2)
    for _ in range(2):
        assert same_bits(computed(first), pyinit.HeNormal(seed=3)((6, 4)))
        assert same_bits(computed(second), np.asarray(pyinit.HeNormal(3).lazy((6, 4), draw=1)))
    for arguments in (((6, -4),), ((6, 4), "many"), ((6, 4), 2, "int8")):
        with pytest.raises(ValueError, match="Argument"):
            from_initializer(initializer, *arguments)
    assert seed.state == (3, 2)


def test_an_unseeded_initializer_keeps_its_seed():
    """Protects arrays from blocks of different seeds."""
    initializer = pyinit.HeNormal()
    array = from_initializer(initializer, (6, 4), 2)
    assert same_bits(computed(array), pyinit.HeNormal(seed=initializer.seed)((6, 4)))
    by_name = from_initializer("he_normal", (6, 4), 2)
    assert same_bits(computed(by_name), computed(by_name))


@pytest.mark.parametrize(
    "identifier",
    [
        pyinit.initializer_ones,
        "ones",
        {"class_name": "Ones", "config": {}},
        np.ones((6, 4), "float32"),
    ],
    ids=["factory", "name", "configuration", "array"],
)
def test_identifiers(identifier):
    """Protects everything that `pyinit.get()` accepts."""
    assert same_bits(computed(from_initializer(identifier, (6, 4), 3)), pyinit.Ones()((6, 4)))


@pytest.fixture
def factorizations(monkeypatch):
    """The shapes of the matrices that are made orthogonal."""
    shapes = []

    def recorded(tall):
        shapes.append(tall.shape)
        orthonormalize(tall)

    orthonormalize = orthogonal.orthonormalize
    monkeypatch.setattr(orthogonal, "orthonormalize", recorded)
    return shapes


def test_a_matrix_is_computed_once(factorizations):
    """Protects orthogonal matrices, of which each block would compute the whole matrix."""
    whole = from_initializer(pyinit.Orthogonal(seed=1), (60, 40))
    assert whole.numblocks == (1, 1)
    cut = from_initializer(pyinit.Orthogonal(seed=1), (60, 40), (7, 11))
    assert cut.numblocks == (9, 4)
    for scheduler in ("sync", "threads"):
        factorizations.clear()
        copied = pickle.loads(pickle.dumps(cut))
        assert same_bits(computed(copied, scheduler), pyinit.Orthogonal(seed=1)((60, 40)))
        assert len(factorizations) == 2, "one in Dask, one in the call"


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ("auto", ((5,), (60,), (40,))),
        ("20kB", ((2, 2, 1), (60,), (40,))),
        ((1, -1, -1), ((1,) * 5, (60,), (40,))),
        ({0: 3}, ((3, 2), (60,), (40,))),
        ((2, 50, -1), ((2, 2, 1), (50, 10), (40,))),
    ],
)
def test_chunks_of_stacked_matrices(chunks, expected, factorizations):
    """Protects stacks: a size in bytes cuts between matrices, and none is computed twice."""
    initializer = pyinit.Orthogonal(seed=1, batch_axes=0)
    array = from_initializer(initializer, (5, 60, 40), chunks)
    assert array.chunks == expected
    found = computed(array)
    assert len(factorizations) == 5
    assert same_bits(found, initializer((5, 60, 40)))


def test_given_values_are_sent_once():
    """Protects workers from a copy of the array in every task."""
    values = np.arange(10_000.0, dtype="float32").reshape(100, 100)
    array = from_initializer(values, (100, 100), (10, 10))
    size = sum(len(pickle.dumps(task)) for task in dict(array.dask).values())
    assert size < 3 * values.nbytes
    assert same_bits(computed(array), values)


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
def test_a_block_is_drawn_by_one_thread(scheduler, monkeypatch):
    """Protects the cores from as many threads for each of Dask's own, unless a user asks for it."""
    array = from_initializer(Threads(), (3,))
    assert (computed(array, scheduler) == 1).all()
    monkeypatch.setenv("PYINIT_NUM_THREADS", "3")
    pyinit.set_num_threads(None)
    assert (computed(from_initializer(Threads(), (3,)), scheduler) == 3).all()
    assert pyinit.num_threads() == 3


@pytest.mark.parametrize(
    "chunks",
    [
        *(0, -5, 2.5, None, True, "many", float("nan"), {1, 2}, {5: 2}, object()),
        *((3,), (3, 3, 3), (0, 2), (-2, 2), (2.5, 2), (True, 2)),
        *(((1, 2), (3,)), ((3, -3, 6), 4), ((float("nan"),), 4)),
    ],
    ids=repr,
)
def test_chunks_errors(chunks):
    with pytest.raises(ValueError, match=r"^Argument `chunks` must be .*\(6, 4\).* Received: "):
        from_initializer(pyinit.HeNormal(seed=1), (6, 4), chunks)


def test_other_errors():
    initializer = pyinit.HeNormal(seed=1)
    for no_initializer in (None, np.zeros, lambda shape, dtype=None: np.zeros(shape)):
        with pytest.raises(TypeError, match=r"^Argument `initializer` must be an initializer of"):
            from_initializer(no_initializer, (2, 2))
    with pytest.raises(ValueError, match=r"Argument `initializer` .* \(did you mean 'he_normal'"):
        from_initializer("he_norml", (2, 2))
    with pytest.raises(ValueError, match=r"^Argument `shape` must be"):
        from_initializer(initializer, (2.5, 2))
    with pytest.raises(ValueError, match=r"^Argument `dtype` must be"):
        from_initializer(initializer, (2, 2), dtype="int8")
