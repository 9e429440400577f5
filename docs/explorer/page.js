/* The page: the fields, the results, and the work between them. */
"use strict";

(function (pyinit) {
  const { ArgumentError, DTYPES, INITIALIZERS, brief } = pyinit;
  /* Milliseconds after the last key before a text counts. */
  const TYPING = 250;

  function byId(id) {
    return document.getElementById(id);
  }

  let state = null;
  let kernel = null;

  /* ---- work: one piece at a time, the newest wins ---- */

  class StoppedError extends Error {}

  class Panel {
    constructor(compute, status, results) {
      Object.assign(this, { compute, status, results, wanted: 0 });
    }

    /* Computes and shows the results of the present state, and stops older work. */
    update() {
      const mine = ++this.wanted;
      const check = () => {
        if (mine !== this.wanted) {
          throw new StoppedError();
        }
      };
      queue = queue.then(async () => {
        try {
          check();
          this.results.setAttribute("aria-busy", "true");
          await this.compute(check);
          this.results.hidden = false;
          this.results.removeAttribute("aria-busy");
        } catch (error) {
          if (!(error instanceof StoppedError)) {
            this.fail(error);
          }
        }
      });
    }

    fail(error) {
      this.results.hidden = true;
      this.results.removeAttribute("aria-busy");
      this.status.textContent = error.message;
      this.status.classList.add("explorer-error");
      const field = error instanceof ArgumentError ? byId(`field-${error.argument}`) : null;
      if (field !== null && this.status.dataset.fields.split(" ").includes(field.form.id)) {
        field.setAttribute("aria-invalid", "true");
        const place = byId(`error-${error.argument}`);
        if (place !== null) {
          place.textContent = error.message;
          this.status.textContent = `Argument ${error.argument} is invalid.`;
        }
      }
    }

    clear() {
      this.status.classList.remove("explorer-error");
      for (const id of this.status.dataset.fields.split(" ")) {
        for (const field of byId(id).elements) {
          field.removeAttribute("aria-invalid");
        }
        for (const place of byId(id).querySelectorAll(".explorer-error")) {
          place.textContent = "";
        }
      }
    }
  }

  let queue = Promise.resolve();

  /* ---- the tensor ---- */

  async function computeTensor(check) {
    const panel = panels.tensor;
    panel.clear();
    const { initializer: name, dtype } = state;
    const config = pyinit.configOf(state);
    const shape = pyinit.asShape(pyinit.parseShape(state.shape));
    const found = pyinit.summary(kernel, name, config, shape, dtype);
    if (pyinit.sizeOf(shape) > pyinit.SLICE) {
      panel.status.textContent = "Drawing the values ...";
    }
    const tensor = await pyinit.draw(kernel, name, config, shape, dtype, { check });
    const fingerprint = await pyinit.fingerprint(kernel, tensor, check);
    const values = pyinit.widened(tensor.bytes, dtype);
    const moments = pyinit.momentsOf(values);
    byId("fingerprint").textContent = fingerprint;
    byId("fans").textContent = `fan_in = ${found.fanIn}, fan_out = ${found.fanOut}`;
    byId("rule").textContent = INITIALIZERS[name].formula;
    byId("python-lines").textContent = pyinit.pythonLines(name, config, shape, dtype);
    byId("r-lines").textContent = pyinit.rLines(name, config, shape, dtype);
    showFirst(values, dtype);
    showFacts(found, moments);
    panel.results.hidden = false;
    shown.tensor = () => {
      showHistogram(values, dtype, found.density);
      showMatrix(values, shape);
    };
    shown.tensor();
    const count = values.length.toLocaleString("en");
    panel.status.textContent =
      values.length === 0
        ? `${name}: the tensor is empty.`
        : `${name}: ${count} values with mean ${brief(moments.mean)} and standard deviation ` +
          `${brief(moments.stddev)}. The fingerprint starts with ${fingerprint.slice(0, 8)}.`;
  }

  /* The functions that draw the charts again, for another width of the page. */
  const shown = { tensor: null, signal: null };

  function showFirst(values, dtype) {
    const first = Array.from(values.subarray(0, 6), (value) =>
      pyinit.shortest(kernel, value, dtype),
    );
    byId("first-values").textContent = first.join(", ") + (values.length > 6 ? ", ..." : "");
  }

  function showFacts(found, moments) {
    const isUniform = found.distribution === "uniform";
    const limit = isUniform && found.minval === -found.maxval;
    const rows = [
      ["mean", found.mean, moments.mean],
      ["standard deviation", found.stddev, moments.stddev],
      [limit ? "minimum (-limit)" : "minimum", found.minval, moments.minval],
      [limit ? "maximum (limit)" : "maximum", found.maxval, moments.maxval],
    ];
    const isRandom = "seed" in INITIALIZERS[state.initializer].arguments;
    const noTheory = isRandom ? "differs by element" : "not random";
    const body = byId("facts");
    body.replaceChildren();
    for (const [name, expected, measured] of rows) {
      const row = body.insertRow();
      const heading = row.appendChild(document.createElement("th"));
      heading.scope = "row";
      heading.textContent = name;
      row.insertCell().textContent = expected === undefined ? noTheory : brief(expected);
      row.insertCell().textContent = moments.count > 0 ? brief(measured) : "";
    }
  }

  /* Draws again as wide as its place on the page. */
  function widthOf(svg) {
    return Math.max(260, Math.floor(svg.parentElement.clientWidth));
  }

  function showHistogram(values, dtype, density) {
    const svg = byId("histogram");
    const text = byId("histogram-text");
    const atoms = pyinit.atomsOf(values);
    svg.replaceChildren();
    legend(byId("histogram-legend"), []);
    if (values.length === 0) {
      text.textContent = "The tensor has no values.";
    } else if (values.some((value) => !Number.isFinite(value))) {
      text.textContent = "The values are not finite.";
    } else if (atoms !== null) {
      pyinit.drawShares(svg, widthOf(svg), atoms);
      const list = atoms.map(({ value, share }) => `${brief(value)} (${brief(100 * share)} %)`);
      text.textContent = `All values are one of: ${list.join(", ")}.`;
    } else {
      const histogram = pyinit.histogramOf(values, dtype);
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

  function showMatrix(values, shape) {
    const matrix = pyinit.matrixOf(values, shape);
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

  async function computeSignal(check) {
    const panel = panels.signal;
    panel.clear();
    const config = pyinit.checkedConfig(kernel, state.initializer, pyinit.configOf(state));
    const settings = {
      activation: state.activation,
      depth: countOf(state.depth),
      width: countOf(state.width),
      batch_size: 64,
      seed: config.seed === undefined ? 1n : config.seed,
    };
    pyinit.checkedSignal(settings);
    const chosen = [
      ["first", state.initializer, config],
      ["second", state.compare, {}],
    ].filter(([, name]) => pyinit.matrixInitializers().includes(name));
    if (chosen.length === 0) {
      throw new Error(
        `${state.initializer} cannot fill the square kernel of a dense layer. Choose an ` +
          "initializer to compare with.",
      );
    }
    const series = [];
    for (const [key, name, own] of chosen) {
      const progress = (share) => {
        const percent = Math.round((100 * (series.length + share)) / chosen.length);
        byId("signal-progress").value = percent;
      };
      byId("signal-progress").hidden = false;
      const found = await pyinit.signalPropagation(kernel, name, own, settings, {
        check,
        progress,
      });
      series.push({ key, name, own, ...found });
    }
    byId("signal-progress").hidden = true;
    panel.results.hidden = false;
    legend(
      byId("signal-legend"),
      series.map((each) => [`line ${each.key}`, pyinit.pythonCall(...pyinit.unseeded(each))]),
    );
    shown.signal = () => {
      for (const id of ["activations", "gradients"]) {
        const svg = byId(id);
        const lines = series.map((each) => ({ name: each.key, values: each[id] }));
        pyinit.drawLines(svg, widthOf(svg), lines, "standard deviation");
      }
    };
    shown.signal();
    const ends = (id, from, to) =>
      series
        .map((each) => {
          const values = each[id];
          const [first, last] =
            from < to
              ? [values[0], values[values.length - 1]]
              : [values[values.length - 1], values[0]];
          return `${each.name}: from ${brief(first)} to ${brief(last)}`;
        })
        .join("; ");
    byId("activations-text").textContent = `${ends("activations", 0, 1)}.`;
    byId("gradients-text").textContent = `${ends("gradients", 1, 0)}.`;
    byId("signal-python-lines").textContent = pyinit.signalPythonLines(series, settings);
    byId("signal-r-lines").textContent = pyinit.signalRLines(series, settings);
    const isAlone = !pyinit.matrixInitializers().includes(state.initializer);
    panel.status.textContent =
      (isAlone ? `${state.initializer} cannot fill the square kernel of a dense layer. ` : "") +
      `After ${settings.depth} layers, the standard deviation of the activations is ` +
      series
        .map(({ name, activations }) => `${brief(activations[settings.depth])} with ${name}`)
        .join(" and ") +
      ".";
  }

  /* Returns the integer in a text, or the text. */
  function countOf(text) {
    const parsed = pyinit.parseInteger(text);
    return typeof parsed === "bigint" ? Number(parsed) : parsed;
  }

  /* ---- the fields ---- */

  function fillSelect(select, texts, chosen) {
    select.replaceChildren(
      ...texts.map((text) => {
        const option = document.createElement("option");
        option.value = option.textContent = text;
        option.selected = text === chosen;
        return option;
      }),
    );
  }

  function showOwnFields() {
    const place = byId("own-arguments");
    place.querySelectorAll(".explorer-field").forEach((field) => field.remove());
    for (const [argument, { kind, choices }] of pyinit.askedArguments(state.initializer)) {
      const field = place.appendChild(document.createElement("div"));
      field.className = "explorer-field";
      const label = field.appendChild(document.createElement("label"));
      label.htmlFor = `field-${argument}`;
      label.textContent = argument;
      const input = field.appendChild(
        document.createElement(kind === "choice" ? "select" : "input"),
      );
      input.id = `field-${argument}`;
      input.name = argument;
      input.dataset.own = "true";
      if (kind === "choice") {
        fillSelect(input, choices.map(pyinit.textOf), state.own[argument]);
      } else {
        input.type = "text";
        input.spellcheck = false;
        input.placeholder = kind === "axes" ? "None" : "";
        input.value = state.own[argument];
        const error = field.appendChild(document.createElement("p"));
        error.className = "explorer-error";
        error.id = `error-${argument}`;
        error.setAttribute("aria-live", "polite");
        input.setAttribute("aria-describedby", error.id);
      }
    }
    place.hidden = pyinit.askedArguments(state.initializer).length === 0;
  }

  function showFields() {
    fillSelect(byId("field-initializer"), Object.keys(INITIALIZERS), state.initializer);
    fillSelect(byId("field-dtype"), Object.keys(DTYPES), state.dtype);
    const others = [...pyinit.matrixInitializers(), pyinit.NO_COMPARISON];
    fillSelect(byId("field-compare"), others, state.compare);
    fillSelect(byId("field-activation"), Object.keys(pyinit.ACTIVATIONS), state.activation);
    for (const name of ["shape", "depth", "width"]) {
      byId(`field-${name}`).value = state[name];
    }
    showOwnFields();
  }

  /* Takes the value of a field into the state. */
  function take({ name, value, dataset }) {
    if (dataset.own) {
      state.own[name] = value;
    } else if (name === "initializer") {
      const before = INITIALIZERS[state.initializer].shape;
      const shape = INITIALIZERS[value].shape;
      const seed = state.own.seed;
      state.initializer = value;
      state.own = pyinit.defaultTexts(value);
      if ("seed" in state.own && seed !== undefined) {
        state.own.seed = seed;
      }
      if (shape || before) {
        state.shape = (shape || [256, 128]).join(", ");
        byId("field-shape").value = state.shape;
      }
      showOwnFields();
    } else {
      state[name] = value;
    }
  }

  /* Takes a field into the state, and computes when the reader has stopped typing. */
  function onInput(event, isSignal) {
    take(event.target);
    if (!isSignal) {
      waiting.add(panels.tensor);
    }
    waiting.add(panels.signal);
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        // not at every key: browsers limit how often the address changes
        history.replaceState(null, "", pyinit.fragmentOf(state));
        waiting.forEach((panel) => panel.update());
        waiting.clear();
      },
      event.type === "input" ? TYPING : 0,
    );
  }

  /* The panels that the next computation changes, and its timer. */
  const waiting = new Set();
  let timer = null;

  async function copy(button) {
    const text = byId(button.dataset.copy).textContent;
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // without a secure context, the reader copies the selection
      getSelection().selectAllChildren(byId(button.dataset.copy));
      button.textContent = "Selected";
    }
    setTimeout(() => {
      button.textContent = before;
    }, 1500);
  }

  const panels = {};

  async function start() {
    panels.tensor = new Panel(computeTensor, byId("tensor-status"), byId("tensor-results"));
    panels.signal = new Panel(computeSignal, byId("signal-status"), byId("signal-results"));
    try {
      kernel = await pyinit.loadKernel();
    } catch (error) {
      byId("tensor-status").textContent = `WebAssembly does not start here: ${error.message}`;
      return;
    }
    const read = () => {
      const found = pyinit.readFragment(location.hash);
      if (found !== null || state === null) {
        state = found || pyinit.readFragment("");
        showFields();
        panels.tensor.update();
        panels.signal.update();
      }
    };
    read();
    addEventListener("hashchange", read);
    for (const [id, isSignal] of [
      ["tensor-form", false],
      ["signal-form", true],
    ]) {
      const form = byId(id);
      form.addEventListener("submit", (event) => event.preventDefault());
      // a text counts while it is typed, a choice once it is made
      form.addEventListener("input", (event) => {
        if (event.target.tagName === "INPUT") {
          onInput(event, isSignal);
        }
      });
      form.addEventListener("change", (event) => onInput(event, isSignal));
    }
    for (const button of document.querySelectorAll(".explorer-copy")) {
      button.addEventListener("click", () => copy(button));
    }
    new ResizeObserver(() => {
      for (const show of Object.values(shown)) {
        if (show !== null) {
          show();
        }
      }
    }).observe(byId("tensor-form"));
  }

  start();
})(globalThis.pyinit);
