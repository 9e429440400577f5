"""Values of sharded tensors, of which each process compares its own."""

import numpy as np
import pytest

import pyinit
from pyinit.initializers import chunking
from pyinit.manifests.local_values import compare_local
from pyinit.manifests.model import ManifestError
from pyinit.manifests.sources import LocalRegion, LocalSource

PLAN = [
    {"name": "kernel", "shape": (7, 6), "initializer": "he_normal"},
    {"name": "square", "shape": (6, 6), "initializer": "orthogonal"},
    {"name": "table", "shape": (7, 6), "initializer": "uniform", "dtype": "bfloat16"},
]


def held(values, *slices):
    """Return the source of a process that holds some slices of a tensor, in Fortran order."""
    regions = []
    for index in slices:
        part = np.asfortranarray(values[index])
        offset = tuple(each.start or 0 for each in index)
        regions.append(LocalRegion(offset, part.shape, part.__getitem__))
    return LocalSource(values.shape, values.dtype, regions)


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize("index", range(len(PLAN)))
def test_regions(index, size, monkeypatch):
    """Protects each process's part: several regions, any memory order and any chunks."""
    monkeypatch.setattr(chunking, "CHUNK_SIZE", size)
    tensor = pyinit.create_manifest(PLAN, seed=1).tensors[index]
    values = np.asarray(tensor.lazy())
    regions = (slice(1, 3), slice(0, 6)), (slice(4, 6), slice(2, 5))
    source = held(values, *regions)
    done = []
    assert compare_local(tensor, source, done.append) is None
    assert sum(done) == tensor.nbytes
    assert source.nbytes == 18 * values.itemsize
    # what others hold may differ, what this process holds may not
    values[0] = 0
    assert compare_local(tensor, held(values, *regions), done.append) is None
    values[5, 3] += 1
    values[5, 4] += 1
    reason = compare_local(tensor, held(values, *regions), done.append)
    assert reason.startswith("2 of 18 values differ, by at most 1")
    assert reason.endswith("at [5, 3] (counted from 0)")


def test_nothing_held():
    """Protects processes without elements, of more processes than rows."""
    tensor = pyinit.create_manifest(PLAN, seed=1).tensors[0]
    source = LocalSource(tensor.shape, tensor.numpy_dtype, [])
    assert compare_local(tensor, source, lambda _: None) is None


def test_other_tensors():
    """Protects against a model of other sizes or dtypes."""
    tensor = pyinit.create_manifest(PLAN, seed=1).tensors[0]
    other = LocalSource((7, 5), tensor.numpy_dtype, [])
    assert compare_local(tensor, other, lambda _: None) == "the shape is [7, 5], not [7, 6]"
    other = LocalSource((7, 6), np.dtype("float16"), [])
    assert compare_local(tensor, other, lambda _: None) == "the dtype is float16, not float32"


def test_memory(monkeypatch):
    """Protects against an orthogonal matrix that does not fit, of which a part would."""
    square = pyinit.create_manifest(PLAN, seed=1).tensors[1]
    source = held(np.asarray(square.lazy()), (slice(0, 1), slice(0, 6)))
    monkeypatch.setattr("pyinit.manifests.limits.usable_memory", lambda: 8)
    with pytest.raises(ManifestError, match=r"'square'.* of memory at once"):
        compare_local(square, source, lambda _: None)
