"""Arrays on a GPU: new ones, those that others have, and what is written there without chance."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import AnyArray
from pyinit.runtime.devices import cupy, device_of
from pyinit.stream.gpu import DeviceArray


@contextmanager
def reporting_memory(number: int) -> Iterator[None]:
    """Says which device has run out of memory, where that happens inside."""
    try:
        yield
    except cupy().cuda.memory.OutOfMemoryError as error:
        raise MemoryError(f"The device 'cuda:{number}' has too little memory. {error}") from error


def empty(shape: Shape, dtype: np.dtype[Any], number: int, order: str = "C") -> DeviceArray:
    """A new array on that GPU.

    Raises:
        MemoryError: The device has too little memory.
    """
    gpu = cupy()
    with reporting_memory(number), gpu.cuda.Device(number):
        return gpu.empty(shape, dtype, order=order)


class _Stream:
    """A CUDA stream of another library, in the form in which CuPy takes it."""

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer

    def __cuda_stream__(self) -> tuple[int, int]:
        return 0, self._pointer


@contextmanager
def borrowed(out: Any) -> Iterator[DeviceArray]:
    """Somebody's array on a GPU as a `cupy.ndarray` of the same memory.

    Inside, the current stream is the one on which the array's own library works: for a tensor of
    torch, torch's; for others, CuPy's.

    Raises:
        ValueError: The array says that it may not be written to.
    """
    gpu = cupy()
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(out, torch.Tensor):
        stream = _Stream(torch.cuda.current_stream(out.device).cuda_stream)
        with gpu.cuda.Device(out.device.index), gpu.cuda.Stream.from_external(stream):
            # a tensor that needs a gradient does not lend its memory
            yield gpu.from_dlpack(out.detach())
    elif isinstance(out, gpu.ndarray):
        yield out
    else:
        interface = getattr(out, "__cuda_array_interface__", None)
        if interface is not None and interface["data"][1]:
            allowed = "writable; arrays of JAX, for one, never are"
            raise ValueError(f"Argument `out` must be {allowed}. Received: {type(out).__name__}")
        if hasattr(out, "__dlpack__"):
            yield gpu.from_dlpack(out)
        else:
            # CuPy would copy it if another device were the current one
            with gpu.cuda.Device(device_of(out)):
                array = gpu.asarray(out)
            yield array


def to_host(array: DeviceArray) -> AnyArray:
    """A copy in the CPU's memory, once the values are there: in Fortran order, page-locked.

    Page-locked memory is what a device copies to without a detour.
    """
    import cupyx

    if array.size == 0:
        return np.empty(array.shape, array.dtype, order="F")
    host: AnyArray = cupyx.empty_pinned(array.shape, array.dtype, order="F")
    with cupy().cuda.Device(array.device.id):
        array.get(out=host)
    return host


def from_host(out: DeviceArray, values: AnyArray) -> None:
    """Copies values of the same shape and dtype to a GPU."""
    if out.size:
        with cupy().cuda.Device(out.device.id):
            out.set(values)


def fill_constant(out: DeviceArray, value: AnyArray) -> None:
    """Fills an array with a 0-d array of its dtype, to the last bit."""
    bits = np.dtype(f"u{value.itemsize}")
    with cupy().cuda.Device(out.device.id):
        # as integers: CuPy takes -0.0 for 0.0, and has no arithmetic of some dtypes
        out.view(bits).fill(value.view(bits)[()])


def fill_identity(out: DeviceArray, value: AnyArray, offset: Shape) -> None:
    """Fills an array with a part of the identity matrix, times a 0-d array of its dtype."""
    fill_constant(out, np.zeros((), value.dtype))
    first = max(offset)
    last = min(offset[0] + out.shape[0], offset[1] + out.shape[1])
    if first < last:
        square = out[first - offset[0] : last - offset[0], first - offset[1] : last - offset[1]]
        bits = np.dtype(f"u{value.itemsize}")
        with cupy().cuda.Device(out.device.id):
            square.view(bits).diagonal().fill(value.view(bits)[()])
