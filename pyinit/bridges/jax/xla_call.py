"""A custom call of XLA that fills a result in place, on the CPU.

A callback of JAX (`jax.pure_callback`) returns an array, which XLA copies, and it cannot be part of
a computation that XLA partitions. A custom call gets the memory of its result. XLA calls it through
a C interface, XLA's FFI; the structures below are those of its header, of which only the leading
members are declared. They have not changed since version 0.1 of the interface.

Source: https://docs.jax.dev/en/latest/ffi.html, `xla/ffi/api/c_api.h` in `jax.ffi.include_dir()`
"""

from __future__ import annotations

import ctypes
import hashlib
import math
import pickle
import uuid
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray

#: Fills an array of the result's shape, given the arrays of the operands.
Fill = Callable[..., None]

_TARGET = "pyinit_fill"
_BYTE = np.dtype(np.uint8)
_METADATA = 1  # XLA_FFI_Extension_Metadata
_INTERNAL = 13  # XLA_FFI_Error_Code_INTERNAL

#: How to fill the results of traced draws, by a digest of what determines their values. An entry
#: stays for as long as the process, since compiled code may refer to it.
_fills: dict[bytes, tuple[Fill, tuple[np.dtype[Any], ...]]] = {}


class _Version(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("major", ctypes.c_int),
        ("minor", ctypes.c_int),
    ]


class _ErrorArguments(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("message", ctypes.c_char_p),
        ("code", ctypes.c_int),
    ]


class _Api(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("version", _Version),
        ("internal", ctypes.c_void_p),
        ("create_error", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_ErrorArguments))),
    ]


class _Buffers(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("length", ctypes.c_int64),
        ("types", ctypes.c_void_p),
        ("items", ctypes.POINTER(ctypes.c_void_p)),
    ]


class _Metadata(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("version", _Version), ("traits", ctypes.c_uint32)]


class _Extension(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("metadata", ctypes.POINTER(_Metadata)),
    ]


class _Buffer(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("dtype", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("rank", ctypes.c_int64),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
    ]


class _Frame(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("extension", ctypes.POINTER(_Extension)),
        ("api", ctypes.POINTER(_Api)),
        ("context", ctypes.c_void_p),
        ("stage", ctypes.c_int),
        ("operands", _Buffers),
        ("results", _Buffers),
    ]


def _handle(frame: Any) -> int | None:
    """Answer a call of XLA: report the version, or fill the result. None means success."""
    call = frame.contents
    if call.extension and call.extension.contents.type == _METADATA:
        metadata = call.extension.contents.metadata.contents
        # the leading members are the same in all versions, so this is the caller's version
        if call.api:
            version = call.api.contents.version
            metadata.version.major, metadata.version.minor = version.major, version.minor
        metadata.traits = 0
        return None
    try:
        digest = _array(call.operands.items[0], _BYTE).tobytes()
        fill, dtypes = _fills[digest]
        *operands, result = dtypes
        fill(
            _array(call.results.items[0], result),
            *(_array(call.operands.items[1 + i], dtype) for i, dtype in enumerate(operands)),
        )
    except BaseException as error:
        message = f"{type(error).__name__}: {error}".encode()
        arguments = _ErrorArguments(ctypes.sizeof(_ErrorArguments), None, message, _INTERNAL)
        failure: int = call.api.contents.create_error(ctypes.byref(arguments))
        return failure
    return None


def _array(address: int, dtype: np.dtype[Any]) -> AnyArray:
    """Return the memory of an operand or a result as an array."""
    buffer = ctypes.cast(address, ctypes.POINTER(_Buffer)).contents
    shape = tuple(buffer.shape[: buffer.rank])
    size = math.prod(shape) * dtype.itemsize
    if not size:
        return np.empty(shape, dtype)
    memory = (ctypes.c_byte * size).from_address(buffer.data)
    return np.frombuffer(memory, dtype).reshape(shape)


#: The handler as a C function, which must not be collected.
_C_HANDLER = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_Frame))(_handle)


def _register() -> bool:
    try:
        jax.ffi.register_ffi_target(_TARGET, jax.ffi.pycapsule(_C_HANDLER), platform="cpu")
    except Exception:
        return False
    return True


#: Whether XLA accepts the handler. Otherwise callbacks draw.
IS_AVAILABLE = _register()


def digest_of(*determining: Any) -> AnyArray:
    """Return a digest of objects as an array of bytes, the operand of a custom call.

    It is the same in another process if the objects can be pickled: JAX may keep compiled code in
    files, in which the digest must stand for the same values.
    """
    try:
        content = pickle.dumps(determining)
    except Exception:
        content = uuid.uuid4().bytes
    return np.frombuffer(hashlib.sha256(content).digest(), _BYTE)


def register(digest: AnyArray, fill: Fill, *dtypes: np.dtype[Any]) -> None:
    """Make compiled code call a function.

    Args:
        digest: Of all that determines the values, except the operands.
        fill: Called with the result's array and the operands' arrays when the compiled code runs.
        dtypes: The dtypes of the operands after the digest, and that of the result.
    """
    _fills[digest.tobytes()] = fill, dtypes


def fill_on_cpu(shape: Shape, dtype: np.dtype[Any], digest: Any, *operands: Any) -> Any:
    """Return the symbolic result of a custom call that fills it.

    Args:
        shape: The shape of the result.
        dtype: The dtype of the result.
        digest: The symbolic digest of a registered function.
        operands: The symbolic operands.
    """
    result = jax.ShapeDtypeStruct(shape, dtype)
    return jax.ffi.ffi_call(_TARGET, result)(digest, *operands)
