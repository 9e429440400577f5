"""Householder's reflections, for the matrices that Cholesky factors don't orthonormalize."""

from __future__ import annotations

import math

import numpy as np

from pyinit.linalg.reference_gram import Matrix

#: Columns that are reflected at a time, which bounds the memory for their products.
BLOCK = 64


def orthonormalize_by_reflections(matrix: Matrix) -> None:
    """Replaces a matrix by its factor Q, such that R's diagonal is not negative.

    The columns of Q are orthonormal whatever the matrix, one of zeros included. Every sum is taken
    in the order of the rows.

    Args:
        matrix: Float64 of shape (m, n), m >= n; overwritten.

    Source: G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th edition (2013), section 5.2.
    """
    columns = matrix.shape[1]
    scales, signs = np.zeros(columns), np.ones(columns)
    for j in range(columns):
        # the reflection's vector takes the place of the column that it is found from
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
    for first in range(0, matrix.shape[1], BLOCK):
        block = matrix[:, first : first + BLOCK]
        block -= vector[:, None] * (scale * _sums(vector[:, None] * block))


def _sums(terms: Matrix) -> Matrix:
    """The sums along the first axis, in order."""
    sums: Matrix = np.add.accumulate(terms, axis=0)[-1]
    return sums
