"""Devices by name, the default one, and CuPy, which is imported when a GPU is asked for."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

import numpy as np

from pyinit.arguments import argument_error

#: The environment variable with the default device, until `set_default_device` sets another. Like
#: Keras' own ones it is read once.
VARIABLE = "PYINIT_DEVICE"

_ALLOWED = "'cpu', 'cuda' or 'cuda:' and a number"
#: DLPack's numbers for memory that a kernel can write to: that of a device, and managed memory.
_DLPACK_CUDA = (2, 13)

_from_environment = os.environ.get(VARIABLE) or "cpu"
_default: str | None = None


def default_device() -> str:
    """The device that an initializer draws on where neither `device` nor `out` says another.

    Returns:
        What `set_default_device()` has set; else what the environment variable `PYINIT_DEVICE` said
        when pyinit was imported; else `"cpu"`.

    Raises:
        ValueError: The environment variable is not a device's name.

    Example:
        >>> import pyinit
        >>> pyinit.default_device()
        'cpu'
    """
    if _default is not None:
        return _default
    _parsed(VARIABLE, _from_environment)
    return _from_environment


def set_default_device(device: str | None) -> None:
    """Sets the device that initializers draw on where neither `device` nor `out` says another.

    Args:
        device: `"cpu"`, `"cuda"` (CuPy's current device), `"cuda:1"` (that one), or None for what
            the environment variable `PYINIT_DEVICE` said when pyinit was imported.

    Raises:
        ValueError: `device` is none of these, or there is no device of that number.
        ImportError: A GPU needs CuPy, which is not installed.
        RuntimeError: There is no driver or no device.

    Example:
        >>> import pyinit
        >>> pyinit.set_default_device("cpu")
        >>> pyinit.set_default_device(None)
    """
    global _default
    if device is not None:
        find("device", device)
    _default = device


def described() -> str:
    """The devices that are here, for `show_config()`; GPUs only if CuPy is imported already."""
    gpu = sys.modules.get("cupy")
    if gpu is None:
        return "cpu (CuPy, which knows of GPUs, is not imported)"
    runtime = gpu.cuda.runtime
    try:
        count = runtime.getDeviceCount()
        names = [runtime.getDeviceProperties(number)["name"].decode() for number in range(count)]
    except runtime.CUDARuntimeError as error:
        return f"cpu (no GPU: {error})"
    return ", ".join(["cpu", *(f"cuda:{number} {name}" for number, name in enumerate(names))])


def chosen(device: object, out: object) -> int | None:
    """The number of the GPU to draw on, or None for the CPU.

    Args:
        device: A device's name, or None for that of `out`, or else the default one.
        out: The array to fill, or None.

    Raises:
        ValueError: `device` is no name of a device, not there, or not the one that `out` is on.
        ImportError: A GPU needs CuPy, which is not installed.
        RuntimeError: There is no driver or no device.
    """
    if out is None:
        if device is not None:
            return find("device", device)
        name, default = ("device", _default) if _default else (VARIABLE, _from_environment)
        return None if default == "cpu" else find(name, default)
    held = None if isinstance(out, np.ndarray) else device_of(out)
    if held is None:
        if device is not None and device != "cpu":
            _parsed("device", device)
            raise argument_error(
                "device", device, "'cpu' or None where `out` is in the CPU's memory"
            )
        return None
    number = find("device", f"cuda:{held}")
    if device is not None and (device == "cpu" or find("device", device) != held):
        raise argument_error(
            "device", device, f"'cuda:{held}' or None where `out` is on that device"
        )
    return number


def device_of(array: Any) -> int | None:
    """The number of the GPU that has the array's memory; None if none has."""
    gpu = sys.modules.get("cupy")
    if gpu is not None and isinstance(array, gpu.ndarray):
        return int(array.device.id)
    protocol = getattr(array, "__dlpack_device__", None)
    if protocol is not None:
        kind, number = protocol()
        return int(number) if kind in _DLPACK_CUDA else None
    interface = getattr(array, "__cuda_array_interface__", None)
    if interface is None:
        return None
    cuda, pointer = cupy().cuda, interface["data"][0]
    if not pointer:  # an empty array
        return int(cuda.Device().id)
    return int(cuda.runtime.pointerGetAttributes(pointer).device)


def find(name: str, device: object) -> int | None:
    """The number of the GPU of that name, which is there; None for the CPU."""
    kind, number = _parsed(name, device)
    if kind == "cpu":
        return None
    gpu = cupy(name, device)
    count = _count(gpu, name, device)
    if number is None:
        return int(gpu.cuda.Device().id)
    if number >= count:
        there = ", ".join(f"'cuda:{known}'" for known in range(count))
        raise argument_error(name, device, f"'cpu' or a device that is there: {there}")
    return number


def cupy(name: str = "device", device: object = "cuda") -> Any:
    """CuPy.

    Args:
        name: The argument that asks for it, for the error's message.
        device: Its value.

    Raises:
        ImportError: It is not installed, or cannot be imported.
    """
    try:
        import cupy
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise
        why = "CuPy is not installed (pip install 'cupy-cuda13x[ctk]' brings it for CUDA 13, "
        why += "'cupy-cuda12x[ctk]' for CUDA 12)"
        raise ImportError(_missing(name, device, why)) from None
    except ImportError as error:
        raise ImportError(_missing(name, device, f"CuPy cannot be imported ({error})")) from error
    return cupy


def _count(gpu: Any, name: str, device: object) -> int:
    """How many devices there are: at least one."""
    runtime = gpu.cuda.runtime
    try:
        count = int(runtime.getDeviceCount())
    except runtime.CUDARuntimeError as error:
        if runtime.driverGetVersion() == 0:
            why = f"there is no NVIDIA driver ({error})"
        else:
            why = f"no device can be used ({error})"
        raise RuntimeError(_missing(name, device, why)) from error
    if count == 0:
        raise RuntimeError(_missing(name, device, "there is no device"))
    return count


def _missing(name: str, device: object, why: str) -> str:
    return f"Argument `{name}` must be 'cpu', since {why}. Received: {name}={device!r}"


def _parsed(name: str, device: object) -> tuple[str, int | None]:
    """The kind of a device and its number, if it has one."""
    match = re.fullmatch(r"(cpu|cuda)(?::([0-9]+))?", device) if isinstance(device, str) else None
    if match is None or (match[1] == "cpu" and match[2]):
        raise argument_error(name, device, _ALLOWED)
    return match[1], None if match[2] is None else int(match[2])
