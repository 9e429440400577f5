"""Manifests: round trips, plans, validation, limits, shards and parallel execution."""

import inspect
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import pyinit
from pyinit.initializers import chunking
from pyinit.initializers.registry import CLASSES
from pyinit.manifests import parallel, reading
from pyinit.manifests.model import DifferenceError, ManifestError, readable_size
from pyinit.manifests.reading import load_json, parse_manifest
from pyinit.manifests.shards import as_shard, assign_shards
from pyinit.manifests.writing import as_text
from pyinit.reproducibility.json_config import from_json_config, to_json_config
from pyinit.runtime import cgroups, memory
from tests.support import DATA
from tests.support.mutations import mutations_of

PLAN = [
    {"name": "kernel", "shape": [4, 3], "initializer": "he_normal"},
    {"name": "bias", "shape": [3], "initializer": "zeros"},
]
#: Every class, with arguments other than the defaults.
EVERY = [
    pyinit.Constant(0.1),
    pyinit.Constant(float("-inf")),
    pyinit.Constant(True),
    pyinit.Constant([[1.5], [-0.0], [float("nan")], [2.0]]),
    pyinit.Zeros(),
    pyinit.Ones(),
    pyinit.Identity(1.5),
    pyinit.STFT("imag", [1.0, 2.0, 1.0, 0.5], None, True),
    pyinit.STFT(),
    pyinit.RandomNormal(0.1, 2, 2**64 - 1),
    pyinit.RandomUniform(-1, 1, -(2**63)),
    pyinit.TruncatedNormal(0.1, 2, 3),
    pyinit.TruncatedNormal(0.1, 2, 3, -1, 3.5),
    pyinit.TruncatedNormal(0.1, 2, 3, float("-inf"), float("inf")),
    pyinit.VarianceScaling(2, "fan_avg", "untruncated_normal", 3, [0], [-1]),
    pyinit.GlorotNormal(3, [0], [1]),
    pyinit.GlorotUniform(3),
    pyinit.HeNormal(3),
    pyinit.HeUniform(3),
    pyinit.LecunNormal(3),
    pyinit.LecunUniform(3),
    pyinit.LecunUniform(3, batch_axes=[1]),
    pyinit.VarianceScaling(2, "fan_geo_avg", seed=3),
    pyinit.Orthogonal(1.5, 3),
    pyinit.Orthogonal(1.5, 3, [-2]),
    pyinit.DeltaOrthogonal(1.5, 3),
    pyinit.Dirac(2),
]


def pinned():
    """Return a small manifest."""
    return pyinit.create_manifest(PLAN, seed=42)


def document():
    """Return a small manifest as a JSON document."""
    return json.loads(as_text(pinned()))


def shape_of(initializer):
    if isinstance(initializer, pyinit.STFT | pyinit.DeltaOrthogonal | pyinit.Dirac):
        return (4, 1, 4)
    return (4, 3) if getattr(initializer, "batch_axes", None) is None else (4, 1, 3)


# ---- round trips ----


def test_long_results_are_shortened():
    """Protects terminals and notebooks: of a large model, the first lines are shown."""
    plan = {"seed": 42, "tensors": [PLAN[1] | {"name": f"b{k}"} for k in range(30)]}
    lines = repr(pyinit.create_manifest(plan)).splitlines()
    assert lines[0] == "Manifest of 30 tensors, 360 bytes, seed 42:"
    assert lines[1] == "  b0 [3] float32, Zeros"
    assert lines[20:] == ["  b19 [3] float32, Zeros", "  ... (10 more)"]
    found = pyinit.verify(pyinit.create_manifest(plan), {})
    lines = repr(found).splitlines()
    assert lines[0] == "DIFFERENT: 30 differences; checked 30 tensors, 360 bytes:"
    assert lines[20:] == ["  b19: it is missing", "  ... (10 more)"]
    assert repr(pyinit.create_manifest([])) == "Manifest of 0 tensors, 0 bytes."


def test_the_file_is_the_same_everywhere():
    """The text of a manifest is the same everywhere, to the byte."""
    expected = (DATA / "manifest.json").read_text()
    assert as_text(pinned()) == expected
    assert as_text(parse_manifest(load_json(expected))) == expected


@pytest.mark.parametrize("initializer", EVERY, ids=repr)
def test_round_trips(initializer, tmp_path):
    """Every class with every kind of argument is restored, and valid under the schema."""
    plan = [{"name": "x", "shape": shape_of(initializer), "initializer": initializer}]
    made = pyinit.create_manifest(plan)
    pyinit.write_manifest(made, tmp_path / "m.json")
    again = pyinit.read_manifest(tmp_path / "m.json")
    assert as_text(again) == as_text(made)
    assert to_json_config(again.tensors[0].segments[0].initializer) == to_json_config(initializer)
    assert again.tensors[0].fingerprint == pyinit.fingerprint(initializer, shape_of(initializer))
    assert pyinit.verify(again)


def test_every_class_is_tested():
    """The list above is complete."""
    assert {type(initializer) for initializer in EVERY} == set(CLASSES)


def test_the_schema_matches_the_classes():
    """The published schema is valid and knows exactly the arguments of the classes."""
    schema = json.loads(reading.SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    classes = schema["$defs"]["initializer"]["properties"]["class_name"]["enum"]
    assert classes == sorted(cls.__name__ for cls in CLASSES)
    rules = {}
    for rule in schema["$defs"]["initializer"]["allOf"]:
        named = rule["if"]["properties"]["class_name"]
        config = rule["then"]["properties"]["config"]
        assert config["additionalProperties"] is False
        for name in named.get("enum", [named.get("const")]):
            rules[name] = config.get("properties", {})
    # arguments that a configuration has only if they differ from their defaults
    omitted = {pyinit.TruncatedNormal: {"lower", "upper"}}
    for cls in CLASSES:
        arguments = set(cls().get_config()) | omitted.get(cls, set())
        if "batch_axes" in inspect.signature(cls).parameters:
            arguments.add("batch_axes")
        assert set(rules[cls.__name__]) == arguments, cls
    assert schema["$defs"]["tensor"]["properties"]["dtype"]["enum"] == [*pyinit.Zeros()._dtypes]


def test_large_seeds_are_strings():
    """Seeds beyond 2**53 are strings, since R and JavaScript read numbers as doubles."""
    for seed, written in ((2**53, 2**53), (2**53 + 1, str(2**53 + 1)), (-(2**63), str(-(2**63)))):
        assert to_json_config(pyinit.HeNormal(seed))["config"]["seed"] == written
        again = from_json_config(to_json_config(pyinit.HeNormal(seed)))
        assert to_json_config(again) == to_json_config(pyinit.HeNormal(seed))
        assert again.seed == seed


def test_other_classes_have_no_json_config():
    """A manifest never names a class that its reader does not have."""

    class Mine(pyinit.HeNormal):
        pass

    with pytest.raises(ValueError, match="Mine is not one of pyinit's initializers"):
        to_json_config(Mine(1))


# ---- plans ----


def test_plans():
    """A plan may give seeds and dtypes for all tensors and for each one."""
    generator, normal = pyinit.SeedGenerator(9), pyinit.RandomNormal
    plan = {
        "seed": "18446744073709551615",
        "dtype": "float16",
        "tensors": [
            {"name": "a", "shape": (2, 2), "initializer": "he_normal"},
            {"name": "b", "shape": [2], "initializer": normal(seed=5), "dtype": "float64"},
            {
                "name": "c",
                "shape": [2, 2],
                "initializer": {"class_name": "HeNormal", "config": {"seed": "7"}},
            },
            {"name": "d", "shape": (), "initializer": normal(seed=generator)},
            {"name": "e", "shape": (2,), "initializer": normal(seed=generator)},
            {"name": "f", "shape": (2,), "initializer": normal(seed=9), "draw": 1},
        ],
    }
    tensors = {tensor.name: tensor for tensor in pyinit.create_manifest(plan).tensors}
    expected = {
        "a": (pyinit.HeNormal(pyinit.derive_seed(2**64 - 1, "a")), "float16"),
        "b": (pyinit.RandomNormal(seed=5), "float64"),
        "c": (pyinit.HeNormal(7), "float16"),
        "d": (pyinit.RandomNormal(seed=9), "float16"),
    }
    for name, (initializer, dtype) in expected.items():
        shape = tensors[name].shape
        assert tensors[name].fingerprint == pyinit.fingerprint(initializer, shape, dtype)
    assert [tensors[name].segments[0].draw for name in "def"] == [0, 1, 1]
    assert tensors["e"].fingerprint == tensors["f"].fingerprint
    # the argument takes precedence over the plan's seed
    other = pyinit.create_manifest(plan, seed=3).tensors[0]
    assert other.segments[0].initializer.seed == pyinit.derive_seed(3, "a")


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ([{"name": "a", "shape": [2]}], r"tensors\[0\] \('a'\): it lacks the field 'initializer'"),
        ([{"shape": [2], "initializer": "zeros"}], r"tensors\[0\] lacks the field 'name'"),
        ([{"name": "a", "initializer": "zeros"}], r"tensors\[0\] lacks the field 'shape'"),
        ([{**PLAN[0], "seed": 1}], r"tensors\[0\] has the unknown field 'seed'"),
        ({"tensors": [], "tensor": []}, "the plan has the unknown field 'tensor'"),
        (["kernel"], r"tensors\[0\] must be a dictionary"),
        ([{**PLAN[0], "shape": [-1, 2]}], "Argument `shape`"),
        ([{**PLAN[0], "shape": 3}], "Argument `shape`"),
        ([{**PLAN[0], "dtype": "float8"}], "Argument `dtype`"),
        ([{**PLAN[0], "name": 3}], r"tensors\[0\] \(3\)"),
        (
            [{**PLAN[0], "initializer": "he"}],
            "Argument `initializer` must be the name of an initializer",
        ),
        ([{**PLAN[0], "initializer": lambda shape, dtype: 0}], "one of pyinit's"),
        ([{**PLAN[1], "axes": [1]}], "axes must be a permutation of 0 to 0"),
        ([PLAN[1], PLAN[1]], "two tensors have the name 'bias'"),
        (PLAN, "HeNormal has no seed, and none is given for the whole model"),
    ],
)
def test_invalid_plans(plan, message):
    """An error in a plan says where it is and what is wrong."""
    with pytest.raises(ManifestError, match=message):
        pyinit.create_manifest(plan)


@pytest.mark.parametrize("target", [None, 3, "plan.json", {}, {"a": pyinit.Zeros()}])
def test_invalid_targets(target):
    """Other objects are a TypeError."""
    with pytest.raises(TypeError, match="Argument `target` must be a plan"):
        pyinit.create_manifest(target)


def test_arguments_are_checked():
    """All four functions check their arguments."""
    for call in (
        lambda: pyinit.create_manifest(PLAN, seed=1.5),
        lambda: pyinit.create_manifest(PLAN, seed=2**64),
    ):
        with pytest.raises(ValueError, match="Argument `seed`"):
            call()
    for bad in (0, -1, 2.0, None, "1TB"):
        for call in (
            lambda: pyinit.create_manifest(PLAN, 1, max_bytes=bad),  # noqa: B023
            lambda: pyinit.verify(pinned(), max_bytes=bad),  # noqa: B023
            lambda: pyinit.materialize(pinned(), "x", max_bytes=bad),  # noqa: B023
        ):
            with pytest.raises(ValueError, match="Argument `max_bytes`"):
                call()
    for bad in (None, 3, PLAN):
        for call in (
            lambda: pyinit.verify(bad),  # noqa: B023
            lambda: pyinit.materialize(bad, "x"),  # noqa: B023
            lambda: pyinit.write_manifest(bad, "x"),  # noqa: B023
        ):
            with pytest.raises(ValueError, match="Argument `manifest`"):
                call()
    with pytest.raises(TypeError, match="Argument `target` must be None, a manifest"):
        pyinit.verify(pinned(), 3)
    with pytest.raises(TypeError, match="'kernel' is an object of class list"):
        pyinit.verify(pinned(), {"kernel": [1.0]})


# ---- placements ----


def divisors_of(length):
    return [n for n in range(1, length + 1) if length % n == 0] or [1]


@st.composite
def placed_tensors(draw):
    """Draw a plan of one tensor, with any axes, groups, gates and segments."""
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))

    def segment(rows):
        drawn = [rows[1] - rows[0], *shape[1:]]
        groups = draw(st.none() | st.sampled_from(divisors_of(drawn[0])))
        if groups is not None:
            drawn = [groups, drawn[0] // groups, *drawn[1:]]
        axes = draw(st.none() | st.permutations(range(len(drawn))))
        last = drawn[axes[-1] if axes else -1]
        gates = draw(
            st.none()
            | st.sampled_from(divisors_of(last)).flatmap(lambda n: st.permutations(range(n)))
        )
        seed = draw(st.integers(0, 5))
        kinds = [pyinit.RandomNormal(seed=seed), pyinit.Zeros(), pyinit.HeNormal(seed)]
        if len(drawn) > 1:
            kinds.append(pyinit.Orthogonal(seed=seed))
        placement = {"axes": axes, "groups": groups, "gates": gates}
        entry = {"initializer": draw(st.sampled_from(kinds)), **placement}
        return {name: value for name, value in entry.items() if value is not None}

    if draw(st.booleans()):
        return {"name": "x", "shape": shape, **segment((0, shape[0]))}
    first = draw(st.integers(0, shape[0] - 1))
    ranges = [(0, shape[0]), (first, shape[0])]
    segments = [{"rows": list(rows), **segment(rows)} for rows in ranges]
    return {"name": "x", "shape": shape, "segments": segments}


@given(entry=placed_tensors(), chunk_size=st.integers(1, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_placed_weights(entry, chunk_size, monkeypatch):
    """Axes, groups, gates and rows, in chunks of any size, match plain NumPy operations."""
    monkeypatch.setattr(chunking, "CHUNK_SIZE", chunk_size)
    made = pyinit.create_manifest([entry])
    expected = np.empty(entry["shape"], np.float32)
    for segment in entry.get("segments", [entry]):
        rows = segment.get("rows", [0, entry["shape"][0]])
        place = expected[rows[0] : rows[1]]
        if "groups" in segment:
            place = place.reshape(segment["groups"], -1, *expected.shape[1:])
        place = place.transpose(segment.get("axes", range(place.ndim)))
        drawn = segment["initializer"](place.shape)
        gates = segment.get("gates", [0])
        blocks = np.split(drawn, len(gates), axis=-1)
        place[...] = np.concatenate([blocks[gate] for gate in gates], axis=-1)
    assert made.tensors[0].fingerprint == pyinit.fingerprint(expected)
    again = parse_manifest(load_json(as_text(made)))
    assert as_text(again) == as_text(made)
    assert pyinit.verify(again)
    assert pyinit.verify(again, {"x": expected})


# ---- validation ----


REFUSED = json.loads((DATA / "refused_manifests.json").read_text())


@pytest.mark.parametrize("case", REFUSED, ids=[case["message"] for case in REFUSED])
def test_invalid_manifests(case):
    """An error in an untrusted manifest says what is wrong and where."""
    mutated = document()
    *way, last = case["at"]
    parent = mutated
    for step in way:
        parent = parent[step]
    parent[last] = case["value"]
    with pytest.raises(ManifestError) as raised:
        parse_manifest(mutated)
    assert case["message"] in str(raised.value)
    assert str(raised.value).isascii()
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[1]", 'the field "format" is not'),
        (b'{"format": 1, "format": 2}', "duplicate key 'format' in an object"),
        (b'{"format": NaN}', "NaN is not a JSON number"),
        (b'{"format": 1e999}', "the number '1e999' is too large"),
        (b'{"format": 1' + b"0" * 5000 + b"}", "not JSON"),
    ],
)
def test_invalid_json(text, message, tmp_path):
    """Any other file is an error that names the file."""
    path = tmp_path / "manifest.json"
    path.write_bytes(text)
    with pytest.raises(ManifestError) as raised:
        pyinit.read_manifest(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    """The size of the file is checked before it is read."""
    path = tmp_path / "manifest.json"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ManifestError, match=r"has 1099511627776 bytes, more than 64.0 MiB"):
        pyinit.read_manifest(path)


@given(data=st.data())
def test_any_mutation_is_an_error_or_a_manifest(data):
    """The worst a malicious manifest can do is fail to load, with a ManifestError."""
    mutated = data.draw(mutations_of(document()))
    try:
        made = parse_manifest(mutated)
    except ManifestError:
        return
    assert as_text(parse_manifest(load_json(as_text(made)))) == as_text(made)


def huge(shape, initializer, name="x"):
    """Return a manifest of a huge tensor."""
    entry = {
        "name": name,
        "shape": shape,
        "dtype": "float32",
        "initializer": to_json_config(initializer),
        "fingerprint": "0" * 64,
    }
    return parse_manifest({**document(), "tensors": [entry]})


def test_sizes_are_checked_before_memory_is_allocated(tmp_path):
    """Weights that are too large are an error at once."""
    large = huge([2**30, 2**20], pyinit.Zeros())
    for call in (
        lambda: pyinit.verify(large),
        lambda: pyinit.materialize(large, tmp_path / "x.safetensors"),
        lambda: pyinit.create_manifest([{"name": "x", "shape": [2**50], "initializer": "zeros"}]),
    ):
        with pytest.raises(
            ManifestError, match=r"more than the limit of 1.0 TiB; raise it with `max_bytes`"
        ):
            call()
    for initializer, shape in (
        (pyinit.Orthogonal(seed=1), [2**18, 2**18]),
        (pyinit.STFT(), [2**38, 1, 2]),
    ):
        with pytest.raises(ManifestError, match=r"needs .* of memory at once, but this machine"):
            pyinit.verify(huge(shape, initializer), max_bytes=2**50)
    assert list(tmp_path.iterdir()) == []


def test_working_memory_counts_every_whole_weight():
    """Each segment that needs its whole weight keeps it in memory while the tensor is drawn."""
    segments = [{"rows": [k, k + 8], "initializer": pyinit.Orthogonal(seed=1)} for k in (0, 8)]
    one, two = pyinit.create_manifest(
        [
            {"name": "one", "shape": [8, 8], "initializer": pyinit.Orthogonal(seed=1)},
            {"name": "two", "shape": [16, 8], "segments": segments},
        ]
    ).tensors
    assert two.working_memory == 2 * one.working_memory


def test_disk_space_is_checked_first(tmp_path):
    """A disk that is too small is an error before anything is drawn."""
    with pytest.raises(OSError, match=r"the weights need 1.0 PiB, but"):
        pyinit.materialize(
            huge([2**48], pyinit.Zeros()), tmp_path / "x.safetensors", max_bytes=2**60
        )
    assert list(tmp_path.iterdir()) == []


def test_memory_of_a_container(monkeypatch, tmp_path):
    """The memory limit of a container replaces the memory of the machine."""
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    whole = memory.usable_memory()
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.usable_memory() == whole
    (tmp_path / "memory.max").write_text("1048576\n")
    assert memory.usable_memory() == 1048576


# ---- shards ----


@given(st.lists(st.integers(0, 50), max_size=12), st.integers(1, 6))
def test_shards_are_a_balanced_partition(lengths, count):
    """Every tensor is in exactly one shard, and the sizes are balanced."""
    plan = [{"name": str(n), "shape": [n_], "initializer": "zeros"} for n, n_ in enumerate(lengths)]
    tensors = pyinit.create_manifest(plan).tensors
    dealt = assign_shards(tensors, count)
    assert sorted(number for part in dealt for number in part) == list(range(len(lengths)))
    sizes = [sum(lengths[number] for number in part) for part in dealt]
    assert max(sizes) - min(sizes) <= max(lengths, default=0)


def test_shard_arguments():
    """A shard is a string or a pair."""
    assert as_shard(None) == (1, 1)
    assert as_shard("3/8") == as_shard((3, 8)) == as_shard([3, 8]) == (3, 8)
    for bad in ("0/8", "9/8", "3", "3/8/2", "-1/8", "a/b", (3,), (3.0, 8), (True, 8), 3, ""):
        with pytest.raises(ValueError, match="Argument `shard`"):
            as_shard(bad)


# ---- parallel execution ----


def test_progress_is_reported_on_the_calling_thread():
    """Progress is reported on the calling thread, and the sums are right."""
    reported = []
    plan = [{"name": str(n), "shape": [3_000_000], "initializer": "he_normal"} for n in range(3)]
    pyinit.create_manifest(plan, 1, progress=lambda done, total: reported.append((done, total)))
    assert reported[-1] == (36_000_000, 36_000_000)
    assert [done for done, _ in reported] == sorted(done for done, _ in reported)


def test_an_error_stops_the_other_tasks():
    """The first failure stops all tasks."""
    tensors = pyinit.create_manifest(
        [{"name": str(n), "shape": [2_000_000], "initializer": "zeros"} for n in range(8)]
    ).tensors
    seen = []

    def task(tensor, advance):
        seen.append(tensor.name)
        if tensor.name == "0":
            raise DifferenceError("no")
        for _ in range(200):
            advance(0)
            parallel.threading.Event().wait(0.005)

    with pytest.raises(DifferenceError):
        parallel.for_each_tensor(tensors, task)
    assert len(seen) < 8


def test_readable_sizes():
    """Sizes in messages have binary units."""
    assert readable_size(0) == "0 bytes"
    assert readable_size(1023) == "1023 bytes"
    assert readable_size(1536) == "1.5 KiB"
    assert readable_size(2**61) == "2048.0 PiB"


def test_large_arrays_are_refused():
    """A plan with an array that a manifest cannot hold is an error before anything is drawn."""
    large = pyinit.Constant(np.zeros((1025, 1024), "float32"))
    with pytest.raises(
        ManifestError, match="has 4198400 bytes; a manifest holds arrays of at most"
    ):
        pyinit.create_manifest([{"name": "x", "shape": (1025, 1024), "initializer": large}])


# ---- the work ----


@pytest.mark.parametrize(
    ("fields", "operations"),
    [
        ({"shape": [20, 10], "initializer": "orthogonal"}, 4 * 20 * 10**2),
        ({"shape": [10, 20], "initializer": "orthogonal"}, 4 * 20 * 10**2),
        ({"shape": [20, 10], "initializer": "orthogonal", "axes": [1, 0]}, 4 * 20 * 10**2),
        (
            {"shape": [7, 20, 10], "initializer": pyinit.Orthogonal(batch_axes=0)},
            7 * 4 * 20 * 10**2,
        ),
        ({"shape": [3, 3, 10, 20], "initializer": pyinit.DeltaOrthogonal()}, 4 * 20 * 10**2),
        (
            {
                "shape": [40, 10],
                "segments": [
                    {"rows": [0, 20], "initializer": "orthogonal"},
                    {"rows": [20, 40], "initializer": "orthogonal"},
                ],
            },
            2 * 4 * 20 * 10**2,
        ),
        ({"shape": [20, 1, 11], "initializer": "stft"}, 100 * 20),
        ({"shape": [20, 10], "initializer": "he_normal"}, 0),
    ],
)
def test_operations_are_counted_and_limited(fields, operations, tmp_path):
    """Protects hours of work: the cost is checked before anything is drawn."""
    plan = [{"name": "x", **fields}]
    made = pyinit.create_manifest(plan, 1)
    assert made.tensors[0].operations == operations
    if not operations:
        return
    path = tmp_path / "m.safetensors"
    enough, less = {"max_operations": operations}, {"max_operations": operations - 1}
    assert as_text(pyinit.create_manifest(plan, 1, **enough)) == as_text(made)
    assert pyinit.verify(made, **enough)
    assert pyinit.materialize(made, path, **enough) == [path]
    for refused in (
        lambda: pyinit.create_manifest(plan, 1, **less),
        lambda: pyinit.verify(made, **less),
        lambda: pyinit.materialize(made, tmp_path / "other.safetensors", **less),
    ):
        with pytest.raises(ManifestError, match="raise it with `max_operations`"):
            refused()
    assert not (tmp_path / "other.safetensors").exists()
    zeros = {"x": np.zeros(made.tensors[0].shape, np.float32)}
    [explained] = pyinit.verify(made, zeros, **enough).differences
    [short] = pyinit.verify(made, zeros, **less).differences
    assert " values differ, by at most " in explained.reason
    assert "(no details: orthogonal matrices, " in short.reason


def test_the_work_of_explanations_is_limited_together():
    """Protects hours of work: many tensors that differ share one limit."""
    plan = [{"name": f"q{k}", "shape": [20, 10], "initializer": "orthogonal"} for k in range(5)]
    made = pyinit.create_manifest(plan, 1)
    zeros = {f"q{k}": np.zeros((20, 10), np.float32) for k in range(5)}
    found = pyinit.verify(made, zeros, max_operations=2 * 8000)
    assert sum("(no details: " in difference.reason for difference in found.differences) == 3


def test_a_manifest_of_years_of_work(tmp_path):
    """Protects against a small manifest of a stranger that takes years; the limit can be raised."""
    made = pyinit.create_manifest(
        [{"name": "q", "shape": [2, 2], "initializer": pyinit.Orthogonal(seed=1)}]
    )
    text = as_text(made).replace('"shape": [2, 2]', '"shape": [1099511627776, 20000]')
    path = tmp_path / "m.json"
    path.write_text(text.replace("float32", "float16"))
    with pytest.raises(ManifestError, match="of memory at once"):
        pyinit.verify(path, max_bytes=2**60, max_operations=2**100)
    path.write_text(
        text.replace("1099511627776, 20000", "4000000000, 40, 40").replace(
            '"gain": 1.0', '"gain": 1.0, "batch_axes": [0]'
        )
    )
    with pytest.raises(ManifestError, match=r"need 1e\+15 operations, more than the limit of 2.8e"):
        pyinit.verify(path, max_bytes=2**60)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "1e15", None])
def test_invalid_limits_of_operations(limit):
    """Protects users from a limit that is no number."""
    for call in (
        lambda: pyinit.create_manifest(PLAN, 1, max_operations=limit),
        lambda: pyinit.create_manifest({}, values=True, max_operations=limit),
        lambda: pyinit.verify(pinned(), max_operations=limit),
        lambda: pyinit.materialize(pinned(), "x.safetensors", max_operations=limit),
    ):
        with pytest.raises(ValueError, match="Argument `max_operations` must be a positive"):
            call()


def test_the_size_of_files_to_verify_is_limited(tmp_path):
    """Protects hours of reading: a file without blocks on the disk can have any size."""
    path = tmp_path / "w.npy"
    np.save(path, np.zeros(10))
    manifest = pyinit.create_manifest(path, values=True)
    assert pyinit.verify(manifest, path, max_bytes=80)
    with pytest.raises(ManifestError, match="raise it with `max_bytes`"):
        pyinit.verify(manifest, path, max_bytes=79)
