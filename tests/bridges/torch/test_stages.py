"""Parts of a model, such as pipeline stages: they get the weights of the whole model."""

import copy

import pytest

import pyinit
from pyinit.manifests.writing import as_text, tensor_entry
from tests.support import run_program, same_bits
from tests.support.torch_values import values

torch = pytest.importorskip("torch")

import pyinit.torch  # noqa: E402
from pyinit.torch import init_  # noqa: E402
from tests.support.torch_models import Block, Model, on_meta  # noqa: E402

pytestmark = [
    pytest.mark.backends,
    # torch's own: the export of a model to split it
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
]
nn = torch.nn


@pytest.fixture(scope="module")
def whole():
    return {name: values(each) for name, each in init_(Model(), seed=42).state_dict().items()}


def assert_part(stage, whole, whole_name):
    state = stage.state_dict()
    assert state
    for name, tensor in state.items():
        assert same_bits(values(tensor), whole[whole_name(name)]), name


def test_prefix(whole):
    """Protects stages that are one module of the model: no stage repeats another one."""
    stages = [init_(Block(), seed=42, prefix=f"layers.{i}.") for i in range(4)]
    for i, stage in enumerate(stages):
        assert_part(stage, whole, lambda name, i=i: f"layers.{i}.{name}")
    assert not torch.equal(stages[0].linear.weight, stages[1].linear.weight)
    init_(stages[0], seed=42, prefix="")
    assert same_bits(values(stages[0].linear.weight), values(init_(Block(), seed=42).linear.weight))


RENAMED = {
    "submodules": {"0": "layers.2", "1": "layers.3", "2": "norm", "3": "activation"},
    "tensors": {
        **{f"{i}.{name}": f"layers.{i + 2}.{name}" for i in range(2)
           for name in Block().state_dict()},
        "2": "norm",
    },
    "a function": lambda name: (
        name.replace("2.", "norm.", 1)
        if name.startswith("2.")
        else f"layers.{int(name[0]) + 2}{name[1:]}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", RENAMED)
def test_names(kind, whole):
    """Protects stages whose modules have other numbers than in the model."""
    stage = nn.ModuleList([Block(), Block(), nn.BatchNorm1d(4), nn.ReLU()])
    names = RENAMED[kind]
    rename = names if callable(names) else RENAMED["a function"]
    assert_part(init_(stage, seed=42, names=names), whole, rename)


def test_unnamed_modules_keep_their_names(whole):
    """Protects stages of which some modules have the names of the model; the longest key counts."""
    stage = nn.ModuleDict({"layers": nn.ModuleList([Block()]), "norm": nn.BatchNorm1d(4)})
    names = {"layers": "layers", "layers.0": "layers.3"}
    init_(stage, seed=42, names=names)
    assert_part(stage, whole, lambda name: name.replace("layers.0", "layers.3"))
    root = init_(Block(), seed=42, names={"": "layers.1"})
    assert_part(root, whole, lambda name: f"layers.1.{name}")


def test_parts_of_the_whole_model(whole):
    """Protects stages that are cut out of a copy of the model and keep their names."""
    stage = copy.deepcopy(on_meta())
    stage.embedding, stage.layers[2], stage.layers[3] = None, None, None
    del stage.norm, stage.head
    stage = init_(stage.to_empty(device="cpu"), seed=42, parameters={"scale": None})
    stage.scale.fill_(1)
    assert_part(stage, whole, lambda name: name)


def test_patterns_match_the_names_of_the_model():
    """Protects `parameters`: one dictionary serves all stages."""
    chosen = {"layers.12.linear.weight": "ones"}
    stage = init_(Block(), seed=42, prefix="layers.12.", parameters=chosen)
    assert bool((stage.linear.weight == 1).all())
    with pytest.raises(ValueError, match=r"none that matches 'linear\.weight' \(similar: layers.1"):
        init_(Block(), seed=42, prefix="layers.12.", parameters={"linear.weight": "ones"})


def test_parametrizations_have_the_names_of_the_model():
    """Protects computed weights in stages, whose seeds come from the name of the weight."""
    normed = nn.utils.parametrizations.weight_norm

    def part():
        return normed(nn.Linear(3, 3))

    chosen = {"*original0": "ones"}
    model = init_(nn.Sequential(nn.ReLU(), part()), seed=1, parameters=chosen)
    stage = init_(part(), seed=1, prefix="1.", parameters=chosen)
    assert_part(stage, {k: values(v) for k, v in model.state_dict().items()}, lambda n: f"1.{n}")
    plain = init_(nn.Linear(3, 3), seed=1, prefix="1.")
    original = stage.parametrizations.weight.original1
    assert same_bits(values(original), values(plain.weight))


def test_manifests():
    """Protects manifests of stages: together they are the manifest of the model."""
    pinned = pyinit.create_manifest(on_meta(), seed=42)
    of_model = {tensor.name: tensor_entry(tensor) for tensor in pinned.tensors}
    stage = init_(Block(), seed=42, prefix="layers.1.")
    of_stage = pyinit.torch.create_manifest(stage, seed=42, prefix="layers.1.")
    assert len(of_stage.tensors) == len(stage.state_dict())
    assert all(of_model[tensor.name] == tensor_entry(tensor) for tensor in of_stage.tensors)
    assert as_text(
        pyinit.torch.create_manifest(on_meta(Block), seed=42, names={"": "layers.1"})
    ) == as_text(of_stage)


WRONG = [
    ({"prefix": "layers.12"}, ValueError, 'Argument `prefix` .* ends with "."'),
    ({"prefix": 12}, ValueError, "Argument `prefix`"),
    ({"prefix": "."}, ValueError, "Argument `prefix`"),
    ({"prefix": 0}, ValueError, "Argument `prefix`"),
    ({"prefix": "layers..1."}, ValueError, "Argument `prefix`"),
    ({"names": {"linear.weight": ""}}, ValueError, "a tensor has an empty name"),
    ({"prefix": "layers.1.", "names": {"linear": "x"}}, ValueError, "`names` must be None where"),
    ({"names": ["linear"]}, TypeError, "Argument `names`"),
    ({"names": {"linear": 1}}, TypeError, "Argument `names`"),
    ({"names": {"liner": "x"}}, ValueError, r"submodule 'liner' \(did you mean 'linear'"),
    ({"names": {"norm": "linear"}}, ValueError, "several tensors have the name linear.weight"),
    ({"names": lambda name: None}, ValueError, "returns a string, not None for 'attention.in_"),
    ({"names": lambda name: "same"}, ValueError, "several tensors have the name same"),
    ({"model": "model"}, TypeError, "Argument `model`"),
    ({"model": nn.Linear(4, 4)}, ValueError, "Argument `model` .*it has no attention.in_proj_we"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG)
def test_mistakes(arguments, error, message):
    """Protects users from wrong names, which would give wrong weights."""
    block = Block()
    before = copy.deepcopy(block.state_dict())
    with pytest.raises(error, match=message):
        init_(block, seed=42, **arguments)
    with pytest.raises(error, match=message):
        pyinit.torch.create_manifest(block, seed=42, **arguments)
    assert all(torch.equal(before[name], each) for name, each in block.state_dict().items())


@pytest.mark.parametrize("name", ["prefix", "names", "model"])
def test_a_tensor_has_no_place(name):
    """Protects users who pass a tensor, which has no name."""
    value = {"prefix": "a.", "names": {}, "model": nn.Linear(2, 2)}[name]
    with pytest.raises(ValueError, match=f"Argument `{name}` must be None where `target` is"):
        init_(torch.empty(2, 2), seed=1, **{name: value})


def test_stages_of_a_pipeline():
    """Protects stages of torch.distributed.pipelining, on real processes."""
    run_program("torch_pipeline.py")


def test_tied_weights():
    """Protects weights that the model ties: a stage has the one value, under the first name."""
    meta, pinned = on_meta(), pyinit.create_manifest(on_meta(), seed=42)
    stage = nn.ModuleDict({"head": nn.Linear(4, 10, bias=False)})
    init_(stage, seed=42, model=meta)
    plain = init_(Model(), seed=42)
    assert torch.equal(stage.head.weight, plain.head.weight)
    assert pyinit.torch.verify_stage(pinned, stage, model=meta)
    # without the model, the head is a layer of its own
    [difference] = pyinit.torch.verify_stage(pinned, stage).differences
    assert (difference.name, difference.reason) == ("head.weight", "it is not in the manifest")
    # to_empty() unties
    emptied = on_meta().to_empty(device="cpu")
    chosen = {"scale": "ones"}
    with pytest.raises(ValueError, match=r"ties head\.weight to embedding\.weight, but"):
        init_(emptied, seed=42, model=meta, parameters=chosen)
    emptied.head.weight = emptied.embedding.weight
    assert pyinit.verify(pinned, init_(emptied, seed=42, model=meta, parameters=chosen))


def test_tied_weights_of_transformers():
    """Protects models of transformers, which keep the names of their tied weights."""

    class Causal(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = Model()
            self.all_tied_weights_keys = {"model.head.weight": "model.embedding.weight"}

    wrapped = nn.Sequential(torch.compile(on_meta(Causal)))
    pinned = pyinit.create_manifest(wrapped, seed=42)
    wrapped.to_empty(device="cpu")
    chosen = {"*scale": "ones"}
    reason = r"0\.model\.head\.weight: all_tied_weights_keys of Causal ties it to 0\.model"
    for call in (init_, pyinit.torch.create_manifest):
        with pytest.raises(ValueError, match=reason):
            call(wrapped, seed=42, parameters=chosen)
    assert not pyinit.verify(pinned, wrapped)
    inner = wrapped[0].model
    inner.head.weight = inner.embedding.weight
    assert pyinit.verify(pinned, init_(wrapped, seed=42, parameters=chosen))
    # stages with one of the two
    for name in ("embedding", "head"):
        stage = copy.deepcopy(wrapped)
        setattr(stage[0].model, name, None)
        init_(stage, seed=42, parameters=chosen)


def test_shared_buffers_need_not_stay_shared():
    """Protects modules that share a mask, which to_empty() makes one mask each."""

    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 2)
            self.mask = nn.Module()
            self.register_buffer("own", torch.ones(2))
            self.mask.register_buffer("own", self.own)

    emptied = on_meta(Masked).to_empty(device="cpu")
    init_(emptied, seed=42, model=on_meta(Masked), parameters={"own": "ones"})
    assert bool((emptied.mask.own == 1).all())
    assert bool((emptied.own == 1).all())


def test_the_model_decides_how_its_parts_are_drawn():
    """Protects stages whose layers a split has replaced, and the shapes of their weights."""
    meta = on_meta()
    replaced = nn.Module()
    replaced.embedding = nn.Module()
    replaced.embedding.weight = nn.Parameter(torch.empty(10, 4))
    with pytest.raises(ValueError, match="Module is not one of torch's own layers"):
        init_(replaced, seed=42)
    init_(replaced, seed=42, model=meta)
    assert torch.equal(replaced.embedding.weight, init_(Model(), seed=42).embedding.weight)
    replaced.embedding.weight = nn.Parameter(torch.empty(10, 5))
    with pytest.raises(ValueError, match=r"its shape is \[10, 5\], but \[10, 4\] in `model`"):
        init_(replaced, seed=42, model=meta)


def test_verification_of_a_stage():
    """Protects the comparison of a stage with the manifest of the model, and its report."""
    pinned = pyinit.create_manifest(on_meta(), seed=42)
    stage = init_(Block(), seed=42, prefix="layers.1.")
    found = pyinit.torch.verify_stage(pinned, stage, prefix="layers.1.")
    assert found
    assert found.checked == len(stage.state_dict())
    assert len(found.not_compared) == len(pinned.tensors) - found.checked
    assert "Not compared, since the module does not have them: embedding.weight, l" in repr(found)
    assert pyinit.torch.verify_stage(pinned, stage, names={"": "layers.1"}) == found
    # another stage, and one that lacks a part
    differences = pyinit.torch.verify_stage(pinned, stage, prefix="layers.2.").differences
    assert differences
    assert all(each.name.startswith("layers.2.") for each in differences)
    del stage.norm
    differences = pyinit.torch.verify_stage(pinned, stage, prefix="layers.1.").differences
    assert [(each.name, each.reason) for each in differences] == [
        ("layers.1.norm.weight", "it is missing"),
        ("layers.1.norm.bias", "it is missing"),
    ]
    with pytest.raises(TypeError, match="Argument `stage` must be a torch module"):
        pyinit.torch.verify_stage(pinned, stage.state_dict(), prefix="layers.1.")
