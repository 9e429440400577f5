/* The interface of the orthonormalization's kernel, called from Python.
 *
 * pyinit.linalg.reference_gram defines the chain of operations of every element. The split of the
 * work, the number of threads and the ISA level change no bit of it. The functions have the names
 * of the BLAS and LAPACK routines for the same operations.
 *
 * A Gram matrix, and the upper Cholesky factor that replaces it, is stored in panels of
 * PYINIT_PANEL columns. Panel p has the columns from p * PYINIT_PANEL on and the rows down to its
 * last column, row by row; panel p + 1 follows it. Elements below the diagonal are never used. The
 * last panel is zero-padded. A buffer aligned to 64 bytes is fastest.
 */
#ifndef PYINIT_QR_H
#define PYINIT_QR_H

#include <stdint.h>

enum {
    PYINIT_PANEL = 24,
    /* Rows whose products are summed before the sum is added to the Gram matrix. This is part of
     * the definition: the reference has the same constant. */
    PYINIT_SUMMED_ROWS = 128
};

/* Computes, in the column panels [first, last) of a Gram matrix, the rows of the panels
 * [top, bottom).
 *
 * isa_level   one for which pyinit_has_isa_level() returns 1
 * matrix      rows * columns values, row by row
 * gram        all panels
 * is_first    0 to add the products of these rows to those of the rows before, whose number is a
 *             multiple of PYINIT_SUMMED_ROWS
 *
 * Returns 0, or -1 if there is no memory for a buffer (384 KiB).
 */
int pyinit_syrk(
    int isa_level, const double *matrix, int64_t rows, int64_t columns, double *gram, int64_t top,
    int64_t bottom, int64_t first, int64_t last, int is_first);

/* Copies the diagonal of a Gram matrix. Returns 1 if every element on and above the diagonal is
 * within `bound` of the identity's, else 0. */
int pyinit_gram_diagonal(const double *gram, int64_t columns, double bound, double *diagonal);

/* Adds `shift` to the diagonal of a Gram matrix. */
void pyinit_gram_shift(double *gram, int64_t columns, double shift);

/* Factors the panels [first, last) of a Gram matrix, given the factor's rows of all panels before.
 *
 * diagonal    the diagonal of the Gram matrix
 * bound       the smallest pivot allowed, relative to that diagonal
 * inverses    output: the inverses of the factor's diagonal, zero-padded to whole panels
 *
 * Returns 0, or -1 at a pivot that is too small.
 */
int pyinit_potrf(
    int isa_level, double *gram, int64_t columns, int64_t first, int64_t last,
    const double *diagonal, double bound, double *inverses);

/* Solves for the factor's rows of the panels [top, bottom), in place of the Gram matrix's, in the
 * column panels [first, last) to their right. */
void pyinit_trsm_left(
    int isa_level, double *gram, int64_t top, int64_t bottom, int64_t first, int64_t last,
    const double *inverses);

/* Multiplies rows of a matrix by the inverse of the factor from the right, in place: their columns
 * in the panels [top, bottom), given those in all panels before.
 *
 * matrix      rows * columns values, row by row
 *
 * Returns 0, or -1 if there is no memory for a buffer (96 rows of the matrix).
 */
int pyinit_trsm_right(
    int isa_level, double *matrix, int64_t rows, int64_t columns, const double *factor,
    const double *inverses, int64_t top, int64_t bottom);

#endif
