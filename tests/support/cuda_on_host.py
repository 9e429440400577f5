"""The GPU's kernel, compiled for the CPU from the same source."""

import ctypes
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from pyinit.stream.gpu import launch, nvrtc

SHIM = Path(__file__).with_suffix(".cpp")
FLAGS = ("-std=c++17", "-O1", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror")


#: Marks a test that needs the host compiler.
on_host = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")


@cache
def library(family: str, storage: str) -> ctypes.CDLL:
    """Return the kernel, compiled for a distribution family and a storage dtype."""
    with TemporaryDirectory() as folder:
        built = Path(folder, "kernel.so")
        subprocess.run(
            [
                *("g++", "-shared", "-fPIC", *FLAGS, *nvrtc.defines(family, storage)),
                *(f"-I{nvrtc.SOURCE.parent}", str(SHIM), "-o", str(built)),
            ],
            check=True,
        )
        loaded = ctypes.CDLL(str(built))
    loaded.plan_size.restype = ctypes.c_ulonglong
    return loaded


def launch_on_host(out, region, shape=None):
    """Do what `pyinit.stream.gpu.fill` does, with a grid of any shape (grid, block)."""
    strides = [stride // out.itemsize for stride in out.strides]
    rows = launch.rows_of(out.shape, strides, region.index_strides, region.first_index)
    dtype = region.dtype
    storage = dtype.name if out.dtype == dtype else f"{dtype.name}_widened"
    plan = launch.plan(rows, region)
    grid, block = shape or launch.launch_shape(rows.items, 2)
    library(region.distribution.family, storage).launch(
        int(rows.kernel == "elements"),
        grid,
        block,
        ctypes.c_void_p(out.ctypes.data),
        np.ctypeslib.as_ctypes(plan.view(np.uint8)),
    )
