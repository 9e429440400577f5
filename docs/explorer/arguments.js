/* Arguments: how they are written in Python and R, how they are read from text, and their checks,
 * whose messages are those of the Python package. */
"use strict";

(function (pyinit) {
  class ArgumentError extends Error {
    constructor(name, received, allowed) {
      super(`Argument \`${name}\` must be ${allowed}. Received: ${name}=${python(received)}`);
      this.argument = name;
    }
  }

  /* ---- values in the notation of Python and R ---- */

  /* Returns a value in Python's notation. */
  function python(value) {
    if (value === null || value === undefined) {
      return "None";
    }
    if (typeof value === "boolean") {
      return value ? "True" : "False";
    }
    if (typeof value === "string") {
      const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
      const escaped = value.replaceAll("\\", "\\\\");
      return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
    }
    if (value instanceof Shape) {
      return value.lengths.length === 1
        ? `(${value.lengths[0]},)`
        : `(${value.lengths.join(", ")})`;
    }
    if (Array.isArray(value)) {
      return `[${value.map(python).join(", ")}]`;
    }
    if (value === Infinity || value === -Infinity) {
      return value > 0 ? "inf" : "-inf";
    }
    return number(value);
  }

  /* Returns a value as an expression of Python. */
  function pythonCode(value) {
    if (value === Infinity || value === -Infinity) {
      return value > 0 ? 'float("inf")' : 'float("-inf")';
    }
    return typeof value === "string" ? JSON.stringify(value) : python(value);
  }

  /* Returns a value as an expression of R. */
  function rCode(value) {
    if (value === null || value === undefined) {
      return "NULL";
    }
    if (typeof value === "boolean") {
      return value ? "TRUE" : "FALSE";
    }
    if (typeof value === "string") {
      return JSON.stringify(value);
    }
    if (value instanceof Shape) {
      const { lengths } = value;
      return lengths.length === 0
        ? "integer()"
        : lengths.length === 1
          ? String(lengths[0])
          : `c(${lengths.join(", ")})`;
    }
    if (Array.isArray(value)) {
      return value.length === 1 ? rCode(value[0]) : `c(${value.map(rCode).join(", ")})`;
    }
    if (value === Infinity || value === -Infinity) {
      return value > 0 ? "Inf" : "-Inf";
    }
    if (typeof value === "bigint" && (value > 2n ** 53n || value < -(2n ** 53n))) {
      // a number of R would be rounded
      return `"${BigInt.asUintN(64, value)}"`;
    }
    return number(value);
  }

  /* Returns the shortest decimal digits that give a number, as Python writes it. */
  function number(value) {
    if (typeof value === "bigint") {
      return String(value);
    }
    if (Object.is(value, -0)) {
      return "-0.0";
    }
    const isSmall = value !== 0 && Math.abs(value) < 1e-4;
    const [digits, exponent] = (isSmall ? value.toExponential() : String(value)).split("e");
    return exponent === undefined
      ? digits
      : `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }

  /* ---- values from text ---- */

  /* The lengths of a tensor's axes; a class of its own, since Python writes it as a tuple. */
  class Shape {
    constructor(lengths) {
      this.lengths = lengths;
    }
  }

  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const INFINITY = /^([+-]?)inf(inity)?$/i;
  const INTEGER = /^[+-]?\d+$/;

  /* Returns a number, or the text if it is not one. */
  function parseNumber(text) {
    const trimmed = text.trim();
    if (NUMBER.test(trimmed)) {
      return Number(trimmed);
    }
    const infinite = INFINITY.exec(trimmed);
    return infinite ? (infinite[1] === "-" ? -Infinity : Infinity) : text;
  }

  /* Returns a BigInt for an integer, another number, or the text. */
  function parseInteger(text) {
    const trimmed = text.trim();
    return INTEGER.test(trimmed) ? BigInt(trimmed) : parseNumber(text);
  }

  /* Returns the axes in a text such as "0, -1" or "[0, -1]", null for no axes, or the text. */
  function parseAxes(text) {
    const trimmed = text.trim();
    if (trimmed === "" || /^(none|null)$/i.test(trimmed)) {
      return null;
    }
    const elements = split(trimmed);
    return elements.every((element) => INTEGER.test(element)) ? elements.map(Number) : text;
  }

  /* Returns the shape in a text such as "3, 4", "(3, 4)", "c(3, 4)" or "3 x 4", or the text. */
  function parseShape(text) {
    const elements = split(text.trim());
    return elements.every((element) => INTEGER.test(element))
      ? new Shape(elements.map(Number))
      : text;
  }

  function split(text) {
    const inner = /^c?\((.*)\)$/.exec(text) || /^\[(.*)\]$/.exec(text);
    const content = (inner ? inner[1] : text).trim().replace(/,$/, "");
    return content === "" ? [] : content.split(/\s*[,x×]\s*|\s+/);
  }

  /* ---- checks; each returns the value or throws an ArgumentError ---- */

  function asNumber(name, value, allowed = "a finite number") {
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw new ArgumentError(name, value, allowed);
    }
    return value;
  }

  function asStddev(name, value) {
    const allowed = "a finite number, at least 0";
    if (asNumber(name, value, allowed) < 0) {
      throw new ArgumentError(name, value, allowed);
    }
    return value;
  }

  function asBound(name, value) {
    if (typeof value !== "number" || Number.isNaN(value)) {
      throw new ArgumentError(name, value, "a number, which may be infinite");
    }
    return value;
  }

  function asPositive(name, value) {
    const allowed = "a positive, finite number";
    if (asNumber(name, value, allowed) <= 0) {
      throw new ArgumentError(name, value, allowed);
    }
    return value;
  }

  function asCount(name, value) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new ArgumentError(name, value, "a positive integer");
    }
    return value;
  }

  function asSeed(name, value) {
    const seed = Number.isSafeInteger(value) ? BigInt(value) : value;
    if (typeof seed !== "bigint" || seed < -(2n ** 63n) || seed >= 2n ** 64n) {
      throw new ArgumentError(name, value, "an integer from -2**63 to 2**64 - 1");
    }
    return seed;
  }

  function oneOf(choices) {
    return (name, value) => {
      if (!choices.includes(value)) {
        throw new ArgumentError(name, value, `one of ${choices.map(python).join(", ")}`);
      }
      return value;
    };
  }

  function asBatchAxes(name, value) {
    if (value === null || value === undefined) {
      return null;
    }
    const isDistinct = Array.isArray(value) && new Set(value).size === value.length;
    if (!isDistinct || !value.every(Number.isSafeInteger)) {
      throw new ArgumentError(name, value, "None, an integer or a sequence of distinct integers");
    }
    return value.length > 0 ? value : null;
  }

  function asAxes(name, value) {
    return value === null || value === undefined ? null : value;
  }

  /* The largest number of elements that the explorer draws. */
  const MAX_SIZE = 1 << 22;
  const MAX_RANK = 64;

  function asShape(value) {
    const lengths = value instanceof Shape ? value.lengths : null;
    const wrong = lengths === null ? undefined : lengths.find((length) => length < 0);
    if (lengths === null || wrong !== undefined) {
      const found = wrong === undefined ? "" : ` (found ${wrong})`;
      throw new ArgumentError("shape", value, `a sequence of non-negative integers${found}`);
    }
    if (lengths.length > MAX_RANK) {
      throw new ArgumentError("shape", value, `of rank at most ${MAX_RANK}`);
    }
    if (pyinit.sizeOf(lengths.filter((length) => length > 0)) > MAX_SIZE) {
      const allowed = `a shape of at most ${MAX_SIZE} elements in the explorer`;
      throw new ArgumentError("shape", value, allowed);
    }
    return lengths;
  }

  Object.assign(pyinit, {
    ArgumentError,
    Shape,
    python,
    pythonCode,
    rCode,
    parseAxes,
    parseInteger,
    parseNumber,
    parseShape,
    asAxes,
    asBatchAxes,
    asBound,
    asCount,
    asNumber,
    asPositive,
    asSeed,
    asShape,
    asStddev,
    oneOf,
  });
})(globalThis.pyinit);
