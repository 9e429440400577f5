"""Drawing on a GPU, compared with cuRAND (cupy.random), torch.cuda and the copy bandwidth.

    python -m benchmarks.gpu [--size 67108864]

Each call fills existing memory and is timed on one stream with CUDA events; the table shows the
fastest of several runs.
Without CuPy or a device, the command reports what is missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import pyinit
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.runtime import devices

RUNS = 7
FAMILIES: dict[str, Callable[[], pyinit.Initializer]] = {
    "uniform": lambda: pyinit.RandomUniform(0.0, 1.0, seed=1),
    "normal": lambda: pyinit.RandomNormal(0.0, 1.0, seed=1),
    "truncated normal": lambda: pyinit.TruncatedNormal(0.0, 1.0, seed=1),
}


def best_time(cupy: Any, run: Callable[[], object]) -> float:
    """Return the shortest of several runs in seconds, timed by events on the current stream."""
    run()
    times = []
    for _ in range(RUNS):
        first, last = cupy.cuda.Event(), cupy.cuda.Event()
        first.record()
        run()
        last.record()
        last.synchronize()
        times.append(cupy.cuda.get_elapsed_time(first, last) / 1000)
    return min(times)


def ours(cupy: Any, size: int, dtype: str) -> dict[str, Callable[[], object]]:
    """Return the calls of pyinit by distribution."""
    out = cupy.empty(size, FLOAT_DTYPES[dtype])
    return {family: lambda make=make: make()((size,), out=out) for family, make in FAMILIES.items()}


def curand(cupy: Any, size: int, dtype: str) -> dict[str, Callable[[], object]]:
    """Return the calls of cupy.random by distribution, with its fastest generator."""
    if dtype not in ("float32", "float64"):
        return {}
    generator = cupy.random.Generator(cupy.random.Philox4x3210(1))
    out = cupy.empty(size, dtype)
    return {
        "uniform": lambda: generator.random(dtype=dtype, out=out),
        "normal": lambda: generator.standard_normal(dtype=dtype, out=out),
    }


def torch_cuda(size: int, dtype: str) -> dict[str, Callable[[], object]]:
    """Return the calls of torch by distribution, if it is installed and finds a device."""
    try:
        import torch
    except ImportError:
        return {}
    if not torch.cuda.is_available():
        return {}
    out = torch.empty(size, dtype=getattr(torch, dtype), device="cuda")
    return {
        "uniform": lambda: out.uniform_(),
        "normal": lambda: out.normal_(),
        "truncated normal": lambda: torch.nn.init.trunc_normal_(out),
    }


def copy(cupy: Any, size: int, dtype: str) -> Callable[[], object]:
    """Return a copy within the device, which reads as much as it writes."""
    nbytes = size * FLOAT_DTYPES[dtype].itemsize
    source, target = cupy.zeros(nbytes, np.uint8), cupy.empty(nbytes, np.uint8)
    return lambda: cupy.copyto(target, source)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table: GB/s written, by distribution and dtype."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu")
    parser.add_argument("--size", type=int, default=1 << 26, help="elements (default: %(default)s)")
    size = parser.parse_args(arguments).size
    try:
        devices.find("device", "cuda")
    except (ImportError, RuntimeError) as error:
        raise SystemExit(f"Nothing to measure. {error}") from None
    cupy = devices.cupy()
    print(f"{devices.describe()}; {size} elements; GB/s written")
    print(f"{'':<12}{'':<18}{'pyinit':>9}{'cuRAND':>9}{'torch':>9}{'copy':>9}")
    for dtype in FLOAT_DTYPES:
        amount = size * FLOAT_DTYPES[dtype].itemsize / 1e9
        copied = amount / best_time(cupy, copy(cupy, size, dtype))
        columns = ours(cupy, size, dtype), curand(cupy, size, dtype), torch_cuda(size, dtype)
        for family in FAMILIES:
            cells = [
                f"{amount / best_time(cupy, runs[family]):9.1f}" if family in runs else f"{'-':>9}"
                for runs in columns
            ]
            print(f"{dtype:<12}{family:<18}{''.join(cells)}{copied:9.1f}")


if __name__ == "__main__":
    main()
