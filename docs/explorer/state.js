/* The state of the page: what the reader has chosen, as text, in the fragment of the address. */
"use strict";

(function (pyinit) {
  const { DTYPES, INITIALIZERS, python } = pyinit;
  const DEFAULTS = {
    initializer: "HeNormal",
    shape: "256, 128",
    dtype: "float32",
    compare: "GlorotUniform",
    activation: "relu",
    depth: "50",
    width: "128",
  };
  const NO_COMPARISON = "none";

  /* Returns the text of an argument's value in its field. */
  function textOf(value) {
    if (typeof value === "string") {
      return value;
    }
    return Array.isArray(value) ? value.join(", ") : python(value);
  }

  /* Returns the value of an argument from the text of its field. */
  function valueOf({ kind, choices }, text) {
    switch (kind) {
      case "integer":
        return pyinit.parseInteger(text);
      case "number":
        return pyinit.parseNumber(text);
      case "axes":
        return pyinit.parseAxes(text);
      default: {
        const found = choices.find((choice) => textOf(choice) === text);
        return found === undefined ? text : found;
      }
    }
  }

  /* Returns the arguments of an initializer that the page asks for. */
  function askedArguments(name) {
    return Object.entries(INITIALIZERS[name].arguments).filter(([, { kind }]) => kind);
  }

  function defaultShape(name) {
    const { shape } = INITIALIZERS[name];
    return shape ? shape.join(", ") : DEFAULTS.shape;
  }

  function defaultTexts(name) {
    return Object.fromEntries(
      askedArguments(name).map(([argument, { kind, default: value }]) => [
        argument,
        kind === "axes" && value === null ? "" : textOf(value),
      ]),
    );
  }

  /* Returns the state in a fragment such as "#initializer=HeNormal&seed=2"; null for other
   * fragments, such as the name of a section. Unknown choices become the defaults. */
  function readFragment(fragment) {
    if (fragment !== "" && fragment !== "#" && !fragment.includes("=")) {
      return null;
    }
    const given = new URLSearchParams(fragment.replace(/^#/, ""));
    const get = (name, choices) => {
      const text = given.get(name);
      return text === null || (choices && !choices.includes(text)) ? DEFAULTS[name] : text;
    };
    const initializer = get("initializer", Object.keys(INITIALIZERS));
    const own = defaultTexts(initializer);
    for (const argument of Object.keys(own)) {
      own[argument] = given.get(argument) ?? own[argument];
    }
    return {
      initializer,
      shape: given.get("shape") ?? defaultShape(initializer),
      dtype: get("dtype", Object.keys(DTYPES)),
      own,
      compare: get("compare", [...pyinit.matrixInitializers(), NO_COMPARISON]),
      activation: get("activation", Object.keys(pyinit.ACTIVATIONS)),
      depth: get("depth"),
      width: get("width"),
    };
  }

  /* Returns the fragment of a state: what is not the default, and always the first three. */
  function fragmentOf(state) {
    const chosen = new URLSearchParams();
    for (const name of ["initializer", "shape", "dtype"]) {
      chosen.set(name, name === "shape" ? state[name].replace(/\s+/g, "") : state[name]);
    }
    const defaults = defaultTexts(state.initializer);
    for (const [argument, text] of Object.entries(state.own)) {
      if (argument === "seed" || text !== defaults[argument]) {
        chosen.set(argument, text);
      }
    }
    for (const name of ["compare", "activation", "depth", "width"]) {
      if (state[name] !== DEFAULTS[name]) {
        chosen.set(name, state[name]);
      }
    }
    // commas are allowed in a fragment
    return `#${chosen.toString().replaceAll("%2C", ",")}`;
  }

  /* Returns the values of the initializer's arguments, not yet checked. */
  function configOf(state) {
    return Object.fromEntries(
      askedArguments(state.initializer).map(([argument, description]) => [
        argument,
        valueOf(description, state.own[argument]),
      ]),
    );
  }

  Object.assign(pyinit, {
    NO_COMPARISON,
    askedArguments,
    configOf,
    defaultShape,
    defaultTexts,
    fragmentOf,
    readFragment,
    textOf,
  });
})(globalThis.pyinit);
