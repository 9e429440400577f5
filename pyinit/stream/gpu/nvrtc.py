"""Compilation of the kernel at run time, with a cache of compiled kernels per device.

`cupy.RawModule` always adds `-ftz=true`, which flushes results below 2**-126 to zero. NVRTC is
therefore called through CuPy's low-level binding, with the options that the bits require.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pyinit import native
from pyinit.runtime.devices import cupy

NATIVE = Path(native.__file__).parent
#: The headers that the source includes, by name.
HEADERS = {name: NATIVE / name for name in ("stream.h", "ieee754.h", "quantile_coefficients.h")}
SOURCE = NATIVE / "kernel.cu"
#: One rounding per operation and no flushing to zero, for the same bits everywhere.
OPTIONS = ("--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true")


def defines(family: str, storage: str) -> tuple[str, ...]:
    """Return the options that select the distribution and the storage in kernel.cu."""
    return f"-DPYINIT_FAMILY={family}", f"-DPYINIT_STORAGE={storage}"


def compiled(architecture: str, family: str, storage: str) -> bytes:
    """Compile the kernel to machine code for `sm_...`, or to PTX for `compute_...`.

    Args:
        architecture: The target architecture, which NVRTC must support.
        family: The distribution family.
        storage: The name of the dtype, followed by `_widened` for float64 storage.

    Raises:
        RuntimeError: NVRTC could not compile it.
    """
    nvrtc = cupy().cuda.nvrtc
    texts = [path.read_bytes() for path in HEADERS.values()]
    names = [name.encode() for name in HEADERS]
    program = nvrtc.createProgram(SOURCE.read_text("utf-8"), SOURCE.name, texts, names)
    try:
        options = (f"-arch={architecture}", *OPTIONS, *defines(family, storage))
        try:
            nvrtc.compileProgram(program, options)
        except nvrtc.NVRTCError as error:
            log = nvrtc.getProgramLog(program)
            raise RuntimeError(f"NVRTC did not compile {SOURCE.name}: {error}\n{log}") from error
        is_ptx = architecture.startswith("compute_")
        code: bytes = nvrtc.getPTX(program) if is_ptx else nvrtc.getCUBIN(program)
        return code
    finally:
        nvrtc.destroyProgram(program)


def architecture_for(capability: str, supported: tuple[int, ...]) -> str:
    """Return the target: the device's own architecture, or PTX that its driver translates.

    Args:
        capability: The device's compute capability, without a point: `"90"`.
        supported: The compute capabilities that NVRTC supports.

    Raises:
        RuntimeError: NVRTC supports none that the device can run.
    """
    if int(capability) in supported:
        return f"sm_{capability}"
    older = [known for known in supported if known < int(capability)]
    if not older:
        raise RuntimeError(
            f"A device of compute capability {capability} needs an older CUDA: the installed one "
            f"supports {', '.join(map(str, supported))}."
        )
    return f"compute_{max(older)}"


@cache
def function(device_id: int, kernel: str, family: str, storage: str) -> Any:
    """Return the compiled kernel as a `cupy.cuda.Function` of the current device."""
    return _module(device_id, family, storage).get_function(f"pyinit_{kernel}")


@cache
def _module(device_id: int, family: str, storage: str) -> Any:
    gpu = cupy()
    capability = gpu.cuda.Device(device_id).compute_capability
    module = gpu.cuda.Module()
    module.load(_code(capability, family, storage))
    return module


@cache
def _code(capability: str, family: str, storage: str) -> bytes:
    supported = cupy().cuda.nvrtc.getSupportedArchs()
    return compiled(architecture_for(capability, supported), family, storage)


def processors(device: Any) -> int:
    """Return the number of multiprocessors of a `cupy.cuda.Device`."""
    return int(device.attributes["MultiProcessorCount"])
