"""The GPU: the stream's bits, drawn by a kernel that is compiled from the CPU kernel's header.

CuPy does what there is to do with a device: memory, streams, nvrtc, launches, and the linear
algebra of orthogonal matrices. It is imported at the first use, and only then. Nothing here waits
for the device, but for what says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pyinit.runtime.devices import cupy
from pyinit.stream.distributions import Parameters
from pyinit.stream.gpu import launch, nvrtc

#: An array on a GPU: a `cupy.ndarray`, which mypy does not know.
DeviceArray = Any


def fill(
    out: DeviceArray,
    dtype: np.dtype[Any],
    parameters: Parameters,
    key: tuple[int, int],
    start: int,
    steps: tuple[int, ...],
) -> None:
    """Fills `out` on its device's current stream; the reference kernel says what each argument is.

    The launch is all that happens here: the caller may go on before the values are there, as with
    every operation of CuPy.
    """
    if out.size == 0:
        return
    strides = [stride // out.itemsize for stride in out.strides]
    rows = launch.rows_of(out.shape, strides, steps, start)
    with cupy().cuda.Device(out.device.id) as device:
        storage = dtype.name if out.dtype == dtype else f"{dtype.name}_widened"
        function = nvrtc.function(device.id, rows.kernel, parameters.kind, storage)
        grid, block = launch.launch_shape(rows.items, nvrtc.processors(device))
        plan = launch.plan(rows, parameters, key)
        function((grid,), (block,), (out.data, plan))
