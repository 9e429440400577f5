/* Tensors: their values, their fingerprint and their distribution. */
"use strict";

(function (pyinit) {
  const {
    DTYPES,
    INITIALIZERS,
    axesOfShape,
    checkedConfig,
    densityOf,
    fansOf,
    moments,
    positions,
    sizeOf,
    sphereDensity,
    stridesOf,
    tallShape,
  } = pyinit;

  /* Draws a tensor, or the partition { shape, offset } of it.
   *
   * `config` has the arguments of the constructor. `check` is called now and then, after a pause,
   * and stops the work by throwing; without it, there are no pauses.
   *
   * Returns the shape, the dtype and the bytes of the values in C order. */
  async function draw(kernel, name, config, shape, dtype, { draw = 0, partition, check } = {}) {
    const initializer = INITIALIZERS[name];
    const checked = checkedConfig(kernel, name, config);
    const drawId = { seed: BigInt.asUintN(64, checked.seed || 0n), draw };
    const { bytes } = DTYPES[dtype];
    const part = partition || { shape, offset: shape.map(() => 0) };
    const size = sizeOf(part.shape);
    let content = null;
    if (initializer.distribution) {
      const distribution = initializer.distribution(kernel, checked, shape, dtype);
      content = await kernel.withMemory([bytes * size], async (address) => {
        const strides = stridesOf(shape);
        if (size > 0 && partition) {
          const first = part.offset.reduce((at, k, axis) => at + k * strides[axis], 0);
          kernel.fill(address, dtype, distribution, drawId, first, part.shape, strides);
        } else {
          await kernel.fillRun(address, dtype, distribution, drawId, 0, size, check);
        }
        return kernel.view(Uint8Array, address, bytes * size).slice();
      });
    } else {
      const all = await initializer.values(kernel, checked, shape, dtype, drawId, check);
      const values = partition ? sliceOf(all, shape, part) : all;
      content = await rounded(kernel, values, dtype, check);
    }
    return { shape: part.shape, dtype, bytes: content };
  }

  function sliceOf(values, shape, part) {
    const strides = stridesOf(shape);
    const slice = new Float64Array(sizeOf(part.shape));
    let k = 0;
    for (const position of positions(part.shape)) {
      slice[k++] =
        values[
          position.reduce((at, index, axis) => at + (part.offset[axis] + index) * strides[axis], 0)
        ];
    }
    return slice;
  }

  /* Rounds float64 values once and returns the bytes of the results. */
  async function rounded(kernel, values, dtype, check) {
    const { bytes } = DTYPES[dtype];
    const { length } = values;
    return kernel.withMemory([bytes * length, 8 * length], async (to, from) => {
      kernel.view(Float64Array, from, length).set(values);
      await kernel.store(to, dtype, from, length, check);
      return kernel.view(Uint8Array, to, bytes * length).slice();
    });
  }

  /* Returns the fingerprint of a tensor, as `pyinit.fingerprint()` does. */
  async function fingerprint(kernel, { shape, dtype, bytes }, check) {
    const header = ["pyinit fingerprint 1", "1", dtype, shape.join(",")];
    const digest = await kernel.sha256([`${header.join("\0")}\0`, bytes], check);
    return digest.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /* Returns the fans and the distribution of the values for a shape, as `summary()` does, and the
   * density, if there is one. */
  function summary(kernel, name, config, shape, dtype) {
    const initializer = INITIALIZERS[name];
    const checked = checkedConfig(kernel, name, config);
    const [fanIn, fanOut] = fansOf(checked, shape);
    const base = { fanIn, fanOut, distribution: null, density: null };
    if (initializer.distribution) {
      const found = initializer.distribution(kernel, checked, shape, dtype);
      const { family } = found;
      const about = moments(kernel, found);
      return {
        ...base,
        ...about,
        distribution: family === "bounded_normal" ? "truncated_normal" : family,
        density: found.scale > 0 ? densityOf(found, about) : null,
      };
    }
    if (initializer.constant) {
      const mean = kernel.rounded(initializer.constant(checked), dtype);
      return { ...base, distribution: "constant", mean, stddev: 0, minval: mean, maxval: mean };
    }
    if (name === "Orthogonal") {
      const batch = checked.batch_axes ? axesOfShape("batch_axes", checked.batch_axes, shape) : [];
      const [many] = tallShape(shape.filter((_, axis) => !batch.includes(axis)));
      const limit = Math.abs(checked.gain);
      return {
        ...base,
        distribution: "orthogonal",
        mean: 0,
        stddev: limit / Math.sqrt(Math.max(1, many)),
        minval: -limit,
        maxval: limit,
        density: limit > 0 ? sphereDensity(many, limit) : null,
      };
    }
    return base;
  }

  Object.assign(pyinit, { draw, fingerprint, summary });
})(globalThis.pyinit);
