"""DTensors on two processes: bridges/torch/test_sharding.py runs it."""

import re
import tempfile
import warnings
from datetime import timedelta
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import pyinit.torch
from benchmarks.memory import peak_of
from tests.support.torch_values import values

WORLD = 2
SHAPE = (6, 4)
MEBIBYTE = 2**20


def distributed(placement=None, shape=SHAPE, dtype=torch.float32, mesh=None):
    """Return a DTensor of NaN over both processes."""
    from torch.distributed.tensor import Shard, distribute_tensor

    tensor = torch.full(shape, torch.nan, dtype=dtype)
    return distribute_tensor(tensor, MESH if mesh is None else mesh, [placement or Shard(0)])


def full(tensor):
    """Return the values of a DTensor's full tensor."""
    return values(tensor.full_tensor())


def refuses(pattern, function, *arguments, **options):
    """Check that a call raises a ValueError."""
    with pytest.raises(ValueError, match=pattern):
        function(*arguments, **options)


def check_out(rank):
    """Check the argument `out` for every kind of shard, dtype, and partition."""
    from torch.distributed.tensor import Replicate, Shard

    initializer = pyinit.HeNormal(seed=1)
    for placement in (Shard(0), Shard(1), Replicate()):
        for dtype in (torch.float64, torch.bfloat16):
            tensor = distributed(placement, (5, 3), dtype)
            assert initializer((5, 3), out=tensor) is tensor
            name = str(dtype).removeprefix("torch.")
            assert np.array_equal(full(tensor), initializer((5, 3), name))
            lazy = distributed(placement, (5, 3), dtype)
            initializer.lazy((5, 3), name).read_into(lazy)
            assert np.array_equal(full(lazy), full(tensor))
    tensor = distributed()
    place = {"partition_shape": SHAPE, "partition_offset": (2, 1)}
    initializer((9, 7), out=tensor, **place)
    assert np.array_equal(full(tensor), initializer((9, 7))[2:8, 1:5])
    refuses(r"of shape \(5, 4\) and dtype float32", initializer, (5, 4), out=tensor)
    refuses("and dtype float64", initializer, SHAPE, "float64", out=tensor)
    version = tensor._version
    assert pyinit.Zeros()(SHAPE, out=tensor)._version == version + 1, "autograd has not noticed"


def check_generators(rank):
    """Check that a process without elements takes the draw of a seed generator too."""
    from torch.distributed.device_mesh import DeviceMesh

    generator = pyinit.SeedGenerator(5)
    initializer = pyinit.RandomNormal(seed=generator)
    empty = distributed(shape=(1, 4))
    assert (empty.to_local().numel() == 0) == (rank == 1)
    pyinit.torch.init_(empty, initializer)
    first = distributed()
    initializer(SHAPE, out=first)
    assert generator.state == (5, 2)
    reference = pyinit.RandomNormal(seed=pyinit.SeedGenerator(5))
    # a torch weight of shape (outputs, inputs) is drawn as Keras' (inputs, outputs)
    assert np.array_equal(full(empty), reference((4, 1)).T)
    assert np.array_equal(full(first), reference(SHAPE))

    # the second process is outside of this mesh
    mesh = DeviceMesh("cpu", [0])
    outside = distributed(mesh=mesh)
    pyinit.torch.init_(outside, initializer)
    initializer(SHAPE, out=outside)
    assert generator.state == (5, 4)


def check_seeds(rank):
    """Check that a fresh seed is refused, and any other is not."""
    message = re.escape("Argument `seed` must be an integer, the same in all processes of torch.")
    tensor, plain = distributed(), torch.empty(SHAPE)
    unseeded = pyinit.HeNormal(), pyinit.HeNormal(seed=pyinit.SeedGenerator())
    for initializer in unseeded:
        refuses(message, initializer, SHAPE, out=tensor)
        for target in (tensor, plain, nn.Linear(3, 2), nn.LSTM(3, 2)):
            refuses(message, pyinit.torch.init_, target, initializer)
    refuses(message, pyinit.torch.init_, nn.Linear(3, 2))
    assert bool(tensor.full_tensor().isnan().all()), "something has been drawn"
    pyinit.torch.init_(tensor, pyinit.HeNormal(seed=3))
    pyinit.torch.init_(nn.Linear(3, 2), pyinit.HeNormal(seed=3))
    pyinit.torch.init_(nn.BatchNorm1d(3))
    pyinit.torch.init_(tensor, "zeros")
    assert np.array_equal(full(tensor), np.zeros(SHAPE))


def check_functions(rank):
    """Check that a function is called for the full tensor, of which the shard is cut out."""
    from torch.distributed.fsdp import fully_shard

    def count(shape, dtype=None):
        calls.append(shape)
        return np.arange(np.prod(shape), dtype=dtype).reshape(shape)

    calls = []
    module = nn.GRU(4, 3)
    parameters = {"weight_ih_l0": count, "bias_ih_l0": count}
    options = {"initializer": pyinit.HeNormal(seed=1), "parameters": parameters}
    expected = pyinit.torch.init_(nn.GRU(4, 3), **options).state_dict()
    fully_shard(module, mesh=MESH)
    pyinit.torch.init_(module, **options)
    assert calls == [(4, 9), (9,)] * 2
    # torch's first gate is Keras' second
    gates = np.split(count((4, 9), "float32"), 3, axis=1)
    weight = np.concatenate([gates[1], gates[0], gates[2]], axis=1).T
    assert np.array_equal(full(module.weight_ih_l0), weight)
    for name, tensor in module.named_parameters():
        assert np.array_equal(full(tensor), values(expected[name])), name


def check_problems(rank):
    """Check the errors of DTensors that cannot be filled."""
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import DTensor, Partial, Shard

    partial = DTensor.from_local(torch.ones(SHAPE), MESH, [Partial()])
    for call in (pyinit.torch.init_, lambda out, seed: pyinit.HeNormal(seed)(SHAPE, out=out)):
        refuses(r"its placements are \[Partial\(sum\)\].*redistribute", call, partial, seed=1)
    sizes = {"shape": torch.Size((7, 4)), "stride": (4, 1)}
    odd = DTensor.from_local(torch.ones(1 if rank == 0 else 6, 4), MESH, [Shard(0)], **sizes)
    refuses("which does not follow from its shape", pyinit.torch.init_, odd, seed=1)

    module = fully_shard(nn.Linear(4, 3), mesh=MESH)
    pyinit.torch.init_(module, seed=1)
    module.unshard()
    refuses(
        r"gathered its parameters .* module\.reshard\(\)",
        pyinit.torch.init_,
        module,
        seed=2,
    )
    module.reshard()
    pyinit.torch.init_(module, seed=2)
    expected = pyinit.torch.init_(nn.Linear(4, 3), seed=2)
    assert np.array_equal(full(module.weight), values(expected.weight))

    spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3))
    fully_shard(spectral, mesh=MESH)
    refuses("a spectral norm starts from the whole weight", pyinit.torch.init_, spectral, seed=1)
    vectors = {"*._u": None, "*._v": None}
    pyinit.torch.init_(spectral, seed=1, parameters=vectors)


def check_parametrizations(rank):
    """Check that originals are those of the plain module."""
    from torch.distributed.fsdp import fully_shard

    def module():
        return nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))

    ones = {"*.original0": "ones"}
    expected = pyinit.torch.init_(module(), seed=1, parameters=ones).state_dict()
    sharded = fully_shard(module(), mesh=MESH)
    pyinit.torch.init_(sharded, seed=1, parameters=ones)
    for name, tensor in sharded.named_parameters():
        assert np.array_equal(full(tensor), values(expected[name])), name


def check_training(rank):
    """Check that the first step sees the weights, also of uneven shards that FSDP pads."""
    from torch.distributed.fsdp import fully_shard

    def module():
        return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))

    with torch.device("meta"):
        sharded = fully_shard(module(), mesh=MESH)
    pyinit.torch.init_(sharded.to_empty(device="cpu"), seed=1)
    plain = pyinit.torch.init_(module(), seed=1)
    losses = []
    for model in (plain, sharded):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            loss = model(torch.ones(2, 4)).square().sum()
            loss.backward()
            optimizer.step()
        losses.append(float(loss))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def check_memory(rank):
    """Check that filling shards of 64 MiB adds less than 16 MiB, wherever they are cut."""
    from torch.distributed.tensor import DTensor, Shard
    from torch.distributed.tensor.placement_types import _StridedShard

    shape = torch.Size((4096, 8192))
    initializer = pyinit.TruncatedNormal(seed=1)
    for placement in (Shard(0), Shard(1), _StridedShard(0, split_factor=4)):
        local = torch.full((4096, 4096) if placement == Shard(1) else (2048, 8192), torch.nan)
        whole = {"shape": shape, "stride": (8192, 1)}
        tensor = DTensor.from_local(local, MESH, [placement], **whole)
        # also starts the threads
        pyinit.torch.init_(torch.empty(1024, 1024), initializer)
        added = peak_of(partial(pyinit.torch.init_, tensor, initializer))
        assert added < 16 * MEBIBYTE, f"{placement}: {added / MEBIBYTE:.0f} MiB"
        assert not bool(local.isnan().any())


def run(rank, store):
    """Run all checks in one of the processes."""
    global MESH
    from torch.distributed.device_mesh import init_device_mesh

    # about redistribution, which only these tests need
    warnings.simplefilter("ignore")
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{store}",
        rank=rank,
        world_size=WORLD,
        timeout=timedelta(seconds=60),
    )
    MESH = init_device_mesh("cpu", (WORLD,))
    for check in (
        check_out,
        check_generators,
        check_seeds,
        check_functions,
        check_problems,
        check_parametrizations,
        check_training,
        check_memory,
    ):
        check(rank)
    # gloo may abort a process whose peer has ended
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(run, (f"{folder}/store",), nprocs=WORLD)
