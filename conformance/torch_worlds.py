"""torch on 1 to 4 processes: one hash for pyinit's weights, many for torch's own.

    python -m conformance.torch_worlds [--check]

Each placement (fully sharded, tensor parallel and so on) of one model is initialized on real
processes, from memory filled with NaN. The full tensors are gathered and hashed. The table is
printed and, without --check, written to docs/torch-distributed.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import table
from conformance.processes import ROOT

PAGE = ROOT / "docs" / "torch-distributed.md"
WORLDS = (1, 2, 3, 4)
SEED = 42
#: Instead of a hash: processes have different values of a tensor.
DIFFERENT = "replicas differ"


class Experts(nn.Module):
    """The weights of a mixture of experts: stacks of matrices (outputs, inputs)."""

    def __init__(self, experts: int, size: int) -> None:
        super().__init__()
        self.w1 = nn.Parameter(torch.empty(experts, 2 * size, size))
        self.w2 = nn.Parameter(torch.empty(experts, size, 2 * size))

    def reset_parameters(self) -> None:
        """Draw the weights with torch."""
        for weight in self.parameters():
            nn.init.normal_(weight, std=0.02)


class Model(nn.Module):
    """Layers of many kinds, whose shards are uneven or empty on some numbers of processes."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 12, padding_idx=3)
        self.attention = nn.MultiheadAttention(12, 2)
        self.norm = nn.LayerNorm(12)
        self.up = nn.Linear(12, 24)
        self.down = nn.Linear(24, 12)
        self.experts = Experts(4, 12)
        self.lstm = nn.LSTM(12, 5)
        self.gru = nn.GRU(5, 3)
        self.convolution = nn.Conv1d(12, 6, 3, groups=2)
        self.batch_norm = nn.BatchNorm1d(6)
        self.activation = nn.PReLU(3)
        self.head = nn.Linear(12, 11)


def initialize(module: nn.Module) -> None:
    """Initialize a module with pyinit."""
    import pyinit.torch

    # a pattern that matches nothing is an error; one of the pipeline's stages has no experts
    has_experts = any(".experts." in f".{name}" for name, _ in module.named_parameters())
    experts = {"*experts.*": pyinit.HeNormal(batch_axes=0)} if has_experts else None
    pyinit.torch.init_(module, seed=SEED, parameters=experts)


def reset(module: nn.Module) -> None:
    """Initialize a module with torch."""
    torch.manual_seed(SEED)
    for layer in module.modules():
        # nn.MultiheadAttention has the second
        for name in ("reset_parameters", "_reset_parameters"):
            method = getattr(layer, name, None)
            if method is not None:
                method()


# ---- placements ----
#
# Each function takes the number of processes, and returns the module to initialize and the plain
# module in it.

Placed = tuple[nn.Module, nn.Module]


def _empty(module: nn.Module) -> Placed:
    module.to_empty(device="cpu")
    return module, module


def _meta() -> Model:
    with torch.device("meta"):
        return Model()


def _mesh(*shape: int, names: tuple[str, ...] | None = None) -> Any:
    from torch.distributed.device_mesh import init_device_mesh

    return init_device_mesh("cpu", shape, mesh_dim_names=names)


def _two_axes(world: int) -> tuple[int, int]:
    return (2, 2) if world == 4 else (1, world)


def _fully_shard(module: nn.Module, mesh: Any, **options: Any) -> None:
    from torch.distributed.fsdp import fully_shard

    fully_shard([module.up, module.down], mesh=mesh, **options)
    fully_shard(module, mesh=mesh, **options)


def replicated(world: int) -> Placed:
    """Place the whole model in each process."""
    return _empty(_meta())


def data_parallel(world: int) -> Placed:
    """Wrap the model for data parallelism."""
    module = replicated(world)[1]
    return nn.parallel.DistributedDataParallel(module), module


def fsdp(world: int) -> Placed:
    """Shard the first axis."""
    module = _meta()
    _fully_shard(module, _mesh(world))
    return _empty(module)


def fsdp_last_axis(world: int) -> Placed:
    """Shard the last axis, where torch can: where the shards are even."""
    from torch.distributed.tensor import Shard

    def last(parameter: nn.Parameter) -> Any:
        return Shard(parameter.ndim - 1) if parameter.shape[-1] % world == 0 else None

    module = _meta()
    _fully_shard(module, _mesh(world), shard_placement_fn=last)
    return _empty(module)


def hsdp(world: int) -> Placed:
    """Replicate on the first axis of the mesh, shard on the second."""
    module = _meta()
    shape = (2, 2) if world == 4 else (world, 1)
    _fully_shard(module, _mesh(*shape, names=("replicate", "shard")))
    return _empty(module)


def _tensor_parallel(module: nn.Module, mesh: Any) -> None:
    from torch.distributed.tensor.parallel import (
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    plan = {
        "embedding": RowwiseParallel(),
        "up": ColwiseParallel(),
        "down": RowwiseParallel(),
        "head": ColwiseParallel(),
    }
    parallelize_module(module, mesh, plan)


def tensor_parallel(world: int) -> Placed:
    """Divide four layers; the others are replicated."""
    module = _meta()
    _tensor_parallel(module, _mesh(world))
    return _empty(module)


def tensor_parallel_fsdp(world: int) -> Placed:
    """Divide four layers, and shard all."""
    module = _meta()
    mesh = _mesh(*_two_axes(world), names=("data", "tensor"))
    _tensor_parallel(module, mesh["tensor"])
    _fully_shard(module, mesh["data"])
    return _empty(module)


def expert_parallel_fsdp(world: int) -> Placed:
    """Divide the experts among processes, and shard each expert; shard all other layers."""
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import Shard, distribute_module, distribute_tensor

    def divide(name: str, module: nn.Module, mesh: Any) -> None:
        for key, parameter in list(module.named_parameters(recurse=False)):
            divided = distribute_tensor(parameter, mesh, [Shard(0)])
            module.register_parameter(key, nn.Parameter(divided))

    module = _meta()
    mesh = _mesh(*_two_axes(world), names=("experts", "data"))
    distribute_module(module.experts, mesh["experts"], divide)
    fully_shard(module.experts, mesh=mesh["data"], shard_placement_fn=lambda _: Shard(1))
    _fully_shard(module, _mesh(world))
    return _empty(module)


def strided(world: int) -> Placed:
    """Give each process several runs of rows."""
    from torch.distributed.tensor import DTensor, Shard
    from torch.distributed.tensor.placement_types import _StridedShard

    module = _meta()
    mesh = _mesh(*_two_axes(world))
    placements = [Shard(0), _StridedShard(0, split_factor=2)]
    for layer in module.modules():
        for key, parameter in list(layer.named_parameters(recurse=False)):
            local = parameter
            for axis, placement in enumerate(placements):
                shards, _ = placement._split_tensor(local, mesh.size(axis), with_padding=False)
                local = shards[mesh.get_coordinate()[axis]]
            whole = {"shape": parameter.shape, "stride": parameter.stride()}
            divided = DTensor.from_local(local.detach(), mesh, placements, **whole)
            layer.register_parameter(key, nn.Parameter(divided))
    return _empty(module)


def compiled(world: int) -> Placed:
    """Compile the sharded model."""
    module = fsdp(world)[1]
    return torch.compile(module), module


def pipeline(world: int) -> Placed:
    """Keep every second layer: the first stage in even processes, the second in odd ones."""
    module = _meta()
    stage = torch.distributed.get_rank() % 2
    names = [name for name, _ in module.named_children()]
    half = len(names) // 2
    for name in names[:half] if stage else names[half:]:
        delattr(module, name)
    return _empty(module)


#: The placements, and the smallest number of processes of each.
PLACEMENTS: dict[str, tuple[Callable[[int], Placed], int]] = {
    "the whole model in each process": (replicated, 1),
    "DDP": (data_parallel, 1),
    "FSDP2, first axis": (fsdp, 1),
    "FSDP2, last axis": (fsdp_last_axis, 1),
    "FSDP2, `torch.compile()`": (compiled, 1),
    "HSDP": (hsdp, 1),
    "tensor parallel": (tensor_parallel, 1),
    "tensor parallel + FSDP2": (tensor_parallel_fsdp, 1),
    "experts + FSDP2": (expert_parallel_fsdp, 1),
    "strided shards": (strided, 1),
    "two pipeline stages": (pipeline, 2),
}


# ---- one process of a world ----


def _tensors(module: nn.Module) -> dict[str, Any]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _local(tensor: Any) -> Any:
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def _spoil(module: nn.Module) -> None:
    """Fill all memory with NaN, so that a value that nothing writes is found."""
    with torch.no_grad():
        for tensor in _tensors(module).values():
            _local(tensor).fill_(float("nan") if tensor.is_floating_point() else -1)


def digests(module: nn.Module) -> dict[str, str]:
    """Return the SHA-256 of each full tensor of a module; gathers them."""
    found = {}
    with torch.no_grad():
        for name, tensor in _tensors(module).items():
            full = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
            values = np.ascontiguousarray(full.numpy())
            header = f"{name} {values.dtype} {values.shape}\n".encode()
            found[name] = hashlib.sha256(header + values.tobytes()).hexdigest()
    return found


def combined(parts: Sequence[dict[str, str]]) -> str:
    """Return one hash of the tensors of all processes, or `DIFFERENT`."""
    found: dict[str, str] = {}
    for part in parts:
        for name, digest in part.items():
            if found.setdefault(name, digest) != digest:
                return DIFFERENT
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _hash(place: Callable[[int], Placed], fill: Callable[[nn.Module], None]) -> str:
    distributed = torch.distributed
    world, rank = distributed.get_world_size(), distributed.get_rank()
    target, plain = place(world)
    _spoil(plain)
    if fill is initialize:
        # one process after another: with any communication, the first would wait forever
        for turn in range(world):
            if turn == rank:
                fill(target)
            distributed.barrier()
    else:
        fill(plain)
    parts: list[Any] = [None] * world
    distributed.all_gather_object(parts, digests(plain))
    return combined(parts)


def _worker(rank: int, world: int, folder: str) -> None:
    torch.set_num_threads(1)
    # about torch's random numbers on a mesh of CPUs, for example
    warnings.simplefilter("ignore")
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/store",
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=100),
    )
    results = {}
    for name, (place, smallest) in PLACEMENTS.items():
        if world >= smallest:
            results[name] = [_hash(place, fill) for fill in (initialize, reset)]
    if rank == 0:
        Path(folder, "results.json").write_text(json.dumps(results), encoding="utf-8")
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


# ---- all worlds ----

#: By placement and number of processes: the hash of pyinit's weights, and that of torch's.
Results = dict[str, dict[int, tuple[str, str]]]


def run(worlds: Sequence[int] = WORLDS) -> Results:
    """Run every placement on each number of processes."""
    results: Results = {name: {} for name in PLACEMENTS}
    for world in worlds:
        with tempfile.TemporaryDirectory() as folder:
            torch.multiprocessing.spawn(_worker, (world, folder), nprocs=world)
            found = json.loads(Path(folder, "results.json").read_text(encoding="utf-8"))
        for name, (ours, theirs) in found.items():
            results[name][world] = ours, theirs
    return results


def expected() -> str:
    """Return the hash of the plain model in one process, without torch.distributed."""
    module = replicated(1)[1]
    initialize(module)
    return combined([digests(module)])


def markdown(results: Results) -> str:
    """Return the table in Markdown."""
    header = ("placement", "pyinit, 1 to 4 processes", *(f"torch, {world}" for world in WORLDS))
    rows = [header, ("---",) * len(header)]
    for name, by_world in results.items():
        ours = dict.fromkeys(_short(hashes[0]) for hashes in by_world.values())
        theirs = [_short(by_world[w][1]) if w in by_world else "" for w in WORLDS]
        rows.append((name, ", ".join(ours), *theirs))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _short(digest: str) -> str:
    return digest if digest == DIFFERENT else f"`{digest[:8]}`"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and write it to the page.

    Returns:
        1 if a hash is not that of the plain model in one process, otherwise 0.
    """
    parser = argparse.ArgumentParser(
        prog="python -m conformance.torch_worlds",
        description="Hash a model that is initialized on 1 to 4 processes, in every placement.",
    )
    parser.add_argument(
        "--check", action="store_true", help=f"do not write {PAGE.relative_to(ROOT)}"
    )
    options = parser.parse_args(arguments)
    results = run()
    content = markdown(results)
    print(content, end="")
    if not options.check:
        table.replace(PAGE, content)
    ours = {hashes[0] for by_world in results.values() for hashes in by_world.values()}
    return int(ours != {expected()})


if __name__ == "__main__":
    sys.exit(main())
