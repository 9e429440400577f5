"""Tensors that torch computes from others, and modules whose weights are packed."""

import numpy as np
import pytest

import pyinit
from tests.support import same_bits
from tests.support.torch_values import values

torch = pytest.importorskip("torch")

import pyinit.torch  # noqa: E402
from pyinit.torch import init_  # noqa: E402

nn = torch.nn
parametrize, new, prune = nn.utils.parametrize, nn.utils.parametrizations, nn.utils.prune

pytestmark = [
    pytest.mark.backends,
    # torch.nn.utils.weight_norm, and torch's quantization
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning"),
]


def linear():
    return nn.Linear(6, 4)


def plain_weight():
    """Return the weight of a plain layer of that name."""
    return values(init_(nn.ModuleDict({"layer": linear()}), seed=1)["layer"].weight)


class Symmetric(nn.Module):
    """A parametrization of the user's own, with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, weight):
        """Return a symmetric weight."""
        return self.scale * (weight + weight.flip(0))


def with_own_parametrization():
    module = linear()
    parametrize.register_parametrization(module, "weight", Symmetric())
    return module


WEIGHT_NORMS = {
    "new weight_norm": (lambda: new.weight_norm(linear()), "parametrizations.weight.original0"),
    "old weight_norm": (lambda: nn.utils.weight_norm(linear()), "weight_g"),
}
SINGLE_ORIGINALS = {
    "new spectral_norm": (
        lambda: new.spectral_norm(linear()),
        "parametrizations.weight.original",
        {},
    ),
    "old spectral_norm": (lambda: nn.utils.spectral_norm(linear()), "weight_orig", {}),
    "orthogonal": (
        lambda: new.orthogonal(linear(), use_trivialization=False),
        "parametrizations.weight.original",
        {},
    ),
    "own": (with_own_parametrization, "parametrizations.weight.original", {"*.scale": "ones"}),
    "pruning": (
        lambda: prune.l1_unstructured(linear(), "weight", amount=0.5),
        "weight_orig",
        {},
    ),
    "pruning of a spectral norm": (
        lambda: prune.l1_unstructured(nn.utils.spectral_norm(linear()), "weight_orig", amount=0.5),
        "weight_orig_orig",
        {},
    ),
}


@pytest.mark.parametrize("name", SINGLE_ORIGINALS)
def test_an_original_is_drawn_as_what_it_replaces(name):
    """Protects the seeds and fans of parametrized layers, and their manifests."""
    make, original, parameters = SINGLE_ORIGINALS[name]
    module = nn.ModuleDict({"layer": make()})
    init_(module, seed=1, parameters=parameters)
    found = dict(module.named_parameters())[f"layer.{original}"]
    assert same_bits(values(found), plain_weight())
    pinned = pyinit.torch.create_manifest(module, seed=1, parameters=parameters)
    assert f"layer.{original}" in [tensor.name for tensor in pinned.tensors]
    assert pyinit.verify(pinned, module)
    init_(module, seed=1, parameters={**parameters, f"*{original}": "ones"})
    assert (found == 1).all()


@pytest.mark.parametrize("name", [*SINGLE_ORIGINALS, *WEIGHT_NORMS])
def test_computed_tensors_are_refused(name):
    """Protects against a fill that the next call would undo: the error names the originals."""
    make, original = {**SINGLE_ORIGINALS, **WEIGHT_NORMS}[name][:2]
    module = nn.ModuleDict({"layer": make()})
    message = rf"layer\.weight is computed from layer\.{original}"
    for key in ("layer.weight", "*.weight"):
        for initializer in ("ones", None):
            with pytest.raises(ValueError, match=message):
                init_(module, seed=1, parameters={key: initializer})
    if "old" not in name and "pruning" not in name:
        with pytest.raises(ValueError, match=r"computed from other tensors .*parametrizations"):
            init_(module["layer"].weight)


@pytest.mark.parametrize("name", WEIGHT_NORMS)
def test_weight_norms_need_an_initializer_of_the_norm(name):
    """Protects the direction, drawn as the weight; the error shows the line for the norm."""
    make, norm = WEIGHT_NORMS[name]
    module = nn.ModuleDict({"layer": make()})
    own = norm.rpartition(".")[2]
    with pytest.raises(ValueError, match=rf'layer\.{norm}: (?s:.*){{"\*{own}": "ones"}}'):
        init_(module, seed=1)
    init_(module, seed=1, parameters={f"*{own}": "ones"})
    direction = norm.replace("original0", "original1").replace("_g", "_v")
    found = dict(module.named_parameters())
    assert same_bits(values(found[f"layer.{direction}"]), plain_weight())
    assert (found[f"layer.{norm}"] == 1).all()


def test_recurrent_and_fused_parameters():
    """Protects the rules of a layer for its originals: gates, and a seed for each projection."""
    plain = init_(nn.ModuleDict({"a": nn.MultiheadAttention(8, 2), "b": nn.GRU(3, 4)}), seed=1)
    module = nn.ModuleDict(
        {
            "a": new.spectral_norm(nn.MultiheadAttention(8, 2), "in_proj_weight"),
            "b": new.weight_norm(nn.GRU(3, 4), "weight_ih_l0"),
        }
    )
    init_(module, seed=1, parameters={"*original0": "ones"})
    found = module["a"].parametrizations.in_proj_weight.original
    assert same_bits(values(found), values(plain["a"].in_proj_weight))
    found = module["b"].parametrizations.weight_ih_l0.original1
    assert same_bits(values(found), values(plain["b"].weight_ih_l0))


@pytest.mark.parametrize("norm", [new.spectral_norm, nn.utils.spectral_norm])
@pytest.mark.parametrize("seeded", [True, False])
def test_spectral_norms_start_converged(norm, seeded):
    """Protects evaluation right after the start: the power iteration knows the new weight."""

    def make():
        return norm(nn.Conv2d(3, 16, 3), eps=1e-12).eval()

    with torch.device("meta"):
        module = make()
    arguments = {"seed": 1} if seeded else {"initializer": pyinit.HeNormal(seed=3)}
    module = init_(module.to_empty(device="cpu"), **arguments)
    again = init_(make(), **arguments)
    assert all(
        torch.equal(one, other)
        for one, other in zip(module.buffers(), again.buffers(), strict=True)
    )
    inputs = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 3, 5, 5)).astype("f"))
    with torch.no_grad():
        assert torch.equal(module(inputs), again(inputs))
        assert 0.98 < torch.linalg.matrix_norm(module.weight.flatten(1), 2) < 1.1


def test_a_spectral_norm_after_another_parametrization():
    """Protects the power iteration of a norm that does not see the original."""
    module = new.spectral_norm(new.weight_norm(nn.Linear(16, 16))).eval()
    init_(module, seed=1, parameters={"*original0": "ones"})
    assert 0.9 < torch.linalg.matrix_norm(module.weight.detach(), 2) < 1.1


def test_spectral_norms_that_stay():
    """Protects pretrained layers: None keeps the vectors of the power iteration, too."""
    module = nn.ModuleDict({"kept": new.spectral_norm(linear()), "drawn": linear()})
    before = {name: tensor.clone() for name, tensor in module["kept"].state_dict().items()}
    init_(module, seed=1, parameters={"kept.*": None})
    after = module["kept"].state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_vector_with_the_old_spectral_norm():
    """Protects the norm of a parameter of rank 1."""
    module = nn.utils.spectral_norm(nn.LayerNorm(4)).eval()
    output = init_(module, seed=1)(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    assert torch.allclose(module.weight, torch.full((4,), 0.5))
    assert output.isfinite().all()


def test_random_buffers_of_torch():
    """Protects orthogonal parametrizations, whose base is as random as the weight was."""
    module = nn.ModuleDict({"layer": new.orthogonal(nn.Linear(4, 4))})
    base = module["layer"].parametrizations.weight[0].base
    before = base.clone()
    with pytest.raises(ValueError, match=r'weight\.0\.base: .*{"\*\.base": "orthogonal"}'):
        init_(module, seed=1)
    init_(module, seed=1, parameters={"*.base": None})
    assert torch.equal(base, before)
    weights = []
    for _ in range(2):
        module = nn.ModuleDict({"layer": new.orthogonal(nn.Linear(4, 4))})
        init_(module, seed=1, parameters={"*.base": "orthogonal"})
        weights.append(module["layer"].weight.detach())
    assert torch.equal(*weights)
    assert torch.allclose(weights[0] @ weights[0].t(), torch.eye(4), atol=1e-5)


def quantized(module):
    return torch.ao.quantization.quantize_dynamic(module)


def for_mkldnn(module):
    from torch.utils import mkldnn

    return mkldnn.to_mkldnn(module.eval())


def frozen(module):
    return torch.jit.freeze(torch.jit.script(module.eval()))


PACKED = {
    "frozen": (lambda: frozen(nn.Linear(2, 2)), "RecursiveScriptModule: "),
    "linear": (lambda: quantized(nn.Sequential(nn.Linear(2, 2))), r"0\._packed_params: "),
    "lstm": (lambda: quantized(nn.Sequential(nn.LSTM(2, 2))), r"0\._all_weight_values\.0: "),
    "lstm cell": (lambda: quantized(nn.Sequential(nn.LSTMCell(2, 2))), "0: "),
    "convolution": (lambda: torch.ao.nn.quantized.Conv2d(2, 2, 1), "Conv2d: "),
    "embedding": (lambda: torch.ao.nn.quantized.Embedding(2, 2), "_packed_params: "),
    "prelu": (lambda: torch.ao.nn.quantized.PReLU(1.0, 0), "PReLU: "),
    "mkldnn": (lambda: for_mkldnn(nn.Sequential(nn.Linear(2, 2))), "0: "),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_modules_are_refused(name):
    """Protects against a call that changes nothing: packed weights are no parameters."""
    make, message = PACKED[name]
    module = make()
    with pytest.raises(ValueError, match=message + "its weights are packed"):
        init_(module, seed=1)
    with pytest.raises(ValueError, match=message + "its weights are packed"):
        pyinit.create_manifest(module, seed=1)
