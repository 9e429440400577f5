"""The regions of a DTensor that a process holds."""

import itertools
import os
import random
import subprocess
import sys

import pytest

from tests.support import ROOT, SUPPORT

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.backends

from torch.distributed.tensor.placement_types import (  # noqa: E402
    Replicate,
    Shard,
    _StridedShard,
)

import pyinit  # noqa: E402
from pyinit.bridges.torch.parameter_init import _is_fresh  # noqa: E402
from pyinit.bridges.torch.sharding import Region, regions_of_shard  # noqa: E402


def split_by_torch(full, mesh, coordinate, placements):
    """Return the local tensor, as torch itself divides the full one."""
    for size, index, placement in zip(mesh, coordinate, placements, strict=True):
        if not placement.is_replicate():
            full = placement._split_tensor(full, size, with_padding=False)[0][index]
    return full


def random_placement(draw, rank):
    axis = draw.randrange(rank)
    strided = _StridedShard(axis, split_factor=draw.randint(1, 4))
    return draw.choice([Replicate(), Shard(axis), strided])


def test_regions_are_the_indices_that_torch_gives_a_device():
    """Protects every placement: nested, strided, uneven and empty shards of any rank."""
    draw = random.Random(1)
    for _ in range(1000):
        shape = tuple(draw.randint(0, 11) for _ in range(draw.randint(1, 3)))
        mesh = tuple(draw.randint(1, 4) for _ in range(draw.randint(1, 3)))
        placements = [random_placement(draw, len(shape)) for _ in mesh]
        full = torch.arange(torch.Size(shape).numel()).reshape(shape)
        for coordinate in itertools.product(*map(range, mesh)):
            expected = split_by_torch(full, mesh, coordinate, placements)
            got = torch.full_like(expected, -1)
            for local, offset in regions_of_shard(shape, mesh, coordinate, placements):
                lengths = [each.stop - each.start for each in local]
                ends = zip(offset, lengths, strict=True)
                values = full[tuple(slice(first, first + length) for first, length in ends)]
                assert values.shape == got[local].shape
                assert bool((got[local] == -1).all()), "regions overlap"
                got[local] = values
            assert torch.equal(got, expected), (shape, mesh, coordinate, placements)


def test_regions_are_as_large_as_they_can_be():
    """Protects the speed: adjacent rows are drawn at once; tensor parallelism with FSDP has two."""
    placements = [Shard(0), _StridedShard(0, split_factor=2)]
    assert regions_of_shard((16, 3), (2, 2), (0, 0), placements) == [
        Region((slice(0, 2), slice(0, 3)), (0, 0)),
        Region((slice(2, 4), slice(0, 3)), (4, 0)),
    ]
    whole = [Region((slice(0, 16),), (0,))]
    assert regions_of_shard((16,), (1,), (0,), [_StridedShard(0, split_factor=8)]) == whole
    assert regions_of_shard((), (2,), (1,), [Replicate()]) == [Region((), ())]
    assert regions_of_shard((3,), (4,), (3,), [Shard(0)]) == []


def test_fresh_seeds_are_recognized():
    """Protects replicas: also a generator without a seed and Keras' own initializers."""
    keras = pytest.importorskip("keras")
    generator, seeded = pyinit.SeedGenerator(), pyinit.SeedGenerator(3)
    for initializer, is_fresh in (
        (pyinit.HeNormal(), True),
        (pyinit.HeNormal(3), False),
        (pyinit.HeNormal(generator), True),
        (pyinit.HeNormal(seeded), False),
        (keras.initializers.HeNormal(), True),
        (keras.initializers.HeNormal(3), False),
        (keras.initializers.Zeros(), False),
        (pyinit.Zeros(), False),
        (lambda shape, dtype: None, False),
    ):
        assert _is_fresh(initializer, None) == is_fresh, initializer
        assert not _is_fresh(initializer, 42)


def test_dtensors_on_two_processes():
    """Protects out=, seed generators, functions, errors and memory, on real processes."""
    subprocess.run(
        [sys.executable, SUPPORT / "torch_dtensors.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=300,
    )
