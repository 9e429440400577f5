"""Initializing a model that torch shards over processes: pyinit, torch's own, and full tensors.

    python -m benchmarks.torch_sharded [--processes 2] [--layers 4] [--width 4096] [--rounds 7]

Real processes of gloo shard a stack of square Linear layers with `fully_shard()`. Three methods
initialize it in turn:

* `pyinit.torch.init_()`;
* torch's functions on the DTensors, as `reset_parameters()` calls them: on the CPU, all shards of a
  weight get the same values;
* torch's functions on the full tensor in each process, of which `distribute_tensor()` gives each
  process its shard: how OLMo-core gets weights that do not depend on the number of processes.

A round takes until the slowest process has finished; the table has the fastest round. The peak is
the largest additional memory of a process.

Source: https://github.com/allenai/OLMo-core/blob/main/src/olmo_core/nn/transformer/init.py
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

import pyinit.torch
from benchmarks.machine import describe
from benchmarks.memory import peak_of
from pyinit.runtime.threads import usable_cpus

#: By distribution: pyinit's initializer, and torch's function.
DISTRIBUTIONS: dict[str, tuple[Any, Callable[[torch.Tensor], object]]] = {
    "uniform": (pyinit.RandomUniform(-0.02, 0.02), partial(nn.init.uniform_, a=-0.02, b=0.02)),
    "normal": (pyinit.RandomNormal(stddev=0.02), partial(nn.init.normal_, std=0.02)),
    "truncated normal": (
        pyinit.TruncatedNormal(stddev=0.02),
        partial(nn.init.trunc_normal_, std=0.02, a=-0.04, b=0.04),
    ),
}


def ours(module: nn.Module, distribution: str) -> None:
    """Initialize the shards with pyinit."""
    pyinit.torch.init_(module, DISTRIBUTIONS[distribution][0], seed=42)


def on_shards(module: nn.Module, distribution: str) -> None:
    """Initialize the DTensors with torch."""
    for parameter in module.parameters():
        DISTRIBUTIONS[distribution][1](parameter)


def on_full_tensors(module: nn.Module, distribution: str) -> None:
    """Draw each full tensor in every process, and keep the shard."""
    from torch.distributed.tensor import distribute_tensor

    with torch.no_grad():
        for parameter in module.parameters():
            full = torch.zeros(parameter.shape, dtype=parameter.dtype)
            DISTRIBUTIONS[distribution][1](full)
            placed = distribute_tensor(full, parameter.device_mesh, parameter.placements)
            parameter.to_local().copy_(placed.to_local())


METHODS: dict[str, Callable[[nn.Module, str], None]] = {
    "pyinit": ours,
    "torch, on the shards": on_shards,
    "torch, on full tensors": on_full_tensors,
}


def _sharded(layers: int, width: int) -> nn.Module:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    with torch.device("meta"):
        module = nn.Sequential(*(nn.Linear(width, width, bias=False) for _ in range(layers)))
    mesh = init_device_mesh("cpu", (torch.distributed.get_world_size(),))
    for layer in module:
        fully_shard(layer, mesh=mesh)
    fully_shard(module, mesh=mesh)
    module.to_empty(device="cpu")
    for parameter in module.parameters():
        # the memory is there before the first method writes it
        parameter.detach().to_local().zero_()
    return module


def _seconds(call: Callable[[], None]) -> float:
    torch.distributed.barrier()
    start = time.perf_counter()
    call()
    torch.distributed.barrier()
    return time.perf_counter() - start


def _worker(rank: int, options: argparse.Namespace, folder: str) -> None:
    # about torch's random numbers on a mesh of CPUs
    warnings.simplefilter("ignore")
    threads = max(1, usable_cpus() // options.processes)
    torch.set_num_threads(threads)
    pyinit.set_num_threads(threads)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=options.processes
    )
    module = _sharded(options.layers, options.width)
    results: dict[str, dict[str, Any]] = {}
    for distribution in DISTRIBUTIONS:
        calls = {name: partial(method, module, distribution) for name, method in METHODS.items()}
        peaks: list[Any] = [None] * options.processes
        torch.distributed.all_gather_object(peaks, [peak_of(call) for call in calls.values()])
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for number in range(options.rounds):
            for name in list(calls)[:: -1 if number % 2 else 1]:
                seconds[name].append(_seconds(calls[name]))
        results[distribution] = {
            name: {"seconds": seconds[name], "peak_bytes": max(peak[i] for peak in peaks)}
            for i, name in enumerate(calls)
        }
    if rank == 0:
        Path(folder, "results.json").write_text(json.dumps(results), encoding="utf-8")
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def measure(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the seconds of each round and the peak memory, by distribution and method."""
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(_worker, (options, folder), nprocs=options.processes)
        results: dict[str, dict[str, Any]] = json.loads(
            Path(folder, "results.json").read_text(encoding="utf-8")
        )
    return results


def markdown(results: dict[str, dict[str, Any]]) -> str:
    """Return the table: the fastest rounds, and their ratios to pyinit's."""
    lines = ["| | milliseconds | times pyinit | additional memory, MiB |", "|---|---|---|---|"]
    for distribution, by_method in results.items():
        fastest = {name: min(found["seconds"]) for name, found in by_method.items()}
        for name, seconds in fastest.items():
            cells = (
                f"{distribution}: {name}",
                f"{1000 * seconds:.1f}",
                f"{seconds / fastest['pyinit']:.1f}",
                f"{by_method[name]['peak_bytes'] / 2**20:.0f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torch_sharded")
    for name, default, text in (
        ("processes", 2, "processes"),
        ("layers", 4, "layers"),
        ("width", 4096, "rows and columns of a layer"),
        ("rounds", 7, "rounds"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{text} ({default})")
    options = parser.parse_args(arguments)
    machine = describe()
    mebibytes = options.layers * options.width**2 * 4 / 2**20
    print(
        f"{machine['processor']}, {machine['cpus']} CPUs, load {machine['load']:.1f}, "
        f"torch {machine['versions']['torch']}; {mebibytes:.0f} MiB in {options.layers} layers, "
        f"{options.processes} processes\n"
    )
    print(markdown(measure(options)))


if __name__ == "__main__":
    main()
