"""docs/stream.md: an implementation written from the page alone gives the stream's values."""

import json
import math

import numpy as np
import pytest

import pyinit
from pyinit.linalg.householder import orthonormalize_by_reflections
from pyinit.reproducibility import golden
from tests.support import DATA, needs_checkout, stream_page

pytestmark = needs_checkout

VECTORS = golden.read()
#: Plain Python takes about 30 us for an element, so larger tensors are slow tests or left out.
FEW, MANY = 70, 5000


def size_of(vector):
    """Return the number of elements that are computed."""
    whole = vector.class_name in stream_page.WHOLE or vector.partition_shape is None
    return math.prod(vector.shape if whole else vector.partition_shape)


def difference(vector):
    """Return how the page's values differ from a golden vector; None if they do not."""
    values = stream_page.draw_tensor(
        vector.class_name,
        vector.config,
        vector.shape,
        vector.dtype,
        vector.draw,
        vector.partition_shape,
        vector.partition_offset,
    )
    if vector.values is not None:
        return vector.difference(np.array(values, np.float64))
    shape = vector.partition_shape or vector.shape
    found = stream_page.fingerprint(values, shape, vector.dtype)
    return None if found == vector.fingerprint else f"the fingerprint is {found}"


def differences(vectors):
    found = {str(vector): difference(vector) for vector in vectors}
    return {name: how for name, how in found.items() if how is not None}


def test_small_golden_vectors():
    """Protects authors of a third implementation: every small vector, to the last bit."""
    small = [vector for vector in VECTORS if size_of(vector) <= FEW]
    assert len(small) > 600
    assert {vector.class_name for vector in small} == {vector.class_name for vector in VECTORS}
    assert differences(small) == {}


@pytest.mark.slow
def test_larger_golden_vectors():
    """Protects the same for tensors of many tiles and matrices of many columns."""
    larger = [vector for vector in VECTORS if FEW < size_of(vector) <= MANY]
    assert len(larger) > 80
    assert differences(larger) == {}


def test_philox_gives_the_answers_of_the_page():
    """Protects the first thing that an author of an implementation compares."""
    _, *rows = stream_page.table_after("The answers that the authors of Philox publish")
    assert len(rows) == 3
    for counter, key, block in ([cell.split() for cell in row] for row in rows):
        words = stream_page.philox(*(int(word, 16) for word in counter + key))
        assert [f"{word:08x}" for word in words] == block


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("distribution", ["normal", "truncated"])
def test_the_ends_of_the_quantiles(distribution, dtype):
    """Protects the tails and the middle, which few golden vectors reach."""
    from pyinit.stream import quantiles

    bits = int(dtype[-2:])
    words = {0, 1, 2, 2 ** (bits - 1) - 1, 2 ** (bits - 1), 2**bits - 1}
    words |= {3**k % 2**bits for k in range(1, 200)} | {2**k for k in range(bits)}
    long_name = {"normal": "normal", "truncated": "truncated_normal"}[distribution]
    reference = getattr(quantiles, f"{long_name}_{dtype}")
    ours = getattr(stream_page, f"{distribution}{bits}")
    for word in sorted(words):
        halves = (word,) if bits == 32 else divmod(word, 2**32)
        expected = reference(*(np.array([half], np.uint32) for half in halves))
        assert ours(word).hex() == float(expected[0]).hex(), word


def test_dependent_columns():
    """Protects the reflections on the page, which random matrices practically never need."""
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(7, 4))
    matrix[:, 2] = matrix[:, 0]
    matrix[:, 3] = 0
    matrix[0, 1] = -abs(matrix[0, 1])
    ours = stream_page.orthonormalize(matrix.tolist())
    pyinit.linalg.orthonormalize(matrix)
    assert ours == matrix.tolist()
    again = rng.normal(size=(6, 5))
    ours = stream_page.reflect(again.tolist())
    orthonormalize_by_reflections(again)
    assert ours == again.tolist()


def test_the_worked_example():
    """Protects the intermediate numbers that an author compares with first."""
    _, *rows = stream_page.table_after("## A worked example")
    page = {name: value for name, value, *_ in rows}
    high, low = (stream_page.word_of(1, 0, 1523, half) for half in (0, 1))
    assert [int(page[name], 16) for name in "HL"] == [high, low]
    x = stream_page.float32(stream_page.float32(2**31 - 1 - high) + 0.5) * 2.0**-31
    assert float.fromhex(page["x"]) == x
    y = stream_page.float32(1 - stream_page.float32(x * x))
    assert float.fromhex(page["y"]) == y
    c = stream_page.coefficients("truncated normal float32")
    for name in "PQ":
        value = stream_page.poly(stream_page.float32, c[name], y, stream_page.float32(y * y))
        assert float.fromhex(page[f"poly({name}; y, y*y)"]) == value
    assert float.fromhex(page["z(H)"]) == stream_page.truncated32(high)
    weights = pyinit.HeNormal(seed=1).lazy((100, 50))[30, 23]
    assert float.fromhex(page["value"]) == float(weights)
    assert (
        float(page["stddev"])
        == stream_page.variance_scaling(2, "fan_in", "truncated_normal", (100, 50))[1][1]
    )


def test_draws_of_a_seed_generator():
    """Protects the count of draws."""
    initializer = pyinit.RandomNormal(stddev=1.0, seed=pyinit.SeedGenerator(-5))
    for draw in range(3):
        config = {"mean": 0.0, "stddev": 1.0, "seed": -5}
        ours = stream_page.draw_tensor("RandomNormal", config, (2, 40), "float32", draw)
        assert initializer((2, 40)).ravel().tolist() == ours


def test_derived_seeds():
    """Protects the derivation of seeds."""
    expected = json.loads((DATA / "derived_seeds.json").read_text())
    assert expected
    for seed, name, derived in expected:
        assert stream_page.derive_seed(int(seed), name) == int(derived)
