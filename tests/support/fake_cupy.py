"""A stand-in for CuPy: arrays in the CPU's memory, kernels by the host compiler.

It tests the glue's logic, not CuPy: what CuPy does with the same calls is its own.
"""

import ctypes
import re
import types

import numpy as np

from tests.support.cuda_on_host import library

#: How many devices there are.
COUNT = 2
#: Where device 0's memory is; that of device 1 is one further.
POINTER = 4096


class CUDARuntimeError(RuntimeError):
    """As CuPy's."""


class OutOfMemoryError(MemoryError):
    """As CuPy's."""


class Device:
    """A device, current inside a `with`."""

    current = 0

    def __init__(self, number=None):
        self.id = Device.current if number is None else number
        self.compute_capability = "90"
        self.attributes = {"MultiProcessorCount": 2}

    def __enter__(self):
        self._before, Device.current = Device.current, self.id
        return self

    def __exit__(self, *_):
        Device.current = self._before


class ndarray:  # noqa: N801
    """An array on the device that was the current one when it was made."""

    def __init__(self, host, number=None):
        self.host = host
        self.device = Device(number)

    shape = property(lambda self: self.host.shape)
    dtype = property(lambda self: self.host.dtype)
    strides = property(lambda self: self.host.strides)
    itemsize = property(lambda self: self.host.itemsize)
    size = property(lambda self: self.host.size)

    @property
    def flags(self):
        """The order in memory."""
        c, f = self.host.flags.c_contiguous, self.host.flags.f_contiguous
        return types.SimpleNamespace(c_contiguous=c, f_contiguous=f, forc=c or f)

    @property
    def data(self):
        """Where the memory is."""
        return types.SimpleNamespace(ptr=self.host.ctypes.data)

    def __dlpack_device__(self):
        return 2, self.device.id

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __getitem__(self, key):
        return ndarray(self.host[key], self.device.id)

    def __setitem__(self, key, value):
        self._must_be_current()
        self.host[key] = value

    def view(self, dtype):
        """As NumPy's."""
        return ndarray(self.host.view(dtype), self.device.id)

    def diagonal(self):
        """The diagonal, to write to."""
        return ndarray(np.einsum("ii->i", self.host), self.device.id)

    def fill(self, value):
        """As CuPy's, which loses the sign of -0.0."""
        self._must_be_current()
        self.host.fill(0 if value == 0 else value)

    def set(self, values):
        """Copies from the CPU's memory."""
        assert values.dtype == self.dtype
        assert values.shape == self.shape
        self.host[...] = values

    def get(self, out=None):
        """A copy in the CPU's memory."""
        if out is None:
            return self.host.copy()
        assert out.dtype == self.dtype
        out[...] = self.host
        return out

    def _must_be_current(self):
        assert Device.current == self.device.id


class Borrowed:
    """Another library's array: with DLPack alone."""

    def __init__(self, host, number=0):
        self.lent = ndarray(host, number)

    def __dlpack_device__(self):
        return self.lent.__dlpack_device__()

    def __dlpack__(self):
        return self.lent


class OnlyInterface:
    """Another library's array: with `__cuda_array_interface__` alone."""

    def __init__(self, host, number=0):
        self.lent = ndarray(host, number)
        self.__cuda_array_interface__ = {"data": (POINTER + number, not host.flags.writeable)}


class Stream:
    """Another library's stream, current inside a `with`."""

    current = None

    def __init__(self, pointer):
        self.pointer = pointer

    @classmethod
    def from_external(cls, stream):
        """The stream of an object with CUDA's protocol."""
        version, pointer = stream.__cuda_stream__()
        assert version == 0
        return cls(pointer)

    def __enter__(self):
        Stream.current = self.pointer

    def __exit__(self, *_):
        Stream.current = None


class _Module:
    def load(self, code):
        self.defines = code.decode()

    def get_function(self, name):
        kind = re.search(r"-DPYINIT_FAMILY=(\w+)", self.defines)[1]
        storage = re.search(r"-DPYINIT_STORAGE=(\w+)", self.defines)[1]
        elements = int(name == "pyinit_elements")
        loaded_on = Device.current

        def run(grid, block, arguments):
            assert Device.current == loaded_on
            memory, plan = arguments
            assert plan.size == 1
            library(kind, storage).launch(
                elements,
                *grid,
                *block,
                ctypes.c_void_p(memory.ptr),
                np.ctypeslib.as_ctypes(plan.view(np.uint8)),
            )

        return run


def _nvrtc():
    options: list[tuple[str, ...]] = []
    nvrtc = types.SimpleNamespace(NVRTCError=RuntimeError)
    nvrtc.getSupportedArchs = lambda: (80, 90)
    nvrtc.createProgram = lambda source, name, headers, names: len(options)
    nvrtc.compileProgram = lambda program, given: options.append(given)
    nvrtc.getCUBIN = lambda program: " ".join(options[program]).encode()
    nvrtc.destroyProgram = lambda program: None
    return nvrtc


def _empty(shape, dtype, order="C"):
    if np.prod(shape, dtype=object) > 10**9:
        raise OutOfMemoryError("Out of memory allocating 1 bytes (allocated so far: 0 bytes).")
    return ndarray(np.empty(shape, dtype, order=order))


def _asarray(array):
    # as CuPy does: another device's array is copied
    return array.lent if array.lent.device.id == Device.current else ndarray(array.lent.host.copy())


def modules(count=COUNT, driver=13000):
    """`cupy` and `cupyx`, on a machine with so many devices."""

    def device_count():
        if count == 0:
            raise CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
        return count

    cupy, cupyx = types.ModuleType("cupy"), types.ModuleType("cupyx")
    runtime = types.SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=device_count,
        driverGetVersion=lambda: driver,
        pointerGetAttributes=lambda pointer: types.SimpleNamespace(device=pointer - POINTER),
        getDeviceProperties=lambda number: {"name": b"Pretended"},
    )
    cupy.cuda = types.SimpleNamespace(
        Device=Device,
        Module=_Module,
        Stream=Stream,
        memory=types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        nvrtc=_nvrtc(),
        runtime=runtime,
    )
    cupy.linalg = types.SimpleNamespace(qr=lambda tall: np.linalg.qr(tall.host))
    cupy.where = np.where
    cupy.ndarray = ndarray
    cupy.empty = _empty
    cupy.from_dlpack = lambda array: array.__dlpack__()
    cupy.asarray = _asarray
    cupyx.empty_pinned = np.empty
    return {"cupy": cupy, "cupyx": cupyx}
