"""The GPU's kernel without a GPU: compiled by each compiler, and run on the CPU."""

import itertools
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyinit.dtypes import FLOAT_DTYPES
from pyinit.stream import index_strides, kernels
from pyinit.stream.distributions import FAMILIES, Distribution
from pyinit.stream.gpu import launch, nvrtc
from pyinit.stream.regions import Region
from tests.support import same_bits
from tests.support.cuda_on_host import launch_on_host, library, on_host

STORAGES = (*FLOAT_DTYPES, "float16_widened", "bfloat16_widened", "float32_widened")
#: Architectures to compile for, if the installed toolkit supports them.
ARCHITECTURES = (70, 80, 90, 120)

with_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not there")


def distribution_of(family: str) -> Distribution:
    """Return a distribution in which every operation affects the result."""
    words = (2**59 + 12_345, 2**64 - 2**62 - 7) if family == "bounded_normal" else ()
    return Distribution(family, 0.375, 1.25, 1.5 if family == "uniform" else np.inf, *words)


def has_the_bits(like, dtype, family, draw_id, first_index, strides, shape=None) -> bool:
    """Return whether the GPU's kernel and the CPU's fill the same elements with the same bits."""
    drawn, expected = np.zeros_like(like), np.zeros_like(like)
    launch_on_host(
        drawn, Region(dtype, distribution_of(family), *draw_id, first_index, strides), shape
    )
    kernels.kernel()(
        expected, Region(dtype, distribution_of(family), *draw_id, first_index, strides)
    )
    return same_bits(drawn, expected)


# ---- compilation ----


def assert_every_operation_is_rounded(ptx: str):
    """Check that no operation is fused, may be fused later, or flushes subnormal values."""
    operations = re.findall(r"^\s*(?:@!?%p\d+ )?([a-z]\S*\.f(?:32|64))\b", ptx, re.MULTILINE)
    arithmetic = [name for name in operations if re.match(r"(add|sub|mul|div|fma|mad)\.", name)]
    assert len(arithmetic) > 3
    # Without `.rn` the driver may contract a multiplication and an addition.
    assert {name.split(".")[0] for name in arithmetic} <= {"add", "sub", "mul", "div"}
    assert all(".rn." in name for name in arithmetic)
    assert ".ftz" not in ptx
    assert ".approx" not in ptx
    assert not re.search(r"\bfma\b|\bmad\.(rn\.)?f", ptx)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nvrtc_compiles_it(architecture):
    """Protects machines with a device: no other test compiles the kernel with NVRTC."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    supported = cupy.cuda.nvrtc.getSupportedArchs()
    if architecture not in supported:
        pytest.skip(f"this NVRTC knows {supported}, not {architecture}")
    for family, storage in itertools.product(FAMILIES, STORAGES):
        ptx = nvrtc.compiled(f"compute_{architecture}", family, storage).decode()
        assert "pyinit_blocks" in ptx
        assert "pyinit_elements" in ptx
        assert_every_operation_is_rounded(ptx)
    code = nvrtc.compiled(f"sm_{architecture}", "normal", "float64")
    assert code.startswith(b"\x7fELF")


def test_nvrtc_errors_are_reported():
    """Protects the message, which quotes NVRTC's log."""
    pytest.importorskip("cupy", reason="CuPy is not installed")
    with pytest.raises(RuntimeError, match=r"kernel\.cu[\s\S]*pyinit_stored_float12"):
        nvrtc.compiled("compute_90", "normal", "float12")


@with_nvcc
@pytest.mark.parametrize(
    "architecture",
    [pytest.param(each, marks=[] if each == 90 else pytest.mark.slow) for each in ARCHITECTURES],
)
def test_nvcc_compiles_it(architecture, tmp_path):
    """Protects the bits if NVCC compiles the kernel."""
    known = subprocess.run(["nvcc", "--list-gpu-arch"], capture_output=True, text=True, check=True)
    if f"compute_{architecture}" not in known.stdout.split():
        pytest.skip(f"this nvcc does not know compute_{architecture}")
    for family, storage in [
        ("uniform", "float32"),
        ("normal", "float64"),
        ("normal", "float16"),
        ("bounded_normal", "bfloat16"),
    ]:
        target = tmp_path / f"{family}_{storage}.ptx"
        result = subprocess.run(
            [
                *("nvcc", "-ptx", f"-arch=compute_{architecture}", "-Werror", "all-warnings"),
                *(*nvrtc.OPTIONS, *nvrtc.defines(family, storage)),
                *("-Xcompiler", "-Wall,-Wextra", str(nvrtc.SOURCE), "-o", str(target)),
            ],
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr
        assert_every_operation_is_rounded(target.read_text())


# ---- values ----


@on_host
def test_the_plan_has_the_kernels_layout():
    """Protects the launch arguments, which are passed as bytes."""
    assert library("uniform", "float32").plan_size() == launch.PLAN.itemsize


@on_host
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_and_storage(family, storage):
    """Protects the values at the edges of tiles and of the counter's 32-bit words."""
    dtype = FLOAT_DTYPES[storage.removesuffix("_widened")]
    storage_dtype = np.float64 if storage.endswith("_widened") else dtype
    for first_index in (0, 1, 15, 16, 63, 64, 2**32 * 4 - 70, 2**40 + 3):
        for length in (1, 2, 16, 17, 33, 63, 64, 65, 1000):
            like = np.empty(length, storage_dtype)
            assert has_the_bits(like, dtype, family, (2**63 + 5, 2**32 - 1), first_index, (1,))


@on_host
@pytest.mark.parametrize("storage", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("scale", [1e-8, 6e-5, 3e4, 1e-39, 1e-44, 1e38])
@pytest.mark.parametrize("family", ["normal", "bounded_normal"])
def test_small_and_large_values(family, storage, scale):
    """Protects subnormal values and overflow."""
    dtype = FLOAT_DTYPES[storage]
    distribution = Distribution(family, 0.0, float(np.float32(scale)), np.inf)
    drawn, expected = np.empty(20_000, dtype), np.empty(20_000, dtype)
    launch_on_host(drawn, Region(dtype, distribution, 4, 0, 0, (1,)))
    kernels.kernel()(expected, Region(dtype, distribution, 4, 0, 0, (1,)))
    assert same_bits(drawn, expected)


@on_host
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 5), (2, 33), (7, 1), (13, 256), (500, 96)])
def test_the_grid_does_not_matter(shape):
    """Protects the loop over the grid: threads with many items, one item or none."""
    for lengths in ((3000,), (70, 3), (9, 130), (3, 3, 20, 70)):
        for order in "CF":
            like = np.empty(lengths, np.float32, order=order)
            strides = index_strides(lengths)
            assert has_the_bits(like, like.dtype, "normal", (9, 1), 0, strides, shape)


@on_host
@settings(max_examples=int(os.environ.get("PYINIT_EXAMPLES", 150)))
@given(data=st.data())
def test_any_partition_of_any_tensor(data):
    """Protects the indexing: any rank, order of axes, offset, dtype and grid."""
    family = data.draw(st.sampled_from(FAMILIES))
    dtype = FLOAT_DTYPES[data.draw(st.sampled_from(list(FLOAT_DTYPES)))]
    storage_dtype = np.float64 if data.draw(st.booleans()) else dtype
    partition = tuple(data.draw(st.lists(st.integers(1, 40), min_size=0, max_size=4)))
    if partition and data.draw(st.booleans()):
        partition = (*partition[:-1], data.draw(st.integers(60, 200)))
    full = tuple(length + data.draw(st.integers(0, 70)) for length in partition)
    axes = data.draw(st.permutations(range(len(partition))))
    memory = np.empty([partition[axis] for axis in axes], storage_dtype)
    out = memory.transpose(np.argsort(axes).astype(int))
    draw_id = (data.draw(st.integers(0, 2**64 - 1)), data.draw(st.integers(0, 2**32 - 1)))
    first_index = data.draw(st.integers(0, 2**40))
    shape = data.draw(st.none() | st.tuples(st.integers(1, 40), st.integers(1, 70)))
    assert has_the_bits(out, dtype, family, draw_id, first_index, index_strides(full), shape)


# ---- work distribution ----


def test_rows_of_a_full_tensor_are_one():
    """Protects the fast path: one row, four elements a thread, no division."""
    shape = (3, 5, 64)
    rows = launch.rows_of(shape, index_strides(shape), index_strides(shape), 0)
    assert rows == launch.Rows("blocks", 0, 960, 1, 0, (launch.Axis(240, 1, 1),))
    assert rows.items == 240


@pytest.mark.parametrize("order", ["C", "F"])
def test_neighbouring_items_are_neighbours_in_memory(order):
    """Protects coalesced writes: the last axis of the items is contiguous."""
    for shape in ((512, 512), (512, 3), (3, 3, 64, 128), (1000, 1, 20)):
        for more in (0, 7):
            like = np.empty(shape, np.float32, order=order)
            strides = [stride // 4 for stride in like.strides]
            full = (*shape[:-1], shape[-1] + more)
            rows = launch.rows_of(shape, strides, index_strides(full), 0)
            last = rows.axes[-1]
            stride = rows.column_stride if len(rows.axes) - 1 == rows.row_axis else last.stride
            assert stride == 1


def test_short_rows_are_drawn_by_element():
    """Protects tensors of few columns from computing blocks of which little is used."""
    shape = (1000, 3)
    rows = launch.rows_of(shape, (1, 1000), (3, 1), 0)
    assert rows.kernel == "elements"
    assert rows.items == 3000


def test_indices_have_64_bits():
    """Protects tensors of more than 2**32 elements."""
    shape = (2**33, 2)
    rows = launch.rows_of(shape, (1, 2**33), (2, 1), 5)
    plan = launch.plan(
        rows,
        Region(np.dtype(np.float32), distribution_of("normal"), 2**64 - 1, 2**32 - 1, 5, (2, 1)),
    )
    assert rows.items == 2**34 == plan["items"][0]
    assert plan["seed"][0] == 2**64 - 1
    rows = launch.rows_of((2**40,), (1,), (1,), 2**41)
    assert rows.items == 2**38


def test_launches_fit_the_device():
    """Protects small draws from idle blocks, and large ones from too many blocks."""
    assert launch.launch_shape(1, 100) == (1, launch.THREADS)
    assert launch.launch_shape(launch.THREADS + 1, 100) == (2, launch.THREADS)
    grid, _ = launch.launch_shape(2**60, 100)
    assert grid == 100 * launch.BLOCKS_PER_PROCESSOR


@pytest.mark.parametrize(
    ("capability", "chosen"),
    [("90", "sm_90"), ("80", "sm_80"), ("95", "compute_90"), ("130", "compute_120")],
)
def test_devices_newer_than_the_compiler_get_ptx(capability, chosen):
    """Protects devices that are newer than the toolkit."""
    assert nvrtc.architecture_for(capability, (75, 80, 90, 120)) == chosen


def test_devices_older_than_the_compiler_raise():
    """Protects users of a device that the toolkit no longer supports: the error says so."""
    with pytest.raises(RuntimeError, match="compute capability 70 needs an older CUDA"):
        nvrtc.architecture_for("70", (75, 80, 90, 120))
