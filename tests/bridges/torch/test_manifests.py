"""Manifests of torch modules, and fingerprints of other libraries' arrays."""

import numpy as np
import pytest

import pyinit
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.manifests.model import DifferenceError
from pyinit.manifests.writing import as_text

torch = pytest.importorskip("torch")

import pyinit.torch  # noqa: E402

pytestmark = pytest.mark.backends
nn = torch.nn


class Everything(nn.Module):
    """A module with each kind of parameter that init_() knows."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 6)
        self.conv = nn.Conv2d(3, 4, 2)
        self.grouped = nn.Conv2d(4, 6, 3, groups=2)
        self.depthwise = nn.ConvTranspose1d(4, 4, 3, groups=4)
        self.batch_norm = nn.BatchNorm2d(4)
        self.bilinear = nn.Bilinear(2, 3, 4)
        self.embedding = nn.Embedding(7, 4, padding_idx=2)
        self.norm = nn.LayerNorm(4)
        self.attention = nn.MultiheadAttention(4, 2)
        self.lstm = nn.LSTM(3, 5, proj_size=2)
        self.gru = nn.GRU(3, 4)
        self.rnn = nn.RNN(3, 4)
        self.prelu = nn.PReLU()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_everything_that_init_fills(dtype, tmp_path):
    """Protects every layer: the manifest has the weights of init_()."""
    module = pyinit.torch.init_(Everything().to(dtype), seed=42)
    pinned = pyinit.create_manifest(module, seed=42)
    names = [t.name for t in pinned.tensors]
    parameters = [name for name, _ in module.named_parameters()]
    assert names == [*parameters, *(name for name, _ in module.named_buffers())]
    assert pyinit.verify(pinned)
    assert pyinit.verify(pinned, module)
    assert pyinit.verify(pinned, module.state_dict())
    [path] = pyinit.materialize(pinned, tmp_path / "m.safetensors")
    safetensors = pytest.importorskip("safetensors.torch")
    other = Everything().to(dtype)
    other.load_state_dict(safetensors.load_file(path))
    assert pyinit.verify(pinned, other)
    text = as_text(pinned)
    pyinit.write_manifest(pinned, tmp_path / "m.json")
    assert as_text(pyinit.read_manifest(tmp_path / "m.json")) == text


def test_meta_device():
    """Protects manifests of models on the meta device, which may exceed the memory."""
    expected = as_text(pyinit.create_manifest(pyinit.torch.init_(Everything(), seed=1), seed=1))
    with torch.device("meta"):
        module = Everything()
    pinned = pyinit.create_manifest(module, seed=1)
    assert as_text(pinned) == expected
    found = pyinit.verify(pinned, module)
    assert {difference.reason for difference in found.differences} == {"it has no memory yet"}


def test_chosen_initializers():
    """Protects the arguments of init_()."""
    chosen = {
        "initializer": pyinit.HeNormal(),
        "recurrent_initializer": pyinit.Orthogonal(0.5, 3),
        "bias_initializer": "ones",
        "parameters": {"embedding.weight": pyinit.RandomNormal(stddev=0.02, seed=5)},
    }
    module = pyinit.torch.init_(Everything(), **chosen)
    pinned = pyinit.torch.create_manifest(module, **chosen)
    assert pyinit.verify(pinned, module)
    tensors = {tensor.name: tensor for tensor in pinned.tensors}
    assert tensors["embedding.weight"].segments[0].initializer.seed == 5
    assert tensors["gru.weight_hh_l0"].segments[0].initializer.gain == 0.5


def test_invalid_manifests_are_refused():
    """Protects against a manifest of weights that the module does not have."""
    with pytest.raises(DifferenceError, match=r"These weights have changed: weight$"):
        pyinit.create_manifest(nn.Linear(3, 2, bias=False), seed=1)
    with pytest.raises(ValueError, match="Argument `seed` must be given for a torch module"):
        pyinit.create_manifest(nn.Linear(3, 2))
    with pytest.raises(TypeError, match="Argument `module`"):
        pyinit.torch.create_manifest(torch.zeros(2), seed=1)
    with pytest.raises(ValueError, match="Argument `parameters` must be without None"):
        pyinit.torch.create_manifest(nn.Linear(3, 2), seed=1, parameters={"bias": None})
    parameters = {"weight": lambda shape, dtype: np.zeros(shape)}
    with pytest.raises(ValueError, match="weight: its initializer, function, is not one of py"):
        pyinit.torch.create_manifest(nn.Linear(3, 2), pyinit.Ones(), parameters=parameters)
    generator = pyinit.HeNormal(pyinit.SeedGenerator(1))
    with pytest.raises(ValueError, match="weight: its initializer has a seed generator"):
        pyinit.torch.create_manifest(nn.Linear(3, 2), generator)
    module = nn.Linear(3, 2)
    module.extra = nn.Parameter(torch.zeros(2))
    with pytest.raises(ValueError, match="Argument `target`"):
        pyinit.create_manifest(module, seed=1)


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_fingerprints_of_other_libraries_arrays(dtype):
    """Protects `fingerprint(array)` for arrays and variables of torch, JAX and TensorFlow."""
    jax, tf = pytest.importorskip("jax"), pytest.importorskip("tensorflow")
    values = pyinit.HeNormal(1)((4, 3), dtype)
    expected = pyinit.fingerprint(values)
    bits = torch.from_numpy(values.view(f"i{values.itemsize}"))
    tensor = bits.view(getattr(torch, dtype))
    assert pyinit.fingerprint(tensor) == expected
    assert pyinit.fingerprint(nn.Parameter(tensor)) == expected
    assert pyinit.fingerprint(tensor.t().contiguous().t()) == expected
    with jax.enable_x64(True):
        assert pyinit.fingerprint(jax.numpy.asarray(values)) == expected
    assert pyinit.fingerprint(tf.constant(values)) == expected
    assert pyinit.fingerprint(tf.Variable(values)) == expected


def test_manifests_of_values(tmp_path):
    """Protects trained modules: their parameters, buffers and state dicts, and files of these."""
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3, bias=False))
    module[2].weight = nn.Parameter(module[0].weight.detach().T.contiguous())
    module(torch.ones(2, 3))
    pinned = pyinit.create_manifest(module, values=True)
    state = module.state_dict()
    of_state = pyinit.create_manifest(state, values=True)
    assert {t.name: t for t in pinned.tensors} == {t.name: t for t in of_state.tensors}
    assert "1.running_mean" in {tensor.name for tensor in pinned.tensors}
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file(state, tmp_path / "m.safetensors")
    for target in (module, state, tmp_path / "m.safetensors", pinned):
        assert pyinit.verify(of_state, target)
    module[1].running_mean += 1
    [difference] = pyinit.verify(pinned, module).differences
    assert difference.name == "1.running_mean"
    # a manifest of initializers has no buffers
    pyinit.torch.init_(module, seed=1)
    assert pyinit.verify(pyinit.create_manifest(module, seed=1), module)
    with pytest.raises(ValueError, match="has no memory yet"):
        pyinit.create_manifest(nn.Linear(3, 4, device="meta"), values=True)


def test_shared_parameters_have_both_names():
    """Protects tied weights, which a state dict has twice and named_parameters() once."""
    module = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5, bias=False))
    module[1].weight = module[0].weight
    of_state = pyinit.create_manifest(module.state_dict(), values=True)
    assert len(of_state.tensors) == 2
    assert pyinit.verify(of_state, module)
