"""Householder reflections, for matrices on which Cholesky factorization fails."""

from __future__ import annotations

import math

import numpy as np

from pyinit.linalg.reference_gram import Matrix

#: Columns reflected at a time, which bounds the memory for products.
CHUNK = 64


def orthonormalize_by_reflections(matrix: Matrix) -> None:
    """Replace a matrix by its factor Q, such that the diagonal of R is not negative.

    The columns of Q are orthonormal for any matrix, even zeros. Every sum is in the order of the
    rows.

    Args:
        matrix: A float64 array of shape (m, n), m >= n; overwritten.

    Source: G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th edition (2013), section 5.2.
    """
    columns = matrix.shape[1]
    scales, signs = np.zeros(columns), np.ones(columns)
    for j in range(columns):
        # the Householder vector replaces the column that it is computed from
        vector = matrix[j:, j]
        norm = math.sqrt(_sums(vector * vector))
        if norm > 0:
            signs[j] = -math.copysign(1.0, vector[0])
            vector[0] -= signs[j] * norm
            scales[j] = 2 / _sums(vector * vector)
        _reflect(matrix[j:, j + 1 :], vector, scales[j])
    for j in reversed(range(columns)):
        vector = matrix[j:, j]
        _reflect(matrix[j:, j + 1 :], vector, scales[j])
        vector *= -scales[j] * vector[0]
        vector[0] += 1
        matrix[:j, j] = 0
    matrix *= signs


def _reflect(matrix: Matrix, vector: Matrix, scale: float) -> None:
    for first in range(0, matrix.shape[1], CHUNK):
        chunk = matrix[:, first : first + CHUNK]
        chunk -= vector[:, None] * (scale * _sums(vector[:, None] * chunk))


def _sums(terms: Matrix) -> Matrix:
    """Return the sums along the first axis, in order."""
    sums: Matrix = np.add.accumulate(terms, axis=0)[-1]
    return sums
