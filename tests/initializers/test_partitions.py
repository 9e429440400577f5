"""map_partitions(): functions of tensors that are larger than memory."""

import functools
import subprocess
import sys

import numpy as np
import pytest

import pyinit
from pyinit.initializers.orthogonal import OrthogonalTensor
from pyinit.initializers.partitions import PARTITION_SIZE

SHAPE = (11, 3, 2)


@pytest.mark.parametrize("rows", [None, 1, 3, 11, 100])
def test_the_partitions_are_those_of_the_tensor(rows):
    """Protects the values: together, the partitions are the tensor, for any number of rows."""
    initializer = pyinit.HeNormal(seed=1)
    expected = initializer(SHAPE, "bfloat16")
    for arguments in ((initializer, SHAPE, "bfloat16"), (initializer.lazy(SHAPE, "bfloat16"),)):
        parts = pyinit.map_partitions(*arguments, fun=lambda part: part, rows=rows)
        assert len(parts) == -(-11 // (rows or 11))
        assert {part.dtype for part in parts} == {expected.dtype}
        np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_the_first_row_is_passed_by_name():
    """Protects functions such as `numpy.sum`: a second argument of another meaning gets nothing."""
    weights = pyinit.Ones().lazy((5, 2))

    def first(part, first_row):
        return first_row, len(part)

    assert pyinit.map_partitions(weights, fun=first, rows=2) == [(0, 2), (2, 2), (4, 1)]
    assert pyinit.map_partitions(weights, fun=np.sum, rows=3) == [6, 4]
    assert pyinit.map_partitions(weights, fun=len, rows=3) == [3, 2]
    doubled = functools.partial(np.multiply, 2)
    assert pyinit.map_partitions(weights, fun=doubled, rows=5)[0].sum() == 20


def test_the_default_number_of_rows():
    """Protects memory, and the division into partitions, which R shares."""
    wide = pyinit.Zeros().lazy((3, PARTITION_SIZE + 1), "bool")
    assert pyinit.map_partitions(wide, fun=np.shape) == [(1, PARTITION_SIZE + 1)] * 3
    long = pyinit.Zeros().lazy((PARTITION_SIZE // 4 + 1, 4), "bool")
    assert pyinit.map_partitions(long, fun=len) == [PARTITION_SIZE // 4, 1]
    assert pyinit.map_partitions(pyinit.Zeros().lazy((0, 4)), fun=len) == []
    assert pyinit.map_partitions(pyinit.Zeros().lazy((7, 0)), fun=len) == [7]


def test_an_orthogonal_matrix_is_computed_once(monkeypatch):
    """Protects tensors whose elements depend on each other from being computed at each step."""
    computed = []
    draw_normal = OrthogonalTensor._draw_normal

    def counted(self, tall, member):
        computed.append(member)
        draw_normal(self, tall, member)

    monkeypatch.setattr(OrthogonalTensor, "_draw_normal", counted)
    initializer = pyinit.Orthogonal(seed=1)
    parts = pyinit.map_partitions(initializer, (20, 6), fun=np.copy, rows=3)
    assert len(computed) == 1
    np.testing.assert_array_equal(np.concatenate(parts), initializer((20, 6)))


def test_a_seed_generator_gives_one_draw():
    """Protects the sequence of draws: one for the tensor, none for a call that fails."""
    seed = pyinit.SeedGenerator(3)
    initializer = pyinit.RandomNormal(seed=seed)
    for bad in ({"rows": 0}, {"rows": 1.5}, {"fun": None}, {"dtype": "int32"}):
        with pytest.raises((ValueError, TypeError), match=rf"Argument `{next(iter(bad))}`"):
            pyinit.map_partitions(initializer, SHAPE, **{"fun": len, **bad})
    parts = pyinit.map_partitions(initializer, SHAPE, fun=np.copy, rows=2)
    assert seed.state == (3, 1)
    np.testing.assert_array_equal(np.concatenate(parts), pyinit.RandomNormal(seed=3)(SHAPE))


def test_invalid_arguments_are_errors():
    """Protects users who pass a shape of a tensor that has one, or none for an initializer."""
    weights = pyinit.Ones().lazy((5, 2))
    for name, arguments, error in (
        ("shape", (weights, (5, 2)), ValueError),
        ("dtype", (weights, None, "float32"), ValueError),
        ("shape", (pyinit.Ones(),), ValueError),
        ("shape", (pyinit.Ones(), ()), ValueError),
        ("shape", (pyinit.Ones(), (2, -1)), ValueError),
        ("initializer", (pyinit.Ones().lazy(()),), ValueError),
        ("initializer", ("ones", (2, 2)), TypeError),
        ("initializer", (np.ones((2, 2)),), TypeError),
    ):
        with pytest.raises(error, match=f"Argument `{name}` must be .* Received: "):
            pyinit.map_partitions(*arguments, fun=len)


def test_progress_and_errors():
    """Protects users who wait: progress after each partition; an error of `fun` is theirs."""
    reports = []
    weights = pyinit.Ones().lazy((5, 2))
    pyinit.map_partitions(weights, fun=len, rows=2, progress=lambda *done: reports.append(done))
    assert reports == [(16, 40), (32, 40), (40, 40)]
    with pytest.raises(ZeroDivisionError):
        pyinit.map_partitions(weights, fun=lambda part: 1 / 0)


def test_memory_is_bounded_by_a_partition():
    """Protects tensors that are larger than memory."""
    pytest.importorskip("resource")
    code = (
        "import resource, pyinit\n"
        "pyinit.set_num_threads(1)\n"
        "def peak(rows):\n"
        "    weights = pyinit.RandomUniform(seed=1).lazy((rows, 2**20))\n"
        "    pyinit.map_partitions(weights, fun=len)\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "few, many = peak(16), peak(80)\n"
        "print(many - few)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # a partition has 32 MiB and the tensor 320
    assert int(done.stdout) < 40 * 1024
