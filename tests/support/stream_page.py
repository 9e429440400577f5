"""The random stream, implemented from docs/stream.md alone.

Only Python's standard library is used, and nothing of pyinit. The coefficients and the tables are
read from the page, so a missing or wrong digit there gives wrong values here.
"""

import functools
import hashlib
import itertools
import math
import re
import struct
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "stream.md").read_text(encoding="utf-8")
WORD, LONG = 2**32, 2**64


def float32(x):
    """Round to float32.

    A sum, product, quotient or square root of float32 numbers that is rounded to float64 and then
    to float32 is the correctly rounded float32 result, since 53 >= 2 * 24 + 2.
    """
    return struct.unpack("<f", struct.pack("<f", x))[0]


def float64(x):
    """Round to float64, which Python's floats are."""
    return float(x)


def round_to(x, dtype):
    """Round a float64 number once, to nearest even, to a dtype."""
    if dtype == "float64":
        return x
    if not dtype.startswith(("float", "bfloat")):
        return int(x)
    precision, smallest = {"float32": (24, -149), "float16": (11, -24), "bfloat16": (8, -133)}[
        dtype
    ]
    if x == 0 or not math.isfinite(x):
        return x
    exponent = max(math.frexp(x)[1] - precision, smallest)
    return math.copysign(math.ldexp(round(math.ldexp(x, -exponent)), exponent), x)


def largest_below(bound, dtype):
    """Return the largest value of a float dtype below a number."""
    if dtype == "float64":
        return math.nextafter(bound, -math.inf)
    nearest = round_to(bound, dtype)
    step = math.ulp(bound)
    while nearest >= bound:  # step down until the rounding gives a smaller value
        nearest = round_to(bound - step, dtype)
        step *= 2
    return nearest


def table_after(marker, page=PAGE):
    """Return the rows of the first table of a page after a text, the titles first."""
    lines = iter(page[page.index(marker) :].splitlines())
    table = itertools.takewhile(
        lambda line: line.startswith("|"),
        itertools.dropwhile(lambda x: not x.startswith("|"), lines),
    )
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table]
    return [rows[0], *rows[2:]]


@functools.cache
def coefficients(name):
    """Return the columns of a table of coefficients, by their names."""
    names, *rows = table_after(f"<!-- coefficients: {name} -->")
    return {
        column: [float.fromhex(row[k]) for row in rows if row[k]]
        for k, column in enumerate(names)
        if k > 0
    }


@functools.cache
def constants():
    """Return the two factors U in the page's algorithms."""
    found = re.findall(r"\bU = (-0x[0-9a-f.]+p[+-]\d+)", PAGE)
    return tuple(map(float.fromhex, found))


def philox(c0, c1, c2, c3, k0, k1):
    """Return a block of four words."""
    for _ in range(10):
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (q // WORD) ^ c1 ^ k0, q % WORD, (p // WORD) ^ c3 ^ k1, p % WORD
        k0, k1 = (k0 + 0x9E3779B9) % WORD, (k1 + 0xBB67AE85) % WORD
    return c0, c1, c2, c3


@functools.lru_cache(maxsize=64)
def block_of(seed, draw, block, half):
    """Return a block, given its number."""
    key = seed % LONG
    return philox(block % WORD, block // WORD, draw, half, key % WORD, key // WORD)


def word_of(seed, draw, i, half):
    """Return H (half = 0) or L (half = 1) of an element."""
    tile, word, lane = i // 64, (i // 16) % 4, i % 16
    return block_of(seed, draw, 16 * tile + lane, half)[word]


def poly(rounded, c, x, *powers):
    """Evaluate a polynomial, as the page splits it; `rounded` rounds each operation."""
    if powers:
        odd, even = poly(rounded, c[1::2], *powers), poly(rounded, c[0::2], *powers)
        return rounded(rounded(odd * x) + even)
    s = c[-1]
    for coefficient in c[-2::-1]:
        s = rounded(rounded(s * x) + coefficient)
    return s


def normal32(high):
    """Return the float32 normal quantile at H."""
    c = coefficients("normal float32")
    n = high if high < 2**31 else WORD - 1 - high
    w = float32(float32(n) + 0.5)
    x = float32(float32(2**31 - 1 - n) + 0.5)
    w = float32(w * float32(x + 2.0**31))
    (bits,) = struct.unpack("<i", struct.pack("<f", w))
    t = float32(float32(bits - 0x5E751FF1) * constants()[0])
    (mantissa,) = struct.unpack("<f", struct.pack("<i", bits & 0x7FFFFF | 0x3F800000))
    f = float32(mantissa - 1.5)
    t = float32(t + float32(poly(float32, c["E"], f, float32(f * f)) * f))
    t2 = float32(t * t)
    z = float32(x * poly(float32, c["P"], t, t2))
    z = float32(z / poly(float32, c["Q"], t, t2))
    return -z if high < 2**31 else z


def truncated32(high):
    """Return the float32 truncated normal quantile at H."""
    c = coefficients("truncated normal float32")
    n = high if high < 2**31 else WORD - 1 - high
    x = float32(float32(float32(2**31 - 1 - n) + 0.5) * 2.0**-31)
    y = float32(1 - float32(x * x))
    y2 = float32(y * y)
    z = float32(x * poly(float32, c["P"], y, y2))
    z = min(float32(z / poly(float32, c["Q"], y, y2)), 2.0)
    return -z if high < 2**31 else z


def normal64(word):
    """Return the float64 normal quantile at R."""
    c = coefficients("normal float64")
    n = word if word < 2**63 else LONG - 1 - word
    y = float(2 * n + 1) * 2.0**-64
    x = float(2 * (2**63 - 1 - n) + 1) * 2.0**-64
    y = y * (x + 1)
    (bits,) = struct.unpack("<Q", struct.pack("<d", y))
    a = bits + 0x3FF0000000000000 - 0x3FE6A09E667F3BCD
    t = (float(a >> 52) - 1023) * constants()[1]
    (m,) = struct.unpack("<d", struct.pack("<Q", a % 2**52 + 0x3FE6A09E667F3BCD))
    s = (m - 1) / (m + 1)
    v = s * s
    t = t + poly(float64, c["E"], v, v * v) * s
    t2 = t * t
    powers = t, t2, t2 * t2
    z = x * poly(float64, c["P"], *powers) / poly(float64, c["Q"], *powers)
    return -z if word < 2**63 else z


def truncated64(word):
    """Return the float64 truncated normal quantile at R."""
    c = coefficients("truncated normal float64")
    n = word if word < 2**63 else LONG - 1 - word
    x = float(2 * (2**63 - 1 - n) + 1) * 2.0**-64
    y = 1 - x * x
    z = min(x * poly(float64, c["P"], y, y * y) / poly(float64, c["Q"], y, y * y), 2.0)
    return -z if word < 2**63 else z


@functools.cache
def first_word(bound):
    """Return the first word whose normal quantile reaches a bound."""
    first, last = 0, LONG
    while first < last:
        middle = (first + last) // 2
        if normal64(middle) >= bound:
            last = middle
        else:
            first = middle + 1
    return first


def element(distribution, arguments, dtype, seed, draw, i):
    """Return an element of a distribution.

    Args:
        distribution: "uniform", "normal", "truncated" or "bounded".
        arguments: (minval, maxval), (mean, stddev) or (mean, stddev, lower, upper).
        dtype: The dtype.
        seed: The seed.
        draw: The draw.
        i: The index in the full tensor.
    """
    high = word_of(seed, draw, i, 0)
    if distribution == "bounded":
        mean, stddev, lower, upper = arguments
        word = high * WORD + word_of(seed, draw, i, 1)
        a, b = first_word(lower), first_word(upper)
        return round_to((mean + 0.0) + (stddev + 0.0) * normal64(a + word * (b - a) // LONG), dtype)
    wide = dtype == "float64"
    rounded = float64 if wide else float32
    source = high * WORD + word_of(seed, draw, i, 1) if wide else high
    location, second = (argument + 0.0 for argument in arguments)
    scale, upper = second, math.inf
    if distribution == "uniform":
        variate = float(source >> 11) * 2.0**-53 if wide else float(source >> 8) * 2.0**-24
        scale = second - location
        if location < second:
            upper = largest_below(second, dtype)
    elif distribution == "normal":
        variate = normal64(source) if wide else normal32(source)
    else:
        variate = truncated64(source) if wide else truncated32(source)
    value = rounded(rounded(location) + rounded(rounded(scale) * variate))
    return round_to(min(value, upper), dtype)


def fans(shape, input_axes=None, output_axes=None, batch_axes=None):
    """Return fan_in and fan_out."""
    if input_axes is not None and output_axes is not None:
        return tuple(math.prod(shape[axis] for axis in axes) for axes in (input_axes, output_axes))
    if batch_axes is not None:
        batch = positive_axes(batch_axes, shape)
        shape = [length for axis, length in enumerate(shape) if axis not in batch]
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    *kernel, inputs, outputs = shape
    return inputs * math.prod(kernel), outputs * math.prod(kernel)


def positive_axes(axes, shape):
    """Return axes counted from the first, in ascending order."""
    return sorted(axis % len(shape) for axis in axes)


@functools.cache
def named_classes():
    """Return scale, mode and distribution of the named variance-scaling classes."""
    _, *rows = table_after("| class | scale | mode | distribution |")
    return {name.strip("`"): (float(scale), mode, kind) for name, scale, mode, kind in rows}


def variance_scaling(scale, mode, kind, both_fans):
    """Return the distribution and its arguments."""
    fan_in, fan_out = both_fans
    n = {
        "fan_in": float(fan_in),
        "fan_out": float(fan_out),
        "fan_avg": (fan_in + fan_out) / 2,
        "fan_geo_avg": math.sqrt(fan_in * fan_out),
    }[mode]
    variance = scale / max(1.0, n)
    if kind == "uniform":
        limit = math.sqrt(3 * variance)
        return "uniform", (-limit, limit)
    if kind == "truncated_normal":
        return "truncated", (0.0, math.sqrt(variance) / 0.87962566103423978)
    return "normal", (0.0, math.sqrt(variance))


def gram(a, n):
    """Return the elements on and above the diagonal of the Gram matrix."""
    g = {}
    for i in range(n):
        for j in range(i, n):
            total = 0.0
            for first in range(0, len(a), 128):
                s = 0.0
                for row in a[first : first + 128]:
                    s += row[i] * row[j]
                total += s
            g[i, j] = total
    return g


def factor(g, d):
    """Return the Cholesky factor and the inverses of its diagonal; None if there is none."""
    n = len(d)
    r, v = {}, []
    for k in range(n):
        p = g[k, k]
        for before in range(k):
            p -= r[before, k] * r[before, k]
        if not p > 2.0**-48 * d[k]:
            return None
        v.append(1 / math.sqrt(p))
        for j in range(k + 1, n):
            value = g[k, j]
            for before in range(k):
                value -= r[before, k] * r[before, j]
            r[k, j] = value * v[k]
    return r, v


def substitute(a, r, v):
    """Return the matrix times the inverse of the factor."""
    result = []
    for row in a:
        q = []
        for j, value in enumerate(row):
            for before in range(j):
                value -= r[before, j] * q[before]
            q.append(value * v[j])
        result.append(q)
    return result


def ordered_dot(x, y):
    """Return the sum of products, from the first to the last."""
    return functools.reduce(lambda total, term: total + term, map(float.__mul__, x, y))


def reflect(a):
    """Return the factor Q by Householder reflections."""
    columns = [list(column) for column in zip(*a, strict=True)]
    n = len(columns)
    signs, scales = [1.0] * n, [0.0] * n

    def apply(j):
        v = columns[j][j:]
        for column in columns[j + 1 :]:
            factor = scales[j] * ordered_dot(v, column[j:])
            column[j:] = [c - x * factor for c, x in zip(column[j:], v, strict=True)]

    for j in range(n):
        v = columns[j][j:]
        norm = math.sqrt(ordered_dot(v, v))
        if norm > 0:
            signs[j] = -math.copysign(1.0, v[0])
            v[0] -= signs[j] * norm
            scales[j] = 2 / ordered_dot(v, v)
            columns[j][j:] = v
        apply(j)
    for j in reversed(range(n)):
        apply(j)
        v = columns[j][j:]
        factor = -scales[j] * v[0]
        v = [x * factor for x in v]
        v[0] += 1
        columns[j] = [0.0] * j + v
    return [
        [x * sign for x, sign in zip(row, signs, strict=True)] for row in zip(*columns, strict=True)
    ]


def orthonormalize(a):
    """Return the matrix with orthonormal columns."""
    m, n = len(a), len(a[0])
    for _ in range(8):
        g = gram(a, n)
        d = [g[k, k] for k in range(n)]
        last = all(abs(value - (i == j)) <= 0.5 / n for (i, j), value in g.items())
        found = factor(g, d)
        if found is None:
            shift = 11 * (m * n + n * (n + 1)) * 2.0**-53 * max(d)
            for k in range(n):
                g[k, k] += shift
            found = factor(g, d)
            if found is None:
                break
        a = substitute(a, *found)
        if last:
            return a
    return reflect(a)


def orthogonal(shape, normal):
    """Return the orthogonal matrix of a shape in C order, from normal values in C order."""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    m, n = max(rows, columns), min(rows, columns)
    if n == 0:
        return []
    q = orthonormalize([normal[k * n : (k + 1) * n] for k in range(m)])
    if rows < columns:
        q = zip(*q, strict=True)
    return [value for row in q for value in row]


def normal_values(indices, seed, draw):
    """Return standard normal values in float64."""
    return [element("normal", (0.0, 1.0), "float64", seed, draw, i) for i in indices]


def cosine(a, b):
    """Return the cosine of a/b of a turn."""
    c = coefficients("cosine float64")
    octant, rest = divmod(8 * (a % b), b)
    t = float(rest if octant % 2 == 0 else b - rest) / float(b)
    if (octant + 1) // 2 % 2 == 0:
        value = poly(float64, c["C"], t * t)
    else:
        value = t * poly(float64, c["S"], t * t)
    return -value if 2 <= octant < 6 else value


def sine(a, b):
    """Return the sine of a/b of a turn."""
    return cosine(4 * (a % b) - b, 4 * b)


@functools.cache
def windows():
    """Return the coefficients of the windows that are sums of cosines."""
    _, *rows = table_after("| window | c0, c1, ... |")
    return {
        name.strip("`"): [
            1 - float(c[4:]) if c.startswith("1 - ") else float(c) for c in terms.split(", ")
        ]
        for name, terms in rows
    }


def window_values(window, length, periodic):
    """Return the values of a window."""
    if not isinstance(window, str):
        return window
    if length <= 1:
        return [1.0] * length
    period = length if periodic else length - 1
    first, *others = windows()[window]
    values = []
    for n in range(length):
        value = first
        for k, c in enumerate(others, 1):
            value += (-1) ** k * c * cosine(k * n, period)
        values.append(value)
    return values


def stft(shape, side, window, scaling, periodic):
    """Return the values of STFT in C order, in float64."""
    length, _, frequencies = shape
    turn = 2 * (frequencies - 1)
    values = window_values(window, length, periodic) if window is not None else None
    norm = 1.0
    if values is not None and scaling == "density":
        norm = math.sqrt(math.fsum(w * w for w in values))
    elif values is not None and scaling == "spectrum":
        norm = math.fsum(map(abs, values))
    result = []
    for n in range(length):
        for k in range(frequencies):
            value = cosine(n * k, turn) if side == "real" else -sine(n * k, turn)
            result.append(value if values is None else value * values[n] / norm)
    return result


def index_of(position, shape):
    """Return the index of a position in C order."""
    index = 0
    for p, length in zip(position, shape, strict=True):
        index = index * length + p
    return index


def positions(shape, offset=None):
    """Return the positions of a partition in C order."""
    ranges = [range(length) for length in shape]
    if offset is not None:
        ranges = [range(first, first + k) for first, k in zip(offset, shape, strict=True)]
    return itertools.product(*ranges)


def whole_values(name, config, shape, seed, draw):
    """Return all values, in C order and in float64, of an initializer that is not independent."""
    if name == "Orthogonal":
        batch = positive_axes(config.get("batch_axes", []), shape)
        own = [length for axis, length in enumerate(shape) if axis not in batch]
        values = [0.0] * math.prod(shape)
        for member in positions([shape[axis] for axis in batch]):
            indices = []
            for inside in positions(own):
                rest, chosen = iter(inside), iter(member)
                place = [next(chosen) if k in batch else next(rest) for k in range(len(shape))]
                indices.append(index_of(place, shape))
            matrix = orthogonal(own, normal_values(indices, seed, draw))
            for i, value in zip(indices, matrix, strict=True):
                values[i] = value * config["gain"]
        return values
    if name == "STFT":
        return stft(shape, config["side"], config["window"], config["scaling"], config["periodic"])
    *kernel, inputs, outputs = shape
    values = [0.0] * math.prod(shape)
    if name == "DeltaOrthogonal":
        centre = [(k - 1) // 2 for k in kernel]
        matrix = orthogonal((inputs, outputs), normal_values(range(inputs * outputs), seed, draw))
        first = index_of([*centre, 0, 0], shape)
        values[first : first + inputs * outputs] = [x * config["gain"] for x in matrix]
    else:
        centre = [k // 2 for k in kernel]
        for o in range(outputs):
            i = o % (outputs // config["groups"])
            if i < inputs:
                values[index_of([*centre, i, o], shape)] = 1.0
    return values


WHOLE = {"Orthogonal", "DeltaOrthogonal", "Dirac", "STFT"}


def draw_tensor(name, config, shape, dtype, draw=0, partition_shape=None, partition_offset=None):
    """Return the values of a tensor, or of a partition, in C order."""
    part = positions(
        shape if partition_shape is None else partition_shape,
        None if partition_shape is None else partition_offset,
    )
    seed = int(config.get("seed") or 0)
    if name in WHOLE:
        whole = whole_values(name, config, shape, seed, draw)
        return [round_to(whole[index_of(p, shape)], dtype) for p in part]
    if name in ("Zeros", "Ones", "Constant", "Identity"):
        given = {"Zeros": 0, "Ones": 1, "Constant": config.get("value")}.get(name)
        if name == "Identity":
            return [round_to(config["gain"] if p[0] == p[1] else 0, dtype) for p in part]
        return [round_to(float(given) if "float" in dtype else given, dtype) for _ in part]
    if name == "RandomUniform":
        distribution, arguments = "uniform", (config["minval"], config["maxval"])
    elif name == "RandomNormal":
        distribution, arguments = "normal", (config["mean"], config["stddev"])
    elif name == "TruncatedNormal":
        arguments = config["mean"], config["stddev"]
        bounds = tuple(float(config.get(k, v)) for k, v in (("lower", -2), ("upper", 2)))
        distribution = "truncated" if bounds == (-2, 2) else "bounded"
        if distribution == "bounded":
            arguments += bounds
    else:
        axes = {k: config[k] for k in ("input_axes", "output_axes", "batch_axes") if k in config}
        parameters = named_classes().get(name) or [
            config[k] for k in ("scale", "mode", "distribution")
        ]
        distribution, arguments = variance_scaling(*parameters, fans(shape, **axes))
    return [element(distribution, arguments, dtype, seed, draw, index_of(p, shape)) for p in part]


def value_bytes(value, dtype):
    """Return the little-endian bytes of a value."""
    if dtype == "bfloat16":
        return struct.pack("<f", value)[2:]
    letters = {"float16": "e", "float32": "f", "float64": "d", "bool": "?"}
    letters |= {"int8": "b", "int16": "h", "int32": "i", "int64": "q"}
    letters |= {"uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q"}
    return struct.pack("<" + letters[dtype], value)


def fingerprint(values, shape, dtype):
    """Return the fingerprint of values in C order."""
    lengths = ",".join(map(str, shape))
    head = "".join(part + "\0" for part in ("pyinit fingerprint 1", "1", dtype, lengths))
    body = b"".join(value_bytes(value, dtype) for value in values)
    return hashlib.sha256(head.encode("ascii") + body).hexdigest()


def derive_seed(seed, name):
    """Return the seed of a name."""
    text = b"pyinit derive_seed 1\0" + str(seed % LONG).encode() + b"\0" + name.encode("utf-8")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
