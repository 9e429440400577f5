/* The interface of the orthonormalization's kernel: what Python calls.
 *
 * Every element of every result is the chain of operations that pyinit.linalg.reference_gram
 * writes down; how the work is cut, on how many threads and with which instructions, changes none.
 *
 * A Gram matrix, and the Cholesky factor that replaces it, lies in panels of PYINIT_PANEL columns:
 * panel p has the columns from p * PYINIT_PANEL on and the rows down to its last column, row by row,
 * and follows panel p - 1. Nothing below the diagonal is ever used. What is missing to a whole panel
 * is zeros. A buffer at a multiple of 64 bytes is the fastest.
 */
#ifndef PYINIT_QR_H
#define PYINIT_QR_H

#include <stdint.h>

enum { PYINIT_PANEL = 24 };

/* Computes the Gram matrix of a matrix: the panels of columns [first, last) and, of their rows, those
 * of the panels [top, bottom).
 *
 * level       an instruction set for which pyinit_has_isa_level() is true
 * matrix      rows * columns values, row by row
 * gram        all panels
 *
 * Returns 0, or -1 if there was no memory for a buffer (384 KiB).
 */
int pyinit_syrk(
    int isa_level, const double *matrix, int64_t rows, int64_t columns, double *gram, int64_t top,
    int64_t bottom, int64_t first, int64_t last);

/* Copies the diagonal of a Gram matrix. Returns 1 if every element on and above it is within `bound`
 * of the identity's, else 0. */
int pyinit_gram_diagonal(const double *gram, int64_t columns, double bound, double *diagonal);

/* Adds `shift` to the diagonal of a Gram matrix. */
void pyinit_gram_shift(double *gram, int64_t columns, double shift);

/* Factors the panels [first, last) of a Gram matrix, given the factor's rows above them.
 *
 * diagonal    of the Gram matrix
 * bound       how small a pivot may be, as a part of that diagonal
 * inverses    of the factor's diagonal, `columns` rounded up to whole panels: filled here
 *
 * Returns 0, or -1 at a pivot that is too small.
 */
int pyinit_potrf(
    int isa_level, double *gram, int64_t columns, int64_t first, int64_t last, const double *diagonal,
    double bound, double *inverses);

/* Makes the rows of the panels [top, bottom) of the Gram matrix into the factor's, in the panels of
 * columns [first, last) that come after them. */
void pyinit_trsm_left(
    int isa_level, double *gram, int64_t top, int64_t bottom, int64_t first, int64_t last,
    const double *inverses);

/* Multiplies rows of a matrix by the inverse of the factor, in place.
 *
 * matrix      rows * columns values, row by row
 *
 * Returns 0, or -1 if there was no memory for a buffer (96 rows of the matrix).
 */
int pyinit_trsm_right(
    int isa_level, double *matrix, int64_t rows, int64_t columns, const double *factor,
    const double *inverses);

#endif
