"""Stacks of independent weights, such as layers and experts: fans and matrices of one member."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pyinit
from pyinit.reproducibility import chunks
from tests.stream.test_gpu import two_devices  # noqa: F401
from tests.support import same_bits
from tests.support.cuda_on_host import on_host

#: Subclasses of VarianceScaling, and all modes.
SCALED = {
    **{cls.__name__: cls for cls in (pyinit.GlorotNormal, pyinit.GlorotUniform)},
    **{cls.__name__: cls for cls in (pyinit.HeNormal, pyinit.HeUniform)},
    **{cls.__name__: cls for cls in (pyinit.LecunNormal, pyinit.LecunUniform)},
    **{
        mode: lambda seed, mode=mode, **axes: pyinit.VarianceScaling(3.0, mode, seed=seed, **axes)
        for mode in ("fan_in", "fan_out", "fan_avg", "fan_geo_avg")
    },
}
#: Batch axes of a shape, and the shape of a member.
SHAPE = (3, 4, 5, 6)
STACKS = [
    (0, (4, 5, 6)),
    ([0, 1], (5, 6)),
    (1, (3, 5, 6)),
    (-1, (3, 4, 5)),
    ((0, 2), (4, 6)),
    ([3, -4], (4, 5)),
    (np.int64(2), (3, 4, 6)),
]
GAIN = 1.5


def members(values, batch_axes):
    """Iterate over the members of a stack."""
    batch = sorted(axis % values.ndim for axis in np.atleast_1d(batch_axes))
    moved = np.moveaxis(values, batch, range(len(batch)))
    yield from moved.reshape(-1, *moved.shape[len(batch) :])


def q_of(normal):
    """Return the factor Q of a member's normal values, with a positive diagonal of R."""
    rows, columns = math.prod(normal.shape[:-1]), normal.shape[-1]
    # C order into the tall matrix, as without batch axes
    q, r = np.linalg.qr(normal.reshape(max(rows, columns), min(rows, columns)))
    q *= np.sign(np.diagonal(r))
    return (q if rows >= columns else q.T).reshape(normal.shape)


@pytest.mark.parametrize(("batch_axes", "member"), STACKS)
def test_fans_are_those_of_a_member(batch_axes, member):
    """Protects the fans, for any position of the batch axes."""
    assert pyinit.compute_fans(SHAPE, batch_axes=batch_axes) == pyinit.compute_fans(member)


def test_fans_of_axes_do_not_count_members():
    """Protects fans by input and output axes, which name no batch axis."""
    axes = {"input_axes": [1], "output_axes": [-1], "batch_axes": 0}
    assert pyinit.compute_fans((8, 64, 4, 16), **axes) == (64, 16)
    # one of the two alone is not used, as in Keras
    assert pyinit.compute_fans((8, 64, 16), input_axes=[0], batch_axes=0) == (64, 16)
    assert pyinit.compute_fans((8,), batch_axes=0) == (1, 1)
    assert pyinit.compute_fans((2, 3), batch_axes=()) == (2, 3)


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize(("batch_axes", "member"), STACKS)
def test_values_are_scaled_for_a_member(name, batch_axes, member):
    """Protects the values: those of the full tensor's stream, at the scale of a member."""
    values = SCALED[name](7, batch_axes=batch_axes)(SHAPE, "float64")
    unscaled = SCALED[name](7)(SHAPE, "float64")
    n_full = pyinit.compute_fans(SHAPE)
    n_member = pyinit.compute_fans(member)
    initializer = SCALED[name](7)
    units = {
        "fan_in": lambda fans: fans[0],
        "fan_out": lambda fans: fans[1],
        "fan_avg": lambda fans: sum(fans) / 2,
        "fan_geo_avg": lambda fans: math.sqrt(fans[0] * fans[1]),
    }[initializer.mode]
    factor = math.sqrt(units(n_full) / units(n_member))
    np.testing.assert_allclose(values, unscaled * factor, rtol=1e-12)


def test_leading_members_equal_single_weights():
    """Protects the stream: the first member is what the initializer draws alone."""
    for make in (pyinit.HeNormal, lambda **a: pyinit.Orthogonal(GAIN, **a)):
        stacked = make(seed=3, batch_axes=0)((4, 6, 5))
        assert same_bits(stacked[0], make(seed=3)((6, 5)))
        assert not (stacked[1] == stacked[0]).any()


@pytest.mark.parametrize(("batch_axes", "member"), STACKS)
def test_orthogonal_members(batch_axes, member):
    """Protects the definition: each member's Q factors the normal values at its own indices."""
    values = pyinit.Orthogonal(GAIN, 8, batch_axes)(SHAPE, "float64")
    normal = pyinit.RandomNormal(0, 1, seed=8)(SHAPE, "float64")
    pairs = zip(members(values, batch_axes), members(normal, batch_axes), strict=True)
    for of_member, drawn in pairs:
        assert of_member.shape == member
        np.testing.assert_allclose(of_member / GAIN, q_of(drawn), atol=1e-13)


@pytest.mark.parametrize(("batch_axes", "member"), STACKS)
def test_partitions_of_stacks(batch_axes, member, float_dtype):
    """Protects slices and chunks, whichever members they touch."""
    weights = pyinit.Orthogonal(GAIN, 8, batch_axes).lazy(SHAPE, float_dtype)
    values = pyinit.Orthogonal(GAIN, 8, batch_axes)(SHAPE, float_dtype)
    for index in np.s_[1], np.s_[:, 2:3], np.s_[::2, 1:, -1], np.s_[..., 3:0:-1], np.s_[2, 3, 4, 5]:
        assert same_bits(np.asarray(weights[index]), np.asarray(values[index]))
    for size in (1, 50, 200):
        read = [chunk.reshape(-1) for _, chunk in weights.chunks(size)]
        assert same_bits(np.concatenate(read), values.reshape(-1))
        assert all(chunk.size >= weights.joint_size for chunk in read)


def test_only_members_that_are_read_are_computed(monkeypatch):
    """Protects stacks of many matrices from computing, or keeping, all of them."""
    shapes = []
    original = pyinit.initializers.orthogonal.orthonormalize
    monkeypatch.setattr(
        "pyinit.initializers.orthogonal.orthonormalize",
        lambda matrix: (shapes.append(matrix.shape), original(matrix)),
    )
    weights = pyinit.Orthogonal(seed=1, batch_axes=0).lazy((1000, 30, 20))
    assert not weights.needs_whole
    assert weights.joint_size == 600
    assert weights.working_memory == 8 * 20 * (30 + 20)
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda row: weights[500, row], range(30)))
    assert shapes == [(30, 20)]
    assert same_bits(np.stack(rows), weights[500])
    assert same_bits(weights[498:501][2], np.stack(rows))
    assert len(shapes) == 4
    assert len(weights._kept) == 1


def test_interleaved_members_are_computed_once(monkeypatch):
    """Protects stacks along a later axis, of which any chunk holds a part of each member."""
    count = []
    original = pyinit.initializers.orthogonal.orthonormalize
    monkeypatch.setattr(
        "pyinit.initializers.orthogonal.orthonormalize",
        lambda matrix: (count.append(1), original(matrix)),
    )
    weights = pyinit.Orthogonal(seed=1, batch_axes=-1).lazy((30, 20, 4))
    assert weights.needs_whole
    assert weights.working_memory == 8 * 20 * (4 * 30 + 20)
    rows = np.stack([weights[row] for row in range(30)])
    assert len(count) == 4
    assert same_bits(rows, weights[...])


def test_chunks_larger_than_the_default(monkeypatch):
    """Protects fingerprints and files of stacks whose members are larger than a chunk."""
    monkeypatch.setattr("pyinit.initializers.chunking.CHUNK_SIZE", 100)
    weights = pyinit.Orthogonal(seed=1, batch_axes=0).lazy((5, 20, 10))
    read = []
    chunks.for_each_chunk(weights, lambda chunk: read.append(chunk.copy()))
    assert [chunk.shape for chunk in read] == [(1, 20, 10)] * 5
    assert same_bits(np.concatenate(read), weights[...])


@on_host
@pytest.mark.usefixtures("two_devices")
@pytest.mark.parametrize(("batch_axes", "member"), STACKS)
def test_on_a_device(batch_axes, member, float_dtype):
    """Protects stacks and their partitions on a GPU."""
    scaled = pyinit.HeNormal(3, batch_axes=batch_axes)
    orthogonal = pyinit.Orthogonal(GAIN, 3, batch_axes)
    partition = {"partition_shape": (2, 1, 5, 4), "partition_offset": (1, 2, 0, 1)}
    for options in ({}, partition):
        drawn = scaled(SHAPE, float_dtype, device="cuda:1", **options)
        assert same_bits(drawn.host, scaled(SHAPE, float_dtype, **options))
        drawn = orthogonal(SHAPE, float_dtype, device="cuda:1", **options)
        expected = orthogonal(SHAPE, float_dtype, **options).astype(np.float64)
        np.testing.assert_allclose(drawn.host.astype(np.float64), expected, rtol=0, atol=8e-3)


@pytest.mark.parametrize("initializer", [pyinit.HeNormal, pyinit.Orthogonal])
def test_configurations_have_batch_axes_if_given(initializer):
    """Protects Keras' classes, which do not know the argument, and the round trip."""
    assert "batch_axes" not in initializer(seed=1).get_config()
    assert "batch_axes" not in initializer(seed=1, batch_axes=()).get_config()
    stacked = initializer(seed=1, batch_axes=(0, -1))
    assert stacked.get_config()["batch_axes"] == [0, -1]
    assert "batch_axes=[0, -1]" in repr(stacked)
    for again in (stacked.clone(), pyinit.deserialize(pyinit.serialize(stacked))):
        assert same_bits(again((2, 3, 4, 2)), stacked((2, 3, 4, 2)))


@pytest.mark.parametrize("shape", [(0, 4, 3), (2, 0, 3), (2, 4, 0)])
def test_empty_stacks(shape):
    """Protects shapes without elements, as without batch axes."""
    for initializer in (pyinit.HeNormal(1, batch_axes=0), pyinit.Orthogonal(1, 1, 0)):
        weights = initializer.lazy(shape)
        assert weights[...].shape == shape
        assert list(weights.chunks()) == []


MISTAKES = [
    *[("batch_axes", lambda v=v: pyinit.HeNormal(batch_axes=v)) for v in ("0", 0.5, True, [[0]])],
    *[("batch_axes", lambda v=v: pyinit.Orthogonal(batch_axes=v)) for v in ([0, 0], {0}, [None])],
    ("batch_axes", lambda: pyinit.compute_fans((2, 3), batch_axes=2)),
    ("batch_axes", lambda: pyinit.compute_fans((2, 3), batch_axes=-3)),
    ("batch_axes", lambda: pyinit.compute_fans((), batch_axes=0)),
    ("batch_axes", lambda: pyinit.compute_fans((2, 3), batch_axes=[0, -2])),
    ("batch_axes", lambda: pyinit.compute_fans((2, 3), [0], [1], batch_axes=0)),
    ("batch_axes", lambda: pyinit.compute_fans((2, 3), [0], [1], batch_axes=-1)),
    ("batch_axes", lambda: pyinit.HeNormal(1, [0], [1], batch_axes=1)),
    ("batch_axes", lambda: pyinit.HeNormal(1, [0], [1], batch_axes=-1)((2, 3))),
    ("batch_axes", lambda: pyinit.Orthogonal(1, 1, batch_axes=5)((2, 3, 4))),
    ("shape", lambda: pyinit.Orthogonal(1, 1, batch_axes=0)((3, 4))),
]


@pytest.mark.parametrize(("name", "call"), MISTAKES)
def test_mistakes_are_named(name, call):
    """Protects users from axes that are ignored or miscounted."""
    with pytest.raises(ValueError, match=rf"Argument `{name}` must be .*Received: {name}="):
        call()


def test_a_failed_call_takes_no_draw():
    """Protects the sequence of draws of a seed generator."""
    generator = pyinit.SeedGenerator(1)
    for initializer in (
        pyinit.HeNormal(generator, batch_axes=7),
        pyinit.Orthogonal(1, generator, batch_axes=7),
    ):
        with pytest.raises(ValueError, match="batch_axes"):
            initializer((3, 4, 5))
    assert generator.state == (1, 0)


def test_a_manifest_has_stacks(tmp_path):
    """Protects manifests: the axes are recorded, and the values verified and written."""
    plan = [
        {"name": "he", "shape": [3, 4, 5], "initializer": pyinit.HeNormal(batch_axes=0)},
        {"name": "q", "shape": [3, 5, 4], "initializer": pyinit.Orthogonal(2, None, [0])},
        {
            "name": "transposed",
            "shape": [3, 4, 5],
            "axes": [0, 2, 1],
            "initializer": pyinit.Orthogonal(2, None, [0]),
        },
        {
            "name": "moved",
            "shape": [4, 5, 3],
            "axes": [2, 1, 0],
            "initializer": pyinit.Orthogonal(2, None, [0]),
        },
    ]
    manifest = pyinit.create_manifest(plan, seed=42)
    assert [t.segments[0].initializer.batch_axes for t in manifest.tensors] == [[0]] * 4
    joint = [tensor.lazy().joint_size for tensor in manifest.tensors]
    # a member is not contiguous in the last one
    assert joint == [1, 20, 20, 60]
    path = tmp_path / "manifest.json"
    pyinit.write_manifest(manifest, path)
    assert pyinit.verify(pyinit.read_manifest(path))
    seed = pyinit.derive_seed(42, "transposed")
    expected = pyinit.Orthogonal(2, seed, 0)((3, 5, 4)).transpose(0, 2, 1)
    assert same_bits(np.asarray(manifest.tensors[2].lazy()), np.ascontiguousarray(expected))
    chunked = [chunk.reshape(-1) for _, chunk in manifest.tensors[2].lazy().chunks(7)]
    assert [chunk.size for chunk in chunked] == [20] * 3
    assert same_bits(np.concatenate(chunked), expected.reshape(-1))
