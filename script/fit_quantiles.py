#!/usr/bin/env python3
"""Fit the approximations that define the normal and truncated normal streams.

With p the probability, x = |2p - 1| the distance to the middle and y = 1 - x^2:

* normal:           |z| = x * P(t) / Q(t),  t = -log(y)
* truncated to +-2: |z| = x * P(y) / Q(y)

Both ratios |z| / x are smooth over the whole range, so that one branch is enough. Every coefficient
is positive, so that Horner's rule loses nothing to cancellation. P and Q are minimax in relative
error (Remez exchange in mpmath). Q is monic, which saves a multiplication. Q is rounded to the type
first, and P is then fitted again to the rounded Q.

The logarithm splits y into 2^e * m:

* float32: m in [1, 2), f = m - 1.5. The bits of y, read as an integer, are a piecewise linear
  logarithm; the polynomial L corrects it: t = C * float(bits - offset) + f * L(f), minimax in
  absolute error. The integer offset includes the constant term. The degree is odd, so that the
  error is the same at m = 1 and m = 2, without a step.
* float64: m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1): t = C * e + s * L(s^2).

The coefficients are written to a JSON file for the reference and to a C header for the kernels.

Usage: fit_quantiles.py [--check]
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

from mpmath import mp, mpf

Vector = list[mpf]

PACKAGE = Path(__file__).parents[1] / "pyinit"
DIGITS = 70
BITS = {"float32": 32, "float64": 64}
DEGREES = {
    ("normal", "float32"): (5, 5),
    ("truncated_normal", "float32"): (4, 4),
    ("normal", "float64"): (13, 12),
    ("truncated_normal", "float64"): (9, 9),
}


def horner(coefficients: Sequence[mpf], x: mpf) -> mpf:
    """Evaluate a polynomial by Horner's rule, constant term first."""
    result = mpf(0)
    for coefficient in reversed(coefficients):
        result = result * x + coefficient
    return result


def grid(low: mpf, high: mpf, count: int, power: int = 1) -> Vector:
    """Return Chebyshev points of [low, high], denser near `low` for a larger power."""
    return [
        low + (high - low) * ((1 - mp.cos(mp.pi * i / (count - 1))) / 2) ** power
        for i in range(count)
    ]


def normal_ratio(w: mpf, x: mpf) -> mpf:
    """Return |z| / x where P(|Z| < |z|) = x = 1 - w for the standard normal Z."""
    if x == 0:
        return mp.sqrt(mp.pi / 2)
    z = -mpf(NormalDist().inv_cdf(float(w / 2))) if w < 0.9 else x * mp.sqrt(mp.pi / 2)
    for _ in range(20):  # Halley's method
        residual = mp.erfc(z / mp.sqrt(2)) - w if w < 0.9 else x - mp.erf(z / mp.sqrt(2))
        newton = residual / (2 * mp.npdf(z))
        step = newton / (1 - z * newton / 2)
        z += step
        if abs(step) < mpf(10) ** (-DIGITS // 2) * z:
            return z / x
    raise ArithmeticError("the quantile did not converge")


def normal_target(t: mpf) -> mpf:
    """Return |z| / x of the normal distribution at t = -log(1 - x^2)."""
    x = mp.sqrt(-mp.expm1(-t))
    return normal_ratio(mp.exp(-t) / (1 + x), x)


def truncated_target(y: mpf) -> mpf:
    """Return |z| / x of the normal distribution truncated to (-2, 2) at y = 1 - x^2."""
    mass = mp.erf(mp.sqrt(2))
    x = mp.sqrt(1 - y)
    return mass * normal_ratio(1 - mass * x, mass * x)


def least_squares(xs: Vector, f: Vector, scale: Vector, n: int, m: int) -> tuple[Vector, Vector]:
    """Fit P / Q of degrees n and m to f by least squares of error / scale: the first guess."""
    size = n + m + 1
    q_values = [mpf(1)] * len(xs)
    p: Vector = []
    q: Vector = []
    for _ in range(4):
        normal, right = mp.zeros(size, size), mp.zeros(size, 1)
        for i in range(0, len(xs), max(1, len(xs) // (8 * size))):
            weight = 1 / (scale[i] * q_values[i])
            row = [weight * xs[i] ** j for j in range(n + 1)] + [
                -weight * f[i] * xs[i] ** j for j in range(1, m + 1)
            ]
            for r in range(size):
                right[r] += row[r] * f[i] * weight
                for c in range(size):
                    normal[r, c] += row[r] * row[c]
        solution = list(mp.lu_solve(normal, right))
        p, q = solution[: n + 1], [mpf(1), *solution[n + 1 :]]
        q_values = [horner(q, x) for x in xs]
    return p, q


def alternating_extrema(errors: Vector, count: int) -> list[int]:
    """Return the indices of the `count` largest extrema of alternating sign."""
    places: list[int] = []
    for i, error in enumerate(errors):
        if not places or (error > 0) != (errors[places[-1]] > 0):
            places.append(i)
        elif abs(error) > abs(errors[places[-1]]):
            places[-1] = i
    if len(places) < count:
        raise ArithmeticError("the error does not alternate often enough")
    while len(places) > count:
        size = [abs(errors[i]) for i in places]
        least = size.index(min(size))
        if least in (0, len(size) - 1):
            del places[least]
        elif len(places) == count + 1:
            del places[0 if size[0] < size[-1] else -1]
        else:  # drop an inner one with its smaller neighbour: the signs still alternate
            first = least if size[least + 1] < size[least - 1] else least - 1
            del places[first : first + 2]
    return places


def remez(xs: Vector, f: Vector, scale: Vector, n: int, m: int) -> tuple[Vector, Vector]:
    """Return P, Q of degrees n and m that minimise max |P/Q - f| / scale on xs; Q(0) = 1."""
    unit = max(abs(x) for x in xs)
    xs = [x / unit for x in xs]
    p, q = least_squares(xs, f, scale, n, m)
    size = n + m + 2
    for _ in range(50):
        errors = [
            (horner(p, x) / horner(q, x) - v) / s for x, v, s in zip(xs, f, scale, strict=True)
        ]
        places = alternating_extrema(errors, size)
        heights = [abs(errors[i]) for i in places]
        if max(heights) <= min(heights) * mpf("1.001"):
            return [c / unit**j for j, c in enumerate(p)], [c / unit**j for j, c in enumerate(q)]
        sign = 1 if errors[places[0]] > 0 else -1
        level = sum(heights) / size
        # Newton's method for P(x) = (f + level * scale * sign) * Q(x) at the extrema
        for _ in range(8):
            system, right = mp.zeros(size, size), mp.zeros(size, 1)
            for row, i in enumerate(places):
                x, bound = xs[i], scale[i] * sign * (-1) ** row
                value, slope = f[i] + bound * level, bound * horner(q, xs[i])
                for j in range(n + 1):
                    system[row, j] = x**j
                for j in range(1, m + 1):
                    system[row, n + j] = -value * x**j
                system[row, size - 1], right[row] = -slope, value - slope * level
            solution = list(mp.lu_solve(system, right))
            p, q = solution[: n + 1], [mpf(1), *solution[n + 1 : -1]]
            change, level = abs(solution[-1] - level), solution[-1]
            if change <= mpf("1e-6") * abs(level):
                break
    raise ArithmeticError("the exchange did not converge")


def rounded(values: Sequence[mpf], dtype: str) -> Vector:
    """Round values to a dtype, to nearest even."""
    if dtype == "float64":
        return [mpf(float(v)) for v in values]
    with mp.workprec(24):
        return [+v for v in values]


def entry(dtype: str, interval: str, error: mpf, **coefficients: Sequence[mpf]) -> dict[str, Any]:
    """Return an entry of the file: coefficients as hexadecimal floats, constant term first."""
    hexadecimal = {name: [float(c).hex() for c in values] for name, values in coefficients.items()}
    return {"dtype": dtype, "interval": interval, "error": mp.nstr(error, 3), **hexadecimal}


def fit_quantile(name: str, dtype: str) -> dict[str, Any]:
    """Fit P and Q of one quantile."""
    n, m = DEGREES[name, dtype]
    w = mpf(2) ** -BITS[dtype]
    target: Callable[[mpf], mpf]
    if name == "normal":
        target, high, power = normal_target, -mp.log(w * (2 - w)), 2
    else:
        target, high, power = truncated_target, mpf(1), 1
    xs = grid(mpf(0), high, 24 * (n + m + 2), power)
    f = [target(x) for x in xs]
    q = remez(xs, f, f, n, m)[1]
    q = rounded([c / q[m] for c in q], dtype)
    scaled = [v * horner(q, x) for x, v in zip(xs, f, strict=True)]
    p = rounded(remez(xs, scaled, scaled, n, 0)[0], dtype)
    if min(*p, *q) <= 0:
        raise ArithmeticError("a coefficient is not positive")
    points = grid(mpf(0), high, 1501, power)
    error = max(abs(horner(p, x) / horner(q, x) / target(x) - 1) for x in points)
    if (name, dtype) == ("normal", "float32"):  # x is in units of 2^-31 there
        p = [c / 2**31 for c in p]
    return entry(dtype, f"[0, {mp.nstr(high, 8)}]", error, p=p, q=q)


def fit_log_float32() -> dict[str, Any]:
    """Fit L and offset of t = C * float(bits - offset) + f * L(f), for the bits of y * 2^62."""
    xs = grid(mpf(-1) / 2, mpf(1) / 2, 300)
    unit = rounded([-mp.log(2) / 2**23], "float32")[0]
    f = [-mp.log(mpf(3) / 2 + x) + mp.log(2) * (mpf(1) / 2 + x) for x in xs]
    constant, *poly = remez(xs, f, [mpf(1)] * len(xs), 7, 0)[0]
    shift, poly = int(mp.nint(constant / unit)), rounded(poly, "float32")
    error = max(abs(shift * unit + x * horner(poly, x) - v) for x, v in zip(xs, f, strict=True))
    offset = struct.unpack("<i", struct.pack("<f", 2.0**62))[0] - shift
    return {**entry("float32", "m in [1, 2)", error, unit=[unit], log=poly), "offset": hex(offset)}


def fit_log_float64() -> dict[str, Any]:
    """Fit L of -log(m) = s * L(s^2), s = (m - 1) / (m + 1), with m in [sqrt(1/2), sqrt(2))."""
    high = (3 - 2 * mp.sqrt(2)) ** 2
    xs = grid(high / 10**9, high, 300)
    f = [-2 * mp.atanh(mp.sqrt(x)) / mp.sqrt(x) for x in xs]
    weight = [1 / mp.sqrt(x + high / 100) for x in xs]  # absolute error of s * L
    poly = rounded(remez(xs, f, weight, 6, 0)[0], "float64")
    error = max(abs(horner(poly, x) - v) * mp.sqrt(x) for x, v in zip(xs, f, strict=True))
    return entry(
        "float64",
        "m in [sqrt(1/2), sqrt(2))",
        error,
        unit=rounded([-mp.log(2)], "float64"),
        log=poly,
    )


def c_polynomial(coefficients: Sequence[str], powers: Sequence[str]) -> str:
    """Return a polynomial as a C expression, as pyinit.stream.quantiles.polynomial evaluates it."""
    variable, *higher = powers
    if higher:
        odd = c_polynomial(coefficients[1::2], higher)
        return f"({odd} * ({variable}) + {c_polynomial(coefficients[0::2], higher)})"
    *rest, expression = coefficients
    for coefficient in reversed(rest):
        expression = f"({expression} * ({variable}) + {coefficient})"
    return expression


def c_header(entries: dict[str, dict[str, Any]]) -> str:
    """Return the approximations as C macros with the operations in order."""
    lines = [
        "/* The quantile approximations, written by script/fit_quantiles.py. */",
        "/* clang-format off */",
        "#ifndef PYINIT_QUANTILE_COEFFICIENTS_H",
        "#define PYINIT_QUANTILE_COEFFICIENTS_H",
        "",
    ]
    for name, values in entries.items():
        suffix = "f" if values["dtype"] == "float32" else ""
        powers = ["t", "t2", "t4"] if name == "normal_float64" else ["t", "t2"]
        for field in ("p", "q", "log"):
            if field in values:
                macro = f"PYINIT_{name}_{field}".upper()
                expression = c_polynomial([c + suffix for c in values[field]], powers)
                lines.append(f"#define {macro}({', '.join(powers)}) {expression}")
        for field in ("unit", "offset"):
            if field in values:
                value = values[field] if field == "offset" else values[field][0] + suffix
                lines.append("#define " + f"PYINIT_{name}_{field} ".upper() + f"({value})")
    return "\n".join([*lines, "", "#endif", ""])


def main() -> int:
    """Fit all approximations, then write the files or compare them."""
    parser = argparse.ArgumentParser(description="Fit the quantiles of the random stream.")
    parser.add_argument(
        "--check", action="store_true", help="compare with the files and write nothing"
    )
    arguments = parser.parse_args()
    mp.dps = DIGITS
    entries = {"log_float32": fit_log_float32(), "log_float64": fit_log_float64()}
    entries |= {f"{name}_{dtype}": fit_quantile(name, dtype) for name, dtype in DEGREES}
    for name, values in entries.items():
        print(f"{name:26} {values['interval']:26} error {values['error']}")
    texts = {
        PACKAGE / "stream" / "quantile_coefficients.json": json.dumps(entries, indent=2) + "\n",
        PACKAGE / "native" / "quantile_coefficients.h": c_header(entries),
    }
    for path, text in texts.items():
        if not arguments.check:
            path.write_text(text, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != text:
            print(f"{path} differs from what this script computes", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
