"""The normal distribution truncated at any bounds: its words, values, edges and parameters."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import pyinit
from pyinit.dtypes import FLOAT_DTYPES, round_to
from pyinit.runtime import kernel_choice
from pyinit.seeds import DrawId
from pyinit.stream import Region, quantiles, reference
from pyinit.stream.distributions import Distribution, bounded_normal, words_between
from pyinit.stream.native_kernel import NativeKernel
from tests.support import same_bits

INFINITY = math.inf
LAST = 2**64 - 1
WORDS = st.integers(0, LAST)
#: Bounds around, on one side of, and far from the mean; close to each other; infinite.
BOUNDS = [
    (-1, 3),
    (-2, 2.5),
    (0, INFINITY),
    (-INFINITY, 0),
    (-INFINITY, INFINITY),
    (4, 5),
    (-9, -8.5),
    (8, INFINITY),
    (-100, 0.25),
    (0.5, 0.5 + 2.0**-30),
    (-1e-19, 1e-19),
]
LEVELS = [level for level in kernel_choice.available() if level != "reference"]


def quantile(word: int) -> float:
    """Return the float64 normal quantile of the stream at a word."""
    high, low = np.array([word >> 32], np.uint32), np.array([word % 2**32], np.uint32)
    return float(quantiles.normal_float64(high, low)[0])


@given(word=WORDS, bounds=st.tuples(WORDS, WORDS).map(sorted))
@example(word=0, bounds=[0, LAST])
@example(word=LAST, bounds=[0, LAST])
@example(word=LAST, bounds=[LAST, LAST])
@example(word=LAST, bounds=[2**32 - 1, 2**63 + 2**32])
@example(word=0xFFFFFFFF00000000, bounds=[0, 0xFFFFFFFF])
def test_words_are_mapped_in_exact_arithmetic(word, bounds):
    """Protects the 128-bit product: compared with Python's integers."""
    first, last = bounds
    high, low = np.array([word >> 32], np.uint32), np.array([word % 2**32], np.uint32)
    mapped = quantiles.map_words(high, low, first, last)
    expected = first + word * (last - first + 1) // 2**64
    assert first <= expected <= last
    assert int(mapped[0][0]) << 32 | int(mapped[1][0]) == expected


@pytest.mark.parametrize("bounds", BOUNDS)
def test_the_words_are_those_that_reach_the_bounds(bounds):
    """Protects the definition of the first and the last word, and so both edges of the values."""
    lower, upper = bounds
    first, last = words_between(lower, upper)
    assert lower <= quantile(first) <= quantile(last) < upper
    assert first == 0 or quantile(first - 1) < lower
    assert last == LAST or quantile(last + 1) >= upper
    assert (first == 0) == (lower < -9.2)
    assert (last == LAST) == (upper > 9.2)
    edges = reference.values(
        np.array([0, 2**32 - 1], np.uint32),
        np.array([0, 2**32 - 1], np.uint32),
        np.dtype(np.float64),
        bounded_normal(0.0, 1.0, lower, upper, np.dtype(np.float64)),
    )
    assert edges.tolist() == [quantile(first), quantile(last)]


@pytest.mark.parametrize("bounds", BOUNDS)
def test_values_follow_from_the_random_words(bounds, float_dtype):
    """Protects the definition: the quantile at the mapped word, in float64, rounded once."""
    dtype = FLOAT_DTYPES[float_dtype]
    values = pyinit.TruncatedNormal(0.3, 1.7, 2**63 + 5, *bounds)((70,), dtype)
    first, last = words_between(*bounds)
    draw_id = DrawId(2**63 + 5, 0)
    halves = [reference._words_of_tiles(range(2), draw_id, half)[:70].tolist() for half in (0, 1)]
    for value, high, low in zip(values.tolist(), *halves, strict=True):
        word = first + (high << 32 | low) * (last - first + 1) // 2**64
        assert value == nearest(quantile(word) * 1.7 + 0.3, float_dtype)


def nearest(value: float, dtype: str) -> float:
    """Round to nearest even with exact arithmetic, within the range of normal values."""
    bits = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}[dtype]
    unit = Fraction(2) ** (math.frexp(value)[1] - bits)
    return float(round(Fraction(value) / unit) * unit)


@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("level", LEVELS)
def test_every_kernel_computes_the_same(level, bounds, float_dtype):
    """Protects every ISA level, for runs and columns, at and beside the edges of the words."""
    dtype = FLOAT_DTYPES[float_dtype]
    distribution = bounded_normal(-0.2, 0.6, *bounds, dtype)
    for storage in (dtype, np.dtype(np.float64)):
        for order in "CF":
            drawn, expected = (np.empty((130, 64), storage, order=order) for _ in range(2))
            region = Region(dtype, distribution, LAST, 3, 2**40 + 3, (64, 1))
            NativeKernel(level)(drawn, region)
            reference.fill(expected, region)
            assert same_bits(drawn, expected)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_every_kernel_rounds_once(level, dtype):
    """Protects subnormal values and overflow, for which the kernels have their own code."""
    narrow = FLOAT_DTYPES[dtype]
    for scale in (1.0, 1e-4, 2.0**-20, 3e4, 1e5, 2.0**-126, 2.0**-130, 2.0**-140, 1e38, 3e38):
        unit = Distribution("bounded_normal", 0.0, scale, INFINITY, 2**60, LAST - 2**60)
        wide = np.empty(50_000)
        reference.fill(wide, Region(wide.dtype, unit, 4, 0, 0, (1,)))
        with np.errstate(over="ignore", under="ignore"):
            expected = round_to(wide, narrow)
        for storage in (narrow, wide.dtype):
            drawn = np.empty(wide.shape, storage)
            NativeKernel(level)(drawn, Region(narrow, unit, 4, 0, 0, (1,)))
            assert same_bits(drawn, expected.astype(storage))


def test_ties_are_rounded_to_even():
    """Protects the reference of the test above, where a value lies between two narrower ones."""
    ties = np.array(
        [1 + 2.0**-8, 1 + 3 * 2.0**-8, 2.0**-134, 3 * 2.0**-134, 1 + 2.0**-8 + 2.0**-52]
    )
    rounded = round_to(ties, FLOAT_DTYPES["bfloat16"]).astype(np.float64)
    assert rounded.tolist() == [1, 1 + 2.0**-6, 0, 2.0**-132, 1 + 2.0**-7]


def test_all_dtypes_are_roundings_of_the_float64_value():
    """Protects invariant 3: the dtype changes the precision, not the weights."""
    weights = pyinit.TruncatedNormal(0.1, 0.9, 8, -0.5, 4)
    wide = weights((10_000,), "float64")
    for dtype in FLOAT_DTYPES:
        assert same_bits(weights((10_000,), dtype), round_to(wide, FLOAT_DTYPES[dtype]))


def test_the_default_bounds_are_the_frozen_distribution():
    """Protects the stream: bounds of -2 and 2, of any type, change nothing."""
    expected = pyinit.TruncatedNormal(0.5, 2.0, 3)
    for bounds in ((-2, 2), (-2.0, np.float32(2)), (np.int64(-2), 2.0)):
        same = pyinit.TruncatedNormal(0.5, 2.0, 3, *bounds)
        assert same.lazy((70,)) == expected.lazy((70,))
        assert same.get_config() == expected.get_config()
        assert set(same.get_config()) == {"mean", "stddev", "seed"}
        assert repr(same) == repr(expected)


def test_infinite_bounds_are_the_normal_distribution_in_float64():
    """Protects A = 0 and B = 2**64, where the words are unchanged."""
    unbounded = pyinit.TruncatedNormal(0.5, 2.0, 3, -INFINITY, INFINITY)
    assert same_bits(
        unbounded((1000,), "float64"), pyinit.RandomNormal(0.5, 2.0, 3)((1000,), "float64")
    )


def test_values_of_a_narrow_interval():
    """Protects intervals in which few words lie: every word is drawn, and nothing else."""
    first, last = words_between(9, INFINITY)
    assert last - first == 1
    values = pyinit.TruncatedNormal(0, 1, 1, 9, INFINITY)((1000,), "float64")
    assert set(values.tolist()) == {quantile(first), quantile(last)}
    assert 400 < np.count_nonzero(values == quantile(first)) < 600


def test_a_stddev_of_zero_gives_the_mean(float_dtype):
    """Protects constant weights."""
    values = pyinit.TruncatedNormal(0.5, 0, 1, -1, INFINITY)((9,), float_dtype)
    assert values.tolist() == [0.5] * 9


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((3, 1), r"Argument `lower` must be less than upper=1\. Received: lower=3"),
        ((2, 2), r"Argument `lower` must be less than upper=2\. Received: lower=2"),
        ((INFINITY, INFINITY), "Argument `lower` must be less than upper=inf"),
        ((math.nan, 2), "Argument `lower` must be a number, which may be infinite"),
        ((-1, math.nan), r"Argument `upper` must be a number.* Received: upper=nan"),
        (("1", 2), "Argument `lower` must be a number"),
        ((-1, None), "Argument `upper` must be a number"),
        ((True, 2), "Argument `lower` must be a number"),
        ((10, INFINITY), r"lie between it and upper=inf; .* within 9\.16 .* Received: lower=10"),
        ((-20, -9.5), "Argument `lower` must be such that some of the 2"),
        ((0, 1e-30), "Argument `lower` must be such that some of the 2"),
    ],
)
def test_invalid_bounds(bounds, message):
    """Protects the messages: they name the argument, what is allowed and what was received."""
    with pytest.raises(ValueError, match=message):
        pyinit.TruncatedNormal(0, 1, 1, *bounds)


@pytest.mark.parametrize(
    ("mean", "stddev", "dtype", "name"),
    [
        (1e6, 1, "float16", "mean"),
        (0, 1e5, "float16", "stddev"),
        (6e4, 3e3, "float16", "stddev"),
        (0, 1e39, "float32", "stddev"),
        (0, 1e308, "float64", "stddev"),
    ],
)
def test_values_beyond_the_dtype_are_an_error(mean, stddev, dtype, name):
    """Protects against infinite weights, and the draw of a generator."""
    generator = pyinit.SeedGenerator(1)
    initializer = pyinit.TruncatedNormal(mean, stddev, generator, -1, INFINITY)
    with pytest.raises(ValueError, match=f"Argument `{name}` must be such that all values are"):
        initializer((3,), dtype)
    assert generator.state == (1, 0)
    # the values, not the parameters, have to be in range
    assert np.isfinite(pyinit.TruncatedNormal(1e5, 1e4, 1, -9, -8)((99,), "float16")).all()
