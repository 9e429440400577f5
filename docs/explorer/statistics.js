/* The statistics of a tensor that the page shows: moments, a histogram, a matrix, first values. */
"use strict";

(function (pyinit) {
  const { pauseAndCheck, python, sizeOf } = pyinit;
  const MAX_BINS = 60;
  /* bfloat16 has so few values that narrow bins hold unequal numbers of them. */
  const MAX_BINS_BFLOAT16 = 20;
  /* Tensors with at most this number of different values are shown as bars. */
  const MAX_BARS = 8;
  /* A value with at least this share of the elements is left out of the histogram. */
  const LEAST_SHARE = 0.1;
  const MAX_ROWS = 256;

  /* Returns the count, the mean, the standard deviation, the minimum and the maximum. */
  function momentsOf(values) {
    const count = values.length;
    let sum = 0;
    let least = Infinity;
    let greatest = -Infinity;
    // loops over an index: iterators take several times as long
    for (let k = 0; k < count; ++k) {
      const value = values[k];
      sum += value;
      least = value < least ? value : least;
      greatest = value > greatest ? value : greatest;
    }
    const mean = sum / count;
    let squares = 0;
    for (let k = 0; k < count; ++k) {
      squares += (values[k] - mean) * (values[k] - mean);
    }
    return { count, mean, stddev: Math.sqrt(squares / count), minval: least, maxval: greatest };
  }

  /* Returns the shares of the values if there are few different ones, else null. */
  function atomsOf(values) {
    const found = [];
    const counts = [];
    for (let k = 0; k < values.length; ++k) {
      const at = found.indexOf(values[k]);
      if (at >= 0) {
        ++counts[at];
      } else if (found.length === MAX_BARS) {
        return null;
      } else {
        found.push(values[k]);
        counts.push(1);
      }
    }
    return found
      .map((value, k) => ({ value, share: counts[k] / values.length }))
      .sort((a, b) => a.value - b.value);
  }

  /* Returns the share of zeros and the density of the other values in bins of equal width. */
  function histogramOf(values, dtype) {
    let zeros = 0;
    for (let k = 0; k < values.length; ++k) {
      zeros += values[k] === 0 ? 1 : 0;
    }
    const zeroShare = zeros / values.length;
    const isWithoutZeros = zeroShare >= LEAST_SHARE;
    const shown = isWithoutZeros ? values.filter((value) => value !== 0) : values;
    const { minval, maxval } = momentsOf(shown);
    const most = dtype === "bfloat16" ? MAX_BINS_BFLOAT16 : MAX_BINS;
    const bins = Math.max(1, Math.min(most, Math.ceil(Math.sqrt(shown.length))));
    const width = (maxval - minval) / bins;
    const heights = new Float64Array(bins);
    for (let k = 0; k < shown.length; ++k) {
      heights[Math.min(bins - 1, Math.floor((shown[k] - minval) / width))] += 1;
    }
    return {
      minval,
      maxval,
      zeroShare: isWithoutZeros ? zeroShare : 0,
      count: shown.length,
      heights: heights.map((count) => count / (shown.length * width)),
    };
  }

  /* Returns what the page shows of the values of a tensor. */
  async function describe(values, shape, dtype, check) {
    const moments = momentsOf(values);
    await pauseAndCheck(check);
    const isFinite = Number.isFinite(moments.minval) && Number.isFinite(moments.maxval);
    const atoms = isFinite ? atomsOf(values) : null;
    await pauseAndCheck(check);
    const histogram = isFinite && atoms === null ? histogramOf(values, dtype) : null;
    return { moments, atoms, histogram, matrix: matrixOf(values, shape) };
  }

  /* Returns the upper left corner of the tensor as a matrix: the last axis are its columns. */
  function matrixOf(values, shape) {
    const columns = shape.length > 0 ? shape[shape.length - 1] : 1;
    const rows = columns > 0 ? sizeOf(shape) / columns : 0;
    const height = Math.min(rows, MAX_ROWS);
    const width = Math.min(columns, MAX_ROWS);
    const matrix = new Float64Array(height * width);
    for (let row = 0; row < height; ++row) {
      matrix.set(values.subarray(row * columns, row * columns + width), row * width);
    }
    return { rows: height, columns: width, allRows: rows, allColumns: columns, values: matrix };
  }

  /* Returns the shortest decimal number that rounds to a value of a dtype. */
  function shortest(kernel, value, dtype) {
    for (let digits = 1; digits < 17; ++digits) {
      const text = value.toPrecision(digits);
      if (kernel.rounded(Number(text), dtype) === value) {
        return python(Number(text));
      }
    }
    return python(value);
  }

  /* Returns a number to four digits. */
  function brief(value) {
    if (!Number.isFinite(value)) {
      return python(value);
    }
    const rounded = Number(value.toPrecision(4));
    const isLarge = Math.abs(rounded) >= 1e6;
    return isLarge ? rounded.toExponential() : python(rounded);
  }

  Object.assign(pyinit, { brief, describe, momentsOf, shortest });
})(globalThis.pyinit);
