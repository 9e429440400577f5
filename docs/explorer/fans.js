/* Fan-in and fan-out of a weight tensor, as pyinit/initializers/fans.py computes them. */
"use strict";

(function (pyinit) {
  const { ArgumentError, Shape, python, sizeOf } = pyinit;

  function axesOfShape(name, axes, shape) {
    const rank = shape.length;
    if (axes.some((axis) => axis < -rank || axis >= rank)) {
      const allowed = `axes of shape=${python(new Shape(shape))}, from ${-rank} to ${rank - 1}`;
      throw new ArgumentError(name, axes, allowed);
    }
    const positive = axes.map((axis) => (axis + rank) % rank);
    if (new Set(positive).size !== axes.length) {
      throw new ArgumentError(name, axes, "distinct axes");
    }
    return positive.sort((a, b) => a - b);
  }

  /* Returns [fan_in, fan_out]. */
  function fansOf({ input_axes: inputs, output_axes: outputs, batch_axes: batch }, shape) {
    let lengths = shape;
    const hasAxes = Boolean(inputs && outputs);
    if (batch) {
      const stacked = axesOfShape("batch_axes", batch, shape);
      if (!hasAxes) {
        lengths = shape.filter((_, axis) => !stacked.includes(axis));
      }
    }
    if (hasAxes) {
      return [
        ["input_axes", inputs],
        ["output_axes", outputs],
      ].map(([name, axes]) => sizeOf(axesOfShape(name, axes, shape).map((axis) => shape[axis])));
    }
    if (lengths.length === 0) {
      return [1, 1];
    }
    if (lengths.length === 1) {
      return [lengths[0], lengths[0]];
    }
    const field = sizeOf(lengths.slice(0, -2));
    const [last, previous] = [lengths[lengths.length - 1], lengths[lengths.length - 2]];
    return [field * previous, field * last];
  }

  Object.assign(pyinit, { axesOfShape, fansOf });
})(globalThis.pyinit);
