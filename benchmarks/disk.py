"""A tensor larger than memory to disk, compared with writing the same number of bytes.

    python -m benchmarks.disk [--size 20GB] [--folder FOLDER] [--dtype float32]

Each method runs in a process of its own, writes the tensor to a new file or folder, syncs it to the
disk (`fsync`), and deletes it. The table shows the rate, its ratio to that of the bytes alone, and
the peak memory, in addition to that of the process before. The bytes alone are one drawn chunk,
written again and again; they are written first and last. `materialize` also hashes what it writes
and compares the digest; the digest is recorded first, by `create_manifest`, which writes nothing.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import pyinit
from benchmarks.machine import describe
from benchmarks.memory import peak_of
from benchmarks.processes import ROOT, environment, run
from pyinit.runtime.threads import usable_cpus

COLUMNS = 8192
#: Rows of a chunk: 64 MiB in float32.
ROWS = 2048
_UNITS = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

Writer = Callable[[pyinit.LazyTensor, Path], None]


def parse_size(text: str) -> int:
    """Return a number of bytes given as `20GB` or `512MiB`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *(\w*)", text.strip())
    if match is None or match[2] not in _UNITS:
        raise argparse.ArgumentTypeError(f"not a size such as 20GB: {text!r}")
    return int(float(match[1]) * _UNITS[match[2]])


def tensor_of(size: int, dtype: str) -> pyinit.LazyTensor:
    """Return a tensor of about this number of bytes, of at least one row."""
    rows = max(1, size // (COLUMNS * pyinit.Zeros().lazy((), dtype).nbytes))
    return initializer().lazy((rows, COLUMNS), dtype)


def initializer() -> pyinit.Initializer:
    """Return the initializer: the most expensive of the usual ones."""
    return pyinit.RandomNormal(stddev=0.02, seed=1)


def write_bytes(weights: pyinit.LazyTensor, path: Path) -> None:
    """Write one drawn chunk until the file has the size of the tensor."""
    chunk = weights[:ROWS].view(np.uint8).data.cast("B")
    left = weights.nbytes
    with path.open("wb") as file:
        while left:
            left -= file.write(chunk[: min(left, chunk.nbytes)])
        os.fsync(file.fileno())


def write_npy(weights: pyinit.LazyTensor, path: Path) -> None:
    """Write NumPy's format, chunk by chunk."""
    header = {"descr": weights.dtype.str, "fortran_order": False, "shape": weights.shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for _, values in weights.chunks(ROWS * COLUMNS):
            file.write(values.view(np.uint8).data.cast("B"))
        os.fsync(file.fileno())


def write_zarr(weights: pyinit.LazyTensor, path: Path) -> None:
    """Write a Zarr array, without compression, by Dask's threads."""
    import dask
    import zarr

    import pyinit.dask

    array = pyinit.dask.from_initializer(
        initializer(), weights.shape, (ROWS, COLUMNS), weights.dtype
    )
    stored = zarr.create_array(
        store=path,
        shape=weights.shape,
        dtype=weights.dtype,
        chunks=(min(ROWS, weights.shape[0]), COLUMNS),
        compressors=None,
    )
    with dask.config.set(scheduler="threads", num_workers=usable_cpus()):
        array.to_zarr(stored)
    for file in filter(Path.is_file, path.rglob("*")):
        sync_file(file)


def record(weights: pyinit.LazyTensor, path: Path) -> None:
    """Create the manifest, which hashes the tensor, and write it."""
    plan = [
        {
            "name": "weights",
            "shape": weights.shape,
            "dtype": weights.dtype.name,
            "initializer": pyinit.serialize(initializer()),
        }
    ]
    pyinit.write_manifest(pyinit.create_manifest(plan), path)


def write_safetensors(weights: pyinit.LazyTensor, path: Path, manifest: Path) -> None:
    """Materialize the manifest of the tensor."""
    del weights
    (file,) = pyinit.materialize(manifest, path.with_suffix(".safetensors"))
    sync_file(file)


def sync_file(path: Path) -> None:
    """Write the data of a file to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


BASELINE = "the bytes alone"
#: The methods, in the order in which they run.
METHODS = {
    BASELINE: write_bytes,
    ".npy, chunks()": write_npy,
    "Zarr, Dask": write_zarr,
    "create_manifest": record,
    "safetensors, materialize": write_safetensors,
}


def measure(method: str, size: int, dtype: str, folder: Path) -> dict[str, Any]:
    """Write the tensor with a method in this process; return the bytes, seconds and peak memory."""
    weights = tensor_of(size, dtype)
    write: Any = METHODS[method]
    if write is write_safetensors:
        write = functools.partial(write, manifest=folder / "manifest.json")
    seconds = []

    def timed() -> None:
        start = time.perf_counter()
        write(weights, folder / ("manifest.json" if write is record else "weights"))
        seconds.append(time.perf_counter() - start)

    tensor_of(1, dtype)[...]  # loads the kernel
    peak = peak_of(timed)
    return {"bytes": weights.nbytes, "seconds": seconds[0], "peak_bytes": peak}


def measure_all(size: int, dtype: str, folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Measure each method in a process of its own, in a new folder inside `folder`."""
    measured = []
    with tempfile.TemporaryDirectory(prefix="pyinit-benchmark-", dir=folder) as made:
        for method in (*METHODS, BASELINE):
            arguments = ["--method", method, "--size", str(size), "--dtype", dtype]
            command = [sys.executable, "-m", "benchmarks.disk", *arguments, "--folder", made]
            output = run(command, environment(usable_cpus()), cwd=ROOT)
            measured.append((method, json.loads(output.splitlines()[-1])))
            for written in Path(made).iterdir():
                if written.name != "manifest.json":
                    shutil.rmtree(written) if written.is_dir() else written.unlink()
    return measured


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.disk")
    parser.add_argument("--size", type=parse_size, default=parse_size("256MB"))
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--method", choices=METHODS, help="measure one method in this process")
    options = parser.parse_args(arguments)
    if options.method:
        print(json.dumps(measure(options.method, options.size, options.dtype, options.folder)))
        return
    machine = describe()
    measured = measure_all(options.size, options.dtype, options.folder)
    baseline = [found["seconds"] for method, found in measured if method == BASELINE]
    print(f"{machine['processor']}, {machine['cpus']} CPUs, load {machine['load']:.1f}")
    print(f"{measured[0][1]['bytes'] / 1e9:.2f} GB of {options.dtype}")
    print(f"{'':<26}{'seconds':>9}{'GB/s':>8}{'ratio':>8}{'peak MB':>9}")
    for method, found in measured:
        rate = found["bytes"] / found["seconds"] / 1e9
        ratio = sum(baseline) / len(baseline) / found["seconds"]
        peak = found["peak_bytes"] / 1e6
        print(f"{method:<26}{found['seconds']:9.1f}{rate:8.2f}{ratio:8.2f}{peak:9.0f}")


if __name__ == "__main__":
    main()
