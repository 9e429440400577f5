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

from pyinit.bridges.r.r_types import beyond_r, has_r_type, in_r_type
from pyinit.dtypes import BOOL, AnyArray
from pyinit.runtime.host_arrays import host_array

ARRAYS = "a real or bool array or tensor without a mask"


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


class _Logicals:
    """An int32 array whose schema has the name by which R knows logicals."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[Any, Any]:
        schema = pa.field("logical", self._array.type).__arrow_c_schema__()
        return schema, self._array.__arrow_c_array__()[1]


def array_of(values: AnyArray, logical: bool = False) -> Any:
    """Return an Arrow array over the memory of a NumPy array.

    Args:
        values: An aligned array of float64 or int32 in Fortran order.
        logical: Whether its integers are R's logicals.
    """
    flat = values.reshape(-1, order="F")
    buffers = [None, pa.py_buffer(flat)]
    array = pa.Array.from_buffers(pa.from_numpy_dtype(flat.dtype), flat.size, buffers, 0)
    return _Logicals(array) if logical else array


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


def import_array(address: int) -> Any:
    """Take over the array in a transfer, as a pyarrow array; R still owns the transfer.

    Args:
        address: The address of the transfer.
    """
    return pa.array(_Exporter(address))


def move_in(address: int) -> AnyArray:
    """Take over the array in a transfer, as a NumPy array; R still owns the transfer.

    Args:
        address: The address of the transfer.

    Returns:
        A read-only view of rank 1; for bools a copy. The array is released with the last reference
        to the view.

    Raises:
        TypeError: The array is not of floats, integers or bools, or has nulls.
    """
    return _view(import_array(address))


def _view(array: Any) -> AnyArray:
    """Return a pyarrow array as a read-only NumPy array, over the same memory unless of bools."""
    _check_arrow(array)
    view: AnyArray = array.to_numpy(zero_copy_only=not pa.types.is_boolean(array.type))
    view.flags.writeable = False
    return view


def exportable(x: Any) -> tuple[Any, tuple[int, ...], bool]:
    """Return an array in the form in which R takes it.

    Args:
        x: An array of floats, integers or bools: of NumPy, pyarrow, torch, JAX or TensorFlow, a
            Keras variable, a lazy tensor, or an object that exports itself with
            `__arrow_c_array__`.

    Returns:
        An array to move out, the shape, and whether it shares its memory with `x`. See
        `pyinit.bridges.r.r_types` for its type.

    Raises:
        TypeError: `x` is not such an array, or has a mask or nulls.
        ValueError: R has no type for an integer.
    """
    array = _arrow_array(x)
    if array is None:
        values = host_array(x, ARRAYS)
        if not has_r_type(values.dtype):
            raise _wrong_type(f"an array of dtype {values.dtype}")
        return _exported(values)
    if pa.types.is_boolean(array.type):
        _check_arrow(array)
        # R unpacks the bits
        return array, (len(array),), False
    exported, shape, shared = _exported(_view(array))
    is_combined = isinstance(x, pa.ChunkedArray) and x.num_chunks > 1
    return exported, shape, shared and not is_combined


def _exported(values: AnyArray) -> tuple[Any, tuple[int, ...], bool]:
    """Return the result of `exportable()` for a NumPy array of a dtype that `has_r_type()`."""
    beyond = beyond_r(values)
    if beyond is not None:
        raise ValueError(
            "Argument `x` must be of integers from -2**53 to 2**53, "
            f"which R represents as doubles. Received: an array of {values.dtype} with {beyond}"
        )
    stored = in_r_type(values)
    array = array_of(stored, values.dtype == BOOL)
    return array, values.shape, np.may_share_memory(stored, values)


def _arrow_array(x: Any) -> Any:
    """Return an Arrow array as a pyarrow array; None if `x` is not an Arrow array."""
    if isinstance(x, pa.ChunkedArray):
        return x.chunk(0) if x.num_chunks == 1 else x.combine_chunks()
    if isinstance(x, pa.Array):
        return x
    is_exporter = hasattr(x, "__arrow_c_array__") and not isinstance(x, type)
    return pa.array(x) if is_exporter else None


def _check_arrow(array: Any) -> None:
    """Raise a TypeError unless a pyarrow array is of floats, integers or bools, without nulls."""
    types = pa.types
    kind = array.type
    if not (types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind)):
        raise _wrong_type(f"an Arrow array of {kind}")
    if array.null_count:
        raise TypeError(
            f"Argument `x` must be an array without nulls. Received: an Arrow array of {kind} with "
            f"null_count = {array.null_count}"
        )


def _wrong_type(received: str) -> TypeError:
    return TypeError(f"Argument `x` must be {ARRAYS}. Received: {received}")
