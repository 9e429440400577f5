"""Stages of torch.distributed.pipelining on two processes: bridges/torch/test_stages.py runs it."""

import tempfile
import warnings

import pytest
import torch

import pyinit.torch
from tests.support import same_bits
from tests.support.torch_models import Model, on_meta
from tests.support.torch_values import values

WORLD = 2
TOKENS = torch.arange(24).reshape(4, 6) % 10


def check(stage, rank, whole, pinned, expected):
    """Check the values of a stage, and the result of the pipeline."""
    from torch.distributed.pipelining import ScheduleGPipe

    for name, tensor in stage.submod.state_dict().items():
        assert same_bits(values(tensor), whole[name]), name
    schedule = ScheduleGPipe(stage, n_microbatches=2)
    with torch.no_grad():
        result = schedule.step(TOKENS) if rank == 0 else schedule.step()
    assert rank == 0 or torch.allclose(result, expected, atol=1e-6)


def run(rank, store):
    """Check stages that `pipeline()` makes, and stages made by hand."""
    from torch.distributed.pipelining import SplitPoint, pipeline

    warnings.simplefilter("ignore")
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=WORLD
    )
    model = pyinit.torch.init_(Model().eval(), seed=42)
    whole = {name: values(tensor) for name, tensor in model.state_dict().items()}
    pinned = pyinit.create_manifest(model, seed=42)
    with torch.no_grad():
        expected = model(TOKENS)

    meta = on_meta().eval()
    split = {"layers.2": SplitPoint.BEGINNING}
    pipe = pipeline(meta, (torch.zeros(2, 6, dtype=torch.long, device="meta"),), split_spec=split)
    module = pipe.get_stage_module(rank).to_empty(device="cpu")
    chosen = {"scale": "ones"} if rank == 0 else None
    if rank == 0:
        # torch keeps both names in the first stage
        with pytest.raises(
            ValueError, match=r"`model` ties head\.weight to embedding\.weight, but"
        ):
            pyinit.torch.init_(module, seed=42, model=meta, parameters=chosen)
        module.head.weight = module.embedding.weight
    with pytest.raises(ValueError, match="InterpreterModule is not one of torch's own layers"):
        pyinit.torch.init_(module, seed=42, parameters=chosen)
    pyinit.torch.init_(module, seed=42, model=meta, parameters=chosen)
    check(pipe.build_stage(rank, torch.device("cpu")), rank, whole, pinned, expected)

    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(run, (f"{folder}/store",), nprocs=WORLD)
