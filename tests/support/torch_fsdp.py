"""Modules of FSDP1 on several processes: bridges/torch/test_param_init.py runs it.

The argument is the number of processes.
"""

import itertools
import sys
import tempfile
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import pyinit.torch
from tests.support.torch_models import Block, Model, on_meta
from tests.support.torch_values import all_values

SCALE = {"scale": "ones"}


def model():
    """Return a module whose flattened shards cut through its weights."""
    return nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 5))


def wrapped(module, **arguments):
    """Return a module of FSDP1."""
    from torch.distributed.fsdp import FullyShardedDataParallel

    return FullyShardedDataParallel(module, device_id=torch.device("cpu"), **arguments)


def check_shards(use_orig_params):
    """Check that shards are refused, and that full parameters get the plain module's values."""
    from torch.distributed.fsdp import FullyShardedDataParallel

    module = wrapped(model(), use_orig_params=use_orig_params)
    if torch.distributed.get_world_size() > 1:
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


class Normed(nn.Module):
    """A module with computed weights, whose originals other modules have."""

    def __init__(self):
        super().__init__()
        self.layer = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3))
        self.lstm = nn.LSTM(4, 3)


def policies():
    """Return wrap policies, and whether they leave the embedding and the head to one unit."""
    from torch.distributed.fsdp import wrap

    return {
        "none": (None, True),
        "layers": (wrap.ModuleWrapPolicy({Block}), True),
        "by size": (partial(wrap.size_based_auto_wrap_policy, min_num_params=30), False),
        "kinds": (wrap.ModuleWrapPolicy({nn.Linear, nn.Embedding}), False),
    }


def check_param_init(use_orig_params, name):
    """Check that FSDP1 gets the weights of init_() from a module on the meta device."""
    from torch.distributed.fsdp import FullyShardedDataParallel

    policy, in_one_unit = policies()[name]
    meta = on_meta()
    fill = pyinit.torch.param_init_fn(meta, seed=42, parameters=SCALE)
    make = partial(
        wrapped, param_init_fn=fill, use_orig_params=use_orig_params, auto_wrap_policy=policy
    )
    if not in_one_unit:
        with pytest.raises(ValueError, match=r"head\.weight are tied, but belong to different un"):
            make(meta)
        return
    module = make(meta)
    expected = pyinit.torch.init_(Model(), seed=42)
    with FullyShardedDataParallel.summon_full_params(module):
        assert pyinit.verify(pyinit.create_manifest(expected, seed=42), module), name
        # also the buffers, and both names of the tied weight
        assert pyinit.verify(pyinit.create_manifest(expected, values=True), module), name
    tokens = torch.arange(12).reshape(2, 6) % 10
    found = module(tokens)
    assert torch.allclose(found, expected(tokens), atol=1e-6)
    found.sum().backward()


def check_others(use_orig_params):
    """Check untied models in small units, computed weights, and names of a stage."""
    from torch.distributed.fsdp import FullyShardedDataParallel

    for name, (policy, _) in policies().items():
        meta = on_meta(Block)
        fill = pyinit.torch.param_init_fn(meta, "he_normal", seed=42, prefix="layers.1.")
        module = wrapped(
            meta, param_init_fn=fill, use_orig_params=use_orig_params, auto_wrap_policy=policy
        )
        plain = pyinit.torch.init_(Block(), "he_normal", seed=42, prefix="layers.1.")
        with FullyShardedDataParallel.summon_full_params(module):
            assert pyinit.verify(pyinit.create_manifest(plain, values=True), module), name
    meta = on_meta(Normed)
    fill = pyinit.torch.param_init_fn(meta, seed=42)
    module = wrapped(meta, param_init_fn=fill, use_orig_params=use_orig_params)
    plain = pyinit.torch.init_(Normed(), seed=42)
    with FullyShardedDataParallel.summon_full_params(module):
        assert pyinit.verify(pyinit.create_manifest(plain, values=True), module)


def run(rank, world, store):
    """Run all checks on one of the processes."""
    warnings.simplefilter("ignore")
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=world
    )
    for use_orig_params in (True, False):
        check_shards(use_orig_params)
        check_others(use_orig_params)
    for use_orig_params, name in itertools.product((True, False), policies()):
        check_param_init(use_orig_params, name)
    # gloo may abort a process whose peer has ended
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        count = int(sys.argv[1])
        torch.multiprocessing.spawn(run, (count, f"{folder}/store"), nprocs=count)
