"""FSDP1: weights of modules that it materializes, and its shards."""

import pytest

import pyinit
from tests.support import run_program

torch = pytest.importorskip("torch")

import pyinit.torch  # noqa: E402
from pyinit.torch import init_, param_init_fn  # noqa: E402
from tests.support.torch_models import Block, Model, on_meta  # noqa: E402

pytestmark = pytest.mark.backends
nn = torch.nn


@pytest.mark.parametrize("world", ["1", "2"])
def test_several_processes(world):
    """Protects modules of FSDP1, and its shards, whose shapes are not those of the weights."""
    run_program("torch_fsdp.py", world)


def test_each_module_alone():
    """Protects the weights from the order of modules; the buffers that have memory stay."""
    module = on_meta()
    module.scale = torch.full((4,), 3.0)
    fill = param_init_fn(module, seed=42, device="cpu")
    for each in reversed(list(module.modules())):
        fill(each)
    assert module.head.weight is module.embedding.weight
    assert bool((module.scale == 3).all())
    assert pyinit.verify(pyinit.create_manifest(on_meta(), seed=42), module)
    assert module.norm.num_batches_tracked == 0


def test_shared_buffers():
    """Protects modules that share a mask: each has it, and one that has memory stays shared."""

    class Masked(nn.Module):
        def __init__(self, mask):
            super().__init__()
            self.linear = nn.Linear(2, 2)
            self.register_buffer("mask", mask)

    for device in ("meta", "cpu"):
        mask = torch.zeros(2, device=device)
        module = on_meta(lambda mask=mask: nn.Sequential(Masked(mask), Masked(mask)))
        fill = param_init_fn(module, seed=1, parameters={"*mask": "ones"}, device="cpu")
        for each in module.modules():
            fill(each)
        assert all(bool((each.mask == 1).all()) for each in module)


def test_frozen_parameters_and_dtypes():
    """Protects what the module on the meta device says of its parameters."""
    module = on_meta(lambda: nn.Linear(3, 2)).to(torch.bfloat16)
    module.bias.requires_grad_(False)
    param_init_fn(module, seed=1, device="cpu")(module)
    expected = init_(nn.Linear(3, 2, dtype=torch.bfloat16), seed=1)
    assert torch.equal(module.weight, expected.weight)
    assert (module.weight.requires_grad, module.bias.requires_grad) == (True, False)


def test_mistakes():
    """Protects users before a model is wrapped, which takes long."""
    with pytest.raises(TypeError, match="Argument `module` must be a torch module"):
        param_init_fn(torch.empty(2), seed=1)
    with pytest.raises(ValueError, match=r"weight, bias: it is not on the meta device, and Full"):
        param_init_fn(nn.Linear(2, 2), seed=1)
    with pytest.raises(ValueError, match="scale: the buffer is on the meta device"):
        param_init_fn(on_meta(), seed=1)
    with pytest.raises(ValueError, match="none that matches 'typo'"):
        param_init_fn(on_meta(Block), seed=1, parameters={"typo": "ones"})
    generator = pyinit.HeNormal(pyinit.SeedGenerator(1))
    with pytest.raises(ValueError, match="has a seed generator, whose"):
        param_init_fn(on_meta(Block), generator)
    fill = param_init_fn(on_meta(Block), seed=1)
    with pytest.raises(ValueError, match="must be a module of the one given to param_init_fn"):
        fill(on_meta(lambda: nn.Linear(4, 4)))
    with pytest.raises(TypeError, match="Argument `model`"):
        param_init_fn(on_meta(Block), seed=1, model=Model)
