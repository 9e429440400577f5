"""Device names, the default device, and CuPy, imported when a GPU is requested."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

import numpy as np

from pyinit.arguments import argument_error, exact_str, is_instance, shown

#: The environment variable with the initial default device. Like Keras' variables, it is read once.
VARIABLE = "PYINIT_DEVICE"

_ALLOWED = "'cpu', 'cuda' or 'cuda:<ordinal>'"
#: DLPack's codes for device memory and managed memory, which a kernel can write to.
_DLPACK_CUDA = (2, 13)

_from_environment = os.environ.get(VARIABLE) or "cpu"
_default: str | None = None


def default_device() -> str:
    """Return the device that an initializer uses when neither `device` nor `out` names one.

    Returns:
        The device set by `set_default_device()`; else the value of the environment variable
        `PYINIT_DEVICE` when pyinit was imported; else `"cpu"`.

    Raises:
        ValueError: The environment variable is not a device name.

    Example:
        >>> import pyinit
        >>> pyinit.default_device()
        'cpu'
    """
    if _default is not None:
        return _default
    _parse(VARIABLE, _from_environment)
    return _from_environment


def set_default_device(device: str | None) -> None:
    """Set the device that initializers use when neither `device` nor `out` names one.

    Args:
        device: `"cpu"`, `"cuda"` (CuPy's current device), a GPU by its ordinal such as `"cuda:1"`,
            or None for the value of the environment variable `PYINIT_DEVICE` when pyinit was
            imported.

    Raises:
        ValueError: `device` is not one of these, or there is no device of that ordinal.
        ImportError: A GPU needs CuPy, which is not installed.
        RuntimeError: There is no CUDA driver or no GPU.

    Example:
        >>> import pyinit
        >>> pyinit.set_default_device("cpu")
        >>> pyinit.set_default_device(None)
    """
    global _default
    if device is not None:
        find("device", device)
    _default = exact_str(device)


def describe() -> str:
    """Describe the devices of this machine; GPUs only if CuPy is already imported."""
    gpu = sys.modules.get("cupy")
    if gpu is None:
        return "cpu (GPUs not listed: CuPy is not imported)"
    runtime = gpu.cuda.runtime
    try:
        count = runtime.getDeviceCount()
        names = [runtime.getDeviceProperties(ordinal)["name"].decode() for ordinal in range(count)]
    except runtime.CUDARuntimeError as error:
        return f"cpu (no GPU: {error})"
    return ", ".join(["cpu", *(f"cuda:{ordinal} {name}" for ordinal, name in enumerate(names))])


def resolve(device: object, out: object) -> int | None:
    """Return the ordinal of the GPU to draw on, or None for the CPU.

    Args:
        device: A device name, or None for the device of `out`, or else the default device.
        out: The array to fill, or None.

    Raises:
        ValueError: `device` is not a device name, is not available, or is not the device of `out`.
        ImportError: A GPU needs CuPy, which is not installed.
        RuntimeError: There is no CUDA driver or no GPU.
    """
    if out is None:
        if device is not None:
            return find("device", device)
        name, default = ("device", _default) if _default else (VARIABLE, _from_environment)
        return None if default == "cpu" else find(name, default)
    ordinal = None if is_instance(out, np.ndarray) else device_of(out)
    if ordinal is None:
        if device is not None and device != "cpu":
            _parse("device", device)
            raise argument_error("device", device, "'cpu' or None if `out` is in the CPU's memory")
        return None
    find("device", f"cuda:{ordinal}")
    if device is not None and (device == "cpu" or find("device", device) != ordinal):
        raise argument_error(
            "device", device, f"'cuda:{ordinal}' or None if `out` is on that device"
        )
    return ordinal


def device_of(array: Any) -> int | None:
    """Return the ordinal of the GPU that holds an array, or None for the CPU."""
    gpu = sys.modules.get("cupy")
    if gpu is not None and is_instance(array, gpu.ndarray):
        return int(array.device.id)
    try:
        protocol = getattr(array, "__dlpack_device__", None)
        if protocol is not None:
            kind, ordinal = protocol()
            return int(ordinal) if kind in _DLPACK_CUDA else None
        interface = getattr(array, "__cuda_array_interface__", None)
        if interface is None:
            return None
        pointer = interface["data"][0]
    except MemoryError:
        raise
    except Exception:
        # whatever the object's own methods raise: it is no array
        return None
    cuda = cupy().cuda
    if not pointer:  # an empty array
        return int(cuda.Device().id)
    return int(cuda.runtime.pointerGetAttributes(pointer).device)


def find(name: str, device: object) -> int | None:
    """Return the ordinal of the GPU that `device` names, or None for the CPU.

    Args:
        name: The argument's name, for the error message.
        device: The device name.

    Raises:
        ValueError: `device` is not a device name, or is not available.
        ImportError: A GPU needs CuPy, which is not installed.
        RuntimeError: There is no CUDA driver or no GPU.
    """
    kind, ordinal = _parse(name, device)
    if kind == "cpu":
        return None
    gpu = cupy(name, device)
    count = _count(gpu, name, device)
    if ordinal is None:
        return int(gpu.cuda.Device().id)
    if ordinal >= count:
        available = ", ".join(f"'cuda:{known}'" for known in range(count))
        raise argument_error(name, device, f"'cpu' or an available device: {available}")
    return ordinal


def cupy(name: str = "device", device: object = "cuda") -> Any:
    """Import and return CuPy.

    Args:
        name: The argument that requests a GPU, for the error message.
        device: Its value.

    Raises:
        ImportError: CuPy is not installed or cannot be imported.
    """
    try:
        import cupy
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise
        reason = "a GPU needs CuPy, which is not installed "
        reason += "(pip install 'cupy-cuda13x[ctk]' for CUDA 13, 'cupy-cuda12x[ctk]' for CUDA 12)"
        raise ImportError(_no_gpu(name, device, reason)) from None
    except ImportError as error:
        reason = f"a GPU needs CuPy, which cannot be imported ({error})"
        raise ImportError(_no_gpu(name, device, reason)) from error
    return cupy


def _count(gpu: Any, name: str, device: object) -> int:
    """Return the number of GPUs, which is at least one."""
    runtime = gpu.cuda.runtime
    try:
        count = int(runtime.getDeviceCount())
    except runtime.CUDARuntimeError as error:
        if runtime.driverGetVersion() == 0:
            reason = f"there is no NVIDIA driver ({error})"
        else:
            reason = f"no device can be used ({error})"
        raise RuntimeError(_no_gpu(name, device, reason)) from error
    if count == 0:
        raise RuntimeError(_no_gpu(name, device, "there is no device"))
    return count


def _no_gpu(name: str, device: object, reason: str) -> str:
    return f"Argument `{name}` must be 'cpu': {reason}. Received: {name}={shown(device)}"


def _parse(name: str, device: object) -> tuple[str, int | None]:
    """Return the kind of a device and its ordinal, if given."""
    match = re.fullmatch(r"(cpu|cuda)(?::([0-9]{1,9}))?", exact_str(device) or "")
    if match is None or (match[1] == "cpu" and match[2]):
        raise argument_error(name, device, _ALLOWED)
    return match[1], None if match[2] is None else int(match[2])
