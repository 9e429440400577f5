"""Orthonormal columns: the factor Q of a tall matrix, to the same bits everywhere.

`orthonormalize` is the one way in. Q is found by multiplying the matrix by the inverse of its Gram
matrix' Cholesky factor: matrix products, so fast. Done twice, that gives columns as orthonormal as
Householder's reflections do (CholeskyQR2). An ill-conditioned matrix takes a few passes more, and
where a Gram matrix has no factor, a shifted one is taken instead (as in shifted CholeskyQR3). Where
that ends nowhere, as it can with columns that are exactly dependent, reflections take over.

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

#: A well-conditioned matrix takes two.
MAX_PASSES = 8
#: A pivot that is no larger, as a part of its diagonal element, may be all rounding error.
SMALLEST_PIVOT = 2.0**-48
_UNIT_ROUNDOFF = 2.0**-53


class Gram(Protocol):
    """A Gram matrix: `pyinit.linalg.reference_gram.ReferenceGram` is the definition."""

    #: Its diagonal, as computed.
    diagonal: Matrix

    def compute(self, matrix: Matrix, bound: float) -> bool:
        """Computes it. Returns whether all its elements are within `bound` of the identity's."""

    def shift(self, shift: float) -> None:
        """Adds `shift` to the diagonal."""

    def factor(self, smallest: float) -> bool:
        """Factors it. Returns whether all pivots exceed `smallest` times the diagonal."""

    def substitute(self, matrix: Matrix) -> None:
        """Multiplies `matrix` by the inverse of the factor."""


def orthonormalize(matrix: Matrix, gram: Gram | None = None) -> None:
    """Replaces a matrix by its factor Q, such that R's diagonal is positive.

    A pass multiplies by the inverse of the Gram matrix' Cholesky factor. The last pass is the one
    that finds a Gram matrix whose elements are within 1 / (2 n) of the identity's: its eigenvalues
    are then between 1/2 and 3/2, and what it leaves is orthonormal to rounding error. Every factor
    is upper triangular with a positive diagonal, so their product is, too, and is R.

    Args:
        matrix: Float64 of shape (m, n), m >= n > 0, C-contiguous; overwritten.
        gram: The Gram matrix to use; by default that of the kernel in use.
    """
    rows, columns = matrix.shape
    if gram is None:
        gram = _gram(columns)
    bound = 0.5 / columns
    for _ in range(MAX_PASSES):
        last = gram.compute(matrix, bound)
        if not gram.factor(SMALLEST_PIVOT):
            gram.compute(matrix, bound)
            # eleven times what rounding can take from an eigenvalue
            terms = rows * columns + columns * (columns + 1)
            gram.shift(11 * terms * _UNIT_ROUNDOFF * float(gram.diagonal.max()))
            if not gram.factor(SMALLEST_PIVOT):
                break
        gram.substitute(matrix)
        if last:
            return
    orthonormalize_by_reflections(matrix)


def _gram(columns: int) -> Gram:
    """The Gram matrix of the kernel in use."""
    name, _ = kernel_choice.choice()
    return ReferenceGram(columns) if name == "reference" else NativeGram(name, columns)
