"""Tensors of more than 2**31 elements, and indices beyond those that float64 represents."""

import math
import subprocess
import sys

import numpy as np
import pytest

import pyinit
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.runtime.kernel_choice import available
from pyinit.stream import fill, reference
from pyinit.stream.distributions import Distribution
from pyinit.stream.regions import Region
from tests.support import ROOT, same_bits

HUGE = (2**30, 2**29)


def free_memory() -> int:
    """Return how much memory is available, in bytes."""
    with open("/proc/meminfo", encoding="utf-8") as lines:
        values = dict(line.split(":") for line in lines)
    return int(values["MemAvailable"].split()[0]) * 1024


def needs(gigabytes: float) -> pytest.MarkDecorator:
    too_little = not sys.platform.startswith("linux") or free_memory() < gigabytes * 1e9
    return pytest.mark.skipif(too_little, reason=f"needs {gigabytes} GB of free memory")


@pytest.mark.parametrize("family", ["uniform", "normal", "truncated_normal", "bounded_normal"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_last_indices(family, order):
    """Protects flat indices up to 2**59: all kernels agree with the reference there."""
    distribution = Distribution(family, 0.0, 1.0, math.inf, 2**60, 2**64 - 2**61)
    first = math.prod(HUGE) - 100 * HUGE[1] - 150
    for strides in ((HUGE[1], 1), (HUGE[1], 37), (2**40 + 1, 2**52 // 101)):
        region = Region(FLOAT_DTYPES["float64"], distribution, 2**64 - 1, 2**32 - 1, first, strides)
        drawn, expected = (np.empty((40, 101), np.float64, order) for _ in range(2))
        fill(drawn, region)
        reference.fill(expected, region)
        assert same_bits(drawn, expected)


def test_partitions_far_from_the_origin(random_class):
    """A partition beyond 2**53 is the same by any way of reading it."""
    initializer = random_class(1)
    if isinstance(initializer, pyinit.Orthogonal):
        initializer = pyinit.Orthogonal(seed=1, batch_axes=[0, 1])
        shape = (2**28, 2**29, 2, 2)
    else:
        shape = HUGE
    weights = initializer.lazy(shape, "float64")
    offset = tuple(length - 5 for length in shape[:2]) + (0,) * (len(shape) - 2)
    size = (4, 5, *shape[2:])
    at_once = weights.read(size, offset)
    assert np.unique(at_once).size > 15
    assert same_bits(weights[-5:-1, -5:], at_once)
    assert same_bits(weights[-2 : -(2**27) : -(2**26), -1][:1], at_once[3:, 4])
    called = initializer(shape, "float64", partition_shape=size, partition_offset=offset)
    assert same_bits(called, at_once)


@pytest.mark.slow
@needs(6)
@pytest.mark.parametrize("shape", [(2**31 + 72,), (2**16 + 3, 2**15)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_more_than_2_31_elements(shape, order):
    """Sizes, strides and chunks beyond 32 bits: the values are those of small partitions."""
    if len(available()) == 1:
        pytest.skip("takes too long without the native kernel")
    weights = pyinit.HeNormal(seed=1).lazy(shape, "bfloat16")
    drawn = weights.read(order=order)
    assert drawn.size > 2**31
    for position in (0, 2**31 - 40, 2**32 // 3, drawn.size - 200):
        offset = np.unravel_index(position, shape)
        part = tuple(slice(first, first + 200) for first in offset)
        assert same_bits(np.ascontiguousarray(drawn[part]), weights[part])
    del drawn


@pytest.mark.slow
@needs(4)
def test_more_than_2_31_bytes_of_constants():
    """Arrays that are filled with a value, whole or at some positions."""
    ones = pyinit.Ones()((2**31 + 5,), "int8")
    assert ones[-5:].sum() == 5
    assert int(np.add.reduce(ones, dtype=np.int64)) == ones.size
    del ones
    identity = pyinit.Identity()((46_400, 46_400), "int8")
    assert identity.size > 2**31
    assert np.trace(identity, dtype=np.int64) == 46_400
    assert np.count_nonzero(identity[-3:]) == 3


LIMITED = """
import sys
import numpy as np
import pyinit
from tests.support.memory import limit_memory
pyinit.set_num_threads(2)
small = pyinit.HeNormal(seed=1)((64, 64))
limit_memory(2**29)
for work in (
    lambda: pyinit.HeNormal(seed=1)((2**15, 2**15)),
    lambda: pyinit.HeNormal(seed=1).lazy((2**15, 2**15)).read(dtype="float64", order="F"),
    lambda: pyinit.TruncatedNormal(seed=1, lower=-3.0)((2**15, 2**15)),
    lambda: pyinit.Ones()((2**15, 2**15)),
    lambda: pyinit.Identity()((2**15, 2**15)),
    lambda: pyinit.STFT()((2**15, 1, 2**15 + 1)),
    lambda: pyinit.Orthogonal(seed=1)((2**13, 2**13)),
    lambda: pyinit.DeltaOrthogonal(seed=1)((3, 3, 2**13, 2**13)),
    lambda: pyinit.Constant(np.ones(2**12))((2**20, 2**12)),
):
    try:
        work()
    except MemoryError as error:
        assert str(error), "no message"
    else:
        sys.exit("no error")
    assert (pyinit.HeNormal(seed=1)((64, 64)) == small).all()
# in chunks, the size does not matter
pyinit.fingerprint(pyinit.HeNormal(seed=1), (2**13, 2**13))
print("went on")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_too_little_memory():
    """A limit of memory is a MemoryError, after which the process goes on; never an abort."""
    done = subprocess.run([sys.executable, "-c", LIMITED], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
