"""Patterns of names in the argument `parameters`."""

import numpy as np
import pytest

import pyinit
from tests.support import same_bits
from tests.support.torch_values import all_values, values

torch = pytest.importorskip("torch")

import pyinit.torch  # noqa: E402
from pyinit.torch import init_  # noqa: E402

pytestmark = pytest.mark.backends
nn = torch.nn


class Experts(nn.Module):
    """Experts as users write them, with parameters of their own."""

    def __init__(self):
        super().__init__()
        for name in ("w1", "w2", "w3"):
            self.register_parameter(name, nn.Parameter(torch.zeros(4, 3)))
        self.scale = nn.Parameter(torch.zeros(3))


def model():
    return nn.ModuleDict(
        {
            "experts": Experts(),
            "mlp": nn.ModuleDict({"experts": Experts()}),
            "norm": nn.LayerNorm(3),
        }
    )


def test_one_line_for_own_modules():
    """Protects the patterns that the help shows, and seeds, which follow names, not patterns."""
    parameters = {"*experts.w[13]": "he_normal", "*experts.w2": "zeros", "*.scale": "ones"}
    module = init_(model(), seed=1, parameters=parameters)
    got = all_values(module)
    for name in ("experts.w1", "experts.w3", "mlp.experts.w1", "mlp.experts.w3"):
        expected = pyinit.HeNormal(pyinit.derive_seed(1, name))((3, 4)).T
        assert same_bits(got[name], expected)
    assert not got["experts.w2"].any()
    assert (got["mlp.experts.scale"] == 1).all()
    pinned = pyinit.torch.create_manifest(module, seed=1, parameters=parameters)
    assert pyinit.verify(pinned, module)


def test_precedence():
    """Protects the order: a name, then the last pattern that matches."""
    constants = {"*": 1.0, "experts.*": 2.0, "experts.w1": 3.0, "*w[12]": 4.0, "norm.bias": None}
    parameters = {key: value and pyinit.Constant(value) for key, value in constants.items()}
    module = model()
    module["norm"].bias.data.fill_(7)
    got = {
        name: found.item(0)
        for name, found in all_values(init_(module, parameters=parameters)).items()
    }
    assert got == {
        "experts.w1": 3,
        "experts.w2": 4,
        "experts.w3": 2,
        "experts.scale": 2,
        "mlp.experts.w1": 4,
        "mlp.experts.w2": 4,
        "mlp.experts.w3": 1,
        "mlp.experts.scale": 1,
        "norm.weight": 1,
        "norm.bias": 7,
    }


def test_a_name_with_the_characters_of_a_pattern():
    """Protects names such as `a[1].weight`, which as a pattern would match another name."""
    module = nn.ModuleDict({"a[1]": nn.Linear(2, 2), "a1": nn.Linear(2, 2)})
    init_(module, seed=1, parameters={"a[1].weight": "ones"})
    assert (module["a[1]"].weight == 1).all()
    assert not (module["a1"].weight == 1).any()


def test_constants_of_a_layer_stay():
    """Protects padding rows and forget gates from a pattern for all weights."""
    module = nn.ModuleDict({"tokens": nn.Embedding(4, 2, padding_idx=1), "lstm": nn.LSTM(2, 3)})
    init_(module, seed=1, parameters={"*": "ones"})
    assert values(module["tokens"].weight)[:, 0].tolist() == [1, 0, 1, 1]
    assert (module["lstm"].bias_ih_l0 == 1).all()


def test_the_initializers_own_axes():
    """Protects `input_axes` and `output_axes` of the user, in the drawn order of axes."""
    module = nn.ParameterDict({"experts": nn.Parameter(torch.zeros(8, 5, 3))})
    ours = pyinit.GlorotUniform(seed=1, input_axes=[1], output_axes=[2])
    init_(module, parameters={"experts": ours})
    # (outputs, inputs, *kernel) is drawn as (*kernel, inputs, outputs)
    assert same_bits(values(module["experts"]), ours((3, 5, 8)).transpose(2, 1, 0).copy())


REFUSED = {
    "a typing error": ({"norm.wieght": "ones"}, r"'norm\.wieght' \(similar: norm\.weight, "),
    "no match": ({"*": "ones", "*.experts.v?": "ones"}, r"matches '\*\.experts\.v\?'"),
    "another case": ({"NORM.*": "ones"}, r"matches 'NORM\.\*'"),
    "no dictionary": (["norm.weight"], "None or a dictionary"),
    "a key that is no string": ({1: "ones"}, "None or a dictionary"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_invalid_patterns(case):
    """Protects against typing errors, which would leave a parameter as it is."""
    parameters, message = REFUSED[case]
    module = model()
    with pytest.raises(ValueError, match=rf"Argument `parameters` must be .*{message}"):
        init_(module, seed=1, parameters=parameters)
    assert not values(module["experts"].w1).any()
    with pytest.raises(ValueError, match=r"Argument `parameters\['\*'\]`"):
        init_(module, seed=1, parameters={"*": "nope"})


class GPT2Block(nn.Module):
    """A block with the names of GPT-2's parameters, and one head."""

    def __init__(self, width):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.ModuleDict(
            {"c_attn": nn.Linear(width, 3 * width), "c_proj": nn.Linear(width, width)}
        )
        self.mlp = nn.ModuleDict(
            {"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)}
        )

    def forward(self, x):
        """Add attention and the MLP to the residual stream."""
        query, key, value = self.attn["c_attn"](self.ln_1(x)).chunk(3, -1)
        attended = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.attn["c_proj"](attended)
        hidden = nn.functional.gelu(self.mlp["c_fc"](self.ln_2(x)))
        return x + self.mlp["c_proj"](hidden)


class GPT2(nn.Module):
    """A small GPT-2 with its names and its tied embedding."""

    def __init__(self, layers, width=32):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(101, width), nn.Embedding(16, width)
        self.h = nn.ModuleList([GPT2Block(width) for _ in range(layers)])
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, 101, bias=False)
        self.lm_head.weight = self.wte.weight

    def residual_stream(self, tokens):
        """Return the residual stream before the first block, and after the last one."""
        first = x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[-1]))
        for block in self.h:
            x = block(x)
        return first, x

    def forward(self, tokens):
        """Return the logits."""
        return self.lm_head(self.ln_f(self.residual_stream(tokens)[1]))


def depth_scaled(layers):
    """Return a model that starts as docs/torch.md shows, and its two initializers."""
    model = GPT2(layers)
    normal = pyinit.RandomNormal(stddev=0.02)
    residual = pyinit.RandomNormal(stddev=0.02 / (2 * layers) ** 0.5)
    init_(model, normal, seed=42, parameters={"*.c_proj.weight": residual})
    return model, normal, residual


@pytest.mark.parametrize("layers", [2, 8])
def test_depth_scaled_residuals(layers):
    """Protects the recipe of docs/torch.md: the values of every parameter of a GPT-2."""
    model, normal, residual = depth_scaled(layers)
    parameters = all_values(model)
    assert sum(name.endswith("c_proj.weight") for name in parameters) == 2 * layers
    for name, found in parameters.items():
        if name.endswith("bias"):
            assert not found.any()
        elif "ln_" in name:
            assert (found == 1).all()
        else:
            initializer = residual if name.endswith("c_proj.weight") else normal
            drawn = initializer.with_seed(pyinit.derive_seed(42, name))
            is_embedding = name in ("wte.weight", "wpe.weight")
            expected = drawn(found.shape) if is_embedding else drawn(found.shape[::-1]).T
            assert same_bits(found, np.ascontiguousarray(expected))


def test_the_residual_stream_does_not_grow_with_depth():
    """Protects what the recipe is for: all blocks together add as much, however many there are."""
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 101, (8, 16)))
    added = []
    for layers in (2, 32):
        model, *_ = depth_scaled(layers)
        with torch.no_grad():
            first, last = model.residual_stream(tokens)
            assert model(tokens).isfinite().all()
        added.append(float((last - first).std()))
    assert 0.8 < added[1] / added[0] < 1.25


def test_depth_scaled_residuals_of_torchs_transformer():
    """Protects the recipe's patterns for torch's own encoder layers."""
    layer = nn.TransformerEncoderLayer(32, 4, 64)
    module = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    residual = pyinit.RandomNormal(stddev=0.02 / 6**0.5)
    parameters = {"*.out_proj.weight": residual, "*.linear2.weight": residual}
    init_(module, pyinit.RandomNormal(stddev=0.02), seed=42, parameters=parameters)
    for name, found in all_values(module).items():
        if name.endswith(("out_proj.weight", "linear2.weight")):
            assert abs(found.std() / residual.stddev - 1) < 0.1
        elif name.endswith(("in_proj_weight", "linear1.weight")):
            assert abs(found.std() / 0.02 - 1) < 0.1
