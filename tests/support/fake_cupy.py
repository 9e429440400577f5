"""A stand-in for CuPy: arrays in the CPU's memory, kernels compiled for the CPU.

It tests our calls of CuPy, not CuPy's behavior.
"""

import ctypes
import re
import types

import numpy as np

from tests.support.cuda_on_host import library

#: The number of devices.
COUNT = 2
#: The address of device 0's memory; device 1's is one higher.
POINTER = 4096


class CUDARuntimeError(RuntimeError):
    """CuPy's error of that name."""


class OutOfMemoryError(MemoryError):
    """CuPy's error of that name."""


class Device:
    """A device; `with` makes it current."""

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
    """An array on the device that is current at its construction."""

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
        """The memory order."""
        c, f = self.host.flags.c_contiguous, self.host.flags.f_contiguous
        return types.SimpleNamespace(c_contiguous=c, f_contiguous=f, forc=c or f)

    @property
    def data(self):
        """The address."""
        return types.SimpleNamespace(ptr=self.host.ctypes.data)

    def __dlpack_device__(self):
        return 2, self.device.id

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __getitem__(self, key):
        return ndarray(self.host[key], self.device.id)

    def __setitem__(self, key, value):
        self._must_be_current()
        self.host[key] = value.host if isinstance(value, ndarray) else value

    def view(self, dtype):
        """Return a view with another dtype."""
        return ndarray(self.host.view(dtype), self.device.id)

    def reshape(self, shape):
        """Return a view of another shape."""
        return ndarray(self.host.reshape(shape), self.device.id)

    def diagonal(self):
        """Return a writable view of the diagonal."""
        return ndarray(np.einsum("ii->i", self.host), self.device.id)

    def fill(self, value):
        """Fill with a value; like CuPy, lose the sign of -0.0."""
        self._must_be_current()
        self.host.fill(0 if value == 0 else value)

    def set(self, values):
        """Copy from the CPU, like CuPy only to contiguous memory."""
        assert self.flags.forc
        assert values.dtype == self.dtype
        assert values.shape == self.shape
        self.host[...] = values

    def get(self, out=None):
        """Return a copy on the CPU."""
        if out is None:
            return self.host.copy()
        assert out.dtype == self.dtype
        out[...] = self.host
        return out

    def _must_be_current(self):
        assert Device.current == self.device.id


class Borrowed:
    """An array of another library, with DLPack only."""

    def __init__(self, host, number=0):
        self.lent = ndarray(host, number)

    def __dlpack_device__(self):
        return self.lent.__dlpack_device__()

    def __dlpack__(self):
        return self.lent


class OnlyInterface:
    """An array of another library, with `__cuda_array_interface__` only."""

    def __init__(self, host, number=0):
        self.lent = ndarray(host, number)
        self.__cuda_array_interface__ = {"data": (POINTER + number, not host.flags.writeable)}


class Stream:
    """A stream of another library; `with` makes it current."""

    current = None

    def __init__(self, pointer):
        self.pointer = pointer

    @classmethod
    def from_external(cls, stream):
        """Return the stream of an object that supports CUDA's protocol."""
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
        family = re.search(r"-DPYINIT_FAMILY=(\w+)", self.defines)[1]
        storage = re.search(r"-DPYINIT_STORAGE=(\w+)", self.defines)[1]
        elements = int(name == "pyinit_elements")
        loaded_on = Device.current

        def run(grid, block, arguments):
            assert Device.current == loaded_on
            memory, plan = arguments
            assert plan.size == 1
            library(family, storage).launch(
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
    if isinstance(array, np.ndarray):
        return ndarray(array.copy())
    # Like CuPy, copy an array of another device.
    return array.lent if array.lent.device.id == Device.current else ndarray(array.lent.host.copy())


def modules(count=COUNT, driver=13000):
    """Return `cupy` and `cupyx` for a machine with these devices and capabilities."""

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
