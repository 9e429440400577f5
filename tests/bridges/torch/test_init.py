"""torch tensors and modules, filled in place."""

import copy
import doctest

import keras
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


def weights_of(layer, *inputs) -> list[np.ndarray]:
    """Return the weights of a Keras layer, which a call builds."""
    layer(*inputs)
    return [keras.ops.convert_to_numpy(weight) for weight in layer.weights]


# The same weights as in Keras' layers


def as_keras(weight) -> np.ndarray:
    """Return a weight of torch in Keras' order of axes."""
    rank = weight.dim()
    return values(weight).transpose(*range(2, rank), 1, 0)


@pytest.mark.parametrize("initializer", [None, "he_normal", "orthogonal"])
def test_linear_gets_what_dense_gets(initializer):
    """Protects the layout (out, in) and the fans."""
    ours = pyinit.get(initializer or "glorot_uniform").clone()
    ours = type(ours).from_config({**ours.get_config(), "seed": 5})
    kernel, bias = weights_of(keras.layers.Dense(7, kernel_initializer=ours), np.zeros((1, 4)))
    linear = init_(nn.Linear(4, 7), ours)
    assert same_bits(as_keras(linear.weight), kernel)
    assert same_bits(values(linear.bias), bias)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("transposed", [False, True])
def test_convolutions_get_what_keras_convolutions_get(rank, transposed):
    """Protects the layout (out, in, *kernel), in transposed convolutions (in, out, *kernel)."""
    name = f"Conv{rank}DTranspose" if transposed else f"Conv{rank}D"
    ours = pyinit.GlorotNormal(seed=5)
    layer = getattr(keras.layers, name)(6, 3, kernel_initializer=ours, data_format="channels_last")
    inputs = np.random.default_rng(0).normal(size=(2, *[5] * rank, 4)).astype(np.float32)
    kernel, bias = weights_of(layer, inputs)
    module = getattr(nn, f"ConvTranspose{rank}d" if transposed else f"Conv{rank}d")(4, 6, 3)
    assert init_(module, ours) is module
    assert same_bits(as_keras(module.weight), kernel)
    assert same_bits(values(module.bias), bias)
    with torch.no_grad():
        output = module(torch.from_numpy(np.moveaxis(inputs, -1, 1))).numpy()
    expected = keras.ops.convert_to_numpy(layer(inputs))
    np.testing.assert_allclose(np.moveaxis(output, 1, -1), expected, rtol=1e-4, atol=1e-5)


GROUPED = {
    "grouped 1d": lambda: nn.Conv1d(4, 6, 3, groups=2),
    "grouped 2d": lambda: nn.Conv2d(8, 4, (3, 2), groups=4),
    "grouped 3d": lambda: nn.Conv3d(4, 6, 2, groups=2),
    "depthwise": lambda: nn.Conv2d(6, 6, 3, groups=6),
    "depthwise with a multiplier": lambda: nn.Conv2d(6, 12, 3, groups=6),
    "grouped, transposed": lambda: nn.ConvTranspose2d(8, 6, 3, groups=2),
    "depthwise, transposed": lambda: nn.ConvTranspose1d(6, 6, 3, groups=6),
    "not grouped": lambda: nn.Conv2d(4, 6, 3),
}


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("name", GROUPED)
def test_grouped_convolutions_have_the_fans_of_a_group(name, mode):
    """Protects the scale, by torch's own fans of one group's weight."""
    module = GROUPED[name]()
    ours = pyinit.VarianceScaling(2.0, mode, "untruncated_normal", seed=5)
    init_(module, ours)
    one_group = module.weight[: module.weight.shape[0] // module.groups]
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(one_group)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    kernel = as_keras(module.weight)
    assert same_bits(kernel, pyinit.RandomNormal(0.0, (2 / fan) ** 0.5, seed=5)(kernel.shape))


def test_groups_elsewhere():
    """Protects what does not depend on fans, and Keras' values where only the inputs count."""
    layer = keras.layers.Conv2D(6, 3, groups=2, kernel_initializer=pyinit.HeUniform(seed=5))
    layer.build((None, 5, 5, 4))
    module = nn.Conv2d(4, 6, 3, groups=2)
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    assert same_bits(as_keras(init_(module, pyinit.HeUniform(seed=5)).weight), kernel)
    orthogonal = pyinit.Orthogonal(seed=5)
    assert same_bits(as_keras(init_(module, orthogonal).weight), orthogonal((3, 3, 2, 6)))
    # axes that the user gives refer to the kernel without an axis for the groups
    ours = pyinit.GlorotUniform(seed=5, input_axes=[2], output_axes=[3])
    assert same_bits(as_keras(init_(module, ours).weight), ours((3, 3, 2, 6)))


@pytest.mark.parametrize("module", [nn.Embedding(9, 4), nn.EmbeddingBag(9, 4)])
def test_embeddings_are_not_transposed(module):
    """Protects the layout of embeddings, which is Keras' own."""
    ours = pyinit.RandomUniform(seed=5)
    layer = keras.layers.Embedding(9, 4, embeddings_initializer=ours)
    (expected,) = weights_of(layer, np.zeros((1, 1), "int32"))
    assert same_bits(values(init_(module, ours).weight), expected)


def test_padding_stays_zero():
    """Protects `padding_idx`: its row is zero."""
    weight = values(init_(nn.Embedding(5, 3, padding_idx=-2), seed=1).weight)
    assert not weight[3].any()
    assert weight[[0, 1, 2, 4]].all()


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_recurrent_layers_compute_what_keras_computes(kind):
    """Protects the order of the gates, the two biases, and the forget gate's."""
    kernel, recurrent = pyinit.GlorotUniform(seed=5), pyinit.Orthogonal(seed=6)
    layer = getattr(keras.layers, kind)(
        4, kernel_initializer=kernel, recurrent_initializer=recurrent, return_sequences=True
    )
    inputs = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(layer(inputs))
    name = kind.removeprefix("Simple")
    module = getattr(nn, name)(3, 4, batch_first=True)
    init_(module, kernel, recurrent_initializer=recurrent)
    cell = init_(getattr(nn, name + "Cell")(3, 4), kernel, recurrent_initializer=recurrent)
    with torch.no_grad():
        output = module(torch.from_numpy(inputs))[0].numpy()
        first = cell(torch.from_numpy(inputs[:, 0]))
    first = first[0] if isinstance(first, tuple) else first
    np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(first.numpy(), expected[:, 0], rtol=1e-4, atol=1e-6)
    if kind != "GRU":
        built = keras.ops.convert_to_numpy(layer.cell.kernel)
        assert same_bits(as_keras(module.weight_ih_l0), built)


@pytest.mark.parametrize("sizes", [{}, {"kdim": 5, "vdim": 3}], ids=["joined", "apart"])
def test_attention_computes_what_keras_computes(sizes):
    """Protects the fans of the projections, fused in one parameter or not."""
    ours = pyinit.GlorotUniform(seed=5)
    layer = keras.layers.MultiHeadAttention(2, 4, kernel_initializer=ours)
    random = np.random.default_rng(0)
    query, key, value = (
        random.normal(size=(2, 6, size)).astype(np.float32)
        for size in (8, sizes.get("kdim", 8), sizes.get("vdim", 8))
    )
    expected = keras.ops.convert_to_numpy(layer(query, value, key))
    module = init_(nn.MultiheadAttention(8, 2, batch_first=True, **sizes), ours)
    with torch.no_grad():
        output = module(*map(torch.from_numpy, (query, key, value)))[0].numpy()
    np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-6)


def test_joined_projections_have_seeds_of_their_own():
    """Protects attention from equal projections, fused or not."""
    joined = init_(nn.ModuleDict({"a": nn.MultiheadAttention(8, 2)}), seed=1)["a"]
    apart = nn.ModuleDict({"a": nn.MultiheadAttention(8, 2, kdim=8, vdim=4)})
    # torch fuses them if all sizes are the same
    apart = init_(apart, seed=1)["a"]
    query, key, _ = np.split(values(joined.in_proj_weight), 3)
    assert same_bits(query, values(apart.q_proj_weight))
    assert same_bits(key, values(apart.k_proj_weight))
    assert not (query == key).any()


def test_bilinear_counts_both_inputs():
    """Protects the fans of a layer that Keras does not have."""
    weight = values(init_(nn.Bilinear(2, 3, 4), pyinit.HeNormal(seed=5)).weight)
    expected = pyinit.HeNormal(5, input_axes=[0, 1], output_axes=[2])((2, 3, 4))
    assert same_bits(weight.transpose(1, 2, 0), expected)


NORMS = {
    "BatchNorm2d": (4,),
    "GroupNorm": (2, 4),
    "InstanceNorm1d": (4, 1e-5, 0.1, True),
    "LayerNorm": ((2, 3),),
    "RMSNorm": (4,),
    "PReLU": (3, 0.5),
}


@pytest.mark.parametrize("name", NORMS)
def test_norms_start_as_in_torch(name):
    """Protects norms from the initializer of kernels."""
    module = getattr(nn, name)(*NORMS[name])
    expected = all_values(module)
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    got = all_values(init_(module, "he_normal", seed=1, bias_initializer="ones"))
    assert got.keys() == expected.keys()
    assert all(same_bits(got[key], expected[key]) for key in expected)


# Seeds


def model() -> torch.nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 8), nn.Linear(8, 8)
    )


def test_every_parameter_has_a_seed_derived_from_its_name():
    """Protects the names that seeds are derived from."""
    got = all_values(init_(model(), "he_normal", seed=42))
    for name, shape in {"0.weight": (3, 3, 1, 4), "3.weight": (16, 8), "4.weight": (8, 8)}.items():
        expected = pyinit.HeNormal(pyinit.derive_seed(42, name))(shape)
        order = (3, 2, 0, 1) if len(shape) == 4 else (1, 0)
        assert same_bits(got[name], np.ascontiguousarray(expected.transpose(order)))


def test_other_modules_change_nothing():
    """Protects parameters from modules that are added, removed or reordered."""
    modules = {"first": nn.Linear(4, 4), "second": nn.LSTM(4, 4), "third": nn.Linear(4, 4)}
    before = all_values(init_(nn.ModuleDict(modules), seed=42))
    modules = {"third": modules["third"], "new": nn.Linear(4, 4), "first": modules["first"]}
    after = all_values(init_(nn.ModuleDict(modules), seed=42))
    kept = [name for name in after if not name.startswith("new")]
    assert len(kept) == 4
    assert all(same_bits(after[name], before[name]) for name in kept)
    assert not (after["new.weight"] == after["first.weight"]).any()


def test_without_a_seed_parameters_differ():
    """Protects unseeded modules: layers differ, and set_random_seed() reproduces them."""
    pyinit.set_random_seed(1)
    first = all_values(init_(model()))
    second = all_values(init_(model()))
    assert not (first["3.weight"] == second["3.weight"]).any()
    pyinit.set_random_seed(1)
    assert same_bits(all_values(init_(model()))["3.weight"], first["3.weight"])
    layers = init_(nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)]), "he_normal")
    assert not (values(layers[0].weight) == values(layers[1].weight)).any()


def test_an_initializer_keeps_its_own_seed_as_in_keras_layers():
    """Protects seeded initializers and shared generators."""
    layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
    init_(layers, pyinit.HeNormal(seed=1))
    assert same_bits(values(layers[0].weight), values(layers[1].weight))
    generator = pyinit.SeedGenerator(1)
    init_(layers, pyinit.HeNormal(seed=generator))
    assert generator.state == (1, 2)
    assert not (values(layers[0].weight) == values(layers[1].weight)).any()
    assert same_bits(as_keras(layers[0].weight), pyinit.HeNormal(seed=1)((4, 4)))


def test_shared_parameters_count_once():
    """Protects tied weights."""
    module = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})
    alone = copy.deepcopy(module)
    module["b"].weight = module["a"].weight
    assert same_bits(
        values(init_(module, seed=1)["b"].weight), values(init_(alone, seed=1)["a"].weight)
    )


# Tensors


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_tensors_of_all_dtypes(dtype):
    """Protects every dtype, and the tensor's memory."""
    tensor = torch.empty(5, 4, dtype=getattr(torch, dtype))
    address = tensor.data_ptr()
    assert init_(tensor, pyinit.HeNormal(seed=1)) is tensor
    assert tensor.data_ptr() == address
    expected = pyinit.HeNormal(seed=1)((4, 5), dtype).T
    assert same_bits(values(tensor), expected)
    assert same_bits(values(init_(tensor, "he_normal", seed=1)), expected)


@pytest.mark.parametrize("rank", range(5))
def test_tensors_of_all_ranks(rank):
    """Protects the order of axes for every rank."""
    shape = (2, 3, 4, 5)[:rank]
    order = (*range(2, rank), *reversed(range(min(rank, 2))))
    tensor = init_(torch.empty(shape), pyinit.RandomNormal(seed=1))
    expected = pyinit.RandomNormal(seed=1)(tuple(shape[axis] for axis in order))
    assert same_bits(values(tensor).transpose(order), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_views_are_filled_where_they_are(dtype):
    """Protects the memory between the elements of a strided tensor."""
    whole = torch.full((6, 8), 7.0, dtype=dtype)
    init_(whole[::2, 1::3].t(), pyinit.HeNormal(seed=1))
    expected = np.full((6, 8), 7.0, values(whole).dtype)
    expected[::2, 1::3] = pyinit.HeNormal(seed=1)((3, 3), expected.dtype)
    assert same_bits(values(whole), expected)


def test_channels_last_modules():
    """Protects weights of another memory format."""
    module = nn.Conv2d(4, 6, 3)
    expected = values(init_(module, seed=1).weight).copy()
    last = init_(nn.Conv2d(4, 6, 3).to(memory_format=torch.channels_last), seed=1)
    assert np.array_equal(values(last.weight), expected)


def test_autograd_notices():
    """Protects gradients from stale weights: autograd reports the change."""
    linear = nn.Linear(3, 3)
    output = linear(torch.ones(1, 3, requires_grad=True)).sum()
    init_(linear, seed=1)
    assert linear.weight.requires_grad
    assert linear.weight.grad_fn is None
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.backward()


def test_frozen_parameters_are_drawn():
    """Protects the rule that holds for Keras' models."""
    module = nn.Linear(2, 2).requires_grad_(False)
    module.weight.fill_(0)
    assert init_(module, seed=1).weight.all()


# The user's initializers, and errors


class Own(nn.Module):
    """A module with parameters of its own."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 4))
        self.scale = nn.Parameter(torch.zeros(()))
        self.linear = nn.Linear(4, 4)


def test_parameters_of_unknown_modules_are_named():
    """Protects against omitting parameters silently."""
    module = Own()
    before = all_values(module)
    with pytest.raises(ValueError, match=r"token, scale: Own .*`parameters`"):
        init_(module, seed=1)
    assert all(same_bits(value, before[name]) for name, value in all_values(module).items())


def test_single_parameters_have_initializers_of_their_own():
    """Protects the `parameters` argument."""
    module = Own()
    ours = {"token": pyinit.RandomNormal(), "scale": None, "linear.weight": "ones"}
    init_(module, seed=1, parameters=ours)
    expected = pyinit.RandomNormal(seed=pyinit.derive_seed(1, "token"))((4, 1))
    assert same_bits(as_keras(module.token), expected)
    assert module.scale == 0
    assert (module.linear.weight == 1).all()
    module = nn.ModuleList([nn.MultiheadAttention(4, 1), nn.LayerNorm(3)])
    init_(module, seed=1, parameters={"0.in_proj_weight": "ones", "1.weight": "zeros"})
    assert (module[0].in_proj_weight == 1).all()
    assert (module[1].weight == 0).all()
    with pytest.raises(ValueError, match=r"Argument `parameters` .*'nope'"):
        init_(module, seed=1, parameters={"nope": "ones"})


def test_functions_draw_without_a_seed_only():
    """Protects the guarantee that a seed determines all values."""

    def fives(shape, dtype=None):
        return np.full(shape, 5, dtype)

    assert (init_(nn.Linear(2, 3), fives).weight == 5).all()
    with pytest.raises(ValueError, match=r"weight: its initializer, .*fives, takes no seed"):
        init_(nn.Linear(2, 3), fives, seed=1)
    fives.__module__ = None  # as in a namespace of exec()
    with pytest.raises(ValueError, match=r"weight: its initializer, .*fives, takes no seed"):
        init_(nn.Linear(2, 3), fives, seed=1)
    assert (init_(nn.Linear(2, 3), np.full((2, 3), 5.0), seed=1).weight == 5).all()


REFUSED = {
    "of integers": (lambda: torch.zeros(2, 2, dtype=torch.int32), "torch.int32"),
    "complex": (lambda: torch.zeros(2, 2, dtype=torch.complex64), "torch.complex64"),
    "meta": (lambda: torch.zeros(2, 2, device="meta"), "to_empty"),
    "expanded": (lambda: torch.zeros(1, 2).expand(3, 2), "expand"),
    "sparse": (lambda: torch.zeros(2, 2).to_sparse(), "torch.sparse_coo"),
    "negated": (lambda: torch.zeros(2, 2, dtype=torch.complex64).conj().imag, "negates"),
    "lazy": (lambda: nn.LazyLinear(3).weight, "call the module"),
    "of rank 1": (lambda: torch.zeros(2), "rank 2 or more for Orthogonal"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_tensors_that_cannot_be_filled_are_refused(name):
    """Protects the errors."""
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=rf"Argument `target` (?s:.*){message}"):
        init_(make(), "orthogonal")


def test_all_problems_of_a_module_are_named():
    """Protects the errors of modules; nothing is changed."""
    module = nn.Sequential(nn.Linear(2, 2), nn.LazyLinear(3), nn.Linear(2, 2, device="meta"))
    before = values(module[0].weight).copy()
    with pytest.raises(ValueError, match=r"1\.weight, 1\.bias: (?s:.*)2\.weight, 2\.bias: "):
        init_(module, seed=1)
    assert same_bits(values(module[0].weight), before)
    with pytest.raises(ValueError, match=r"0\.bias: .*rank 2"):
        init_(nn.Sequential(nn.Linear(2, 2)), bias_initializer="orthogonal")
    weight_norm = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"parametrizations\.weight\.original0"):
        init_(weight_norm, seed=1)


def test_other_arguments_are_refused():
    """Protects the errors of arguments."""
    with pytest.raises(TypeError, match="Argument `target`"):
        init_(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="Argument `seed`"):
        init_(torch.zeros(2, 2), seed=1.5)
    with pytest.raises(ValueError, match="Argument `initializer`"):
        init_(torch.zeros(2, 2), "nope")
    with pytest.raises(ValueError, match="Argument `bias_initializer`"):
        init_(torch.zeros(2, 2), bias_initializer="zeros")


def test_whole_transformers():
    """Protects torch's own models: every parameter is known."""
    first, second = (nn.Transformer(8, 2, 1, 1, 16, batch_first=True) for _ in range(2))
    init_(first, seed=1)
    init_(second, seed=1)
    pairs = zip(all_values(first).values(), all_values(second).values(), strict=True)
    assert all(same_bits(one, other) for one, other in pairs)
    init_(nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10]), seed=1)
    init_(nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2), seed=1)
    init_(nn.MultiheadAttention(8, 2, add_bias_kv=True), seed=1)


def test_the_example_runs():
    """Protects the docstring, whose example needs torch."""
    from pyinit.bridges.torch import init

    results = doctest.testmod(init)
    assert results.attempted
    assert not results.failed


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_dirac_is_that_of_torch(groups):
    """Protects users of torch.nn.init.dirac_: the same values."""
    for shape in ((8, 3, 5), (4, 4, 3, 2), (8, 2, 3, 4, 5)):
        theirs = torch.nn.init.dirac_(torch.empty(shape), groups)
        ours = init_(torch.empty(shape), pyinit.Dirac(groups))
        assert torch.equal(ours, theirs)


def test_bounds_of_trunc_normal_are_converted():
    """Protects the documented conversion: torch's bounds are values, ours standard deviations."""
    mean, std, a, b = 0.5, 0.2, 0.3, 1.2
    theirs = nn.init.trunc_normal_(torch.empty(200_000), mean, std, a, b)
    ours = init_(
        torch.empty(200_000),
        pyinit.TruncatedNormal(mean, std, 1, lower=(a - mean) / std, upper=(b - mean) / std),
    )
    for statistic in (torch.mean, torch.std):
        assert abs(statistic(ours) - statistic(theirs)) < 0.003
    assert a <= ours.min() < a + 0.001
    assert b - 0.02 < ours.max() <= b


class Experts(nn.Module):
    """A user's module with stacked weights."""

    def __init__(self):
        super().__init__()
        # (experts, outputs, inputs), and (experts, inputs, outputs)
        self.up = nn.Parameter(torch.empty(3, 16, 8))
        self.down = nn.Parameter(torch.empty(3, 16, 8))
        self.conv = nn.Parameter(torch.empty(2, 3, 6, 4, 5, 7))
        self.last = nn.Parameter(torch.empty(16, 8, 3))


def of_experts():
    return {
        "up": pyinit.HeNormal(batch_axes=0),
        "down": pyinit.HeNormal(input_axes=[1], output_axes=[2], batch_axes=0),
        "conv": pyinit.Orthogonal(2.0, batch_axes=(0, 1)),
        "last": pyinit.Orthogonal(batch_axes=-1),
    }


def test_stacks_have_the_members_of_one():
    """Protects stacked weights: batch axes are those of torch's tensor, each member a kernel."""
    module = init_(Experts(), seed=1, parameters=of_experts())
    seeds = {name: pyinit.derive_seed(1, name) for name in of_experts()}
    up = pyinit.HeNormal(seeds["up"], batch_axes=0)((3, 8, 16))
    assert same_bits(values(module.up), up.transpose(0, 2, 1))
    down = pyinit.HeNormal(seeds["down"], batch_axes=0)((3, 16, 8))
    assert same_bits(values(module.down), down)
    conv = pyinit.Orthogonal(2.0, seeds["conv"], (0, 1))((2, 3, 5, 7, 4, 6))
    assert same_bits(values(module.conv), conv.transpose(0, 1, 5, 4, 2, 3))
    last = pyinit.Orthogonal(1, seeds["last"], 0)((3, 8, 16))
    assert same_bits(values(module.last), last.transpose(2, 1, 0))
    manifest = pyinit.torch.create_manifest(module, seed=1, parameters=of_experts())
    assert pyinit.verify(manifest, module)
    single = init_(torch.empty(3, 16, 8), pyinit.HeNormal(seeds["up"], batch_axes=0))
    assert same_bits(values(single), values(module.up))


def test_stacks_that_are_none():
    """Protects against batch axes of a weight that has a layout of its own."""
    initializer = pyinit.HeNormal(seed=1, batch_axes=0)
    with pytest.raises(ValueError, match=r"weight: .*batch_axes=\[0\], but it is not a stack"):
        init_(nn.Bilinear(2, 3, 4), initializer)
    for layer in (nn.GRU(3, 4), nn.LSTM(4, 4), nn.LSTMCell(4, 4), nn.RNN(3, 4)):
        with pytest.raises(ValueError, match=r"weight_ih.*: .*batch_axes=\[0\], but it is not"):
            init_(layer, initializer)
    with pytest.raises(ValueError, match=r"in_proj_weight.*: .*batch_axes=\[0\], but it is not"):
        init_(nn.MultiheadAttention(4, 2), initializer)
    with pytest.raises(ValueError, match=r"`batch_axes` must be axes of shape=\(3, 2\)"):
        init_(torch.empty(3, 2), pyinit.HeNormal(seed=1, batch_axes=2))
