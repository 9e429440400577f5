"""DTensors: the parts of the full tensor that this process holds.

A part follows from the mesh, the placements and the global shape, so no process asks another one.
torch's `compute_local_shape_and_global_offset()` gives one offset for each shard; that of strided
placements, which tensor parallelism with FSDP makes, consists of several runs of rows.

Source: https://docs.pytorch.org/docs/stable/distributed.tensor.html
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch

from pyinit.arguments import Shape, argument_error
from pyinit.bridges.torch.names import loaded_class

#: Consecutive indices along an axis of the full tensor.
_Runs = list[range]


class Region(NamedTuple):
    """A rectangular part of a tensor, in one piece in the local tensor and in the full one.

    Args:
        local: Its place in the local tensor: a slice for each axis.
        offset: Its start in the full tensor.
    """

    local: tuple[slice, ...]
    offset: Shape

    @property
    def shape(self) -> Shape:
        """The length of each axis."""
        return tuple(each.stop - each.start for each in self.local)


def is_dtensor(tensor: Any) -> bool:
    """Return whether a tensor is a DTensor, without importing torch.distributed."""
    cls = loaded_class("torch.distributed.tensor", "DTensor")
    return cls is not None and isinstance(tensor, cls)


def local_tensor(tensor: Any) -> Any:
    """Return the local tensor of a DTensor, which shares its memory; any other tensor as it is."""
    if not is_dtensor(tensor):
        return tensor
    # with gradients enabled, the result would be a view of an autograd function
    with torch.no_grad():
        return tensor.to_local()


def local_regions(tensor: Any) -> list[Region]:
    """Return the regions of the full tensor that the local tensor holds.

    Args:
        tensor: A DTensor for which `reason_not_local()` is empty, or any other tensor, which is one
            region.

    Returns:
        The regions, which cover the local tensor and do not overlap. Empty for a process that holds
        no elements, such as one outside the mesh.
    """
    shape = tuple(tensor.shape)
    if not is_dtensor(tensor):
        return regions_of_shard(shape, (), (), ())
    mesh = tensor.device_mesh
    coordinate = mesh.get_coordinate()
    if coordinate is None:
        return []
    return regions_of_shard(shape, tuple(mesh.shape), coordinate, tensor.placements)


def regions_of_shard(
    shape: Shape, mesh: Sequence[int], coordinate: Sequence[int], placements: Sequence[Any]
) -> list[Region]:
    """Return the regions of a tensor that a device of a mesh holds.

    Args:
        shape: The shape of the full tensor.
        mesh: The shape of the mesh.
        coordinate: The coordinate of the device in the mesh.
        placements: The placement along each axis of the mesh. They apply from left to right, each
            to what the previous ones left.
    """
    axes: list[_Runs] = [[range(length)] for length in shape]
    for size, index, placement in zip(mesh, coordinate, placements, strict=True):
        if placement.is_replicate():
            continue
        axis = placement.dim
        # a strided placement cuts the axis, then each piece, and takes a chunk of each piece
        count = getattr(placement, "split_factor", 1)
        pieces = [_chunk(axes[axis], count, i) for i in range(count)]
        axes[axis] = [run for piece in pieces for run in _chunk(piece, size, index)]
    return [
        Region(tuple(local for local, _ in parts), tuple(first for _, first in parts))
        for parts in itertools.product(*map(_located, axes))
    ]


def _chunk(runs: _Runs, count: int, index: int) -> _Runs:
    """Return one of the chunks of `torch.chunk()`, of which the last may be shorter, or empty."""
    size = -(-sum(map(len, runs)) // count)
    start, stop = index * size, (index + 1) * size
    found = []
    for run in runs:
        part = run[max(start, 0) : max(stop, 0)]
        if part:
            found.append(part)
        start, stop = start - len(run), stop - len(run)
    return found


def _located(runs: _Runs) -> Iterator[tuple[slice, int]]:
    """Yield the local slice and the first index of each run, after joining adjacent ones."""
    joined: _Runs = []
    for run in filter(None, runs):
        if joined and joined[-1].stop == run.start:
            run = range(joined.pop().start, run.stop)
        joined.append(run)
    position = 0
    for run in joined:
        yield slice(position, position + len(run)), run.start
        position += len(run)


def reason_not_local(tensor: Any) -> str:
    """Return why the place of a DTensor's local tensor is unknown, or an empty string."""
    for placement in tensor.placements:
        if placement.is_partial():
            return (
                f"its placements are {_shown(tensor.placements)}: the processes hold terms of a "
                "sum, not parts of the tensor; redistribute it to Replicate() or Shard() first"
            )
        if not (placement.is_replicate() or hasattr(placement, "dim")):
            return (
                f"its placements are {_shown(tensor.placements)}; only Replicate and Shard are "
                "supported"
            )
    local = tuple(local_tensor(tensor).shape)
    ends = [tuple(each.stop for each in region.local) for region in local_regions(tensor)]
    # the local tensor of a process without elements may have any empty shape
    if local != tuple(map(max, zip(*ends, strict=True))) if ends else 0 not in local:
        return (
            f"its local tensor has the shape {local}, which does not follow from its shape "
            f"{tuple(tensor.shape)}, its placements {_shown(tensor.placements)} and its mesh of "
            f"shape {tuple(tensor.device_mesh.shape)}"
        )
    return ""


def _shown(placements: Sequence[Any]) -> str:
    return f"[{', '.join(map(repr, placements))}]"


def check_seed_is_shared(tensors: Iterable[Any]) -> None:
    """Check that no other process draws the same tensors, from a fresh seed of its own.

    Raises:
        ValueError: torch.distributed runs several processes, or a tensor is a DTensor over several
            devices.
    """
    distributed = torch.distributed
    runs = distributed.is_available() and distributed.is_initialized()
    is_shared = runs and distributed.get_world_size() > 1
    if is_shared or any(is_dtensor(each) and each.device_mesh.size() > 1 for each in tensors):
        raise argument_error(
            "seed",
            None,
            "an integer, the same in all processes of torch.distributed: pass seed=, or give the "
            "initializers seeds; otherwise each process draws from a fresh seed of its own",
        )
