/* The scripts of the site's explorer under Node.js, without a page. explorer.py is the client.
 *
 * Usage: node explorer_server.js FOLDER
 *   FOLDER   what script/explorer wrote
 *
 * The input is a JSON array of requests, the output one of answers. An answer is a value, or an
 * object { error } with the message. Numbers in answers are strings, since JSON has no infinities;
 * seeds are strings, since they have 64 bits. */
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const PAGE = path.join(__dirname, "..", "docs", "explorer", "scripts.html");

/* Loads the scripts in the order of the page, except the last, which needs one. */
function load(folder) {
  const scripts = [...fs.readFileSync(PAGE, "utf8").matchAll(/src="explorer\/([\w.]+)"/g)];
  for (const [, name] of scripts.filter(([, script]) => script !== "page.js")) {
    require(path.resolve(folder, name));
  }
  return globalThis.pyinit;
}

function configOf({ seed, ...config }) {
  const entries = Object.entries(config).map(([name, value]) => [
    name,
    /^-?Infinity$/.test(value) ? Number(value) : value,
  ]);
  return { ...Object.fromEntries(entries), ...(seed === undefined ? {} : { seed: BigInt(seed) }) };
}

function numbers(values) {
  return Array.from(values, String);
}

/* The operations, by name. */
const OPERATIONS = {
  /* Draws a tensor or a partition; returns the bytes in C order and the fingerprint. */
  async draw(pyinit, kernel, { name, config, shape, dtype, draw, partition }) {
    const tensor = await pyinit.draw(kernel, name, configOf(config), shape, dtype, {
      draw,
      partition,
    });
    return {
      bytes: Buffer.from(tensor.bytes).toString("base64"),
      fingerprint: await pyinit.fingerprint(kernel, tensor),
    };
  },

  /* Returns what the page shows for a fragment of its address. */
  async page(pyinit, kernel, { fragment }) {
    const state = pyinit.readFragment(fragment);
    const config = pyinit.configOf(state);
    const shape = pyinit.asShape(pyinit.parseShape(state.shape));
    const { initializer: name, dtype } = state;
    const found = pyinit.summary(kernel, name, config, shape, dtype);
    const tensor = await pyinit.draw(kernel, name, config, shape, dtype);
    const values = pyinit.widened(tensor.bytes, dtype);
    const names = ["mean", "stddev", "minval", "maxval"];
    return {
      fragment: pyinit.fragmentOf(state),
      fingerprint: await pyinit.fingerprint(kernel, tensor),
      fans: [found.fanIn, found.fanOut],
      distribution: found.distribution,
      moments: found.distribution === null ? null : numbers(names.map((key) => found[key])),
      measured: numbers(names.map((key) => pyinit.momentsOf(values)[key])),
      first: Array.from(values.subarray(0, 6), (x) => pyinit.shortest(kernel, x, dtype)),
      python: pyinit.pythonLines(name, config, shape, dtype),
      r: pyinit.rLines(name, config, shape, dtype),
    };
  },

  /* Returns the theoretical density at points. */
  async density(pyinit, kernel, { name, config, shape, dtype, points }) {
    const { density } = pyinit.summary(kernel, name, configOf(config), shape, dtype);
    return numbers(points.map(density));
  },

  /* Returns the spread of a signal with each of some initializers, and the lines that give it. */
  async signal(pyinit, kernel, { initializers, settings: { seed, ...others } }) {
    const settings = { batch_size: 64, ...others, seed: BigInt(seed) };
    const chosen = initializers.map(([name, config]) => ({ name, own: configOf(config) }));
    const series = [];
    for (const { name, own } of chosen) {
      const found = await pyinit.signalPropagation(kernel, name, own, settings);
      series.push([numbers(found.activations), numbers(found.gradients)]);
    }
    return {
      series,
      python: pyinit.signalPythonLines(chosen, settings),
      r: pyinit.signalRLines(chosen, settings),
    };
  },

  async derive_seed(pyinit, kernel, { seed, name }) {
    return String(await pyinit.deriveSeed(kernel, BigInt(seed), name));
  },

  /* Returns the defaults of the arguments of each initializer, in Python's notation. */
  async signatures(pyinit) {
    return Object.fromEntries(
      Object.entries(pyinit.INITIALIZERS).map(([name, initializer]) => [
        name,
        Object.entries(initializer.arguments).map(([argument, { default: value }]) => [
          argument,
          pyinit.python(value),
        ]),
      ]),
    );
  },
};

async function main(folder) {
  const pyinit = load(folder);
  const kernel = await pyinit.loadKernel();
  const answers = [];
  for (const { operation, ...request } of JSON.parse(fs.readFileSync(0, "utf8"))) {
    try {
      answers.push(await OPERATIONS[operation](pyinit, kernel, request));
    } catch (error) {
      if (!(error instanceof pyinit.ArgumentError)) {
        throw error;
      }
      answers.push({ error: error.message });
    }
  }
  process.stdout.write(JSON.stringify(answers));
}

main(process.argv[2]);
