"""Names of torch's weights: those of the plain module, whatever wraps it."""

import pytest

import pyinit
from pyinit.manifests.writing import as_text
from tests.support import same_bits
from tests.support.torch_values import values

torch = pytest.importorskip("torch")

import pyinit.torch  # noqa: E402
from pyinit.bridges.torch.names import named_buffers, named_parameters  # noqa: E402
from pyinit.torch import init_  # noqa: E402

pytestmark = [
    pytest.mark.backends,
    # torch's own: its compiler imports torch.jit, and FSDP1 is about to be deprecated
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning"),
]
nn = torch.nn


def model():
    return nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ModuleDict({"module": nn.Linear(6, 3)})
    )


def checkpointed(module):
    from torch.distributed.algorithms._checkpoint import checkpoint_wrapper

    return checkpoint_wrapper.checkpoint_wrapper(module)


def offloaded(module):
    from torch.distributed.algorithms._checkpoint import checkpoint_wrapper

    return checkpoint_wrapper.offload_wrapper(module)


def with_loss(module):
    from torch.distributed.pipelining._IR import TrivialLossWrapper

    return TrivialLossWrapper(module, nn.MSELoss())


def compiled_inside(module):
    module[2] = torch.compile(checkpointed(module[2]))
    return module


WRAPPERS = {
    "compile": torch.compile,
    "DataParallel": nn.DataParallel,
    "checkpoint_wrapper": checkpointed,
    "offload_wrapper": offloaded,
    "AveragedModel": torch.optim.swa_utils.AveragedModel,
    "QuantWrapper": torch.ao.quantization.QuantWrapper,
    "LossWrapper": with_loss,
    "several": lambda module: nn.DataParallel(torch.compile(checkpointed(module))),
    "a submodule's": compiled_inside,
}


def assert_named_as_plain(module):
    """Check names, values, manifests and patterns against those of the plain module."""
    plain = init_(model(), seed=42)
    expected = {item.name: values(item.tensor) for item in named_parameters(plain)}
    assert list(expected) == [name for name, _ in plain.named_parameters()]
    init_(module, seed=42)
    got = {item.name: values(item.tensor) for item in named_parameters(module)}
    assert list(got) == list(expected)
    assert all(same_bits(got[name], expected[name]) for name in expected)
    pinned = pyinit.create_manifest(plain, seed=42)
    assert as_text(pyinit.create_manifest(module, seed=42)) == as_text(pinned)
    assert pyinit.verify(pinned, module)
    init_(module, seed=42, parameters={"2.module.*": "ones"})
    differences = pyinit.verify(pinned, module).differences
    assert [item.name for item in differences] == ["2.module.weight", "2.module.bias"]


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrapped_modules(name):
    """Protects names, and so seeds, from the wrappers of one process."""
    assert_named_as_plain(WRAPPERS[name](model()))


@pytest.mark.parametrize("name", WRAPPERS)
def test_state_of_wrapped_modules(name):
    """Protects manifests of values: their buffers and tied weights have the plain names."""

    def with_state():
        module = model()
        module[2]["module"].register_buffer("scale", torch.ones(2))
        module[2]["tied"] = nn.Linear(6, 3)
        module[2]["tied"].weight = module[2]["module"].weight
        return init_(module, seed=42)

    pinned = pyinit.create_manifest(with_state(), values=True)
    assert {"1.running_var", "2.module.scale", "2.tied.weight"} <= {t.name for t in pinned.tensors}
    wrapped = WRAPPERS[name](with_state())
    assert pyinit.verify(pinned, wrapped)
    found = {tensor.name: tensor for tensor in pyinit.create_manifest(wrapped, values=True).tensors}
    found.pop("n_averaged", None)  # an averaged model's own counter
    assert found == {tensor.name: tensor for tensor in pinned.tensors}


@pytest.fixture
def process_group(tmp_path):
    """Join a group of one process."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("process_group")
def test_distributed_data_parallel():
    """Protects names from DistributedDataParallel, alone and compiled."""
    assert_named_as_plain(nn.parallel.DistributedDataParallel(model()))
    assert_named_as_plain(torch.compile(nn.parallel.DistributedDataParallel(model())))


@pytest.mark.usefixtures("process_group")
@pytest.mark.parametrize("use_orig_params", [True, False])
def test_fully_sharded_data_parallel(use_orig_params):
    """Protects names from FSDP1, inside each other and around checkpoint_wrapper."""
    from torch.distributed.fsdp import FullyShardedDataParallel, ShardingStrategy

    def shard(module):
        return FullyShardedDataParallel(
            module,
            sharding_strategy=ShardingStrategy.NO_SHARD,
            device_id=torch.device("cpu"),
            use_orig_params=use_orig_params,
        )

    module = model()
    module[2] = shard(checkpointed(module[2]))
    module = shard(module)
    if not use_orig_params:
        with pytest.raises(ValueError, match=r"summon_full_params\(module\) first"):
            init_(module, seed=42)
    with FullyShardedDataParallel.summon_full_params(module):
        assert_named_as_plain(module)


def test_attributes_of_users_keep_their_names():
    """Protects submodules that have a wrapper's attribute name, of users' own and of torch."""

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.module = nn.Linear(2, 2)
            self._orig_mod = nn.BatchNorm1d(2)

    names = [name for name, _ in Own().named_parameters()]
    assert [item.name for item in named_parameters(Own())] == names
    assert [item.name for item in named_parameters(torch.compile(Own()))] == names
    assert [item.name for item in named_buffers(Own())] == [
        name for name, _ in Own().named_buffers()
    ]


def test_a_shared_parameter_has_its_first_name():
    """Protects tied weights, and a module that also occurs in compiled form."""
    module = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    module["b"].weight = module["a"].weight
    module["c"] = torch.compile(module["a"])
    names = [item.name for item in named_parameters(module)]
    assert names == ["a.weight", "a.bias", "b.bias"]
