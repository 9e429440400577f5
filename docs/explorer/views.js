/* The results on the page: numbers, texts and charts. */
"use strict";

(function (pyinit) {
  const { INITIALIZERS, brief } = pyinit;

  function byId(id) {
    return document.getElementById(id);
  }

  /* ---- the tensor ---- */

  /* Shows a tensor. Returns a function that draws the charts, for the present width of the page. */
  function showTensor(kernel, { name, config, shape, dtype, found, values, fingerprint, about }) {
    const { moments } = about;
    byId("fingerprint").textContent = fingerprint;
    byId("fans").textContent = `fan_in = ${found.fanIn}, fan_out = ${found.fanOut}`;
    byId("rule").textContent = INITIALIZERS[name].formula;
    byId("python-lines").textContent = pyinit.pythonLines(name, config, shape, dtype);
    byId("r-lines").textContent = pyinit.rLines(name, config, shape, dtype);
    showFirst(kernel, values, dtype);
    showFacts(name, found, moments);
    const count = values.length.toLocaleString("en");
    byId("tensor-status").textContent =
      values.length === 0
        ? `${name}: the tensor is empty.`
        : `${name}: ${count} values with mean ${brief(moments.mean)} and standard deviation ` +
          `${brief(moments.stddev)}. The fingerprint starts with ${fingerprint.slice(0, 8)}.`;
    return () => {
      showHistogram(about, found.density);
      showMatrix(about.matrix, shape);
    };
  }

  function showFirst(kernel, values, dtype) {
    const first = Array.from(values.subarray(0, 6), (value) =>
      pyinit.shortest(kernel, value, dtype),
    );
    byId("first-values").textContent =
      (first.join(", ") || "none") + (values.length > 6 ? ", ..." : "");
  }

  function showFacts(name, found, moments) {
    const isUniform = found.distribution === "uniform";
    const limit = isUniform && found.minval === -found.maxval;
    const rows = [
      ["mean", found.mean, moments.mean],
      ["standard deviation", found.stddev, moments.stddev],
      [limit ? "minimum (-limit)" : "minimum", found.minval, moments.minval],
      [limit ? "maximum (limit)" : "maximum", found.maxval, moments.maxval],
    ];
    const isRandom = "seed" in INITIALIZERS[name].arguments;
    const noTheory = isRandom ? "differs by element" : "not random";
    const body = byId("facts");
    body.replaceChildren();
    for (const [quantity, expected, measured] of rows) {
      const row = body.insertRow();
      const heading = row.appendChild(document.createElement("th"));
      heading.scope = "row";
      heading.textContent = quantity;
      row.insertCell().textContent = expected === undefined ? noTheory : brief(expected);
      row.insertCell().textContent = moments.count > 0 ? brief(measured) : "";
    }
  }

  /* Returns the width of the place of a chart. */
  function widthOf(svg) {
    return Math.max(260, Math.floor(svg.parentElement.clientWidth));
  }

  function showHistogram({ moments, atoms, histogram }, density) {
    const svg = byId("histogram");
    const text = byId("histogram-text");
    svg.replaceChildren();
    svg.toggleAttribute("hidden", atoms === null && histogram === null);
    legend(byId("histogram-legend"), []);
    if (moments.count === 0) {
      text.textContent = "The tensor has no values.";
    } else if (atoms !== null) {
      pyinit.drawShares(svg, widthOf(svg), atoms);
      const list = atoms.map(({ value, share }) => `${brief(value)} (${brief(100 * share)} %)`);
      text.textContent = `All values are one of: ${list.join(", ")}.`;
    } else if (histogram === null) {
      text.textContent = "The values are not finite.";
    } else {
      const curve = histogram.zeroShare > 0 ? null : density;
      pyinit.drawHistogram(svg, widthOf(svg), histogram, curve);
      const count = histogram.count.toLocaleString("en");
      legend(byId("histogram-legend"), [
        ["bar", `histogram of ${count} values`],
        ...(curve === null ? [] : [["density", "theoretical density"]]),
      ]);
      text.textContent =
        `Values from ${brief(histogram.minval)} to ${brief(histogram.maxval)}` +
        (histogram.zeroShare > 0
          ? `; the zeros, ${brief(100 * histogram.zeroShare)} % of all values, are left out.`
          : ".");
    }
  }

  function legend(place, entries) {
    place.replaceChildren();
    for (const [key, text] of entries) {
      const entry = place.appendChild(document.createElement("span"));
      const swatch = entry.appendChild(document.createElement("span"));
      swatch.className = `explorer-key ${key}`;
      entry.append(text);
    }
  }

  function showMatrix(matrix, shape) {
    byId("matrix").hidden = matrix.values.length === 0;
    byId("scale").parentElement.hidden = matrix.values.length === 0;
    const { low, high, stops } = pyinit.drawMatrix(byId("matrix"), matrix);
    pyinit.drawScale(byId("scale"), stops);
    byId("scale-low").textContent = Number.isFinite(low) ? brief(low) : "";
    byId("scale-high").textContent = Number.isFinite(high) ? brief(high) : "";
    const { rows, columns, allRows, allColumns } = matrix;
    fit(byId("matrix"), rows, columns);
    const isWhole = rows === allRows && columns === allColumns;
    byId("matrix-text").textContent =
      `${isWhole ? "All" : "The first"} ${rows} rows (${rowAxes(shape)}) and ${columns} columns` +
      (shape.length > 0 ? ` (axis ${shape.length - 1})` : "") +
      (isWhole ? "." : ` of a matrix of ${allRows} by ${allColumns}.`);
  }

  /* The height of an image, and the largest ratio of its sides that is not stretched. */
  const IMAGE_HEIGHT = 280;
  const MAX_RATIO = 4;

  /* Makes an image as large as its place allows, with square elements unless it is a strip. */
  function fit(canvas, rows, columns) {
    const available = Math.min(canvas.parentElement.clientWidth, 2 * IMAGE_HEIGHT);
    const isStrip = Math.max(rows / columns, columns / rows) > MAX_RATIO;
    const scale = Math.min((available - 2) / columns, IMAGE_HEIGHT / rows);
    const [width, height] = isStrip
      ? [
          columns > rows ? available - 2 : IMAGE_HEIGHT / MAX_RATIO,
          columns > rows ? IMAGE_HEIGHT / MAX_RATIO : IMAGE_HEIGHT,
        ]
      : [scale * columns, scale * rows];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }

  function rowAxes(shape) {
    switch (shape.length) {
      case 0:
      case 1:
        return "no axis";
      case 2:
        return "axis 0";
      default:
        return `axes 0 to ${shape.length - 2}`;
    }
  }

  /* ---- the signal ---- */

  /* Shows how a signal spreads with each of the initializers in `series`. Returns a function that
   * draws the charts. */
  function showSignal(series, settings, note) {
    legend(
      byId("signal-legend"),
      series.map((each) => [`line ${each.key}`, pyinit.pythonCall(...pyinit.unseeded(each))]),
    );
    const ends = (id, from, to) =>
      series
        .map(
          ({ name, [id]: values }) =>
            `${name}: from ${brief(values.at(from))} to ${brief(values.at(to))}`,
        )
        .join("; ");
    byId("activations-text").textContent = `${ends("activations", 0, -1)}.`;
    byId("gradients-text").textContent = `${ends("gradients", -1, 0)}.`;
    byId("signal-python-lines").textContent = pyinit.signalPythonLines(series, settings);
    byId("signal-r-lines").textContent = pyinit.signalRLines(series, settings);
    const spreads = series.map(
      ({ name, activations }) => `${brief(activations.at(-1))} with ${name}`,
    );
    byId("signal-status").textContent =
      `${note}After ${settings.depth} layers, the standard deviation of the activations is ` +
      `${spreads.join(" and ")}.`;
    return () => {
      for (const id of ["activations", "gradients"]) {
        const svg = byId(id);
        const lines = series.map((each) => ({ name: each.key, values: each[id] }));
        pyinit.drawLines(svg, widthOf(svg), lines, "standard deviation");
      }
    };
  }

  Object.assign(pyinit, { byId, showSignal, showTensor });
})(globalThis.pyinit);
