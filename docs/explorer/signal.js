/* The spread of a signal through a stack of dense layers, as `pyinit.signal_propagation()` defines
 * it: the same seeds and formulas, so the numbers agree to rounding error. */
"use strict";

(function (pyinit) {
  const { ArgumentError, INITIALIZERS, draw, oneOf, pauseAndCheck, widened } = pyinit;
  const SELU_SCALE = 1.0507009873554805;
  const SELU_ALPHA = 1.6732632423543772;
  const LEAKY_SLOPE = 0.2;
  /* The largest number of elements of all kernels. */
  const MAX_KERNELS = 1 << 23;
  const MAX_DEPTH = 1000;
  /* Initializers that cannot fill a matrix. */
  const NOT_MATRICES = ["DeltaOrthogonal", "Dirac", "STFT"];

  function matrixInitializers() {
    return Object.keys(INITIALIZERS).filter((name) => !NOT_MATRICES.includes(name));
  }

  function sigmoid(z) {
    return (1 + Math.tanh(z / 2)) / 2;
  }

  /* The activation functions and their derivatives. */
  const ACTIVATIONS = {
    relu: [(z) => Math.max(z, 0), (z) => (z > 0 ? 1 : 0)],
    tanh: [Math.tanh, (z) => 1 - Math.tanh(z) ** 2],
    linear: [(z) => z, () => 1],
    sigmoid: [sigmoid, (z) => sigmoid(z) * (1 - sigmoid(z))],
    leaky_relu: [(z) => (z > 0 ? z : LEAKY_SLOPE * z), (z) => (z > 0 ? 1 : LEAKY_SLOPE)],
    elu: [(z) => (z > 0 ? z : Math.expm1(z)), (z) => (z > 0 ? 1 : 1 + Math.expm1(z))],
    selu: [
      (z) => SELU_SCALE * (z > 0 ? z : SELU_ALPHA * Math.expm1(z)),
      (z) => SELU_SCALE * (z > 0 ? 1 : SELU_ALPHA * (1 + Math.expm1(z))),
    ],
    silu: [(z) => z * sigmoid(z), (z) => sigmoid(z) * (1 + z * (1 - sigmoid(z)))],
  };

  /* Returns the seed of a name, as `pyinit.derive_seed()` does. */
  async function deriveSeed(kernel, seed, name) {
    const digest = await kernel.sha256([
      `pyinit derive_seed 1\0${BigInt.asUintN(64, seed)}\0${name}`,
    ]);
    return digest.slice(0, 8).reduce((word, byte) => (word << 8n) | BigInt(byte), 0n);
  }

  /* Checks the arguments and returns them, as integers. */
  function checkedSignal({ depth, width, batch_size: batchSize, activation, seed }) {
    const checked = {
      depth: pyinit.asCount("depth", depth),
      width: pyinit.asCount("width", width),
      batchSize: pyinit.asCount("batch_size", batchSize),
      activation: oneOf(Object.keys(ACTIVATIONS))("activation", activation),
      seed: pyinit.asSeed("seed", seed),
    };
    if (depth > MAX_DEPTH) {
      throw new ArgumentError("depth", depth, `at most ${MAX_DEPTH} in the explorer`);
    }
    const allowed = `such that depth * width**2 is at most ${MAX_KERNELS} in the explorer`;
    if (width ** 2 > MAX_KERNELS) {
      throw new ArgumentError("width", width, allowed);
    }
    if (depth * width ** 2 > MAX_KERNELS) {
      throw new ArgumentError("depth", depth, allowed);
    }
    return checked;
  }

  /* Draws a tensor of float32 and returns its values as float64. */
  async function drawn(kernel, name, config, shape, seed, check) {
    const seeded = "seed" in INITIALIZERS[name].arguments ? { ...config, seed } : config;
    const { bytes } = await draw(kernel, name, seeded, shape, "float32", { check });
    return widened(bytes, "float32");
  }

  /* Returns the standard deviations of the activations and of the gradients, by depth.
   *
   * `progress` is called with the share of the work that is done; `check` as in `draw()`. */
  async function signalPropagation(
    kernel,
    name,
    config,
    settings,
    { check, progress = () => {} } = {},
  ) {
    const { depth, width, batchSize, activation, seed } = checkedSignal(settings);
    const [apply, derivative] = ACTIVATIONS[activation];
    const shape = [width, width];
    const input = async (label) => {
      const derived = await deriveSeed(kernel, seed, label);
      return drawn(kernel, "RandomNormal", { stddev: 1 }, [batchSize, width], derived, check);
    };
    let x = await input("input");
    let gradient = await input("gradient");
    const kernels = [];
    const slopes = [];
    const activations = [stddevOf(x)];
    for (let layer = 1; layer <= depth; ++layer) {
      const derived = await deriveSeed(kernel, seed, `layer_${layer}/kernel`);
      const weights = await drawn(kernel, name, config, shape, derived, check);
      const z = await multiplied(kernel, x, weights, batchSize, width, check);
      x = z.map(apply);
      slopes.push(z.map(derivative));
      kernels.push(Float32Array.from(weights));
      activations.push(stddevOf(x));
      progress(layer / (2 * depth));
      await pauseAndCheck(check);
    }
    const gradients = [stddevOf(gradient)];
    for (let layer = depth; layer >= 1; --layer) {
      const slope = slopes.pop();
      const scaled = gradient.map((value, k) => value * slope[k]);
      gradient = await multiplied(
        kernel,
        scaled,
        transposed(kernels.pop(), width),
        batchSize,
        width,
        check,
      );
      gradients.push(stddevOf(gradient));
      progress(1 - (layer - 1) / (2 * depth));
      await pauseAndCheck(check);
    }
    return { activations, gradients: gradients.reverse() };
  }

  function transposed(matrix, width) {
    const result = new Float64Array(width * width);
    for (let row = 0; row < width; ++row) {
      for (let column = 0; column < width; ++column) {
        result[column * width + row] = matrix[row * width + column];
      }
    }
    return result;
  }

  /* Rows of a product that are computed between two pauses. */
  const ROWS = 8;

  /* Returns x @ w, where x has `rows` rows and w is a square matrix. */
  async function multiplied(kernel, x, w, rows, width, check) {
    const sizes = [8 * x.length, 8 * x.length, 8 * w.length];
    return kernel.withMemory(sizes, async (out, left, right) => {
      kernel.view(Float64Array, left, x.length).set(x);
      kernel.view(Float64Array, right, w.length).set(w);
      for (let row = 0; row < rows; row += ROWS) {
        const at = 8 * row * width;
        const taken = Math.min(ROWS, rows - row);
        kernel.exports.multiply(out + at, left + at, right, taken, width, width);
        await pauseAndCheck(check);
      }
      return kernel.view(Float64Array, out, x.length).slice();
    });
  }

  /* Returns the standard deviation, without overflow of the squares. */
  function stddevOf(values) {
    const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    if (largest === 0) {
      return 0;
    }
    return largest * pyinit.momentsOf(values.map((value) => value / largest)).stddev;
  }

  Object.assign(pyinit, {
    ACTIVATIONS,
    checkedSignal,
    deriveSeed,
    matrixInitializers,
    signalPropagation,
  });
})(globalThis.pyinit);
