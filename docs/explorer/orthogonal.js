/* Orthonormal columns, as pyinit/linalg computes them, by the kernels of qr.c. */
"use strict";

(function (pyinit) {
  const { pauseAndCheck } = pyinit;
  /* PYINIT_PANEL of qr.h. */
  const PANEL = 24;
  const MAX_PASSES = 8;
  const SMALLEST_PIVOT = 2 ** -48;
  const UNIT_ROUNDOFF = 2 ** -53;
  /* Panels, or rows, that are computed between two pauses. */
  const PANELS = 4;
  const ROWS = 96;

  /* Replaces a matrix in the kernel's memory, of rows >= columns > 0, by its factor Q. */
  async function orthonormalize(kernel, matrix, rows, columns, check) {
    const panels = Math.ceil(columns / PANEL);
    const size = (PANEL ** 2 * panels * (panels + 1)) / 2;
    await kernel.withMemory(
      [8 * size, 8 * columns, 8 * PANEL * panels],
      async (gram, diagonal, inverses) => {
        const work = new Gram(kernel, { matrix, rows, columns, panels, gram, diagonal, inverses });
        for (let pass = 0; pass < MAX_PASSES; ++pass) {
          const isLast = await work.compute(check);
          if (!(await work.factor(check))) {
            await work.compute(check);
            work.shift();
            if (!(await work.factor(check))) {
              break;
            }
          }
          await work.substitute(check);
          if (isLast) {
            return;
          }
        }
        throw new Error(
          "The columns of the matrix are linearly dependent to rounding error. Here pyinit uses " +
            "Householder reflections, which the explorer lacks.",
        );
      },
    );
  }

  class Gram {
    constructor(kernel, fields) {
      this.kernel = kernel;
      Object.assign(this, fields);
    }

    /* Computes the Gram matrix. Returns whether it is close to the identity. */
    async compute(check) {
      const { exports } = this.kernel;
      const { matrix, rows, columns, panels, gram } = this;
      for (let i = 0; i < panels; i += PANELS) {
        for (let j = i; j < panels; j += PANELS) {
          const ends = [Math.min(i + PANELS, panels), Math.min(j + PANELS, panels)];
          const failed = exports.pyinit_syrk(
            0,
            matrix,
            BigInt(rows),
            BigInt(columns),
            gram,
            BigInt(i),
            BigInt(ends[0]),
            BigInt(j),
            BigInt(ends[1]),
            1,
          );
          checkMemory(failed);
          await pauseAndCheck(check);
        }
      }
      const bound = 0.5 / columns;
      return exports.pyinit_gram_diagonal(gram, BigInt(columns), bound, this.diagonal) !== 0;
    }

    shift() {
      const { rows, columns } = this;
      const diagonal = this.kernel.view(Float64Array, this.diagonal, columns);
      const terms = rows * columns + columns * (columns + 1);
      // eleven times the largest rounding error of an eigenvalue
      const shift = 11 * terms * UNIT_ROUNDOFF * diagonal.reduce((a, b) => Math.max(a, b));
      this.kernel.exports.pyinit_gram_shift(this.gram, BigInt(columns), shift);
    }

    /* Replaces the Gram matrix by its factor. Returns whether all pivots are large enough. */
    async factor(check) {
      const { exports } = this.kernel;
      const { columns, panels, gram, diagonal, inverses } = this;
      for (let top = 0; top < panels; top += PANELS) {
        const bottom = Math.min(top + PANELS, panels);
        const failed = exports.pyinit_potrf(
          0,
          gram,
          BigInt(columns),
          BigInt(top),
          BigInt(bottom),
          diagonal,
          SMALLEST_PIVOT,
          inverses,
        );
        if (failed) {
          return false;
        }
        exports.pyinit_trsm_left(
          0,
          gram,
          BigInt(top),
          BigInt(bottom),
          BigInt(bottom),
          BigInt(panels),
          inverses,
        );
        await pauseAndCheck(check);
      }
      return true;
    }

    /* Multiplies the matrix by the inverse of the factor. */
    async substitute(check) {
      const { exports } = this.kernel;
      const { matrix, rows, columns, panels, gram, inverses } = this;
      for (let first = 0; first < rows; first += ROWS) {
        const failed = exports.pyinit_trsm_right(
          0,
          matrix + 8 * first * columns,
          BigInt(Math.min(ROWS, rows - first)),
          BigInt(columns),
          gram,
          inverses,
          0n,
          BigInt(panels),
        );
        checkMemory(failed);
        await pauseAndCheck(check);
      }
    }
  }

  function checkMemory(failed) {
    if (failed) {
      throw new Error("The browser has too little memory for this matrix.");
    }
  }

  Object.assign(pyinit, { orthonormalize });
})(globalThis.pyinit);
