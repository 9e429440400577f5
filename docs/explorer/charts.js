/* Charts as SVG, and a matrix as an image. Their colours are those of the theme (explorer.css). */
"use strict";

(function (pyinit) {
  const { brief } = pyinit;
  const NAMESPACE = "http://www.w3.org/2000/svg";
  const HEIGHT = 280;
  const MARGIN = { top: 12, right: 14, bottom: 46, left: 62 };

  /* Stops of Matplotlib's colour maps RdBu_r and cividis. */
  const DIVERGING = [
    "#053061",
    "#2166ac",
    "#4393c3",
    "#92c5de",
    "#d1e5f0",
    "#f7f7f7",
    "#fddbc7",
    "#f4a582",
    "#d6604d",
    "#b2182b",
    "#67001f",
  ];
  const SEQUENTIAL = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"];

  function element(parent, name, attributes = {}, text = null) {
    const node = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) {
      node.setAttribute(key, value);
    }
    if (text !== null) {
      node.textContent = text;
    }
    return parent.appendChild(node);
  }

  /* Returns round numbers in a range, about `count` of them. */
  function ticks(first, last, count) {
    const rough = (last - first) / count;
    if (!(rough > 0)) {
      return [first];
    }
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
    const found = [];
    for (let k = Math.ceil(first / step - 1e-9); k * step <= last + 1e-9 * step; ++k) {
      found.push(k * step);
    }
    return found;
  }

  /* Decades up to which a logarithmic axis has ticks between the powers of ten. */
  const FEW_DECADES = 2;

  /* Returns the logarithms of round numbers in a range, and how to write these numbers. */
  function logarithmicTicks(first, last) {
    if (last - first > FEW_DECADES) {
      return { at: ticks(first, last, 6).filter(Number.isInteger), format: powerOfTen };
    }
    const at = [];
    for (let power = Math.floor(first); power <= last; ++power) {
      at.push(...[1, 2, 5].map((factor) => Math.log10(factor * 10 ** power)));
    }
    const format = (logarithm) => brief(10 ** logarithm);
    return { at: at.filter((logarithm) => logarithm >= first && logarithm <= last), format };
  }

  /* Draws axes and returns the functions from data to coordinates. */
  function axes(svg, width, { x, y, xLabel, yLabel, xTicks, yTicks, xFormat, yFormat }) {
    const right = width - MARGIN.right;
    const bottom = HEIGHT - MARGIN.bottom;
    const toX = (value) => MARGIN.left + ((value - x[0]) / (x[1] - x[0])) * (right - MARGIN.left);
    const toY = (value) => bottom - ((value - y[0]) / (y[1] - y[0])) * (bottom - MARGIN.top);
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.setAttribute("height", HEIGHT);
    svg.replaceChildren();
    for (const value of yTicks) {
      const at = toY(value);
      element(svg, "line", { class: "grid", x1: MARGIN.left, x2: right, y1: at, y2: at });
      element(svg, "text", { class: "end", x: MARGIN.left - 8, y: at + 4 }, yFormat(value));
    }
    for (const value of xTicks) {
      const at = toX(value);
      element(svg, "line", { class: "axis", x1: at, x2: at, y1: bottom, y2: bottom + 5 });
      element(svg, "text", { class: "middle", x: at, y: bottom + 19 }, xFormat(value));
    }
    element(svg, "line", { class: "axis", x1: MARGIN.left, x2: right, y1: bottom, y2: bottom });
    const middle = (MARGIN.left + right) / 2;
    element(svg, "text", { class: "label middle", x: middle, y: HEIGHT - 6 }, xLabel);
    const height = (MARGIN.top + bottom) / 2;
    const turned = `rotate(-90 14 ${height})`;
    element(svg, "text", { class: "label middle", x: 14, y: height, transform: turned }, yLabel);
    return { toX, toY, bottom };
  }

  function path(points) {
    return points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
  }

  /* Returns a range somewhat wider than the data, of positive width. */
  function padded(least, greatest, share) {
    const pad = (greatest - least) * share || Math.abs(greatest) * share || 1;
    return [least - pad, greatest + pad];
  }

  /* Draws a histogram and the theoretical density, if there is one. */
  function drawHistogram(svg, width, histogram, density) {
    const { heights, minval, maxval } = histogram;
    const x = padded(minval, maxval, 0.05);
    let highest = heights.reduce((a, b) => Math.max(a, b));
    const curve = [];
    if (density !== null) {
      for (let k = 0; k <= 400; ++k) {
        const value = x[0] + ((x[1] - x[0]) * k) / 400;
        curve.push([value, density(value)]);
      }
      const top = curve.reduce((a, [, value]) => Math.max(a, value), 0);
      highest = Math.max(highest, Math.min(top, 1.5 * highest));
    }
    const y = [0, 1.08 * highest];
    const { toX, toY, bottom } = axes(svg, width, {
      x,
      y,
      xLabel: "value",
      yLabel: "density",
      xFormat: brief,
      yFormat: brief,
      xTicks: ticks(x[0], x[1], width < 420 ? 3 : 6),
      yTicks: ticks(0, y[1], 5),
    });
    const step = (maxval - minval) / heights.length;
    heights.forEach((height, k) => {
      const left = toX(minval + k * step);
      const right = toX(minval + (k + 1) * step);
      element(svg, "rect", {
        class: "bar",
        x: left,
        y: toY(height),
        width: Math.max(0.5, right - left - 0.5),
        height: bottom - toY(height),
      });
    });
    if (curve.length > 0) {
      const points = curve.map(([value, height]) => [toX(value), toY(Math.min(height, y[1]))]);
      element(svg, "path", { class: "density", d: path(points) });
    }
  }

  /* Draws the shares of a few different values. */
  function drawShares(svg, width, atoms) {
    const { toX, toY, bottom } = axes(svg, width, {
      x: [-0.5, atoms.length - 0.5],
      y: [0, 1.08],
      xLabel: "value",
      yLabel: "share of the values",
      xTicks: atoms.map((_, k) => k),
      yTicks: [0, 0.25, 0.5, 0.75, 1],
      xFormat: (k) => brief(atoms[k].value),
      yFormat: String,
    });
    const half = Math.min(40, (toX(1) - toX(0)) / 3);
    atoms.forEach(({ share }, k) => {
      element(svg, "rect", {
        class: "bar",
        x: toX(k) - half,
        y: toY(share),
        width: 2 * half,
        height: bottom - toY(share),
      });
      element(svg, "text", { class: "middle", x: toX(k), y: toY(share) - 4 }, brief(share));
    });
  }

  /* Draws series by depth on a logarithmic axis. A series has a class, a marker and values; values
   * that are 0 or not finite are left out. */
  function drawLines(svg, width, series, yLabel) {
    const all = series.flatMap(({ values }) => values).filter((v) => v > 0 && Number.isFinite(v));
    const logarithms = all.map(Math.log10);
    const least = Math.min(0, ...logarithms);
    const greatest = Math.max(0, ...logarithms);
    const y = padded(least, greatest, 0.08);
    y[0] = Math.min(y[0], -0.5);
    y[1] = Math.max(y[1], 0.5);
    const yAxis = logarithmicTicks(y[0], y[1]);
    const depth = Math.max(...series.map(({ values }) => values.length - 1), 1);
    const { toX, toY } = axes(svg, width, {
      x: [0, depth],
      y,
      xLabel: "depth (layers)",
      yLabel,
      xFormat: String,
      yFormat: yAxis.format,
      xTicks: ticks(0, depth, 5).filter(Number.isInteger),
      yTicks: yAxis.at,
    });
    for (const { name, values } of series) {
      const points = values
        .map((value, k) => [k, value])
        .filter(([, value]) => value > 0 && Number.isFinite(value))
        .map(([k, value]) => [toX(k), toY(Math.log10(value))]);
      element(svg, "path", { class: `line ${name}`, d: path(points) });
      const every = Math.max(1, Math.round(depth / 10));
      points.forEach(([x, at], k) => {
        if (k % every === 0 || k === points.length - 1) {
          marker(svg, name, x, at);
        }
      });
    }
  }

  /* Marks a point: the first series has circles, the second squares. */
  function marker(svg, name, x, y) {
    if (name === "first") {
      element(svg, "circle", { class: `marker ${name}`, cx: x, cy: y, r: 3.5 });
    } else {
      element(svg, "rect", {
        class: `marker ${name}`,
        x: x - 3.5,
        y: y - 3.5,
        width: 7,
        height: 7,
      });
    }
  }

  function powerOfTen(power) {
    const digits = {
      "-": "⁻",
      0: "⁰",
      1: "¹",
      2: "²",
      3: "³",
      4: "⁴",
      5: "⁵",
      6: "⁶",
      7: "⁷",
      8: "⁸",
      9: "⁹",
    };
    return power === 0 ? "1" : `10${Array.from(String(power), (digit) => digits[digit]).join("")}`;
  }

  /* ---- the matrix as an image ---- */

  function components(colour) {
    return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  }

  /* Returns the colour of a position from 0 to 1 between the stops. */
  function colourAt(stops, position) {
    const place = position * (stops.length - 1);
    const before = Math.min(Math.floor(place), stops.length - 2);
    const [a, b] = [components(stops[before]), components(stops[before + 1])];
    return a.map((value, k) => Math.round(value + (b[k] - value) * (place - before)));
  }

  /* Draws a matrix, one pixel for each element. Returns the ends of the colour scale. */
  function drawMatrix(canvas, { rows, columns, values }) {
    canvas.width = Math.max(1, columns);
    canvas.height = Math.max(1, rows);
    let least = Infinity;
    let greatest = -Infinity;
    for (const value of values) {
      if (Number.isFinite(value)) {
        least = Math.min(least, value);
        greatest = Math.max(greatest, value);
      }
    }
    const isDiverging = least < 0 && greatest > 0;
    const stops = isDiverging ? DIVERGING : SEQUENTIAL;
    const limit = Math.max(-least, greatest);
    const [low, high] = isDiverging ? [-limit, limit] : [least, greatest];
    const table = Array.from({ length: 256 }, (_, k) => colourAt(stops, k / 255));
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    values.forEach((value, k) => {
      const share = high > low ? (value - low) / (high - low) : 0.5;
      const colour = Number.isFinite(value)
        ? table[Math.round(255 * Math.min(Math.max(share, 0), 1))]
        : [128, 128, 128];
      image.data.set([...colour, 255], 4 * k);
    });
    context.putImageData(image, 0, 0);
    return { low, high, stops };
  }

  /* Draws a colour scale. */
  function drawScale(canvas, stops) {
    canvas.width = 256;
    canvas.height = 1;
    const context = canvas.getContext("2d");
    const image = context.createImageData(256, 1);
    for (let k = 0; k < 256; ++k) {
      image.data.set([...colourAt(stops, k / 255), 255], 4 * k);
    }
    context.putImageData(image, 0, 0);
  }

  Object.assign(pyinit, { drawHistogram, drawLines, drawMatrix, drawScale, drawShares });
})(globalThis.pyinit);
