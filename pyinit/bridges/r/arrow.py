"""Arrays over the Arrow C data interface: moved through structs whose addresses are known.

The interface has two structs, a schema (the type) and an array (the buffers). Whoever holds a
struct owns what it describes, until it calls the struct's `release` or moves the struct elsewhere.
Python offers and takes structs in capsules; the other language offers addresses of its own ones.
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


_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_new_capsule = ctypes.PYFUNCTYPE(
    ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
)(("PyCapsule_New", ctypes.pythonapi))


def float64_array(flat: AnyArray) -> Any:
    """A pyarrow array over the memory of `flat`, a contiguous float64 array of one dimension."""
    return pa.Array.from_buffers(pa.float64(), flat.size, [None, pa.py_buffer(flat)], 0)


def move_out(array: Any, schema_address: int, array_address: int) -> None:
    """Moves an array into structs that are somewhere else, and whose holder owns it from then on.

    Args:
        array: Whatever exports itself with `__arrow_c_array__`.
        schema_address: Where there is memory for a schema struct.
        array_address: Where there is memory for an array struct.
    """
    schema_capsule, array_capsule = array.__arrow_c_array__()
    _move(_Schema, _capsule_pointer(schema_capsule, b"arrow_schema"), schema_address)
    _move(_Array, _capsule_pointer(array_capsule, b"arrow_array"), array_address)


def _move(struct: type[_Schema] | type[_Array], source: int, target: int) -> None:
    ctypes.memmove(target, source, ctypes.sizeof(struct))
    # a struct without a release is an empty one: its capsule has nothing left to free
    struct.from_address(source).release = None


class _Structs:
    """The array in structs that are somewhere else, for pyarrow to take over."""

    def __init__(self, schema_address: int, array_address: int) -> None:
        self._addresses = schema_address, array_address

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[Any, Any]:
        schema_address, array_address = self._addresses
        return (
            _new_capsule(schema_address, b"arrow_schema", None),
            _new_capsule(array_address, b"arrow_array", None),
        )


def move_in(schema_address: int, array_address: int) -> AnyArray:
    """Takes over the array in structs that are somewhere else.

    Args:
        schema_address: Where the schema struct is, whose memory its holder keeps.
        array_address: Where the array struct is, whose memory its holder keeps.

    Returns:
        A read-only view of one dimension. The array is released when nothing refers to it.
    """
    array = pa.array(_Structs(schema_address, array_address))
    view: AnyArray = array.to_numpy(zero_copy_only=True)
    return view


def exportable(array: Any) -> tuple[Any, tuple[int, ...], bool]:
    """An array in the form in which another language takes it.

    Args:
        array: A NumPy array of float64, int32 or bool, or an array of these types, without nulls,
            that exports itself with `__arrow_c_array__` (pyarrow's do). One that is neither in
            Fortran order nor of one dimension without gaps is copied.

    Returns:
        An array to move out, the shape, and whether it shares its memory with `array`.

    Raises:
        TypeError: It is none of these.
    """
    allowed = "a NumPy or Arrow array of float64, int32 or bool"
    # the mask of a masked array would get lost
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
