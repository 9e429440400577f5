/* The kernels of pyinit, compiled to WebAssembly: memory, draws, rounding, SHA-256.
 *
 * The scripts of the explorer are classic scripts, not modules, so that the page also works when it
 * is opened as a file. Each adds its functions to the object `pyinit`. None waits for the network:
 * kernel.wasm.js contains the compiled code. */
"use strict";

globalThis.pyinit = globalThis.pyinit || {};

(function (pyinit) {
  const DTYPES = {
    float16: { bytes: 2, storage: 0, array: Uint16Array },
    bfloat16: { bytes: 2, storage: 1, array: Uint16Array },
    float32: { bytes: 4, storage: 2, array: Float32Array },
    float64: { bytes: 8, storage: 3, array: Float64Array },
  };
  const FAMILIES = ["uniform", "normal", "truncated_normal", "bounded_normal"];
  const LAST_WORD = 2n ** 64n - 1n;
  /* Elements that are drawn, hashed or rounded between two pauses: a few milliseconds of work. */
  const SLICE = 1 << 17;
  /* Milliseconds of work after which the browser may handle what happened meanwhile. */
  const MAX_WORK = 12;

  let channel = null;
  let lastPause = 0;

  /* Lets the browser handle what happened meanwhile. A message, unlike a timer, is not delayed. */
  function pause() {
    channel = channel || new MessageChannel();
    return new Promise((resolve) => {
      channel.port1.onmessage = () => {
        lastPause = performance.now();
        resolve();
      };
      channel.port2.postMessage(null);
    });
  }

  class Kernel {
    constructor(exports) {
      this.exports = exports;
    }

    /* Returns the address of a block of memory. */
    allocate(size) {
      const address = this.exports.malloc(size);
      if (address === 0) {
        throw new Error("The browser has too little memory for this tensor.");
      }
      return address;
    }

    /* Calls `use` with the addresses of blocks of memory, which are free afterwards. */
    async withMemory(sizes, use) {
      const addresses = [];
      try {
        for (const size of sizes) {
          addresses.push(this.allocate(size));
        }
        return await use(...addresses);
      } finally {
        if (addresses.length > 0) {
          this.exports.free(addresses[0]);
        }
      }
    }

    /* Returns `count` values in the kernel's memory. They are invalid once memory is allocated. */
    view(Type, address, count) {
      return new Type(this.exports.memory.buffer, address, count);
    }

    /* Rounds a number once, to nearest even. */
    rounded(value, dtype) {
      switch (dtype) {
        case "float64":
          return value;
        case "float32":
          return Math.fround(value);
        default:
          return this.exports[`rounded_to_${dtype}`](value);
      }
    }

    /* Returns the float64 normal quantile of the stream at a 64-bit word. */
    normalQuantile(word) {
      return this.exports.normal_quantile(Number(word >> 32n) | 0, Number(word & 0xffffffffn) | 0);
    }

    /* Draws elements of the stream to memory: those at `firstIndex`, plus multiples of the index
     * strides. The memory is in C order. */
    fill(address, dtype, distribution, drawId, firstIndex, shape, indexStrides) {
      const { bytes, storage } = DTYPES[dtype];
      const { family, location, scale, upper, words } = distribution;
      const [firstWord, lastWord] = words || [0n, LAST_WORD];
      const rank = shape.length;
      const strides = stridesOf(shape).map((stride) => stride * bytes);
      const axes = this.allocate(24 * rank);
      const view = this.view(BigInt64Array, axes, 3 * rank);
      [...shape, ...strides, ...indexStrides].forEach((value, k) => {
        view[k] = BigInt(value);
      });
      const failed = this.exports.pyinit_fill(
        0,
        address,
        FAMILIES.length * storage + FAMILIES.indexOf(family),
        location,
        scale,
        upper,
        firstWord,
        lastWord,
        drawId.seed,
        drawId.draw,
        BigInt(firstIndex),
        rank,
        axes,
        axes + 8 * rank,
        axes + 16 * rank,
      );
      this.exports.free(axes);
      if (failed) {
        throw new Error("The browser has too little memory for this tensor.");
      }
    }

    /* Draws `count` elements from `firstIndex` on to memory, in slices. */
    async fillRun(address, dtype, distribution, drawId, firstIndex, count, check) {
      for (let first = 0; first < count; first += SLICE) {
        const taken = Math.min(SLICE, count - first);
        const to = address + first * DTYPES[dtype].bytes;
        this.fill(to, dtype, distribution, drawId, firstIndex + first, [taken], [1]);
        await pauseAndCheck(check);
      }
    }

    /* Stores the float64 values at one address as values of a dtype at another. */
    async store(to, dtype, from, count, check) {
      for (let first = 0; first < count; first += SLICE) {
        const taken = Math.min(SLICE, count - first);
        const out = to + first * DTYPES[dtype].bytes;
        this.exports[`store_${dtype}`](out, from + 8 * first, taken);
        await pauseAndCheck(check);
      }
    }

    /* Returns the SHA-256 digest of parts, each a string of ASCII characters or bytes. */
    async sha256(parts, check) {
      const { exports } = this;
      return this.withMemory([32, 8 * SLICE], async (digest, buffer) => {
        exports.sha256_start();
        for (const part of parts) {
          const bytes = typeof part === "string" ? asciiBytes(part) : part;
          for (let first = 0; first < bytes.length; first += 8 * SLICE) {
            const slice = bytes.subarray(first, first + 8 * SLICE);
            this.view(Uint8Array, buffer, slice.length).set(slice);
            exports.sha256_update(buffer, slice.length);
            await pauseAndCheck(check);
          }
        }
        exports.sha256_finish(digest);
        return Array.from(this.view(Uint8Array, digest, 32));
      });
    }
  }

  /* Pauses after a while of work and then calls `check`, which throws if the work is no longer
   * wanted. Only one piece of work may use the kernel at a time. */
  async function pauseAndCheck(check) {
    if (check && performance.now() - lastPause > MAX_WORK) {
      await pause();
      check();
    }
  }

  function asciiBytes(text) {
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  }

  /* Returns the strides of a tensor in C order, in elements. */
  function stridesOf(shape) {
    const strides = new Array(shape.length).fill(1);
    for (let axis = shape.length - 1; axis > 0; --axis) {
      strides[axis - 1] = strides[axis] * shape[axis];
    }
    return strides;
  }

  function sizeOf(shape) {
    return shape.reduce((product, length) => product * length, 1);
  }

  /* Returns the values of a tensor's bytes as float64. */
  function widened(bytes, dtype) {
    const { array } = DTYPES[dtype];
    const stored = new array(bytes.buffer, bytes.byteOffset, bytes.length / DTYPES[dtype].bytes);
    if (dtype === "float64") {
      return stored;
    }
    if (dtype === "float32") {
      return new Float64Array(stored);
    }
    const decode = dtype === "bfloat16" ? floatOfBfloat16 : floatOfFloat16;
    const values = new Float64Array(stored.length);
    for (let k = 0; k < stored.length; ++k) {
      values[k] = decode(stored[k]);
    }
    return values;
  }

  const word = new Uint32Array(1);
  const float = new Float32Array(word.buffer);

  function floatOfBfloat16(bits) {
    word[0] = bits << 16;
    return float[0];
  }

  function floatOfFloat16(bits) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const significand = bits & 1023;
    if (exponent === 31) {
      return significand ? NaN : sign * Infinity;
    }
    return exponent === 0
      ? sign * significand * 2 ** -24
      : sign * (1024 + significand) * 2 ** (exponent - 25);
  }

  /* Compiles the kernel. */
  async function loadKernel() {
    const { instance } = await WebAssembly.instantiate(asciiBytes(atob(pyinit.wasm)));
    return new Kernel(instance.exports);
  }

  Object.assign(pyinit, {
    DTYPES,
    SLICE,
    loadKernel,
    pauseAndCheck,
    sizeOf,
    stridesOf,
    widened,
  });
})(globalThis.pyinit);
