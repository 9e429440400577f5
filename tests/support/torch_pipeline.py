"""Stages of torch.distributed.pipelining on two processes: bridges/torch/test_stages.py runs it."""

import tempfile
import warnings

import pytest
import torch
from torch import nn

import pyinit.torch
from tests.support import same_bits
from tests.support.torch_models import Block, Model, on_meta
from tests.support.torch_values import values

WORLD = 2
TOKENS = torch.arange(24).reshape(4, 6) % 10


class First(nn.Module):
    """The first stage, made by hand: its layers have other names than in the model."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4, padding_idx=3)
        self.blocks = nn.Sequential(Block(), Block())
        self.register_buffer("scale", torch.ones(4))

    def forward(self, x):
        """Apply the stage."""
        return self.blocks(self.embedding(x) * self.scale)


class Last(nn.Module):
    """The last stage, whose head has the weight of the embedding in the first one."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block(), Block())
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 10, bias=False)

    def forward(self, x):
        """Apply the stage."""
        return self.head(self.norm(self.blocks(x).transpose(1, 2)).transpose(1, 2))


def split(rank, meta, chosen):
    """Return a stage that `pipeline()` makes of the model."""
    from torch.distributed.pipelining import SplitPoint, pipeline

    tokens = torch.zeros(2, 6, dtype=torch.long, device="meta")
    pipe = pipeline(meta, (tokens,), split_spec={"layers.2": SplitPoint.BEGINNING})
    module = pipe.get_stage_module(rank).to_empty(device="cpu")
    if rank == 0:
        # torch keeps both names in the first stage, and to_empty() unties them
        with pytest.raises(ValueError, match=r"`model` ties head\.weight to embedding\.weight"):
            pyinit.torch.init_(module, seed=42, model=meta, parameters=chosen)
        module.head.weight = module.embedding.weight
    with pytest.raises(ValueError, match="InterpreterModule is not one of torch's own layers"):
        pyinit.torch.init_(module, seed=42, parameters=None if rank else {"scale": "ones"})
    pyinit.torch.init_(module, seed=42, model=meta, parameters=chosen)
    return pipe.build_stage(rank, torch.device("cpu")), {"model": meta}


def by_hand(rank, meta, chosen):
    """Return a stage made by hand."""
    from torch.distributed.pipelining import PipelineStage

    module = on_meta(Last if rank else First).eval().to_empty(device="cpu")
    names = {f"blocks.{i}": f"layers.{2 * rank + i}" for i in range(2)}
    place = {"names": names, "model": meta}
    pyinit.torch.init_(module, seed=42, parameters=chosen, **place)
    return PipelineStage(module, rank, WORLD, torch.device("cpu")), place


def check(stage, place, rank, model):
    """Check the values of a stage, and the result of the pipeline."""
    from torch.distributed.pipelining import ScheduleGPipe

    pinned = pyinit.create_manifest(model, seed=42)
    found = pyinit.torch.verify_stage(pinned, stage.submod, **place)
    assert found, found
    lacking = {each.name for each in found.not_compared}
    assert ("layers.0.linear.weight" in lacking) == (rank == 1)
    assert ("layers.2.linear.weight" in lacking) == (rank == 0)
    schedule = ScheduleGPipe(stage, n_microbatches=2)
    with torch.no_grad():
        result = schedule.step(TOKENS) if rank == 0 else schedule.step()
        assert rank == 0 or torch.allclose(result, model(TOKENS), atol=1e-6)


def run(rank, store):
    """Check stages that `pipeline()` makes, and stages made by hand."""
    warnings.simplefilter("ignore")
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=WORLD
    )
    model = pyinit.torch.init_(Model().eval(), seed=42)
    # the same in all stages, although only the first has the buffer
    chosen = {"scale": "ones", "layers.3.linear.bias": "zeros"}
    for make in (by_hand, split):
        check(*make(rank, on_meta().eval(), chosen), rank, model)
    module = split(rank, on_meta().eval(), chosen)[0].submod
    for name, tensor in module.state_dict().items():
        assert same_bits(values(tensor), values(model.state_dict()[name])), name
    # gloo may abort a process whose peer has ended
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(run, (f"{folder}/store",), nprocs=WORLD)
