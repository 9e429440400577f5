"""The definition of a pass in NumPy: Gram matrix, Cholesky factor and substitution.

Every element is a chain of operations in the order of an index. Each operation is rounded: a
multiplication, then an addition or subtraction. With `a` the matrix, `b` its chunks of
`SUMMED_ROWS` rows in order, and `r` the factor:

    g[i, j] = 0 + (0 + b[0, i] b[0, j] + b[1, i] b[1, j] + ...) + (the next chunk's) + ...
    p[k] = g[k, k] - r[0, k] r[0, k] - ... - r[k-1, k] r[k-1, k]        v[k] = 1 / sqrt(p[k])
    r[k, j] = (g[k, j] - r[0, k] r[0, j] - ... - r[k-1, k] r[k-1, j]) v[k]
    q[i, j] = (a[i, j] - r[0, j] q[i, 0] - ... - r[j-1, j] q[i, j-1]) v[j]

Blocking over i, j or (in order) k keeps each chain. Sums by chunk have a smaller rounding error
than one sum over all rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

#: Rows whose products are summed before the sum is added to the Gram matrix.
SUMMED_ROWS = 128
#: Columns, or rows in a substitution, that are computed at a time: their arrays fit into a cache.
CHUNK = 64


class ReferenceGram:
    """The Gram matrix of a matrix, replaced by its Cholesky factor.

    Args:
        columns: The number of columns of the matrix.
    """

    def __init__(self, columns: int) -> None:
        self._gram = np.zeros((columns, columns))
        self._inverses = np.empty(columns)
        self.diagonal = np.empty(columns)

    def compute(self, matrix: Matrix, bound: float) -> bool:
        """Compute the Gram matrix.

        Args:
            matrix: The matrix, of shape (m, columns).
            bound: The largest distance of an element from that of the identity.

        Returns:
            Whether all elements on and above the diagonal are within the bound.
        """
        columns = matrix.shape[1]
        within = True
        for start in range(0, columns, CHUNK):
            stop = min(start + CHUNK, columns)
            chunk = self._gram[:stop, start:stop]
            chunk[...] = 0
            total, product = np.empty_like(chunk), np.empty_like(chunk)
            for first in range(0, len(matrix), SUMMED_ROWS):
                total[...] = 0
                for row in matrix[first : first + SUMMED_ROWS]:
                    np.multiply(row[:stop, None], row[start:stop], out=product)
                    np.add(total, product, out=total)
                chunk += total
            distance = np.abs(np.triu(chunk - np.eye(stop, stop - start, -start), -start))
            within = within and bool((distance <= bound).all())
        self.diagonal[...] = np.diagonal(self._gram)
        return within

    def shift(self, shift: float) -> None:
        """Add `shift` to the diagonal."""
        np.einsum("kk->k", self._gram)[...] += shift

    def factor(self, smallest: float) -> bool:
        """Replace the Gram matrix by its upper Cholesky factor.

        Args:
            smallest: The bound on pivots, relative to the diagonal before any shift.

        Returns:
            Whether all pivots exceed the bound; if not, the factor is invalid.
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
        """Multiply `matrix` by the inverse of the factor, in place."""
        for start in range(0, len(matrix), CHUNK):
            rows = matrix[start : start + CHUNK]
            for k, upper in enumerate(self._gram):
                rows[:, k] *= self._inverses[k]
                rows[:, k + 1 :] -= rows[:, k, None] * upper[k + 1 :]
