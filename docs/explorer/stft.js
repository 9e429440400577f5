/* Kernels of the short-time Fourier transform, as pyinit/initializers/stft.py computes them. */
"use strict";

(function (pyinit) {
  const { ArgumentError, pauseAndCheck } = pyinit;

  /* Taylor coefficients of cos(pi/4 t) and of sin(pi/4 t) / t in t**2. */
  const COS = [
    1.0, -0.30842513753404244, 0.015854344243815502, -0.00032599188692739, 3.59086044859151e-6,
    -2.4611369504942e-8, 1.1501159127974052e-10, -3.8980731712596753e-13, 1.001886461636272e-15,
  ];
  const SIN = [
    0.7853981633974483, -0.08074551218828079, 0.0024903945701927202, -3.657620418217725e-5,
    3.1336168903781217e-7, -1.757247673443401e-9, 6.948453273886629e-12, -2.0410263396641442e-14,
    4.628704628834683e-17,
  ];

  /* The coefficients c of the windows that are sums of (-1)**k c[k] cos(2 pi k n / N). */
  const WINDOWS = {
    hann: [0.5, 0.5],
    hamming: [0.54, 1.0 - 0.54],
    blackman: [0.42, 0.5, 0.08],
    nuttall: [0.3635819, 0.4891775, 0.1365995, 0.0106411],
    blackmanharris: [0.35875, 0.48829, 0.14128, 0.01168],
    flattop: [0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368],
    boxcar: [1.0],
  };

  function series(coefficients, x) {
    let total = coefficients[coefficients.length - 1];
    for (let k = coefficients.length - 2; k >= 0; --k) {
      total = total * x + coefficients[k];
    }
    return total;
  }

  function modulo(numerator, denominator) {
    return ((numerator % denominator) + denominator) % denominator;
  }

  /* Returns the cosine of numerator / denominator of a full turn. */
  function cosOfTurns(numerator, denominator) {
    const eighths = 8 * modulo(numerator, denominator);
    const octant = Math.floor(eighths / denominator);
    const rest = eighths - octant * denominator;
    const t = (octant % 2 === 0 ? rest : denominator - rest) / denominator;
    const square = t * t;
    const isCosine = Math.floor((octant + 1) / 2) % 2 === 0;
    const value = isCosine ? series(COS, square) : t * series(SIN, square);
    return octant >= 2 && octant < 6 ? -value : value;
  }

  function sinOfTurns(numerator, denominator) {
    return cosOfTurns(4 * modulo(numerator, denominator) - denominator, 4 * denominator);
  }

  /* Returns the values of a named window. */
  function namedWindow(name, length, periodic) {
    if (length <= 1) {
      return new Float64Array(length).fill(1);
    }
    const [constant, ...others] = WINDOWS[name];
    const period = periodic ? length : length - 1;
    return Float64Array.from({ length }, (_, step) =>
      others.reduce(
        (sum, c, k) => sum + (k % 2 ? c : -c) * cosOfTurns((k + 1) * step, period),
        constant,
      ),
    );
  }

  /* Returns the sum of numbers, rounded once. Source: J. R. Shewchuk, "Adaptive precision
   * floating-point arithmetic", Discrete & Computational Geometry 18 (1997). */
  function exactSum(values) {
    const partials = [];
    for (let x of values) {
      let count = 0;
      for (let y of partials) {
        if (Math.abs(x) < Math.abs(y)) {
          [x, y] = [y, x];
        }
        const high = x + y;
        const low = y - (high - x);
        if (low !== 0) {
          partials[count++] = low;
        }
        x = high;
      }
      partials.length = count;
      partials.push(x);
    }
    let total = 0;
    let low = 0;
    while (partials.length > 0 && low === 0) {
      const x = total;
      const y = partials.pop();
      total = x + y;
      low = y - (total - x);
    }
    // half-way cases depend on the next partial
    const next = partials.length > 0 ? partials[partials.length - 1] : 0;
    if ((low < 0 && next < 0) || (low > 0 && next > 0)) {
      const x = total + 2 * low;
      if (2 * low === x - total) {
        total = x;
      }
    }
    return total;
  }

  /* Returns the values of the kernels in float64. */
  async function stftValues({ side, window, scaling, periodic }, [length, , bins], check) {
    const fftLength = 2 * (bins - 1);
    const values = new Float64Array(length * bins);
    let weights = null;
    let norm = 1;
    if (window !== null && values.length > 0) {
      weights = typeof window === "string" ? namedWindow(window, length, periodic) : window;
      if (scaling === "density") {
        norm = Math.sqrt(exactSum(Array.from(weights, (weight) => weight * weight)));
      } else if (scaling === "spectrum") {
        norm = exactSum(Array.from(weights, Math.abs));
      }
      if (norm === 0) {
        const allowed = `other than all zeros for a frame of length ${length}`;
        throw new ArgumentError("window", window, allowed);
      }
    }
    for (let time = 0; time < length; ++time) {
      await pauseAndCheck(check);
      for (let bin = 0; bin < bins; ++bin) {
        const phase = time * bin;
        const wave = side === "real" ? cosOfTurns(phase, fftLength) : -sinOfTurns(phase, fftLength);
        values[time * bins + bin] = weights === null ? wave : (wave * weights[time]) / norm;
      }
    }
    return values;
  }

  Object.assign(pyinit, { WINDOWS, stftValues });
})(globalThis.pyinit);
