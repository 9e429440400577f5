/* The lines of Python and R that give the values of the page. */
"use strict";

(function (pyinit) {
  const { INITIALIZERS, Shape, python, pythonCode, rCode } = pyinit;

  function givenArguments(name, config) {
    return Object.entries(INITIALIZERS[name].arguments).filter(
      ([argument, { default: initial }]) =>
        argument in config && (argument === "seed" || config[argument] !== initial),
    );
  }

  /* Returns the name of the function of R, such as "initializer_he_normal". */
  function factoryName(name) {
    const words = name === "STFT" ? "stft" : name.replace(/\B[A-Z]/g, (letter) => `_${letter}`);
    return `initializer_${words.toLowerCase()}`;
  }

  /* Returns a call of a constructor in Python. */
  function pythonCall(name, config) {
    const given = givenArguments(name, config).map(
      ([argument]) => `${argument}=${pythonCode(config[argument])}`,
    );
    return `${name}(${given.join(", ")})`;
  }

  /* Returns a call of a constructor in R. */
  function rCall(name, config) {
    const given = givenArguments(name, config).map(
      ([argument]) => `${argument} = ${rCode(config[argument])}`,
    );
    return `${factoryName(name)}(${given.join(", ")})`;
  }

  function pythonLines(name, config, shape, dtype) {
    const lengths = python(new Shape(shape));
    return [
      "import pyinit",
      "",
      `initializer = pyinit.${pythonCall(name, config)}`,
      `weights = initializer(${lengths}, dtype="${dtype}")`,
      "pyinit.fingerprint(weights)",
    ].join("\n");
  }

  function rLines(name, config, shape, dtype) {
    const lengths = rCode(new Shape(shape));
    // R has no arrays of rank 0, so their fingerprint would be that of a vector
    const drawn = shape.length > 0 ? "weights" : `initializer, shape = ${lengths}`;
    return [
      "library(pyinit)",
      "",
      `initializer <- ${rCall(name, config)}`,
      `weights <- initializer(shape = ${lengths}, dtype = "${dtype}")`,
      `fingerprint(${drawn}, dtype = "${dtype}")`,
    ].join("\n");
  }

  /* Returns an initializer without its seed, which a stack of layers does not use. */
  function unseeded({ name, own: { seed, ...own } }) {
    return [name, own];
  }

  function signalPythonLines(series, { depth, width, activation, seed }) {
    const initializers = series.map((each) => `pyinit.${pythonCall(...unseeded(each))}`);
    return [
      "import pyinit",
      "",
      "pyinit.signal_propagation(",
      `    [${initializers.join(", ")}],`,
      `    depth=${depth}, width=${width}, activation="${activation}", seed=${pythonCode(seed)},`,
      ")",
    ].join("\n");
  }

  function signalRLines(series, { depth, width, activation, seed }) {
    const initializers = series.map((each) => rCall(...unseeded(each)));
    return [
      "library(pyinit)",
      "",
      "signal_propagation(",
      `  list(${initializers.join(", ")}),`,
      `  depth = ${depth}, width = ${width}, activation = "${activation}", seed = ${rCode(seed)}`,
      ")",
    ].join("\n");
  }

  Object.assign(pyinit, {
    pythonCall,
    pythonLines,
    rLines,
    signalPythonLines,
    signalRLines,
    unseeded,
  });
})(globalThis.pyinit);
