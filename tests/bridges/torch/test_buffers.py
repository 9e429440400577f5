"""Buffers of modules: reset, kept, or refused where `to_empty()` left them undefined."""

import copy

import pytest

import pyinit
from tests.support.torch_values import values

torch = pytest.importorskip("torch")

import pyinit.torch  # noqa: E402
from pyinit.torch import init_  # noqa: E402

pytestmark = pytest.mark.backends
nn = torch.nn

NORMS = {
    "BatchNorm1d": lambda: nn.BatchNorm1d(3),
    "SyncBatchNorm": lambda: nn.SyncBatchNorm(3),
    "InstanceNorm2d": lambda: nn.InstanceNorm2d(3, track_running_stats=True),
    "without statistics": lambda: nn.BatchNorm2d(3, track_running_stats=False),
}


class Masked(nn.Module):
    """A module with buffers of its own, as users write them."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("mask", torch.tril(torch.ones(3, 3)))
        self.register_buffer("frequencies", 1 / torch.arange(1, 4), persistent=False)


def from_meta(make):
    """Make a module on the meta device, and give it memory."""
    with torch.device("meta"):
        module = make()
    return module.to_empty(device="cpu")


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_statistics_are_reset(name, dtype):
    """Protects norms after to_empty(), and after training: all of their state is the start's."""
    expected = NORMS[name]().to(dtype).state_dict()
    trained = NORMS[name]().to(dtype)
    for buffer in trained.buffers():
        buffer.fill_(5)
    for module in (from_meta(lambda: NORMS[name]().to(dtype)), trained):
        got = init_(module, seed=1).state_dict()
        assert got.keys() == expected.keys()
        assert all(torch.equal(got[key], expected[key]) for key in expected)


def test_manifests_record_statistics():
    """Protects manifests: they have the whole state dictionary of torch's layers."""
    module = init_(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), seed=1)
    pinned = pyinit.create_manifest(module, seed=1)
    assert {tensor.name for tensor in pinned.tensors} == module.state_dict().keys()
    assert pyinit.verify(pinned, module)
    assert pyinit.verify(pinned, module.state_dict())
    module(torch.ones(4, 2))
    differing = [item.name for item in pyinit.verify(pinned, module).differences]
    assert differing == ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
    with pytest.raises(ValueError, match=r"without None .*'1\.running_mean'"):
        pyinit.torch.create_manifest(module, seed=1, parameters={"1.running_mean": None})


def test_other_buffers_stay():
    """Protects masks and frequencies, which a constructor computes."""
    original = Masked()
    before = copy.deepcopy(dict(original.named_buffers()))
    for module in (original, copy.deepcopy(original), original.double()):
        init_(module, seed=1)
        assert torch.equal(module.mask, before["mask"].to(module.mask.dtype))
        assert torch.equal(module.frequencies, before["frequencies"].to(module.mask.dtype))
    assert {tensor.name for tensor in pyinit.create_manifest(module, seed=1).tensors} == (
        module.state_dict().keys() - {"mask"}
    )


def test_undefined_buffers_are_refused():
    """Protects against garbage in buffers that only the user's constructor knows."""
    module = from_meta(Masked)
    with pytest.raises(ValueError, match=r"mask, frequencies: the buffer may be undefined, as aft"):
        init_(module, seed=1)
    module.mask = torch.tril(torch.ones(3, 3))
    init_(module, seed=1, parameters={"mask": None, "freq*": "ones"})
    assert torch.equal(module.mask, torch.tril(torch.ones(3, 3)))
    assert module.frequencies.tolist() == [1, 1, 1]
    # it has been initialized, so its buffers are known to be defined
    init_(module, seed=2)
    with torch.device("meta"):
        module = nn.ModuleDict({"a": nn.Linear(2, 2, device="cpu"), "b": Masked()})
    with pytest.raises(ValueError, match=r"b\.mask, b\.frequencies: the buffer is on the meta dev"):
        init_(module, seed=1, parameters={"b.linear.*": None, "b.norm.*": None})


def test_none_keeps_buffers_too():
    """Protects pretrained submodules: a pattern with None covers their statistics."""
    module = nn.ModuleDict({"backbone": nn.BatchNorm1d(2), "head": nn.BatchNorm1d(2)})
    for buffer in module.buffers():
        buffer.fill_(5)
    init_(module, seed=1, parameters={"backbone.*": None, "head.weight": "zeros"})
    assert module["backbone"].running_var.tolist() == [5, 5]
    assert module["head"].running_var.tolist() == [1, 1]
    # a pattern with an initializer means parameters
    init_(module, seed=1, parameters={"*": "zeros"})
    assert module["head"].running_var.tolist() == [1, 1]
    init_(module, seed=1, parameters={"*.running_var": pyinit.Constant(3)})
    assert module["head"].running_var.tolist() == [3, 3]


def test_integer_buffers():
    """Protects buffers of other dtypes: constants fill them, nothing else does."""
    module = Masked()
    module.register_buffer("positions", torch.arange(3))
    init_(module, seed=1, parameters={"positions": "ones"})
    assert module.positions.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match=r"positions: Argument `dtype` .*int64"):
        init_(module, seed=1, parameters={"positions": "he_normal"})


def test_lazy_norms():
    """Protects the error for statistics that have no shape yet."""
    with pytest.raises(ValueError, match=r"0\.running_var: it has no shape yet"):
        init_(nn.Sequential(nn.LazyBatchNorm1d()), seed=1)


def test_averaged_models_start_again():
    """Protects the average: the next update replaces it instead of averaging old values in."""
    module = torch.optim.swa_utils.AveragedModel(nn.Linear(2, 2))
    module.update_parameters(nn.Linear(2, 2))
    init_(module, seed=1)
    assert module.n_averaged == 0
    assert [tensor.name for tensor in pyinit.create_manifest(module, seed=1).tensors] == [
        "weight",
        "bias",
    ]
    update = nn.Linear(2, 2)
    module.update_parameters(update)
    assert (values(module.module.weight) == values(update.weight)).all()
