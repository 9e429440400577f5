"""Sharded modules on several processes: bridges/torch/test_sharded_manifests.py runs it.

The argument is the number of processes.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

import pyinit.torch
from pyinit.manifests.writing import as_text
from tests.support import same_bits
from tests.support.torch_models import Block, Model, on_meta
from tests.support.torch_values import values

SCALE = {"scale": "ones"}


def shard(model, mesh, wrap=lambda layer: layer):
    """Shard a model with FSDP2: the layers on the last dimension, the rest on the first."""
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import Shard

    for i, layer in enumerate(model.layers):
        model.layers[i] = fully_shard(
            wrap(layer), mesh=mesh, shard_placement_fn=lambda p: Shard(p.dim() - 1)
        )
    return fully_shard(model, mesh=mesh)


def initialized(mesh, **arguments):
    """Return the sharded model with its weights, which no process has held in full."""
    model = shard(on_meta(), mesh).to_empty(device="cpu")
    return pyinit.torch.init_(model, seed=42, parameters=SCALE, **arguments)


def check_manifests(mesh):
    """Check that the manifest of shards is that of the model, and that each process verifies."""
    rank, world = mesh.get_local_rank(), mesh.size()
    pinned = pyinit.create_manifest(on_meta(), seed=42)
    assert as_text(pyinit.create_manifest(shard(on_meta(), mesh), seed=42)) == as_text(pinned)
    model = initialized(mesh)
    assert as_text(pyinit.create_manifest(model, seed=42)) == as_text(pinned)
    sharded = [name for name, _ in model.named_parameters()]
    for target in (model, {**model.state_dict()}):
        found = pyinit.verify(pinned, target)
        if target is model:
            assert found, found
        else:
            # a state dictionary has other buffers, and both names of tied weights
            assert [each.name for each in found.differences] == ["scale", "head.weight"]
        assert found.checked == len(pinned.tensors)
        assert [each.name for each in found.not_compared] == (sharded if world > 1 else [])
    found = pyinit.verify(pinned, model)
    local = sum(each.to_local().nbytes for each in model.parameters())
    statistics = sum(each.nbytes for each in pinned.tensors if each.name not in sharded)
    assert found.nbytes == local + statistics
    assert (world > 1) == ("since other processes hold the rest of their values" in repr(found))

    # rank 0 has the first columns, and rank 1 of two processes the last two
    weight = model.layers[2].linear.weight
    if rank == world - 1:
        with torch.no_grad():
            weight.to_local()[1, -1] += 1
    found = pyinit.verify(pinned, model)
    assert bool(found) == (rank < world - 1)
    if not found:
        [difference] = found.differences
        assert difference.name == "layers.2.linear.weight"
        size = weight.to_local().numel()
        assert f"1 of {size} values differ, by at most 1; the first is" in difference.reason
        assert difference.reason.endswith("at [1, 3] (counted from 0)")
        with pytest.raises(pyinit.DifferenceError, match=r"changed: layers\.2\.linear\.weight$"):
            pyinit.create_manifest(model, seed=42)
    return model


def check_fingerprints(mesh):
    """Check that what needs all values says so."""
    from torch.distributed.tensor import DTensor, Partial

    model = initialized(mesh)
    recorded = pyinit.create_manifest(pyinit.torch.init_(Model(), seed=42), values=True)
    if mesh.size() == 1:
        assert pyinit.verify(recorded, model)
        return
    found = pyinit.verify(recorded, model)
    assert found
    assert {each.name for each in found.not_compared} == {
        name for name, tensor in model.state_dict().items() if hasattr(tensor, "placements")
    }
    assert "this process holds a part (pass full_tensor()" in repr(found)
    [head] = [tensor for tensor in recorded.tensors if tensor.name == "head.weight"]
    alone = pyinit.Manifest(recorded.stream_version, (head,))
    with pytest.raises(pyinit.ManifestError, match="this process holds only parts of them: pass"):
        pyinit.verify(alone, {"head.weight": model.head.weight})
    full = {name: each.full_tensor() for name, each in model.named_parameters()}
    assert pyinit.verify(alone, {"head.weight": full["embedding.weight"]})
    with pytest.raises(pyinit.ManifestError, match=r"'embedding\.weight' is sharded, and this"):
        pyinit.create_manifest(model, values=True)
    partial = DTensor.from_local(torch.ones(3), mesh, [Partial()])
    with pytest.raises(ValueError, match=r"The tensor head\.weight cannot be compared: its pl"):
        pyinit.verify(alone, {"head.weight": partial})
    with pytest.raises(TypeError, match=r"hold only a part of it; use its method full_tensor\(\)"):
        pyinit.fingerprint(model.head.weight)


def check_tied_weights(mesh):
    """Check that weights which sharding or to_empty() has untied are found, given the model."""
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module

    def sharded_apart(model):
        for module in (model.embedding, model.head, model):
            fully_shard(module, mesh=mesh)

    def parallel(model):
        parallelize_module(model, mesh, {"embedding": ColwiseParallel(), "head": ColwiseParallel()})

    meta = on_meta()
    for untie in (sharded_apart, parallel, lambda model: None):
        model = on_meta()
        untie(model)
        model.to_empty(device="cpu")
        assert model.head.weight is not model.embedding.weight
        for call in (pyinit.torch.init_, pyinit.torch.create_manifest):
            with pytest.raises(ValueError, match=r"`model` ties head\.weight to embedding\.weight"):
                call(model, seed=42, model=meta, parameters=SCALE)
        if untie is sharded_apart:
            continue
        model.head.weight = model.embedding.weight
        pyinit.torch.init_(model, seed=42, model=meta, parameters=SCALE)
        assert pyinit.verify(pyinit.create_manifest(meta, seed=42), model)
    # tied weights in one group stay tied
    model = initialized(mesh, model=meta)
    assert model.head.weight is model.embedding.weight


def check_wrappers(mesh):
    """Check that names, and so values, stay those of the plain module."""
    from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper

    plain = [name for name, _ in Model().named_parameters()]
    pinned = pyinit.create_manifest(on_meta(), seed=42)

    def checkpointed():
        return shard(on_meta(), mesh, checkpoint_wrapper).to_empty(device="cpu")

    def compiled():
        return torch.compile(shard(on_meta(), mesh, torch.compile).to_empty(device="cpu"))

    def replicated():
        return torch.compile(nn.parallel.DistributedDataParallel(Model()))

    for wrap in (checkpointed, compiled, replicated):
        model = wrap()
        pyinit.torch.init_(model, seed=42, parameters=SCALE)
        found = pyinit.torch.create_manifest(model, seed=42, parameters={"scale": None})
        assert [tensor.name for tensor in found.tensors][: len(plain)] == plain, wrap
        assert as_text(found) == as_text(pinned), wrap
        assert pyinit.verify(pinned, model), wrap


def check_stage(mesh):
    """Check a stage that is sharded, as in pipeline parallelism with FSDP."""
    from torch.distributed.fsdp import fully_shard

    pinned = pyinit.create_manifest(on_meta(), seed=42)
    stage = fully_shard(on_meta(Block), mesh=mesh).to_empty(device="cpu")
    pyinit.torch.init_(stage, seed=42, prefix="layers.3.")
    found = pyinit.torch.verify_stage(pinned, stage, prefix="layers.3.")
    assert found, found
    assert found.checked == len(stage.state_dict())
    whole = pyinit.torch.init_(Model(), seed=42)
    for name, each in stage.state_dict().items():
        expected = whole.get_parameter(f"layers.3.{name}")
        assert same_bits(values(each.full_tensor()), values(expected)), name


def check_checkpoint(mesh, folder):
    """Check that torch's distributed checkpoint reads the files of `materialize()`."""
    from torch.distributed import checkpoint

    pinned = pyinit.create_manifest(on_meta(), seed=42)
    file = folder / "weights" / "model.safetensors"
    pyinit.materialize(pinned, file, shard=(mesh.get_local_rank() + 1, mesh.size()))
    torch.distributed.barrier()
    model = shard(on_meta(), mesh).to_empty(device="cpu")
    state = {tensor.name: model.state_dict()[tensor.name] for tensor in pinned.tensors}
    checkpoint.load(
        state, storage_reader=checkpoint.HuggingFaceStorageReader(str(folder / "weights"))
    )
    assert pyinit.verify(pinned, model)


def run(rank, world, folder):
    """Run all checks on one of the processes."""
    warnings.simplefilter("ignore")
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world
    )
    mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (world,))
    check_manifests(mesh)
    check_fingerprints(mesh)
    check_tied_weights(mesh)
    check_wrappers(mesh)
    check_stage(mesh)
    check_checkpoint(mesh, Path(folder))
    # gloo may abort a process whose peer has ended
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as shared:
        world_size = int(sys.argv[1])
        torch.multiprocessing.spawn(run, (world_size, shared), nprocs=world_size)
