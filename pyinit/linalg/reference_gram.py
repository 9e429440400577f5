"""The definition of a pass: the Gram matrix, its Cholesky factor, the substitution, in NumPy.

Every element is a chain of operations in the order of the index that it runs over, each of them
rounded: a multiplication, then an addition or subtraction. With `a` the matrix, `b` its blocks of
`SUMMED_ROWS` rows in order, and `r` the factor:

    g[i, j] = 0 + (0 + b[0, i] b[0, j] + b[1, i] b[1, j] + ...) + (the next block's) + ...
    p[k] = g[k, k] - r[0, k] r[0, k] - ... - r[k-1, k] r[k-1, k]        v[k] = 1 / sqrt(p[k])
    r[k, j] = (g[k, j] - r[0, k] r[0, j] - ... - r[k-1, k] r[k-1, j]) v[k]
    q[i, j] = (a[i, j] - r[0, j] q[i, 0] - ... - r[j-1, j] q[i, j-1]) v[j]

Any cutting over i and j leaves each chain as it is, and so does one over k, in order. The sums of
blocks lose less than one chain over all rows would.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

#: Rows whose products are summed before the sum is added to the Gram matrix.
SUMMED_ROWS = 128
#: Columns, and rows in a substitution, that are computed at a time: their arrays fit into a cache.
BLOCK = 64


class ReferenceGram:
    """The Gram matrix of a matrix, and then the Cholesky factor in its place.

    Args:
        columns: How many columns the matrix has.
    """

    def __init__(self, columns: int) -> None:
        self._gram = np.zeros((columns, columns))
        self._inverses = np.empty(columns)
        self.diagonal = np.empty(columns)

    def compute(self, matrix: Matrix, bound: float) -> bool:
        """Computes the Gram matrix.

        Args:
            matrix: The matrix, of shape (m, columns).
            bound: How far an element may be from the identity's.

        Returns:
            Whether all of them, on and above the diagonal, are within the bound.
        """
        columns = matrix.shape[1]
        within = True
        for first in range(0, columns, BLOCK):
            last = min(first + BLOCK, columns)
            block = self._gram[:last, first:last]
            block[...] = 0
            total, product = np.empty_like(block), np.empty_like(block)
            for start in range(0, len(matrix), SUMMED_ROWS):
                total[...] = 0
                for row in matrix[start : start + SUMMED_ROWS]:
                    np.multiply(row[:last, None], row[first:last], out=product)
                    np.add(total, product, out=total)
                block += total
            distance = np.abs(np.triu(block - np.eye(last, last - first, -first), -first))
            within = within and bool((distance <= bound).all())
        self.diagonal[...] = np.diagonal(self._gram)
        return within

    def shift(self, shift: float) -> None:
        """Adds `shift` to the diagonal."""
        np.einsum("kk->k", self._gram)[...] += shift

    def factor(self, smallest: float) -> bool:
        """Replaces the Gram matrix by its upper Cholesky factor.

        Args:
            smallest: How small a pivot may be, as a part of the diagonal element as computed.

        Returns:
            Whether all pivots are larger; the factor is of no use if not.
        """
        for k, upper in enumerate(self._gram):
            if not upper[k] > smallest * self.diagonal[k]:
                return False
            self._inverses[k] = 1 / np.sqrt(upper[k])
            row = upper[k + 1 :]
            row *= self._inverses[k]
            self._gram[k + 1 :, k + 1 :] -= row[:, None] * row
        return True

    def substitute(self, matrix: Matrix) -> None:
        """Multiplies `matrix` by the inverse of the factor, in place."""
        for start in range(0, len(matrix), BLOCK):
            rows = matrix[start : start + BLOCK]
            for k, upper in enumerate(self._gram):
                rows[:, k] *= self._inverses[k]
                rows[:, k + 1 :] -= rows[:, k, None] * upper[k + 1 :]
