"""Orthonormal columns: the factor Q of a tall matrix, with the same bits everywhere.

`orthonormalize` multiplies the matrix by the inverse of the Cholesky factor of its Gram matrix,
which is fast because it consists of matrix products. Two passes give columns as orthonormal as
those of Householder reflections (CholeskyQR2). An ill-conditioned matrix takes more passes. If a
Gram matrix has no Cholesky factor, its diagonal is shifted (as in shifted CholeskyQR3). If this
fails to converge, as it can with linearly dependent columns, Householder reflections take over.

Sources: Y. Yamamoto, Y. Nakatsukasa, Y. Yanagisawa, T. Fukaya, "Roundoff error analysis of the
CholeskyQR2 algorithm", ETNA 44 (2015); T. Fukaya, R. Kannan, Y. Nakatsukasa, Y. Yamamoto,
Y. Yanagisawa, "Shifted Cholesky QR for computing the QR factorization of ill-conditioned matrices",
SIAM J. Sci. Comput. 42 (2020), https://doi.org/10.1137/18M1218212.
"""

from __future__ import annotations

from typing import Protocol

from pyinit.linalg.householder import orthonormalize_by_reflections
from pyinit.linalg.native_gram import NativeGram
from pyinit.linalg.reference_gram import Matrix, ReferenceGram
from pyinit.runtime import kernel_choice

__all__ = ["Gram", "orthonormalize"]

#: A well-conditioned matrix takes two passes.
MAX_PASSES = 8
#: The smallest pivot, relative to the diagonal element, that is more than rounding error.
SMALLEST_PIVOT = 2.0**-48
_UNIT_ROUNDOFF = 2.0**-53


class Gram(Protocol):
    """A Gram matrix, defined by `pyinit.linalg.reference_gram.ReferenceGram`."""

    #: The diagonal of the Gram matrix, before any shift.
    diagonal: Matrix

    def compute(self, matrix: Matrix, bound: float) -> bool:
        """Compute the Gram matrix. Return whether it is within `bound` of the identity."""

    def shift(self, shift: float) -> None:
        """Add `shift` to the diagonal."""

    def factor(self, smallest: float) -> bool:
        """Factor it. Return whether all pivots exceed `smallest` times the diagonal."""

    def substitute(self, matrix: Matrix) -> None:
        """Multiply `matrix` by the inverse of the factor, in place."""


def orthonormalize(matrix: Matrix, gram: Gram | None = None) -> None:
    """Replace a matrix by its factor Q, such that the diagonal of R is positive.

    A pass multiplies by the inverse of the Cholesky factor of the Gram matrix. In the last pass,
    the elements of the Gram matrix are within 1 / (2 n) of the identity's. Its eigenvalues are then
    between 1/2 and 3/2, and the result is orthonormal to rounding error. Every factor is upper
    triangular with a positive diagonal, and so is their product, R.

    Args:
        matrix: A C-contiguous float64 array of shape (m, n), m >= n > 0; overwritten.
        gram: The Gram matrix to use; by default, that of the kernel in use.
    """
    rows, columns = matrix.shape
    if gram is None:
        gram = _gram(columns)
    bound = 0.5 / columns
    for _ in range(MAX_PASSES):
        last = gram.compute(matrix, bound)
        if not gram.factor(SMALLEST_PIVOT):
            gram.compute(matrix, bound)
            # eleven times the largest rounding error of an eigenvalue
            terms = rows * columns + columns * (columns + 1)
            gram.shift(11 * terms * _UNIT_ROUNDOFF * float(gram.diagonal.max()))
            if not gram.factor(SMALLEST_PIVOT):
                break
        gram.substitute(matrix)
        if last:
            return
    orthonormalize_by_reflections(matrix)


def _gram(columns: int) -> Gram:
    """Return a Gram matrix of the kernel in use."""
    name, _ = kernel_choice.choice()
    return ReferenceGram(columns) if name == "reference" else NativeGram(name, columns)
