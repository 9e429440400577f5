"""Ctrl-C in everything that takes long: a real SIGINT to a real process.

Each program would run for many minutes, in little memory. That it ends soon is tested by the sizes
of the steps between which Python handles signals, since no test may depend on the machine's speed.
"""

import json
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import pyinit
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.initializers import chunking
from pyinit.linalg import native_gram, orthonormalize
from pyinit.runtime import kernel_choice, threads
from pyinit.stream import native_kernel, reference
from pyinit.stream.distributions import Distribution
from pyinit.stream.regions import Region, index_strides
from tests.support import restore_interrupts, running, same_bits

START = """
import dataclasses
import os
import sys
import numpy as np
import pyinit

pyinit.set_num_threads({threads})

def memory(*shape, dtype="float32"):
    # rows that all lie over the same memory
    row = np.empty(shape[1:], dtype)
    return np.lib.stride_tricks.as_strided(row, shape, (0, *row.strides))

def read_into(initializer, out):
    initializer.lazy(out.shape, out.dtype.name).read_into(out)

# The modules that are imported on first use: Python can lose an interrupt in an import.
small = pyinit.create_manifest(
    [{{"name": n, "shape": [2, 2], "initializer": n}} for n in ("ones", "orthogonal")], 1
)
pyinit.materialize(small, sys.argv[2])
pyinit.verify(sys.argv[1].replace("manifest", "small"))
os.remove(sys.argv[2])
pyinit.RandomNormal(seed=1)((2**10, 2**10))
print("ready", flush=True)
"""
PROGRAMS = {
    "normal": "read_into(pyinit.RandomNormal(seed=1), memory(2**16, 2**20))",
    "bounded normal": (
        "read_into(pyinit.TruncatedNormal(seed=1, lower=-3.0, upper=1.0), "
        "memory(2**16, 2**20, dtype='float64'))"
    ),
    "ones": "read_into(pyinit.Ones(), memory(2**24, 2**20))",
    "given values": "read_into(pyinit.Constant(np.ones(2**20)), memory(2**24, 2**20))",
    "identity": "read_into(pyinit.Identity(), memory(2**24, 2**20))",
    "dirac": "read_into(pyinit.Dirac(), memory(2**22, 2, 2**20))",
    "orthogonal": "pyinit.Orthogonal(seed=1)((9000, 9000))",
    "orthogonal, tall": "for _ in range(999): pyinit.Orthogonal(seed=1)((500_000, 150))",
    "delta orthogonal": "pyinit.DeltaOrthogonal(seed=1)((1, 9000, 9000))",
    "stft": "read_into(pyinit.STFT(), memory(2**18, 1, 2**18 + 1))",
    "fingerprint": "pyinit.fingerprint(pyinit.HeNormal(seed=1), (2**20, 2**20))",
    "create_manifest": "pyinit.create_manifest(plan('he_normal', 'orthogonal'), 1)",
    "verify": "pyinit.verify(sys.argv[1], max_bytes=2**50)",
    "materialize": "pyinit.materialize(with_rows(2**10), sys.argv[2])",
    "self_test": "while True: pyinit.self_test()",
}
PLAN = """
def plan(*initializers):
    return [{"name": name, "shape": [2**14, 2**14], "initializer": name} for name in initializers]

def with_rows(count):
    manifest = pyinit.read_manifest(sys.argv[1])
    tensor = dataclasses.replace(manifest.tensors[0], shape=(count, 2**20))
    return dataclasses.replace(manifest, tensors=(tensor,))
"""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Return the path of a manifest of a tensor of 2**40 elements, with a wrong fingerprint."""
    path = tmp_path_factory.mktemp("interrupts") / "manifest.json"
    plan = [{"name": "x", "shape": [1], "initializer": "he_normal"}]
    pyinit.write_manifest(pyinit.create_manifest(plan, 1), path)
    pyinit.write_manifest(pyinit.create_manifest(plan, 1), path.with_name("small.json"))
    content = json.loads(path.read_text())
    content["tensors"][0]["shape"] = [2**20, 2**20]
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_interrupt_ends_it(manifest, tmp_path, name, count):
    """Protects Ctrl-C at any moment: KeyboardInterrupt ends the program and all its threads."""
    restore_interrupts()
    code = START.format(threads=count) + PLAN + PROGRAMS[name]
    with running(
        [sys.executable, "-c", code, manifest, tmp_path / "x.safetensors"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        moment = random.uniform(0.0, 0.4)
        time.sleep(moment)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert errors.rstrip().endswith("KeyboardInterrupt"), moment
    assert process.returncode == -signal.SIGINT, moment
    assert list(tmp_path.iterdir()) == []


# ---- the sizes of steps ----


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(3, 1000, 1000), (5, 0), (), (2**21, 1), (7, 300_001)])
def test_parts_of_arrays(shape, order):
    """Parts are small, cover an array once, in the order of its memory, and know their place."""
    out = np.zeros(shape, np.int64, order=order)
    strides = index_strides(shape)
    addresses = []
    for part, first in chunking.memory_parts(out, (0,) * len(shape), (1,) * len(shape)):
        assert part.size <= chunking.PART_SIZE
        addresses.append(part.__array_interface__["data"][0])
        start = int(np.dot(strides, first))
        steps = np.ix_(*(np.arange(length) for length in part.shape)) if shape else ()
        part += sum((step * stride for step, stride in zip(steps, strides, strict=True)), 0) + start
    assert np.array_equal(out, np.arange(out.size).reshape(shape))
    assert addresses == sorted(addresses)


def test_parts_of_strided_partitions():
    """Parts of a partition with steps have the values of the whole tensor."""
    weights = pyinit.STFT().lazy((700, 1, 1601), "float64")
    expected = weights[...]
    for index in (np.s_[3::2, :, 100:], np.s_[::-1, :, ::3], np.s_[600:, 0, 7]):
        assert same_bits(weights[index], np.ascontiguousarray(expected[index]))


@pytest.mark.skipif(len(kernel_choice.available()) == 1, reason="needs the native kernel")
@pytest.mark.parametrize("size", [2**31, 2**36])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("row", [1, 64, 1000, 4096, 2**20])
def test_chunks_of_large_draws(size, order, row):
    """A chunk takes milliseconds, and in column-major order does not touch all memory."""
    out = np.lib.stride_tricks.as_strided(
        np.empty(1, np.float32),
        shape := (size // row, row),
        (4 * row, 4) if order == "C" else (4, 4 * (size // row)),
    )
    distribution = Distribution("normal", 0.0, 1.0, np.inf)
    region = Region(FLOAT_DTYPES["float32"], distribution, 1, 0, 0, index_strides(shape))
    chunks = native_kernel._chunks(out, region)
    assert sum(chunk.size for chunk, _ in chunks) == out.size
    # a cut is at the edge of a tile
    assert max(chunk.size for chunk, _ in chunks) <= 2 * native_kernel._MAX_CHUNK
    touched = max(chunk.shape[-1] * chunk.strides[-1] for chunk, _ in chunks)
    long_run = reference.TILE * 16
    assert touched <= max(4 * size // row * 2 * long_run, 2**26)


@pytest.mark.skipif(len(kernel_choice.available()) == 1, reason="needs the native kernel")
@pytest.mark.parametrize("shape", [(1300, 90), (513, 200), (100, 100), (260, 1)])
def test_factorizations_in_small_steps(monkeypatch, shape):
    """The steps of a large factorization change no bit of it."""
    matrix = np.random.default_rng(1).standard_normal(shape)
    expected = matrix.copy()
    orthonormalize(expected)
    calls = []
    run_parallel = threads.run_parallel

    def counted(tasks):
        tasks = list(tasks)
        calls.append(len(tasks))
        run_parallel(tasks)

    monkeypatch.setattr(native_gram, "run_parallel", counted)
    for largest in (1, 1 << 16, 1 << 21):
        monkeypatch.setattr(native_gram, "_MAX_TASK", largest)
        monkeypatch.setattr(native_gram, "_PARALLEL_SIZE", largest)
        drawn = matrix.copy()
        orthonormalize(drawn)
        assert same_bits(drawn, expected)
    assert len(calls) > 12  # of two passes, for three sizes


def test_steps_of_factorizations_are_bounded():
    """A task of a large factorization takes a fraction of a second."""
    if len(kernel_choice.available()) == 1:
        pytest.skip("needs the native kernel")
    across, down = native_gram._GRAM_PANELS
    width = native_gram._kernel.lib.PYINIT_PANEL
    for rows in (100, 10**4, 10**8):
        ranges = list(native_gram._row_ranges(rows, across * down * width**2))
        assert ranges[0][0] == 0
        assert ranges[-1][1] == rows
        assert [last for _, last in ranges[:-1]] == [first for first, _ in ranges[1:]]
        longest = max(last - first for first, last in ranges)
        assert longest * across * down * width**2 <= native_gram._MAX_TASK
