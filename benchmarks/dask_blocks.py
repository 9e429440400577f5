"""Blocks of Dask arrays: `pyinit.dask.from_initializer` and `dask.array.random`, in turn.

    python -m benchmarks.dask_blocks [--blocks 1000] [--rounds 5] [--side 1024]

Small blocks (8 x 8 values) show the overhead of a block; large ones, the cost of a value. Each
block is drawn and one value of it is returned. `ones` is Dask's own cost. The arrays are made and
computed in turn in each round; the tables show the fastest round.
"""

from __future__ import annotations

import argparse
import functools
import pickle
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import dask.array as da
import numpy as np

import pyinit.dask
from benchmarks.machine import describe
from pyinit.runtime.threads import usable_cpus

SMALL = 8

Make = Callable[[tuple[int, int], tuple[int, int]], Any]

#: The arrays to compare: functions of a shape and chunks.
ARRAYS: dict[str, Make] = {
    "from_initializer": lambda shape, chunks: pyinit.dask.from_initializer(
        pyinit.RandomNormal(stddev=1.0, seed=1), shape, chunks, "float64"
    ),
    "default_rng": lambda shape, chunks: da.random.default_rng(1).normal(size=shape, chunks=chunks),
    "RandomState": lambda shape, chunks: da.random.RandomState(1).normal(size=shape, chunks=chunks),
    "ones": lambda shape, chunks: da.ones(shape, chunks=chunks),
}


def corner(block: np.ndarray) -> np.ndarray:
    """Return one value of a block."""
    return block[:1, :1]


def corners(array: Any) -> Any:
    """Return an array of one value of each block."""
    ones = tuple((1,) * count for count in array.numblocks)
    return array.map_blocks(corner, chunks=ones, meta=array._meta)


def graphs(blocks: int, rounds: int) -> dict[str, tuple[float, int]]:
    """Return the seconds to make an array of so many blocks, and the bytes of its graph."""
    shape = (SMALL * blocks, SMALL)
    seconds: dict[str, list[float]] = {name: [] for name in ARRAYS}
    sizes = {}
    for _ in range(rounds):
        for name, make in ARRAYS.items():
            start = time.perf_counter()
            array = make(shape, (SMALL, SMALL))
            seconds[name].append(time.perf_counter() - start)
            sizes[name] = len(pickle.dumps(array.dask))
    return {name: (min(seconds[name]), sizes[name]) for name in ARRAYS}


def computations(
    blocks: int, side: int, rounds: int, compute: Callable[[Any], Any]
) -> dict[str, float]:
    """Return the seconds to compute an array of square blocks."""
    seconds: dict[str, list[float]] = {name: [] for name in ARRAYS}
    compute(corners(ARRAYS["ones"]((side, side), (side, side))))
    for _ in range(rounds):
        for name, make in ARRAYS.items():
            array = corners(make((side * blocks, side), (side, side)))
            start = time.perf_counter()
            compute(array)
            seconds[name].append(time.perf_counter() - start)
    return {name: min(seconds[name]) for name in ARRAYS}


def in_threads(array: Any) -> Any:
    """Compute with the scheduler for threads."""
    return array.compute(scheduler="threads", num_workers=usable_cpus())


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dask_blocks")
    parser.add_argument("--blocks", type=int, default=1000, help="small blocks")
    parser.add_argument("--side", type=int, default=1024, help="side of a large block")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-cluster", dest="cluster", action="store_false")
    options = parser.parse_args(arguments)
    machine = describe()
    print(f"{machine['processor']}, {machine['cpus']} CPUs, load {machine['load']:.1f}")
    for name, (seconds, size) in graphs(options.blocks, options.rounds).items():
        print(f"{name:<18}graph of {options.blocks} blocks {seconds * 1e3:9.2f} ms {size:9} bytes")
    with ExitStack() as stack:
        schedulers: dict[str, Callable[[Any], Any]] = {"threads": in_threads}
        if options.cluster:
            from distributed import Client, LocalCluster

            cluster = stack.enter_context(
                LocalCluster(n_workers=usable_cpus(), threads_per_worker=1, dashboard_address=None)
            )
            client = stack.enter_context(Client(cluster))
            schedulers["LocalCluster"] = functools.partial(
                lambda array, client: client.compute(array).result(), client=client
            )
        for scheduler, compute in schedulers.items():
            small = computations(options.blocks, SMALL, options.rounds, compute)
            large = computations(4 * usable_cpus(), options.side, options.rounds, compute)
            size = 4 * usable_cpus() * options.side**2
            for name in ARRAYS:
                overhead = small[name] / options.blocks * 1e6
                value = large[name] / size * 1e9
                print(f"{scheduler:<13}{name:<18}{overhead:9.0f} us a block{value:9.2f} ns a value")


if __name__ == "__main__":
    main()
