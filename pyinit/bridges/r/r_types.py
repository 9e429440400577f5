"""The types of R's arrays, and the conversion of NumPy arrays to them.

| dtype | R | |
|---|---|---|
| float64 | double | |
| float32, float16, bfloat16 | double | converted |
| int32 | integer; double if -2**31, which is NA in R, is among the values | |
| int8, int16, uint8, uint16 | integer | converted |
| uint32, int64, uint64 | double, within -2**53 and 2**53 | converted |
| bool | logical, stored in 32 bits | converted |
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pyinit.dtypes import FLOAT_DTYPES, NUMERIC_DTYPES, AnyArray

#: The largest n for which R's doubles represent all integers up to n.
MAX_WHOLE = 2**53

_NA_INTEGER = -(2**31)


def has_r_type(dtype: np.dtype[Any]) -> bool:
    """Return whether R has a type for the values of a dtype, of any byte order."""
    return dtype.name in NUMERIC_DTYPES


def beyond_r(values: AnyArray) -> int | None:
    """Return a value of an integer array that R's doubles may not represent, or None."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or not values.size:
        return None
    for extreme in (values.max(), values.min()):
        if not -MAX_WHOLE <= extreme <= MAX_WHOLE:
            return int(extreme)
    return None


def in_r_type(values: AnyArray) -> AnyArray:
    """Convert an array to the type that R has for it, in Fortran order, in at most one copy.

    Args:
        values: An array whose dtype `has_r_type()`, with no value `beyond_r()`.

    Returns:
        An array of float64 or int32; logicals are 0 or 1 in int32. It is over the memory of
        `values` if that is of this type, in Fortran order and aligned.
    """
    return np.require(values, _stored(values), ["F_CONTIGUOUS", "ALIGNED"])


def _stored(values: AnyArray) -> type[np.float64 | np.int32]:
    """Return the dtype in which R stores the values."""
    if values.dtype.name in FLOAT_DTYPES or not np.can_cast(values.dtype, np.int32):
        return np.float64
    if values.dtype.itemsize == 4 and values.size and values.min() == _NA_INTEGER:
        return np.float64
    return np.int32
