"""Shards of FSDP1 on two processes: bridges/torch/test_names.py runs it."""

import tempfile

import numpy as np
import pytest
import torch
from torch import nn

import pyinit.torch
from tests.support.torch_values import all_values

WORLD = 2


def model():
    return nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 5))


def run(rank, store):
    """Check that shards are refused, and that full parameters get the plain module's values."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=WORLD
    )
    from torch.distributed.fsdp import FullyShardedDataParallel

    for use_orig_params in (True, False):
        module = FullyShardedDataParallel(
            model(), device_id=torch.device("cpu"), use_orig_params=use_orig_params
        )
        with pytest.raises(ValueError, match=r"summon_full_params\(module\) first"):
            pyinit.torch.init_(module, seed=1)
        with FullyShardedDataParallel.summon_full_params(module):
            pyinit.torch.init_(module, seed=1)
            # reading, like writing, must not keep FSDP from freeing the full parameters
            assert pyinit.verify(pyinit.create_manifest(module, seed=1), module)
        expected = all_values(pyinit.torch.init_(model(), seed=1))
        with FullyShardedDataParallel.summon_full_params(module):
            got = all_values(module)
        assert all(np.array_equal(got[name], expected[name]) for name in expected)
    # gloo may abort a process whose peer has ended
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(run, (f"{folder}/store",), nprocs=WORLD)
