"""The stream's definition: the value of each element of each tensor."""

import itertools
import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyinit
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.stream import index_strides, reference
from pyinit.stream.distributions import FAMILIES, Distribution, rounded_distribution
from pyinit.stream.philox import philox4x32
from pyinit.stream.regions import Region
from tests.support import DATA, same_bits

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
UNIT = Distribution("uniform", 0.0, 1.0, math.inf)


def known_answers() -> list[list[int]]:
    lines = (DATA / "philox4x32_10_known_answers.txt").read_text().splitlines()
    return [[int(word, 16) for word in line.split()] for line in lines if line[0] != "#"]


@pytest.mark.parametrize("words", known_answers())
def test_philox_gives_the_published_answers(words):
    """Protects the generator: rounds, constants and the order of words."""
    counter = tuple(np.array([word], np.uint64) for word in words[:4])
    block = philox4x32(counter, (words[4], words[5]))
    assert [int(word[0]) for word in block] == words[6:]


def test_there_are_three_known_answers():
    """Protects the test above from an empty file."""
    assert len(known_answers()) == 3


def philox_of_one_block(counter: list[int], key: list[int]) -> list[int]:
    """Compute Philox4x32-10 with Python's integers, as the paper describes it."""
    for number in range(10):
        k0 = (key[0] + number * 0x9E3779B9) % 2**32
        k1 = (key[1] + number * 0xBB67AE85) % 2**32
        first, second = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [
            second // 2**32 ^ counter[1] ^ k0,
            second % 2**32,
            first // 2**32 ^ counter[3] ^ k1,
            first % 2**32,
        ]
    return counter


def uniform_of(seed: int, draw: int, index: int, dtype: np.dtype) -> float:
    """Return an element of the unit uniform stream from the design's formulas."""
    tile, word, lane = index // 64, index // 16 % 4, index % 16
    block = 16 * tile + lane
    high, low = (
        philox_of_one_block(
            [block % 2**32, block // 2**32, draw, half], [seed % 2**32, seed // 2**32]
        )[word]
        for half in (0, 1)
    )
    if dtype == FLOAT64:
        return (high * 2**32 + low >> 11) * 2.0**-53
    return (high >> 8) * 2.0**-24


@given(
    seed=st.integers(0, 2**64 - 1),
    draw=st.integers(0, 2**32 - 1),
    start=st.one_of(st.integers(0, 300), st.integers(0, 2**62)),
    length=st.integers(1, 200),
    dtype=st.sampled_from([FLOAT32, FLOAT64]),
)
def test_a_value_depends_on_seed_draw_and_flat_index_alone(seed, draw, start, length, dtype):
    """Protects the stream's layout: tiles, words, lanes, and the halves of counter and key."""
    out = np.empty(length, dtype)
    reference.fill(out, Region(dtype, UNIT, seed, draw, start, (1,)))
    places = sorted({0, length // 3, length // 2, length - 1})
    assert [out[place] for place in places] == [
        uniform_of(seed, draw, start + place, dtype) for place in places
    ]


@given(data=st.data(), family=st.sampled_from(FAMILIES), dtype=st.sampled_from(list(FLOAT_DTYPES)))
def test_any_partition_is_a_slice_of_the_full_tensor(data, family, dtype):
    """Protects invariant 2: neither partitions nor the memory order change a value."""
    shape = tuple(data.draw(st.lists(st.integers(0, 9), min_size=0, max_size=4)))
    offset = tuple(data.draw(st.integers(0, length)) for length in shape)
    partition = tuple(
        data.draw(st.integers(0, length - first))
        for length, first in zip(shape, offset, strict=True)
    )
    order = data.draw(st.sampled_from("CF"))
    initializer = {
        "uniform": pyinit.RandomUniform(seed=9),
        "normal": pyinit.RandomNormal(seed=9),
        "truncated_normal": pyinit.TruncatedNormal(seed=9),
        "bounded_normal": pyinit.TruncatedNormal(seed=9, lower=-1, upper=3),
    }[family]
    out = np.empty(partition, FLOAT_DTYPES[dtype], order=order)
    initializer(shape, dtype, out=out, partition_shape=partition, partition_offset=offset)
    slices = tuple(slice(first, first + n) for first, n in zip(offset, partition, strict=True))
    assert same_bits(out, initializer(shape, dtype)[(*slices, ...)])


@pytest.mark.parametrize("family", FAMILIES)
def test_chunks_do_not_matter(family, float_dtype):
    """Protects the recursion over large tensors, in both memory orders."""
    drawn_from = Distribution(family, 0.25, 1.5, math.inf)
    dtype = FLOAT_DTYPES[float_dtype]
    shape = (7, reference.CHUNK_SIZE // 10, 11)
    full = np.empty(shape, dtype)
    reference.fill(full, Region(dtype, drawn_from, 5, 1, 0, index_strides(shape)))
    fortran = np.empty(shape, dtype, order="F")
    reference.fill(fortran, Region(dtype, drawn_from, 5, 1, 0, index_strides(shape)))
    assert same_bits(full, fortran)
    flat = full.reshape(-1)
    for start, length in itertools.product((0, 1, 15, 16, 63, 64, 65, 9999), (1, 16, 63, 64, 200)):
        out = np.empty(length, dtype)
        reference.fill(out, Region(dtype, drawn_from, 5, 1, start, (1,)))
        assert same_bits(out, flat[start : start + length])


@pytest.mark.parametrize("family", FAMILIES)
def test_float64_storage_holds_the_narrower_values(family, float_dtype):
    """Protects R, where a double holds the rounded value."""
    dtype = FLOAT_DTYPES[float_dtype]
    drawn_from = Distribution(family, 0.25, 1.5, 1.0)
    own, widened = np.empty(300, dtype), np.empty(300, np.float64)
    reference.fill(own, Region(dtype, drawn_from, 5, 0, 17, (1,)))
    reference.fill(widened, Region(dtype, drawn_from, 5, 0, 17, (1,)))
    assert same_bits(own.astype(np.float64), widened)


@pytest.mark.parametrize("family", ["uniform", "normal", "truncated_normal"])
def test_dtype_changes_the_precision_not_the_weights(family):
    """Protects invariant 3: values of all dtypes are roundings of the same weights."""
    drawn_from = Distribution(family, 0.0, 1.5, math.inf)
    drawn = {}
    for name, dtype in FLOAT_DTYPES.items():
        drawn[name] = np.empty(100_000, dtype)
        reference.fill(drawn[name], Region(dtype, drawn_from, 77, 0, 0, (1,)))
    single = drawn["float32"]
    assert same_bits(drawn["float16"], single.astype(np.float16))
    assert same_bits(drawn["bfloat16"], single.astype(ml_dtypes.bfloat16))
    # A 32-bit word determines the probability of z to within 2**-33; the quantile's slope turns
    # this into a bound on z.
    tolerance = 2e-6 if family != "normal" else 2e-6 + 2.0**-32 / tail_density(drawn["float64"])
    assert (np.abs(single - drawn["float64"]) <= tolerance * np.maximum(1, np.abs(single))).all()


def tail_density(values: np.ndarray) -> np.ndarray:
    z = values / 1.5
    return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("family", ["normal", "truncated_normal"])
@pytest.mark.parametrize("float_dtype", ["float32", "float64"])
def test_complementing_the_bits_negates_the_variate(family, float_dtype):
    """Protects exact symmetry."""
    random = np.random.default_rng(3)
    high, low = random.integers(0, 2**32, (2, 100_000), np.uint32)
    high[:4] = 0, 1, 2**31 - 1, 2**31
    low[:4] = 0, 2**32 - 1, 2**32 - 1, 0
    unit = Distribution(family, 0.0, 1.0, math.inf)
    words = (high, low) if float_dtype == "float64" else (high, None)
    flipped = (~high, ~low) if float_dtype == "float64" else (~high, None)
    dtype = FLOAT_DTYPES[float_dtype]
    assert same_bits(
        reference.values(*words, dtype, unit), -reference.values(*flipped, dtype, unit)
    )


@given(
    minval=st.floats(-1e4, 1e4, allow_nan=False),
    width=st.floats(0, 1e4, allow_nan=False),
    dtype=st.sampled_from(list(FLOAT_DTYPES)),
)
def test_uniform_never_reaches_maxval(minval, width, dtype):
    """Protects the interval [minval, maxval) in the final dtype, despite rounding."""
    maxval = minval + width
    uniform = rounded_distribution(
        "uniform", minval, maxval, FLOAT_DTYPES[dtype], ("minval", "maxval")
    )
    largest = np.full(3, 2**32 - 1, np.uint32)
    low = largest if dtype == "float64" else None
    drawn = reference.values(largest, low, FLOAT_DTYPES[dtype], uniform).astype(np.float64)
    if minval < maxval:
        assert (drawn < maxval).all()
        # The next larger value is at least maxval, so the result is not smaller than necessary.
        above = np.nextafter(drawn.astype(FLOAT_DTYPES[dtype]), FLOAT_DTYPES[dtype].type(np.inf))
        rounding = 4 * 2.0**-24 * (abs(minval) + abs(maxval))
        assert (above.astype(np.float64) >= maxval - rounding).all()
    else:
        assert (drawn == FLOAT_DTYPES[dtype].type(minval).astype(np.float64)).all()


def test_draws_and_seeds_give_different_streams():
    """Protects against ignoring the seed or the draw."""
    drawn = set()
    keys = [(0, 0), (0, 1), (1, 0), (2**32, 0), (0, 2**32 - 1), (2**64 - 1, 0)]
    for key in keys:
        out = np.empty(4, np.float64)
        reference.fill(out, Region(FLOAT64, UNIT, *key, 0, (1,)))
        drawn.add(out.tobytes())
    assert len(drawn) == len(keys)
