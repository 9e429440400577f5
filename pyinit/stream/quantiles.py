"""The quantile functions of the normal distributions, which every kernel computes bit for bit.

Let p be the probability. The random words give its distance to the nearer end and its distance to
the middle as exact integers, so neither the tail (w = 2 min(p, 1 - p)) nor the centre
(x = |2 p - 1|) loses bits to a subtraction. The sign is set as a bit, so complementing the words
negates the result exactly.

Operations are rounded to their type, in the order written here, without fused multiply-add and
without library functions. Scalars have the type of the array, so nothing is promoted. The
approximations and their errors are in `quantile_coefficients.json`, which `script/fit_quantiles.py`
writes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pyinit.dtypes import AnyArray

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
UInt32 = npt.NDArray[np.uint32]
UInt64 = npt.NDArray[np.uint64]

_ENTRIES: dict[str, Any] = json.loads(
    Path(__file__).with_name("quantile_coefficients.json").read_text(encoding="utf-8")
)


def _float32(entry: str, name: str) -> tuple[np.float32, ...]:
    return tuple(np.float32(float.fromhex(text)) for text in _ENTRIES[entry][name])


def _float64(entry: str, name: str) -> tuple[np.float64, ...]:
    return tuple(np.float64(float.fromhex(text)) for text in _ENTRIES[entry][name])


# Constant term first; the leading coefficient of every Q is 1.
_NORMAL_P32, _NORMAL_Q32 = _float32("normal_float32", "p"), _float32("normal_float32", "q")
_NORMAL_P64, _NORMAL_Q64 = _float64("normal_float64", "p"), _float64("normal_float64", "q")
_TRUNCATED_P32 = _float32("truncated_normal_float32", "p")
_TRUNCATED_Q32 = _float32("truncated_normal_float32", "q")
_TRUNCATED_P64 = _float64("truncated_normal_float64", "p")
_TRUNCATED_Q64 = _float64("truncated_normal_float64", "q")
_LOG32, _LOG64 = _float32("log_float32", "log"), _float64("log_float64", "log")
_UNIT32, _UNIT64 = _float32("log_float32", "unit")[0], _float64("log_float64", "unit")[0]
_OFFSET32 = np.int32(int(_ENTRIES["log_float32"]["offset"], 16))
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_ONE_BITS = 0x3FF0000000000000


def polynomial(c: Sequence[Any], *powers: AnyArray) -> AnyArray:
    """Evaluate a polynomial, even and odd terms separately, for a shorter chain of operations.

    Args:
        c: The coefficients, the constant term first.
        powers: The variable, its square, the square of that, ... With n powers, the terms are split
            into 2**(n - 1) polynomials in the last power, each evaluated by Horner's rule.
    """
    variable, *higher = powers
    if higher:
        odd = polynomial(c[1::2], *higher)
        odd *= variable
        odd += polynomial(c[0::2], *higher)
        return odd
    value: AnyArray = variable * c[-1]
    value += c[-2]
    for coefficient in c[-3::-1]:
        value *= variable
        value += coefficient
    return value


def _with_sign32(z: Float32, high: UInt32) -> Float32:
    bits = z.view(np.uint32)
    bits |= ~high & np.uint32(0x80000000)
    return z


def _with_sign64(z: Float64, high: UInt32) -> Float64:
    bits = z.view(np.uint64)
    bits |= (~high & np.uint32(0x80000000)).astype(np.uint64) << np.uint64(32)
    return z


def normal_float32(high: UInt32) -> Float32:
    """Compute the standard normal quantile at (H + 1/2) / 2**32.

    Args:
        high: H, as a contiguous array.

    Returns:
        A new array. Relative error at most 4.9e-7, over all H.
    """
    nearer = high.view(np.int32) ^ (high.view(np.int32) >> np.int32(31))
    w = nearer.astype(np.float32)
    w += np.float32(0.5)
    nearer ^= np.int32(0x7FFFFFFF)
    x = nearer.astype(np.float32)
    x += np.float32(0.5)
    # y = 1 - x^2 without cancellation, times 2^62, which the offset compensates
    w *= x + np.float32(2.0**31)
    bits = w.view(np.int32)
    # the bits of y give its logarithm up to a correction within each power of two
    t = (bits - _OFFSET32).astype(np.float32)
    t *= _UNIT32
    bits &= np.int32(0x7FFFFF)
    bits |= np.int32(0x3F800000)
    f = w
    f -= np.float32(1.5)
    correction = polynomial(_LOG32, f, f * f)
    correction *= f
    t += correction
    t2 = t * t
    x *= polynomial(_NORMAL_P32, t, t2)
    x /= polynomial(_NORMAL_Q32, t, t2)
    return _with_sign32(x, high)


def truncated_normal_float32(high: UInt32) -> Float32:
    """Compute the quantile at (H + 1/2) / 2**32 of the standard normal truncated to (-2, 2).

    Args:
        high: H, as a contiguous array.

    Returns:
        A new array. Relative error at most 4.6e-7, over all H; no magnitude above 2.
    """
    middle = high.view(np.int32) ^ (high.view(np.int32) >> np.int32(31))
    middle ^= np.int32(0x7FFFFFFF)
    x = middle.astype(np.float32)
    x += np.float32(0.5)
    x *= np.float32(2.0**-31)
    # the quantile is flat near 2, so cancellation near x = 1 costs at most two ulps
    y = np.float32(1.0) - x * x
    y2 = y * y
    x *= polynomial(_TRUNCATED_P32, y, y2)
    x /= polynomial(_TRUNCATED_Q32, y, y2)
    np.minimum(x, np.float32(2.0), out=x)
    return _with_sign32(x, high)


def _nearer_end64(high: UInt32, low: UInt32) -> UInt64:
    """Return 2 * (distance to the nearer end) + 1, in units of 2**-64."""
    word = high.astype(np.uint64) << np.uint64(32)
    word |= low
    word ^= np.where(high >> np.uint32(31), np.uint64(2**64 - 1), np.uint64(0))
    word <<= np.uint64(1)
    word |= np.uint64(1)
    return word


def _unit64(word: UInt64) -> Float64:
    """Scale a word to (0, 1], rounded once to nearest even."""
    value = word.astype(np.float64)
    value *= np.float64(2.0**-64)
    return value


def normal_float64(high: UInt32, low: UInt32) -> Float64:
    """Compute the standard normal quantile at (H * 2**32 + L + 1/2) / 2**64.

    Args:
        high: H.
        low: L.

    Returns:
        A new array. Relative error at most 4e-15.
    """
    word = _nearer_end64(high, low)
    y = _unit64(word)
    word ^= np.uint64(2**64 - 2)  # the distance to the middle
    x = _unit64(word)
    y *= x + np.float64(1.0)  # 1 - x^2 without cancellation
    bits = y.view(np.uint64)
    bits += np.uint64(_ONE_BITS - _SQRT_HALF_BITS)
    t = (bits >> np.uint64(52)).astype(np.float64)
    t -= np.float64(1023.0)
    t *= _UNIT64
    bits &= np.uint64(2**52 - 1)
    bits += np.uint64(_SQRT_HALF_BITS)
    m = y  # in [sqrt(1/2), sqrt(2))
    s = m - np.float64(1.0)
    m += np.float64(1.0)
    s /= m
    v = s * s
    logarithm = polynomial(_LOG64, v, v * v)
    logarithm *= s
    t += logarithm
    t2 = t * t
    t4 = t2 * t2
    x *= polynomial(_NORMAL_P64, t, t2, t4)
    x /= polynomial(_NORMAL_Q64, t, t2, t4)
    return _with_sign64(x, high)


def map_words(high: UInt32, low: UInt32, first_word: int, last_word: int) -> tuple[UInt32, UInt32]:
    """Map the words H * 2**32 + L to those from `first_word` to `last_word`.

    Args:
        high: H.
        low: L.
        first_word: The image of the word 0.
        last_word: The image of the word 2**64 - 1.

    Returns:
        The halves of first_word + floor(R * (last_word - first_word + 1) / 2**64), R being the
        word, as new arrays.
    """
    span_high, span_low = divmod(last_word - first_word, 2**32)
    high64, low64 = high.astype(np.uint64), low.astype(np.uint64)
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    # R * (last_word - first_word) + R, in halves: no sum exceeds 64 bits
    carry = low64 * np.uint64(span_low) + low64 >> half
    upper = low64 * np.uint64(span_high) + carry
    carry = high64 * np.uint64(span_low) + (upper & mask) + high64 >> half
    word = high64 * np.uint64(span_high) + (upper >> half) + carry + np.uint64(first_word)
    return (word >> half).astype(np.uint32), word.astype(np.uint32)


def truncated_normal_float64(high: UInt32, low: UInt32) -> Float64:
    """Compute the quantile at (H * 2**32 + L + 1/2) / 2**64 of the normal truncated to (-2, 2).

    Args:
        high: H.
        low: L.

    Returns:
        A new array. Relative error at most 1.2e-15; no magnitude above 2.
    """
    word = _nearer_end64(high, low)
    word ^= np.uint64(2**64 - 2)
    x = _unit64(word)
    y = np.float64(1.0) - x * x
    y2 = y * y
    x *= polynomial(_TRUNCATED_P64, y, y2)
    x /= polynomial(_TRUNCATED_Q64, y, y2)
    np.minimum(x, np.float64(2.0), out=x)
    return _with_sign64(x, high)
