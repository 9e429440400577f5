/* The distributions of the stream: their parameters, rounded as pyinit/stream/distributions.py
 * rounds them, their moments and their densities. */
"use strict";

(function (pyinit) {
  const { ArgumentError, python, widened } = pyinit;
  /* Standard deviation of a standard normal truncated to (-2, 2). */
  const TRUNCATED_STDDEV = 0.87962566103423978;
  const WORDS = 2n ** 64n;

  /* An upper bound on abs(variate). */
  function largestVariate(family, dtype) {
    return family === "truncated_normal" ? 2.0 : dtype === "float64" ? 9.2 : 6.4;
  }

  function isTooLarge(kernel, value, dtype) {
    return !Number.isFinite(kernel.rounded(value, dtype));
  }

  /* Returns the distribution of values of `dtype`: "uniform" on [location, bound), or one of the
   * normal ones with mean `location` and standard deviation `bound` before truncation. */
  function roundedDistribution(kernel, family, location, bound, dtype, names) {
    const computing = dtype === "float64" ? "float64" : "float32";
    for (const [name, value] of [
      [names[0], location],
      [names[1], bound],
    ]) {
      if (isTooLarge(kernel, value, dtype)) {
        throw new ArgumentError(name, value, `within the range of dtype ${dtype}`);
      }
    }
    if (family !== "uniform") {
      const largest = Math.abs(location) + largestVariate(family, dtype) * bound;
      if (isTooLarge(kernel, largest, dtype)) {
        const allowed = `so small that all values are within the range of dtype ${dtype}`;
        throw new ArgumentError(names[1], bound, allowed);
      }
    }
    const width = family === "uniform" ? bound - location : bound;
    const scale = kernel.rounded(width, computing);
    if (!Number.isFinite(scale)) {
      const allowed = `closer to ${names[0]}=${python(location)} for dtype ${dtype}`;
      throw new ArgumentError(names[1], bound, allowed);
    }
    const hasUpper = family === "uniform" && location < bound;
    return {
      family,
      // -0 becomes 0
      location: kernel.rounded(location + 0, computing),
      scale: scale + 0,
      upper: hasUpper ? largestBelow(kernel, bound, dtype) : Infinity,
    };
  }

  /* Returns a normal distribution truncated to [lower, upper], in standard deviations. */
  function boundedNormal(kernel, mean, stddev, lower, upper, dtype) {
    const words = wordsBetween(kernel, lower, upper);
    const ends = words.map((word) => mean + stddev * kernel.normalQuantile(word));
    if (ends.some((end) => isTooLarge(kernel, end, dtype))) {
      const [name, value] = isTooLarge(kernel, mean, dtype) ? ["mean", mean] : ["stddev", stddev];
      const allowed = `such that all values are within the range of dtype ${dtype}`;
      throw new ArgumentError(name, value, allowed);
    }
    const family = "bounded_normal";
    return { family, location: mean + 0, scale: stddev + 0, upper: Infinity, words };
  }

  /* Returns the first and the last of the words whose normal quantile lies in [lower, upper). */
  function wordsBetween(kernel, lower, upper) {
    const first = firstWord(kernel, lower);
    const end = firstWord(kernel, upper);
    if (first >= end) {
      const largest = kernel.normalQuantile(WORDS - 1n).toFixed(2);
      throw new ArgumentError(
        "lower",
        lower,
        "such that some of the 2**64 quantiles of the stream lie between it and " +
          `upper=${python(upper)}; all quantiles are within ${largest} standard deviations`,
      );
    }
    return [first, end - 1n];
  }

  /* Returns the word from which on the normal quantile is at least `bound`. */
  function firstWord(kernel, bound) {
    let first = 0n;
    let last = WORDS;
    while (first < last) {
      const middle = (first + last) / 2n;
      if (kernel.normalQuantile(middle) >= bound) {
        last = middle;
      } else {
        first = middle + 1n;
      }
    }
    return first;
  }

  /* Returns the largest value of `dtype` below `bound`. */
  function largestBelow(kernel, bound, dtype) {
    const rounded = kernel.rounded(bound, dtype);
    if (rounded < bound) {
      return rounded;
    }
    const { array } = pyinit.DTYPES[dtype];
    const bits = 8 * array.BYTES_PER_ELEMENT;
    const addresses = kernel.allocate(16);
    kernel.view(Float64Array, addresses, 1)[0] = rounded;
    kernel.exports[`store_${dtype}`](addresses + 8, addresses, 1);
    const bytes = kernel.view(Uint8Array, addresses + 8, bits / 8).slice();
    kernel.exports.free(addresses);
    const unsigned = { 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array }[bits];
    const stored = new unsigned(bytes.buffer);
    const below = lower(BigInt(stored[0]), bits);
    stored[0] = bits === 64 ? below : Number(below);
    return widened(bytes, dtype)[0];
  }

  /* Returns the bits of the next lower value. */
  function lower(stored, bits) {
    const sign = 1n << BigInt(bits - 1);
    if ((stored & (sign - 1n)) === 0n) {
      return sign | 1n;
    }
    return stored & sign ? stored + 1n : stored - 1n;
  }

  /* ---- moments and densities ---- */

  /* Returns the mean, the standard deviation and the bounds of the values. */
  function moments(kernel, { family, location, scale, words }) {
    switch (family) {
      case "uniform":
        return {
          mean: location + scale / 2,
          stddev: scale / Math.sqrt(12),
          minval: location,
          maxval: location + scale,
        };
      case "normal":
        return { mean: location, stddev: scale, minval: -Infinity, maxval: Infinity };
      case "truncated_normal":
        return {
          mean: location,
          stddev: scale * TRUNCATED_STDDEV,
          minval: location - 2 * scale,
          maxval: location + 2 * scale,
        };
      default: {
        const low = words[0] === 0n ? -Infinity : kernel.normalQuantile(words[0]);
        const high = words[1] === WORDS - 1n ? Infinity : kernel.normalQuantile(words[1]);
        const { mean, stddev } = truncatedMoments(low, high);
        return {
          mean: location + scale * mean,
          stddev: scale * stddev,
          minval: location + scale * low,
          maxval: location + scale * high,
        };
      }
    }
  }

  /* The distance from the mode beyond which the normal density is negligible, and the intervals of
   * Simpson's rule. */
  const REACH = 12;
  const INTERVALS = 4096;

  /* Integrates functions of the distance from the mode times the normal density, up to a factor. */
  function truncatedIntegrals(low, high, functions) {
    const mode = Math.min(Math.max(low, 0), high);
    const first = Math.max(low - mode, -REACH);
    const step = (Math.min(high - mode, REACH) - first) / INTERVALS;
    const sums = functions.map(() => 0);
    for (let k = 0; k <= INTERVALS; ++k) {
      const distance = first + k * step;
      const weight = k === 0 || k === INTERVALS ? 1 : k % 2 ? 4 : 2;
      const density = weight * Math.exp(-distance * (distance / 2 + mode));
      functions.forEach((f, j) => {
        sums[j] += density * f(distance);
      });
    }
    return { mode, integrals: sums.map((sum) => (sum * step) / 3) };
  }

  /* Returns the moments of a standard normal truncated to [low, high]. */
  function truncatedMoments(low, high) {
    const { mode, integrals } = truncatedIntegrals(low, high, [() => 1, (x) => x]);
    const mean = integrals[1] / integrals[0];
    const square = truncatedIntegrals(low, high, [(x) => (x - mean) ** 2]).integrals[0];
    return { mean: mode + mean, stddev: Math.sqrt(square / integrals[0]) };
  }

  /* Returns the density of the values of a distribution, of these bounds, as a function. */
  function densityOf({ family, location, scale, words }, { minval, maxval }) {
    if (family === "uniform") {
      return (x) => (x >= minval && x <= maxval ? 1 / scale : 0);
    }
    const bounds = [(minval - location) / scale, (maxval - location) / scale];
    const isBounded = family !== "normal" && !(words && words[0] === 0n && words[1] === WORDS - 1n);
    const { mode, integrals } = isBounded
      ? truncatedIntegrals(bounds[0], bounds[1], [() => 1])
      : { mode: 0, integrals: [Math.sqrt(2 * Math.PI)] };
    return (x) => {
      const distance = (x - location) / scale - mode;
      return x < minval || x > maxval
        ? 0
        : Math.exp(-distance * (distance / 2 + mode)) / (integrals[0] * scale);
    };
  }

  /* Returns the density of an element of an orthogonal matrix of `length` rows, times a gain: of a
   * coordinate of a point that is uniformly distributed on a sphere. */
  function sphereDensity(length, gain) {
    if (length < 2) {
      return null;
    }
    // gamma(length / 2) / gamma((length - 1) / 2)
    let ratio = 1 / Math.sqrt(Math.PI);
    for (let n = 2; n < length; ++n) {
      ratio = (n - 1) / 2 / ratio;
    }
    const factor = ratio / Math.sqrt(Math.PI) / Math.abs(gain);
    return (x) => {
      const square = (x / gain) ** 2;
      return square < 1 ? factor * (1 - square) ** ((length - 3) / 2) : 0;
    };
  }

  Object.assign(pyinit, {
    TRUNCATED_STDDEV,
    boundedNormal,
    densityOf,
    moments,
    roundedDistribution,
    sphereDensity,
    wordsBetween,
  });
})(globalThis.pyinit);
