"""The kernel's compilation at run time, and the compiled kernels of each device.

`cupy.RawModule` would add `-ftz=true` to any options, which turns results below 2**-126 into zeros.
So NVRTC is called through CuPy's binding of it, with the options that the bits need.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pyinit import native
from pyinit.runtime.devices import cupy

NATIVE = Path(native.__file__).parent
#: What the source includes, by name.
HEADERS = {name: NATIVE / name for name in ("stream.h", "ieee754.h", "quantile_coefficients.h")}
SOURCE = NATIVE / "kernel.cu"
#: One rounding for each operation, and to the type's own values: the same bits everywhere.
OPTIONS = ("--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true")


def defines(kind: str, storage: str) -> tuple[str, ...]:
    """The options that choose what kernel.cu is compiled for."""
    return f"-DPYINIT_FAMILY={kind}", f"-DPYINIT_STORAGE={storage}"


def compiled(architecture: str, kind: str, storage: str) -> bytes:
    """The kernel as machine code for `sm_...`, or as PTX for `compute_...`.

    Args:
        architecture: What to compile for; NVRTC must know it.
        kind: The distribution.
        storage: The dtype's name, with `_widened` if float64 is to hold the values.

    Raises:
        RuntimeError: NVRTC could not compile it.
    """
    nvrtc = cupy().cuda.nvrtc
    texts = [path.read_bytes() for path in HEADERS.values()]
    names = [name.encode() for name in HEADERS]
    program = nvrtc.createProgram(SOURCE.read_text("utf-8"), SOURCE.name, texts, names)
    try:
        options = (f"-arch={architecture}", *OPTIONS, *defines(kind, storage))
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
    """What to compile for: the device's own instructions, or PTX that its driver translates.

    Args:
        capability: The device's compute capability, without a point: `"90"`.
        supported: Those that NVRTC knows.

    Raises:
        RuntimeError: NVRTC knows none that the device can run.
    """
    if int(capability) in supported:
        return f"sm_{capability}"
    older = [known for known in supported if known < int(capability)]
    if not older:
        raise RuntimeError(
            f"A device of compute capability {capability} needs an older CUDA: the one that is "
            f"installed knows {', '.join(map(str, supported))}."
        )
    return f"compute_{max(older)}"


@cache
def function(device_id: int, kernel: str, kind: str, storage: str) -> Any:
    """The compiled kernel as a `cupy.cuda.Function` of that device, which must be current."""
    return _module(device_id, kind, storage).get_function(f"pyinit_{kernel}")


@cache
def _module(device_id: int, kind: str, storage: str) -> Any:
    gpu = cupy()
    capability = gpu.cuda.Device(device_id).compute_capability
    module = gpu.cuda.Module()
    module.load(_code(capability, kind, storage))
    return module


@cache
def _code(capability: str, kind: str, storage: str) -> bytes:
    supported = cupy().cuda.nvrtc.getSupportedArchs()
    return compiled(architecture_for(capability, supported), kind, storage)


def processors(device: Any) -> int:
    """The number of multiprocessors of a `cupy.cuda.Device`."""
    return int(device.attributes["MultiProcessorCount"])
