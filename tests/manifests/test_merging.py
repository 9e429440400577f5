"""Manifests that several machines create in shards and merge."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest

import pyinit
from pyinit.manifests.model import DifferenceError, ManifestError
from pyinit.manifests.reading import load_json, parse_manifest
from pyinit.manifests.shards import assign_shards
from pyinit.manifests.writing import as_text

PLAN = {
    "seed": 42,
    "tensors": [
        *[
            {"name": f"layer {n}/kernel", "shape": [n + 1, 7], "initializer": "he_normal"}
            for n in range(9)
        ],
        {"name": "q", "shape": [5, 4], "initializer": "orthogonal", "axes": [1, 0]},
        {"name": "empty", "shape": [0], "initializer": "zeros"},
        {"name": "fixed", "shape": [3], "initializer": pyinit.RandomNormal(seed=2**63)},
    ],
}
WHOLE = pyinit.create_manifest(PLAN)


def shards_of(count, plan=PLAN, **arguments):
    return [
        pyinit.create_manifest(plan, shard=(k, count), **arguments) for k in range(1, count + 1)
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 8, 20])
def test_the_merged_manifest_is_the_same(count, tmp_path):
    """Merged shards, in any order and from files, give the bytes of the manifest made at once."""
    shards = shards_of(count)
    paths = [tmp_path / f"{k}.json" for k in range(count)]
    for shard, path in zip(shards, paths, strict=True):
        pyinit.write_manifest(shard, path)
    mixed = [*shards[::2], *map(str, paths[1::2])]
    random.Random(count).shuffle(mixed)
    assert as_text(pyinit.merge_manifests(mixed)) == as_text(WHOLE)


def test_a_shard_draws_only_its_tensors():
    """A shard has the tensors that `materialize()` gives it, and their fingerprints alone."""
    reported = []
    shards = shards_of(3, progress=lambda done, total: reported.append(total))
    for shard, positions in zip(shards, assign_shards(WHOLE.tensors, 3), strict=True):
        assert shard.shard.positions == tuple(positions)
        names = [WHOLE.tensors[position].name for position in positions]
        assert [tensor.name for tensor in shard.tensors] == names
        again = parse_manifest(load_json(as_text(shard)))
        assert again.shard == shard.shard
        assert as_text(again) == as_text(shard)
        assert repr(shard).startswith(f"Shard {shard.shard} of a manifest: {len(names)} tensor")
    assert set(reported) == {shard.nbytes for shard in shards}


def test_values_in_shards():
    """Shards may record existing weights, too."""
    weights = {str(n): np.full(n, n, np.float32) for n in range(7)}
    whole = pyinit.create_manifest(weights, values=True)
    shards = shards_of(3, weights, values=True)
    assert as_text(pyinit.merge_manifests(shards)) == as_text(whole)


def test_a_shared_generator():
    """The draws of a seed generator are those of the whole plan, whichever shard is created."""

    def plan():
        normal = pyinit.RandomNormal(seed=pyinit.SeedGenerator(3))
        return [{"name": str(n), "shape": [4], "initializer": normal} for n in range(5)]

    shards = [pyinit.create_manifest(plan(), shard=(k, 2)) for k in (1, 2)]
    assert as_text(pyinit.merge_manifests(shards)) == as_text(pyinit.create_manifest(plan()))


def test_a_model_in_shards(tmp_path):
    """A shard of a model's manifest is compared with the weights of the shard alone."""
    keras = pytest.importorskip("keras")
    import pyinit.keras

    dense = [keras.layers.Dense(k, name=f"dense{k}") for k in (3, 4)]
    model = keras.Sequential([keras.Input((4,)), *dense])
    pyinit.keras.initialize(model, 42)
    whole = pyinit.create_manifest(model, 42)
    shards = shards_of(2, model, seed=42)
    assert as_text(pyinit.merge_manifests(shards)) == as_text(whole)
    assert all(pyinit.verify(shard, model) for shard in shards)
    pytest.importorskip("h5py")
    model.save_weights(tmp_path / "m.weights.h5")
    assert pyinit.verify(whole, tmp_path / "m.weights.h5")
    with pytest.raises(ManifestError, match="cannot be compared with shard 1/2"):
        pyinit.verify(shards[0], tmp_path / "m.weights.h5")
    name = shards[1].tensors[0].name
    changed = next(weight for weight in model.weights if weight.path.endswith(name))
    changed.assign(changed + 1)
    assert pyinit.create_manifest(model, 42, shard="1/2") is not None
    with pytest.raises(DifferenceError, match=name):
        pyinit.create_manifest(model, 42, shard="2/2")


def refused(manifests, message):
    with pytest.raises(ManifestError, match=message) as raised:
        pyinit.merge_manifests(manifests)
    assert str(raised.value).isascii()


def test_shards_that_do_not_belong_together(tmp_path):
    """The error says which shards are missing, given twice, or contradict each other."""
    first, second, third = shards_of(3)
    refused([first, third], "these shards are missing: 2/3")
    refused([first], "these shards are missing: 2/3, 3/3")
    refused([first, second, first, third], r"manifests\[2\] and manifests\[0\] are both shard 1/3")
    refused(
        [first, shards_of(2)[1]], r"manifests\[1\] is shard 2/2, but manifests\[0\] is shard 1/3"
    )
    refused([first, WHOLE], r"manifests\[1\] is a whole manifest, not a shard")
    refused([WHOLE, WHOLE], r"manifests\[0\] is a whole manifest, not a shard")
    other = shards_of(3, {**PLAN, "seed": 43})[1]
    pyinit.write_manifest(other, tmp_path / "other.json")
    refused(
        [first, tmp_path / "other.json", third],
        r"other\.json and manifests\[0\] are shards of different manifests",
    )
    renamed = shards_of(
        3, [{**entry, "name": f"{entry['name']}'"} for entry in PLAN["tensors"]], seed=42
    )
    refused([first, renamed[1], third], "are shards of different manifests")


def test_shards_that_were_changed():
    """A shard that was edited is found: other positions, other tensors, another seed."""
    first, second, third = shards_of(3)
    positions = tuple(position + 1 for position in second.shard.positions)
    moved = replace(second, shard=replace(second.shard, positions=positions))
    refused([first, moved, third], "the shards contradict each other")
    tensors = (replace(second.tensors[0], name="other"), *second.tensors[1:])
    refused([first, replace(second, tensors=tensors), third], "the shards contradict each other")
    fewer = replace(second.shard, positions=second.shard.positions[1:])
    refused(
        [first, replace(second, tensors=second.tensors[1:], shard=fewer), third],
        "the shards contradict each other",
    )
    refused([first, replace(second, seed=7), third], "are shards of different manifests")


@pytest.mark.parametrize("bad", [None, 3, "m.json", b"m.json", WHOLE, [], [3], [WHOLE, None]])
def test_arguments_of_merge_manifests(bad):
    """Anything but a list of manifests or paths is an error that names the argument."""
    with pytest.raises(ValueError, match="Argument `manifests` must be a list of shards"):
        pyinit.merge_manifests(bad)


def test_a_shard_is_not_a_whole_manifest(tmp_path):
    """A shard verifies its own tensors; what needs all tensors is an error."""
    shard = shards_of(3)[1]
    path = tmp_path / "shard.json"
    pyinit.write_manifest(shard, path)
    assert pyinit.verify(path).checked == len(shard.tensors)
    # tensors of other shards are not reported
    weights = {tensor.name: np.asarray(tensor.lazy()) for tensor in WHOLE.tensors}
    assert pyinit.verify(shard, weights)
    assert pyinit.verify(shard, WHOLE)
    del weights[shard.tensors[0].name]
    assert pyinit.verify(shard, weights).differences[0].reason == "it is missing"
    with pytest.raises(ValueError, match=r"`shard` must be None for a manifest .* a shard, 2/3"):
        pyinit.verify(shard, shard="2/3")
    with pytest.raises(ManifestError, match=r"is only shard 2/3 of a manifest: merge_manifests"):
        pyinit.verify(WHOLE, shard)
    with pytest.raises(ManifestError, match=r"shard\.json is only shard 2/3 of a manifest"):
        pyinit.materialize(path, tmp_path / "w.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["shard.json"]


def test_a_reader_that_does_not_know_shards():
    """The field of a shard is one that older readers do not know, so they refuse the file."""
    document = json.loads(as_text(shards_of(3)[0]))
    known = {"format", "format_version", "stream_version", "seed", "tensors"}
    assert set(document) - known == {"shard"}
    assert set(json.loads(as_text(WHOLE))) <= known
