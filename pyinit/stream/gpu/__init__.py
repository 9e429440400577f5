"""Draws on a GPU, by a kernel compiled from the header of the CPU kernel.

CuPy provides memory, streams, compilation and launches. It is imported on first use. Everything
here is asynchronous unless documented otherwise.
"""

from __future__ import annotations

from typing import Any

from pyinit.dtypes import FLOAT_DTYPES
from pyinit.runtime.devices import cupy
from pyinit.stream.gpu import launch, nvrtc
from pyinit.stream.regions import Region

#: An array on a GPU: a `cupy.ndarray`, which has no types for mypy.
DeviceArray = Any

FLOAT64 = FLOAT_DTYPES["float64"]


def fill(out: DeviceArray, region: Region) -> None:
    """Fill `out` with a region of the stream, on its device's current stream.

    Launches the kernel and returns without waiting for the values.
    """
    if out.size == 0:
        return
    strides = [stride // out.itemsize for stride in out.strides]
    rows = launch.rows_of(out.shape, strides, region.index_strides, region.first_index)
    with cupy().cuda.Device(out.device.id) as device:
        dtype = region.dtype
        # no other storage is possible: the kernel would write beyond the array
        storage = {FLOAT64: f"{dtype.name}_widened", dtype: dtype.name}[out.dtype]
        function = nvrtc.function(device.id, rows.kernel, region.distribution.family, storage)
        grid, block = launch.launch_shape(rows.items, nvrtc.processors(device))
        plan = launch.plan(rows, region)
        function((grid,), (block,), (out.data, plan))
