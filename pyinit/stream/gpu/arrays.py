"""Arrays on a GPU: allocation, borrowing, copies and constant fills."""

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
def reporting_memory(ordinal: int) -> Iterator[None]:
    """Name the device in an out-of-memory error."""
    try:
        yield
    except cupy().cuda.memory.OutOfMemoryError as error:
        raise MemoryError(f"The device 'cuda:{ordinal}' has too little memory. {error}") from error


def empty(shape: Shape, dtype: np.dtype[Any], ordinal: int, order: str = "C") -> DeviceArray:
    """Allocate an array on the GPU of that ordinal.

    Raises:
        MemoryError: The device has too little memory.
    """
    gpu = cupy()
    with reporting_memory(ordinal), gpu.cuda.Device(ordinal):
        return gpu.empty(shape, dtype, order=order)


class _Stream:
    """A CUDA stream of another library, by CuPy's protocol for streams."""

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer

    def __cuda_stream__(self) -> tuple[int, int]:
        return 0, self._pointer


@contextmanager
def borrowed(out: Any) -> Iterator[DeviceArray]:
    """Borrow an array on a GPU as a `cupy.ndarray` of the same memory.

    Inside, the current stream is that of the array's library: torch's for a tensor of torch, CuPy's
    for others.

    Raises:
        ValueError: The array is read-only.
    """
    gpu = cupy()
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(out, torch.Tensor):
        stream = _Stream(torch.cuda.current_stream(out.device).cuda_stream)
        with gpu.cuda.Device(out.device.index), gpu.cuda.Stream.from_external(stream):
            # DLPack refuses a tensor that requires a gradient
            yield gpu.from_dlpack(out.detach())
    elif isinstance(out, gpu.ndarray):
        yield out
    else:
        interface = getattr(out, "__cuda_array_interface__", None)
        if interface is not None and interface["data"][1]:
            allowed = "writable (arrays of JAX never are)"
            raise ValueError(f"Argument `out` must be {allowed}. Received: {type(out).__name__}")
        if hasattr(out, "__dlpack__"):
            yield gpu.from_dlpack(out)
        else:
            # CuPy copies an array that is not on the current device
            with gpu.cuda.Device(device_of(out)):
                array = gpu.asarray(out)
            yield array


def to_host(array: DeviceArray) -> AnyArray:
    """Wait for the values and copy them to page-locked host memory, in Fortran order."""
    import cupyx

    if array.size == 0:
        return np.empty(array.shape, array.dtype, order="F")
    host: AnyArray = cupyx.empty_pinned(array.shape, array.dtype, order="F")
    with cupy().cuda.Device(array.device.id):
        array.get(out=host)
    return host


def from_host(out: DeviceArray, values: AnyArray) -> None:
    """Copy values of the same shape and dtype to an array on a GPU, of any strides."""
    if out.size == 0:
        return
    gpu = cupy()
    with gpu.cuda.Device(out.device.id):
        if out.flags.forc:
            out.set(values)
            return
        # CuPy copies only to contiguous memory, and lacks some dtypes
        bits = np.dtype(f"u{out.itemsize}")
        out.view(bits)[...] = gpu.asarray(values.view(bits))


def fill_constant(out: DeviceArray, value: AnyArray) -> None:
    """Fill an array with a 0-d array of its dtype, bit for bit."""
    bits = np.dtype(f"u{value.itemsize}")
    with cupy().cuda.Device(out.device.id):
        # as integers: CuPy does not distinguish -0.0 and lacks some dtypes
        out.view(bits).fill(value.view(bits)[()])


def fill_identity(out: DeviceArray, value: AnyArray, offset: Shape) -> None:
    """Fill an array with a partition of the identity matrix, times a 0-d array of its dtype."""
    fill_constant(out, np.zeros((), value.dtype))
    # the square around the elements of the diagonal that lie in the partition
    start = max(offset)
    stop = min(offset[0] + out.shape[0], offset[1] + out.shape[1])
    if start < stop:
        square = out[start - offset[0] : stop - offset[0], start - offset[1] : stop - offset[1]]
        bits = np.dtype(f"u{value.itemsize}")
        with cupy().cuda.Device(out.device.id):
            square.view(bits).diagonal().fill(value.view(bits)[()])
