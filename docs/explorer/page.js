/* The page: the fields, the results, and the work between them. */
"use strict";

(function (pyinit) {
  const { ArgumentError, DTYPES, INITIALIZERS, byId } = pyinit;
  /* Milliseconds after the last key before a text counts. */
  const TYPING = 250;

  let state = null;
  let kernel = null;

  /* ---- work: one piece at a time, the newest wins ---- */

  class StoppedError extends Error {}

  class Panel {
    constructor(name, compute) {
      this.compute = compute;
      this.form = byId(`${name}-form`);
      this.status = byId(`${name}-status`);
      this.results = byId(`${name}-results`);
      this.wanted = 0;
      this.drawCharts = () => {};
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
          this.clear();
          this.results.setAttribute("aria-busy", "true");
          this.drawCharts = await this.compute(structuredClone(state), this, check);
          this.results.hidden = false;
          this.results.removeAttribute("aria-busy");
          // after the results are there: the charts are as wide as their place
          this.drawCharts();
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
      if (error instanceof ArgumentError) {
        this.mark(error);
      } else if (error.constructor !== Error) {
        // a mistake of this page
        console.error(error);
      }
    }

    /* Shows the message beside the field of the argument, if it is one of this panel. */
    mark({ argument, message }) {
      const field = this.form.elements.namedItem(argument);
      const place = byId(`error-${argument}`);
      if (field !== null && place !== null) {
        field.setAttribute("aria-invalid", "true");
        place.textContent = message;
        this.status.textContent = `Argument ${argument} is invalid.`;
      }
    }

    clear() {
      this.status.classList.remove("explorer-error");
      for (const field of this.form.elements) {
        field.removeAttribute("aria-invalid");
      }
      for (const place of this.form.querySelectorAll(".explorer-error")) {
        place.textContent = "";
      }
    }
  }

  let queue = Promise.resolve();

  /* ---- the computations, for the state of the page when they start ---- */

  async function computeTensor({ initializer: name, dtype, ...chosen }, panel, check) {
    const config = pyinit.configOf({ initializer: name, ...chosen });
    const shape = pyinit.asShape(pyinit.parseShape(chosen.shape));
    const found = pyinit.summary(kernel, name, config, shape, dtype);
    if (pyinit.sizeOf(shape) > pyinit.SLICE) {
      panel.status.textContent = "Drawing the values ...";
    }
    const tensor = await pyinit.draw(kernel, name, config, shape, dtype, { check });
    const fingerprint = await pyinit.fingerprint(kernel, tensor, check);
    const values = pyinit.widened(tensor.bytes, dtype);
    const about = await pyinit.describe(values, shape, dtype, check);
    const drawn = { name, config, shape, dtype, found, values, fingerprint, about };
    return pyinit.showTensor(kernel, drawn);
  }

  async function computeSignal({ initializer, ...chosen }, panel, check) {
    const config = ownConfig({ initializer, ...chosen });
    const settings = {
      activation: chosen.activation,
      depth: countOf(chosen.depth),
      width: countOf(chosen.width),
      batch_size: 64,
      seed: config.seed === undefined ? 1n : config.seed,
    };
    pyinit.checkedSignal(settings);
    const isMatrix = pyinit.matrixInitializers().includes(initializer);
    const note = isMatrix ? "" : `${initializer} cannot fill the square kernel of a dense layer. `;
    const compared = [
      ...(isMatrix ? [["first", initializer, config]] : []),
      ...(chosen.compare === pyinit.NO_COMPARISON ? [] : [["second", chosen.compare, {}]]),
    ];
    if (compared.length === 0) {
      throw new Error(`${note}Choose an initializer to compare with.`);
    }
    const series = [];
    const bar = byId("signal-progress");
    bar.hidden = false;
    try {
      for (const [key, name, own] of compared) {
        const progress = (share) => {
          bar.value = (100 * (series.length + share)) / compared.length;
        };
        const hooks = { check, progress };
        const found = await pyinit.signalPropagation(kernel, name, own, settings, hooks);
        series.push({ key, name, own, ...found });
      }
    } finally {
      bar.hidden = true;
    }
    return pyinit.showSignal(series, settings, note);
  }

  /* Returns the checked arguments of the initializer, whose mistakes the first panel names. */
  function ownConfig(chosen) {
    try {
      return pyinit.checkedConfig(kernel, chosen.initializer, pyinit.configOf(chosen));
    } catch (error) {
      if (!(error instanceof ArgumentError)) {
        throw error;
      }
      throw new Error("An argument of the initializer above is invalid.");
    }
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
        state.shape = pyinit.defaultShape(value);
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
    panels.tensor = new Panel("tensor", computeTensor);
    panels.signal = new Panel("signal", computeSignal);
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
    for (const button of document.querySelectorAll("[data-copy]")) {
      button.addEventListener("click", () => copy(button));
    }
    for (const button of document.querySelectorAll("[data-view]")) {
      button.addEventListener("click", () => {
        location.hash = button.dataset.view;
      });
    }
    new ResizeObserver(() => {
      Object.values(panels).forEach((panel) => panel.drawCharts());
    }).observe(byId("tensor-form"));
  }

  start();
})(globalThis.pyinit);
