"""Arrays over the Arrow C data interface, moved through a transfer at a known address.

The interface has two structs, a schema (the type) and an array (the buffers). The owner of a struct
owns the memory it describes, until it calls the struct's `release` or moves the struct elsewhere.
Python exports and imports structs in capsules. R allocates a transfer, which holds one of each, and
tells Python its address.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from pyinit.dtypes import AnyArray


class _Schema(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_void_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class _Array(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.c_void_p),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class _Transfer(ctypes.Structure):
    """The start of `struct arrow_transfer` in rpkg/src/arrow_transfer.h."""

    _fields_ = (("schema", _Schema), ("array", _Array))


_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_new_capsule = ctypes.PYFUNCTYPE(
    ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
)(("PyCapsule_New", ctypes.pythonapi))


def float64_array(flat: AnyArray) -> Any:
    """Return a pyarrow array over the memory of `flat`, a contiguous float64 array of rank 1."""
    return pa.Array.from_buffers(pa.float64(), flat.size, [None, pa.py_buffer(flat)], 0)


def move_out(array: Any, address: int) -> None:
    """Move an array into a transfer, whose owner then owns the array.

    Args:
        array: An array that exports itself with `__arrow_c_array__`.
        address: The address of an empty transfer.
    """
    schema_capsule, array_capsule = array.__arrow_c_array__()
    _move(_Schema, _capsule_pointer(schema_capsule, b"arrow_schema"), _schema_address(address))
    _move(_Array, _capsule_pointer(array_capsule, b"arrow_array"), _array_address(address))


def _schema_address(address: int) -> int:
    return address + _Transfer.schema.offset


def _array_address(address: int) -> int:
    return address + _Transfer.array.offset


def _move(struct: type[_Schema] | type[_Array], source: int, target: int) -> None:
    ctypes.memmove(target, source, ctypes.sizeof(struct))
    # marks the source as released, so that its capsule frees nothing
    struct.from_address(source).release = None


class _Exporter:
    """The array in a transfer, for pyarrow to take over."""

    def __init__(self, address: int) -> None:
        self._address = address

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[Any, Any]:
        return (
            _new_capsule(_schema_address(self._address), b"arrow_schema", None),
            _new_capsule(_array_address(self._address), b"arrow_array", None),
        )


def move_in(address: int) -> AnyArray:
    """Take over the array in a transfer; R still owns the transfer.

    Args:
        address: The address of the transfer.

    Returns:
        A read-only view of rank 1. The array is released with the last reference to the view.
    """
    array = pa.array(_Exporter(address))
    view: AnyArray = array.to_numpy(zero_copy_only=True)
    return view


def exportable(array: Any) -> tuple[Any, tuple[int, ...], bool]:
    """Return an array in the form in which R takes it.

    Args:
        array: A NumPy array of float64, int32 or bool, or an array of these types, without nulls,
            that exports itself with `__arrow_c_array__` (as pyarrow's do). It is copied unless it
            is in Fortran order, or contiguous and of rank 1.

    Returns:
        An array to move out, the shape, and whether it shares its memory with `array`.

    Raises:
        TypeError: `array` is not a NumPy or Arrow array of float64, int32 or bool without nulls.
    """
    allowed = "a NumPy or Arrow array of float64, int32 or bool"
    # a masked array would lose its mask
    if isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray):
        base = np.asarray(array)
        if base.dtype == np.float64:
            shared = base.flags.f_contiguous and base.flags.aligned
            flat = (base if shared else base.copy(order="F")).reshape(-1, order="F")
            return float64_array(flat), base.shape, shared
        if base.dtype in (np.int32, np.bool_):
            return pa.array(base.reshape(-1, order="F")), base.shape, False
        raise _wrong_type(allowed, f"a NumPy array of {base.dtype}")
    if not hasattr(array, "__arrow_c_array__"):
        raise _wrong_type(allowed, f"an object of class {type(array).__name__}")
    flat = array if isinstance(array, pa.Array) else pa.array(array)
    if flat.type not in (pa.float64(), pa.int32(), pa.bool_()):
        raise _wrong_type(allowed, f"an Arrow array of {flat.type}")
    if flat.null_count:
        raise _wrong_type(f"{allowed} without nulls", f"one with {flat.null_count} nulls")
    return flat, (len(flat),), True


def _wrong_type(allowed: str, received: str) -> TypeError:
    return TypeError(f"Argument `x` must be {allowed}. Received: {received}")
