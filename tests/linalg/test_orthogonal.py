"""Orthogonal matrices: the bits of the factorization, its accuracy, and the initializer."""

import os
import subprocess
import sys

import numpy as np
import pytest

import pyinit
from pyinit.dtypes import FLOAT_DTYPES, round_to
from pyinit.linalg import native_gram, orthonormalize
from pyinit.linalg.householder import orthonormalize_by_reflections
from pyinit.linalg.native_gram import NativeGram
from pyinit.linalg.reference_gram import SUMMED_ROWS, ReferenceGram
from pyinit.native import isa_levels
from pyinit.runtime import kernel_choice
from tests.support import same_bits

#: Edges of tiles, panels, partial sums and triangular solves; tall, square, one column.
SHAPES = [
    *[(1, 1), (2, 1), (1000, 1), (2, 2), (7, 5), (8, 8), (9, 6), (23, 23), (24, 24), (25, 25)],
    *[(50, 48), (96, 96), (97, 95), (200, 193), (240, 217), (700, 130), (400, 400)],
    *[(SUMMED_ROWS, 3), (SUMMED_ROWS + 1, 49), (3 * SUMMED_ROWS - 1, 30)],
]


@pytest.fixture(autouse=True)
def _default_threads():
    yield
    pyinit.set_num_threads(None)


@pytest.fixture
def _small_limits(monkeypatch):
    """Split small matrices as large ones are split."""
    monkeypatch.setattr(native_gram, "_PARALLEL_SIZE", 0)
    monkeypatch.setattr(native_gram, "_PARALLEL_COLUMNS", 0)
    monkeypatch.setattr(native_gram, "_MIN_TASK", 1)


def normal(shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


def q_of(matrix, gram=None):
    q = matrix.copy()
    orthonormalize(q, gram)
    return q


def conditioned(shape, condition, seed=2):
    """Return a matrix of this condition number, with log-spaced singular values."""
    left, _, right = np.linalg.svd(normal(shape, seed), full_matrices=False)
    return left * np.geomspace(1, 1 / condition, shape[1]) @ right


def assert_q_of(q, matrix):
    """Check that `q` is orthonormal and `matrix` = q r, with r upper triangular."""
    columns = matrix.shape[1]
    assert np.abs(q.T @ q - np.eye(columns)).max() <= 1e-14
    r = q.T @ matrix
    scale = 1e-14 * np.linalg.norm(matrix)
    np.testing.assert_allclose(np.tril(r, -1), 0, atol=scale)
    np.testing.assert_allclose(q @ r, matrix, atol=scale)
    assert (np.diagonal(r) >= -scale).all()


@pytest.mark.parametrize("level", isa_levels())
@pytest.mark.parametrize("shape", SHAPES)
def test_the_native_kernel_equals_the_reference(level, shape):
    """Protects the bits: every ISA level sums in the order that the reference defines."""
    matrix = normal(shape)
    expected = q_of(matrix, ReferenceGram(shape[1]))
    assert same_bits(q_of(matrix, NativeGram(level, shape[1])), expected)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("shape", [(1, 1), (97, 95), (700, 130), (400, 400)])
@pytest.mark.usefixtures("_small_limits")
def test_threads_and_chunks_do_not_matter(count, shape):
    """Protects the bits from the number of threads and the size of the chunks."""
    pyinit.set_num_threads(count)
    matrix = normal(shape)
    expected = q_of(matrix, ReferenceGram(shape[1]))
    assert same_bits(q_of(matrix, NativeGram(isa_levels()[-1], shape[1])), expected)


def test_large_matrices_do_not_depend_on_threads():
    """Protects matrices above the real limits for parallel work."""
    drawn = []
    for count in (1, 3):
        pyinit.set_num_threads(count)
        drawn.append(pyinit.Orthogonal(seed=4)((1100, 800), "float64"))
    assert same_bits(*drawn)
    assert_q_of(drawn[0], pyinit.RandomNormal(0, 1, seed=4)((1100, 800), "float64"))


@pytest.mark.parametrize("shape", [*SHAPES, (20_000, 12)])
def test_q_equals_lapack(shape):
    """Protects the mathematics: Q equals that of Householder's QR, up to signs."""
    matrix = normal(shape, 3)
    q = q_of(matrix)
    expected, r = np.linalg.qr(matrix)
    # A large square matrix can be ill-conditioned, and Q then is sensitive to rounding.
    tolerance = max(1e-12, 1e-16 * np.linalg.cond(matrix))
    np.testing.assert_allclose(q, expected * np.sign(np.diagonal(r)), atol=tolerance)
    assert_q_of(q, matrix)


@pytest.mark.parametrize("shape", [(2, 2), (60, 60), (300, 50)])
@pytest.mark.parametrize("condition", [1e2, 1e5, 1e7, 1e9, 1e12, 1e15])
def test_ill_conditioned_matrices(shape, condition):
    """Protects ill-conditioned draws: shifted passes continue until the columns are orthonormal."""
    matrix = conditioned(shape, condition)
    q = q_of(matrix, ReferenceGram(shape[1]))
    assert_q_of(q, matrix)
    for level in isa_levels():
        assert same_bits(q_of(matrix, NativeGram(level, shape[1])), q)


def test_ill_conditioned_matrices_are_shifted(monkeypatch):
    """Protects the speed for ill-conditioned matrices: shifts suffice, without reflections."""
    shifts = []
    monkeypatch.setattr(
        ReferenceGram,
        "shift",
        lambda gram, shift, added=ReferenceGram.shift: shifts.append(shift) or added(gram, shift),
    )
    monkeypatch.setattr(
        "pyinit.linalg.orthonormalize_by_reflections", lambda _: pytest.fail("reflected")
    )
    q_of(conditioned((80, 60), 1e6), ReferenceGram(60))
    assert shifts == []
    q_of(conditioned((80, 60), 1e12), ReferenceGram(60))
    assert len(shifts) >= 1


SINGULAR = {
    "zeros": np.zeros((6, 4)),
    "zero": np.zeros((1, 1)),
    "one zero column": normal((40, 30)) * (np.arange(30) != 11),
    "last column zero": normal((30, 30)) * (np.arange(30) != 29),
    "twins": normal((40, 30))[:, [*range(15), *range(15)]],
    "rank one": np.ones((50, 25)),
    "rank two": np.add.outer(np.arange(30.0), np.arange(30.0)),
}


@pytest.mark.parametrize("name", list(SINGULAR))
def test_singular_matrices(name):
    """Protects orthonormal columns for singular matrices, with the same bits from each kernel."""
    matrix = SINGULAR[name]
    columns = matrix.shape[1]
    q = q_of(matrix, ReferenceGram(columns))
    assert_q_of(q, matrix)
    for level in isa_levels():
        assert same_bits(q_of(matrix, NativeGram(level, columns)), q)


@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (7, 7), (150, 90)])
def test_reflections(shape):
    """Protects the fallback: it gives the same Q where Q is unique."""
    matrix = normal(shape)
    q = matrix.copy()
    orthonormalize_by_reflections(q)
    assert_q_of(q, matrix)
    np.testing.assert_allclose(q, q_of(matrix), atol=1e-12)


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_scales(scale):
    """Protects Q from overflow and underflow of sums of squares."""
    matrix = normal((40, 30))
    np.testing.assert_allclose(q_of(matrix * scale), q_of(matrix), atol=1e-13)


@pytest.mark.parametrize("shape", [(4, 4), (7, 3), (3, 7), (2, 3, 5), (3, 2, 1, 4), (2, 2, 40)])
def test_orthogonal_is_orthonormal(shape):
    """Protects orthonormal columns (rows of wide matrices), and the gain."""
    values = pyinit.Orthogonal(gain=-2.0, seed=1)(shape, "float64")
    matrix = values.reshape(-1, shape[-1]) / -2.0
    gram = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(gram, np.eye(min(matrix.shape)), atol=1e-14)


def test_orthogonal_factors_the_normal_stream_with_a_positive_diagonal():
    """Protects the definition: Q factors the normal stream, and R's diagonal is positive."""
    q = pyinit.Orthogonal(seed=8)((6, 4), "float64")
    normal = pyinit.RandomNormal(0, 1, seed=8)((6, 4), "float64")
    r = q.T @ normal
    assert (np.diagonal(r) > 0).all()
    np.testing.assert_allclose(np.tril(r, -1), 0, atol=1e-14)
    wide = pyinit.Orthogonal(seed=8)((4, 6), "float64")
    np.testing.assert_array_equal(wide, q.T)


@pytest.mark.parametrize("gain", [0.0, 1, -3.5])
def test_orthogonal_rounds_once(gain, float_dtype):
    """Protects the rounding of the float64 result to the dtype."""
    initializer = pyinit.Orthogonal(gain, seed=2)
    exact = initializer((30, 20), "float64")
    values = initializer((30, 20), float_dtype).astype(np.float64)
    spacing = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 0.0}
    assert (np.abs(values - exact) <= np.abs(exact) * spacing[float_dtype] + 2.0**-25).all()


@pytest.mark.parametrize("shape", [(700, 200), (200, 700), (3, 3, 100, 150), (2, 2, 3, 30_000)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_rounding_in_chunks(shape, order, float_dtype):
    """Protects tensors of more than one chunk, in any memory order."""
    initializer = pyinit.Orthogonal(0.5, seed=2)
    exact = initializer(shape, "float64")
    matrix = exact.reshape(-1, shape[-1])
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(tall.T @ tall, 0.25 * np.eye(tall.shape[1]), atol=1e-14)
    out = np.empty(shape, FLOAT_DTYPES[float_dtype], order=order)
    assert same_bits(initializer(shape, out=out), round_to(exact, out.dtype))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 0, 3), (0, 2, 0)])
def test_empty_orthogonal_tensors(shape):
    """Protects shapes without elements."""
    assert pyinit.Orthogonal(seed=1)(shape).shape == shape


@pytest.mark.parametrize("shape", [(4096, 512), (1024, 1024), (700, 1900)])
def test_memory(shape):
    """Protects the documented bound: three times the float64 result, including the result."""
    code = (
        "import resource, sys, pyinit\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "initializer = pyinit.Orthogonal(seed=1)\n"
        "initializer((300, 300))\n"
        "before = peak()\n"
        f"initializer({shape}, 'float64')\n"
        "print(peak() - before)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert int(result.stdout) <= 3 * 8 * shape[0] * shape[1]


@pytest.mark.parametrize("name", kernel_choice.available())
def test_the_kernel_does_not_matter(name):
    """Protects PYINIT_KERNEL for Orthogonal: each kernel runs and gives the same bits."""
    code = "import pyinit; print(pyinit.Orthogonal(seed=3)((90, 70), 'float64').tobytes().hex())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, kernel_choice.VARIABLE: name},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == pyinit.Orthogonal(seed=3)((90, 70), "float64").tobytes().hex()


def test_no_memory_for_a_buffer_is_an_error():
    """Protects against garbage if a buffer cannot be allocated."""
    with pytest.raises(MemoryError, match="buffer of a factorization"):
        native_gram._run([lambda: 0, lambda: -1])
