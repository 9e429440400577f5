/* The initializers: their arguments and what computes their values. */
"use strict";

(function (pyinit) {
  const {
    ArgumentError,
    Shape,
    TRUNCATED_STDDEV,
    axesOfShape,
    boundedNormal,
    fansOf,
    oneOf,
    orthonormalize,
    pauseAndCheck,
    roundedDistribution,
    sizeOf,
    stftValues,
    stridesOf,
    wordsBetween,
  } = pyinit;
  const MODES = ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"];
  const DISTRIBUTIONS = ["truncated_normal", "untruncated_normal", "uniform"];
  const SCALINGS = ["density", "spectrum", null];

  /* An argument: its default, its check and how the page asks for it. Arguments without `kind`
   * are not on the page, since R's function does not have them. */
  const SEED = { default: 1n, check: pyinit.asSeed, kind: "integer" };
  const BATCH_AXES = { default: null, check: pyinit.asBatchAxes, kind: "axes" };
  const AXES = { default: null, check: pyinit.asAxes };
  const FANS = { input_axes: AXES, output_axes: AXES, batch_axes: BATCH_AXES };
  const MEAN = { default: 0, check: pyinit.asNumber, kind: "number" };
  const STDDEV = { default: 0.05, check: pyinit.asStddev, kind: "number" };
  const GAIN = { default: 1, check: pyinit.asNumber, kind: "number" };

  function choice(choices) {
    return { default: choices[0], check: oneOf(choices), kind: "choice", choices };
  }

  function bound(value) {
    return { default: value, check: pyinit.asBound, kind: "number" };
  }

  /* ---- values that are independent ---- */

  function checkBounds({ lower, upper }, kernel) {
    if (!(lower < upper)) {
      throw new ArgumentError("lower", lower, `less than upper=${pyinit.python(upper)}`);
    }
    if (lower !== -2 || upper !== 2) {
      wordsBetween(kernel, lower, upper);
    }
  }

  function truncatedNormal(kernel, { mean, stddev, lower, upper }, shape, dtype) {
    return lower === -2 && upper === 2
      ? roundedDistribution(kernel, "truncated_normal", mean, stddev, dtype, ["mean", "stddev"])
      : boundedNormal(kernel, mean, stddev, lower, upper, dtype);
  }

  function checkRange({ minval, maxval }) {
    if (minval > maxval) {
      throw new ArgumentError("minval", minval, `at most maxval=${pyinit.python(maxval)}`);
    }
  }

  const UNITS = {
    fan_in: (fanIn) => fanIn,
    fan_out: (fanIn, fanOut) => fanOut,
    fan_avg: (fanIn, fanOut) => (fanIn + fanOut) / 2,
    fan_geo_avg: (fanIn, fanOut) => Math.sqrt(fanIn * fanOut),
  };

  function varianceScaling(kernel, config, shape, dtype) {
    const [fanIn, fanOut] = fansOf(config, shape);
    const variance = config.scale / Math.max(1, UNITS[config.mode](fanIn, fanOut));
    let family = "uniform";
    let location = 0;
    let width = Math.sqrt(variance);
    if (config.distribution === "uniform") {
      width = Math.sqrt(3 * variance);
      location = -width;
    } else if (config.distribution === "truncated_normal") {
      family = "truncated_normal";
      width /= TRUNCATED_STDDEV;
    } else {
      family = "normal";
    }
    try {
      return roundedDistribution(kernel, family, location, width, dtype, ["scale", "scale"]);
    } catch (error) {
      if (!(error instanceof ArgumentError)) {
        throw error;
      }
      const allowed = `so small that all values are within the range of dtype ${dtype}`;
      throw new ArgumentError("scale", config.scale, allowed);
    }
  }

  function fixedScaling(scale, mode, distribution, formula) {
    return {
      arguments: { seed: SEED, ...FANS },
      formula,
      distribution: (kernel, config, shape, dtype) =>
        varianceScaling(kernel, { ...config, scale, mode, distribution }, shape, dtype),
    };
  }

  /* ---- values that depend on each other, or are not random ---- */

  function scalar(kernel, name, value, dtype) {
    if (!Number.isFinite(kernel.rounded(value, dtype)) && Number.isFinite(value)) {
      throw new ArgumentError(name, value, `within the range of dtype ${dtype}`);
    }
    return value;
  }

  function constant(valueOf) {
    return {
      constant: valueOf,
      values: (kernel, config, shape, dtype) => {
        const value = scalar(kernel, "value", valueOf(config), dtype);
        return new Float64Array(sizeOf(shape)).fill(value);
      },
    };
  }

  function identity(kernel, { gain }, shape, dtype) {
    if (shape.length !== 2) {
      throw new ArgumentError("shape", new Shape(shape), "of rank 2 for Identity");
    }
    return diagonal(shape, scalar(kernel, "gain", gain, dtype), shape[1]);
  }

  /* Returns identity matrices of `width` columns side by side. */
  function diagonal([rows, columns], value, width) {
    const values = new Float64Array(rows * columns);
    for (let column = 0; column < columns; ++column) {
      if (column % width < rows) {
        values[(column % width) * columns + column] = value;
      }
    }
    return values;
  }

  function checkKernelRank(shape, name) {
    if (shape.length < 3 || shape.length > 5) {
      throw new ArgumentError("shape", new Shape(shape), `of rank 3, 4 or 5 for ${name}`);
    }
  }

  /* Returns a kernel of a convolution that is zero except for a matrix at one position. */
  function centred(shape, centreOf, matrix) {
    const values = new Float64Array(sizeOf(shape));
    const strides = stridesOf(shape);
    if (values.length > 0) {
      values.set(
        matrix,
        shape.slice(0, -2).reduce((at, k, j) => at + centreOf(k) * strides[j], 0),
      );
    }
    return values;
  }

  function dirac(kernel, { groups }, shape) {
    checkKernelRank(shape, "Dirac");
    const outputs = shape[shape.length - 1];
    if (outputs % groups !== 0) {
      const allowed = `(*kernel, inputs, outputs) with a multiple of groups=${groups} outputs`;
      throw new ArgumentError("shape", new Shape(shape), allowed);
    }
    const matrix = diagonal(shape.slice(-2), 1, outputs / groups);
    return centred(shape, (k) => Math.floor(k / 2), matrix);
  }

  async function deltaOrthogonal(kernel, { gain }, shape, dtype, drawId, check) {
    checkKernelRank(shape, "DeltaOrthogonal");
    if (shape[shape.length - 2] > shape[shape.length - 1]) {
      const allowed = "(*kernel, inputs, outputs) with at most as many inputs as outputs";
      throw new ArgumentError("shape", new Shape(shape), allowed);
    }
    const matrix = await orthogonal(kernel, { gain }, shape.slice(-2), dtype, drawId, check);
    return centred(shape, (k) => Math.floor((k - 1) / 2), matrix);
  }

  /* The largest number of multiplications of an orthogonal matrix, rows * columns**2. */
  const MAX_PRODUCTS = 1 << 30;

  function tallShape(shape) {
    const columns = shape[shape.length - 1];
    const rows = sizeOf(shape.slice(0, -1));
    return [Math.max(rows, columns), Math.min(rows, columns)];
  }

  async function orthogonal(kernel, config, shape, dtype, drawId, check) {
    const batch = config.batch_axes ? axesOfShape("batch_axes", config.batch_axes, shape) : [];
    const axes = shape.map((_, axis) => axis).filter((axis) => !batch.includes(axis));
    if (axes.length < 2) {
      const stacked =
        batch.length > 0 ? ` without batch_axes=${pyinit.python(config.batch_axes)}` : "";
      const allowed = `of rank 2 or more${stacked} for Orthogonal`;
      throw new ArgumentError("shape", new Shape(shape), allowed);
    }
    scalar(kernel, "gain", config.gain, dtype);
    const strides = stridesOf(shape);
    const own = axes.map((axis) => shape[axis]);
    const [many, few] = tallShape(own);
    if (many * few ** 2 > MAX_PRODUCTS) {
      const allowed =
        "that of a matrix of m rows and n columns, m >= n (or its transpose), with " +
        `m * n**2 at most ${MAX_PRODUCTS} in the explorer`;
      throw new ArgumentError("shape", new Shape(shape), allowed);
    }
    const values = new Float64Array(sizeOf(shape));
    if (values.length === 0) {
      return values;
    }
    const ownStrides = axes.map((axis) => strides[axis]);
    const isTall = sizeOf(own.slice(0, -1)) >= own[own.length - 1];
    const normal = { family: "normal", location: 0, scale: 1, upper: Infinity };
    for (const member of positions(batch.map((axis) => shape[axis]))) {
      const first = member.reduce((at, k, j) => at + k * strides[batch[j]], 0);
      const tall = await kernel.withMemory([8 * many * few], async (matrix) => {
        kernel.fill(matrix, "float64", normal, drawId, first, own, ownStrides);
        await orthonormalize(kernel, matrix, many, few, check);
        return kernel.view(Float64Array, matrix, many * few).slice();
      });
      let k = 0;
      for (const position of positions(own)) {
        const at = position.reduce((sum, index, j) => sum + index * ownStrides[j], first);
        // a wide matrix is the transpose
        values[at] = config.gain * tall[isTall ? k : (k % many) * few + Math.floor(k / many)];
        ++k;
      }
      await pauseAndCheck(check);
    }
    return values;
  }

  /* Iterates over all positions in a tensor, in C order. The array is reused. */
  function* positions(shape) {
    if (sizeOf(shape) === 0) {
      return;
    }
    const position = shape.map(() => 0);
    for (;;) {
      yield position;
      let axis = shape.length - 1;
      while (axis >= 0 && ++position[axis] === shape[axis]) {
        position[axis--] = 0;
      }
      if (axis < 0) {
        return;
      }
    }
  }

  function stft(kernel, config, shape, dtype, drawId, check) {
    if (shape.length !== 3 || shape[1] !== 1 || shape[2] === 1) {
      const allowed = "(frame length, 1, half the FFT length + 1) for STFT, the last at least 2";
      throw new ArgumentError("shape", new Shape(shape), allowed);
    }
    return stftValues(config, shape, check);
  }

  /* ---- the table ---- */

  /* For each class: its arguments, and either the distribution of its values or a function that
   * computes them in float64. `formula` says what the spread of the values follows from. */
  const INITIALIZERS = {
    GlorotUniform: fixedScaling(1, "fan_avg", "uniform", "limit = sqrt(6 / (fan_in + fan_out))"),
    GlorotNormal: fixedScaling(
      1,
      "fan_avg",
      "truncated_normal",
      "stddev = sqrt(2 / (fan_in + fan_out))",
    ),
    HeUniform: fixedScaling(2, "fan_in", "uniform", "limit = sqrt(6 / fan_in)"),
    HeNormal: fixedScaling(2, "fan_in", "truncated_normal", "stddev = sqrt(2 / fan_in)"),
    LecunUniform: fixedScaling(1, "fan_in", "uniform", "limit = sqrt(3 / fan_in)"),
    LecunNormal: fixedScaling(1, "fan_in", "truncated_normal", "stddev = sqrt(1 / fan_in)"),
    VarianceScaling: {
      arguments: {
        scale: { default: 1, check: pyinit.asPositive, kind: "number" },
        mode: choice(MODES),
        distribution: choice(DISTRIBUTIONS),
        seed: SEED,
        ...FANS,
      },
      formula: "stddev = sqrt(scale / n), n chosen by mode",
      distribution: varianceScaling,
    },
    Orthogonal: {
      arguments: { gain: GAIN, seed: SEED, batch_axes: BATCH_AXES },
      formula: "the factor Q of a normal matrix, times gain",
      values: orthogonal,
    },
    RandomNormal: {
      arguments: { mean: MEAN, stddev: STDDEV, seed: SEED },
      formula: "normal(mean, stddev)",
      distribution: (kernel, { mean, stddev }, shape, dtype) =>
        roundedDistribution(kernel, "normal", mean, stddev, dtype, ["mean", "stddev"]),
    },
    TruncatedNormal: {
      arguments: { mean: MEAN, stddev: STDDEV, seed: SEED, lower: bound(-2), upper: bound(2) },
      formula: "normal(mean, stddev), truncated to mean + [lower, upper] * stddev",
      check: checkBounds,
      distribution: truncatedNormal,
    },
    RandomUniform: {
      arguments: {
        minval: { ...MEAN, default: -0.05 },
        maxval: { ...MEAN, default: 0.05 },
        seed: SEED,
      },
      formula: "uniform on [minval, maxval)",
      check: checkRange,
      distribution: (kernel, { minval, maxval }, shape, dtype) =>
        roundedDistribution(kernel, "uniform", minval, maxval, dtype, ["minval", "maxval"]),
    },
    DeltaOrthogonal: {
      arguments: { gain: GAIN, seed: SEED },
      formula: "an orthogonal matrix at the centre of a convolution's kernel, else 0",
      shape: [3, 3, 16, 32],
      values: deltaOrthogonal,
    },
    Constant: {
      arguments: { value: { default: 0, check: pyinit.asBound, kind: "number" } },
      formula: "all values are value",
      ...constant(({ value }) => value),
    },
    Zeros: { arguments: {}, formula: "all values are 0", ...constant(() => 0) },
    Ones: { arguments: {}, formula: "all values are 1", ...constant(() => 1) },
    Identity: {
      arguments: { gain: GAIN },
      formula: "the identity matrix, times gain",
      values: identity,
    },
    Dirac: {
      arguments: { groups: { default: 1, check: pyinit.asCount, kind: "number" } },
      formula: "an identity matrix at the centre of a convolution's kernel, else 0",
      shape: [3, 3, 16, 32],
      values: dirac,
    },
    STFT: {
      arguments: {
        side: choice(["real", "imag"]),
        window: {
          default: "hann",
          check: (name, value) => value,
          kind: "choice",
          choices: [...Object.keys(pyinit.WINDOWS), null],
        },
        scaling: choice(SCALINGS),
        periodic: choice([false, true]),
      },
      formula: "cosines (real) or sines (imag), times the window",
      shape: [64, 1, 33],
      values: stft,
    },
  };

  /* Returns the checked arguments of an initializer; missing ones have their default. */
  function checkedConfig(kernel, name, config) {
    const initializer = INITIALIZERS[name];
    const checked = {};
    for (const [argument, { default: initial, check }] of Object.entries(initializer.arguments)) {
      checked[argument] = check(argument, argument in config ? config[argument] : initial);
    }
    if (initializer.check) {
      initializer.check(checked, kernel);
    }
    return checked;
  }

  Object.assign(pyinit, { INITIALIZERS, checkedConfig, positions, tallShape });
})(globalThis.pyinit);
