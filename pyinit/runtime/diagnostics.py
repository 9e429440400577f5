"""The configuration in use: kernel, threads, devices and versions."""

from __future__ import annotations

from typing import Any

from pyinit.runtime import devices, kernel_choice, threads
from pyinit.versions import STREAM_VERSION

_PACKAGES = ("numpy", "ml_dtypes", "cffi", "scipy", "pyarrow", "keras", "rpy2")


def configuration() -> dict[str, Any]:
    """Return the settings that `show_config` prints, by name."""
    import platform

    name, reason = kernel_choice.choice()
    return {
        "pyinit": _version("pyinit-bridge"),
        "stream version": STREAM_VERSION,
        "kernel": f"{name}: {reason}",
        "usable kernels": ", ".join(kernel_choice.available()),
        "threads": threads.num_threads(),
        "device": devices.default_device(),
        "devices": devices.describe(),
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        **{package: _version(package) for package in _PACKAGES},
    }


def show_config() -> None:
    """Print the kernel, the devices, the number of threads and the versions in use.

    Example:
        >>> import pyinit
        >>> pyinit.show_config()  # doctest: +ELLIPSIS
        pyinit...
        stream version  1
        kernel          ...
    """
    for name, value in configuration().items():
        print(f"{name:<15} {value}")


def _version(package: str) -> str:
    # importing it takes longer than all of pyinit
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
