"""The compiled checks of manifests compared with the JSON Schema that they are compiled from."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import pyinit
from pyinit.initializers.registry import CLASSES
from pyinit.manifests import reading
from pyinit.manifests.model import ManifestError
from pyinit.manifests.reading import parse_manifest
from pyinit.manifests.schema_checks import compile_schema
from pyinit.manifests.writing import as_text
from tests.support import DATA
from tests.support.mutations import JSON, NEAR, mutations_of

SCHEMA = json.loads(reading.SCHEMA.read_text())
PUBLISHED = Draft202012Validator(SCHEMA)
COMPILED = compile_schema(SCHEMA)
#: A tensor of every class, and of every kind.
PLAN = [
    *[
        {
            "name": cls.__name__,
            "shape": [4, 4] if cls is pyinit.Identity else [4, 1, 4],
            "initializer": cls(),
        }
        for cls in CLASSES
    ],
    {"name": "array", "shape": [2], "initializer": pyinit.Constant([1.0, 2.0])},
    {"name": "text", "shape": [2], "initializer": pyinit.Constant(float("nan"))},
    {
        "name": "bounded",
        "shape": [2],
        "initializer": pyinit.TruncatedNormal(0, 1, 3, -1, float("inf")),
    },
    {
        "name": "placed",
        "shape": [4, 6],
        "initializer": "he_normal",
        "axes": [1, 0],
        "gates": [1, 0],
    },
    {
        "name": "segments",
        "shape": [4, 3],
        "segments": [
            {"rows": [0, 4], "initializer": "zeros", "groups": 2},
            {"rows": [2, 3], "initializer": pyinit.HeNormal(2**60), "draw": 3},
        ],
    },
]
MANIFEST = json.loads(as_text(pyinit.create_manifest(PLAN, 42)))
MANIFEST["tensors"].append(
    {"name": "x", "shape": [3], "dtype": "int8", "initializer": None, "fingerprint": "0" * 64}
)


def test_valid_manifests():
    """The document that the other tests mutate is valid, and has every class."""
    assert COMPILED(MANIFEST)
    assert PUBLISHED.is_valid(MANIFEST)
    classes = {entry["name"] for entry in MANIFEST["tensors"]} & {cls.__name__ for cls in CLASSES}
    assert len(classes) == len(CLASSES)


@given(mutated=mutations_of(MANIFEST))
def test_mutated_manifests(mutated):
    """The compiled checks accept exactly what the published schema accepts."""
    assert COMPILED(mutated) == PUBLISHED.is_valid(mutated)


@given(
    entry=st.sampled_from(MANIFEST["tensors"]).flatmap(mutations_of),
    again=st.booleans(),
    data=st.data(),
)
def test_mutated_tensors(entry, again, data):
    """So do the checks of one tensor, of which most of a manifest consists."""
    if again and entry:
        entry = data.draw(mutations_of(entry))
    tensor = compile_schema(SCHEMA, "$defs/tensor")
    published = PUBLISHED.evolve(schema={"$ref": "urn:pyinit:manifest:1#/$defs/tensor"})
    assert tensor(entry) == published.is_valid(entry)


@given(value=NEAR | JSON)
def test_any_document(value):
    """So do they for any other document."""
    assert COMPILED(value) == PUBLISHED.is_valid(value)


@pytest.mark.parametrize(
    "case", json.loads((DATA / "refused_manifests.json").read_text()), ids=lambda c: c["message"]
)
def test_refused_manifests(case):
    """So do they for each manifest of the list of refused ones."""
    mutated = json.loads((DATA / "manifest.json").read_text())
    *way, last = case["at"]
    parent = mutated
    for step in way:
        parent = parent[step]
    parent[last] = case["value"]
    assert COMPILED(mutated) == PUBLISHED.is_valid(mutated)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "date"},
        {"additionalProperties": {"type": "string"}},
        {"const": [1]},
    ],
)
def test_unknown_keywords(schema):
    """A keyword that the compiled checks would ignore is an error."""
    with pytest.raises(NotImplementedError):
        compile_schema(schema)


def test_the_place_of_an_error():
    """The error of a tensor names its place in the whole manifest."""
    mutated = json.loads(json.dumps(MANIFEST))
    mutated["tensors"][5]["shape"][1] = -1
    with pytest.raises(ManifestError, match=r"^tensors\[5\]\.shape\[1\] must be at least 0"):
        parse_manifest(mutated)
    mutated["tensors"][5] = 3
    with pytest.raises(ManifestError, match=r'^tensors\[5\] must be of type "object"'):
        parse_manifest(mutated)


def test_seeds_of_equal_tensors():
    """Initializers that are checked once for many tensors keep their own seeds and arguments."""
    plan = [
        {"name": str(n), "shape": [3, 3], "initializer": pyinit.RandomNormal(0, scale, seed)}
        for n, (scale, seed) in enumerate([(1, 1), (1, 2**60), (1.0, 3), (2, 1), (1, 1)])
    ]
    made = pyinit.create_manifest(plan)
    again = parse_manifest(json.loads(as_text(made)))
    assert as_text(again) == as_text(made)
    assert pyinit.verify(again)
    first, *_, last = (tensor.segments[0].initializer for tensor in again.tensors)
    assert first is not last
    broken = json.loads(as_text(made))
    broken["tensors"][4]["initializer"]["config"]["seed"] = str(2**64)
    with pytest.raises(ManifestError, match=r"tensors\[4\] \('4'\): Argument `seed` must be"):
        parse_manifest(broken)
