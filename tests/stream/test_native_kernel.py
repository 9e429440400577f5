"""The native kernel: its bits equal the reference's at every ISA level of this machine."""

import ctypes
import itertools
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyinit
from pyinit import native
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.runtime import threads
from pyinit.stream import index_strides, native_kernel, reference
from pyinit.stream.distributions import FAMILIES, Distribution
from pyinit.stream.regions import Region
from tests.support import SUPPORT, same_bits

NATIVE = Path(native.__file__).parent
LEVELS = native.isa_levels()


def distribution_of(family: str) -> Distribution:
    """Return a distribution in which every operation affects the result."""
    words = (2**59 + 12_345, 2**64 - 2**62 - 7) if family == "bounded_normal" else ()
    return Distribution(family, 0.375, 1.25, 1.5 if family == "uniform" else np.inf, *words)


def both(level, out_like, dtype, family, draw_id, first_index, strides):
    """Return a partition drawn by the native kernel and by the reference."""
    drawn, expected = np.zeros_like(out_like), np.zeros_like(out_like)
    native_kernel.NativeKernel(level)(
        drawn, Region(dtype, distribution_of(family), *draw_id, first_index, strides)
    )
    reference.fill(expected, Region(dtype, distribution_of(family), *draw_id, first_index, strides))
    return drawn, expected


def test_the_native_kernel_was_built():
    """Protects the tests below, which would test nothing without the extension."""
    assert native.MISSING is None
    assert LEVELS


def test_the_layout_of_a_tile_is_the_same_in_c():
    """Protects LANES and TILE, which C and Python each define once."""
    assert native._kernel.lib.PYINIT_LANES == reference.LANES
    assert native._kernel.lib.PYINIT_TILE == reference.TILE


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("widened", [False, True])
def test_runs_around_every_edge(level, family, widened, float_dtype):
    """Protects runs that start or end at or beside the edges of tiles and buffers."""
    dtype = FLOAT_DTYPES[float_dtype]
    for first_index in (0, 1, 15, 16, 17, 63, 64, 65, 1023, 2**32 * 4 - 70, 2**40 + 3):
        for length in (1, 2, 15, 16, 17, 48, 63, 64, 65, 127, 1023, 1024, 1025, 2100):
            like = np.empty(length, np.float64 if widened else dtype)
            drawn, expected = both(level, like, dtype, family, (2**63 + 5, 7), first_index, (1,))
            assert same_bits(drawn, expected), (first_index, length)


@given(data=st.data())
def test_any_partition_of_any_tensor(data):
    """Protects the indexing: any rank, order of axes, offset, dtype and ISA level."""
    level = data.draw(st.sampled_from(LEVELS))
    family = data.draw(st.sampled_from(FAMILIES))
    dtype = FLOAT_DTYPES[data.draw(st.sampled_from(list(FLOAT_DTYPES)))]
    partition = tuple(data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=4)))
    full = tuple(length + data.draw(st.integers(0, 40)) for length in partition)
    axes = data.draw(st.permutations(range(len(partition))))
    memory = np.empty(
        [partition[axis] for axis in axes], np.float64 if data.draw(st.booleans()) else dtype
    )
    out = memory.transpose(np.argsort(axes))
    draw_id = (data.draw(st.integers(0, 2**64 - 1)), data.draw(st.integers(0, 2**32 - 1)))
    first_index = data.draw(st.integers(0, 2**40))
    drawn, expected = both(level, out, dtype, family, draw_id, first_index, index_strides(full))
    assert same_bits(drawn, expected)


@given(data=st.data())
def test_any_elements_of_any_tensor(data):
    """Protects thin and strided partitions: any steps, gaps, memory strides, and high indices."""
    level = data.draw(st.sampled_from(LEVELS))
    family = data.draw(st.sampled_from(FAMILIES))
    dtype = FLOAT_DTYPES[data.draw(st.sampled_from(list(FLOAT_DTYPES)))]
    storage = np.dtype(np.float64) if data.draw(st.booleans()) else dtype
    shape = tuple(data.draw(st.lists(st.integers(1, 90), min_size=1, max_size=3)))
    strides, span = [], 1
    for length in reversed(shape):
        stride = span + data.draw(st.sampled_from([0, 1, 2, 7, 15, 20, 63, 64, 65, 1000]))
        strides.insert(0, stride)
        span = (length - 1) * stride + span
    out = np.empty(shape, storage, order=data.draw(st.sampled_from("CF")))
    if data.draw(st.booleans()):  # strided memory, and backwards
        memory = np.empty((*shape[:-1], 3 * shape[-1]), storage)
        out = memory[..., :: data.draw(st.sampled_from([2, -3]))][..., : shape[-1]]
    draw_id = (data.draw(st.integers(0, 2**64 - 1)), data.draw(st.integers(0, 2**32 - 1)))
    first_index = data.draw(
        st.integers(0, 200)
        | st.integers(2**36 - 200, 2**36 + 200)  # the block exceeds 32 bits from here on
        | st.integers(2**53 - 200, 2**63)
    )
    axes = data.draw(st.permutations(range(len(shape))))
    drawn, expected = both(
        level, out.transpose(axes), dtype, family, draw_id, first_index,
        tuple(strides[axis] for axis in axes),
    )  # fmt: skip
    assert same_bits(drawn, expected)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("widened", [False, True])
def test_thin_partitions(level, family, widened, float_dtype):
    """Protects elements drawn one by one or taken from whole tiles, in every loop of the kernel."""
    dtype = FLOAT_DTYPES[float_dtype]
    storage = np.float64 if widened else dtype
    # (shape, index strides): single columns, narrow ones, strided rows, rows that share tiles
    for shape, strides in [
        ((1100, 1), (1000, 1)),
        ((150, 8), (999, 1)),
        ((4, 400), (1024, 1)),
        ((3, 500), (4000, 3)),
        ((40, 30), (37, 1)),
        ((7, 70), (500, 17)),
        ((1, 1), (1, 1)),
    ]:
        for order in "CF":
            like = np.empty(shape, storage, order=order)
            drawn, expected = both(level, like, dtype, family, (2**63 + 5, 7), 61, strides)
            assert same_bits(drawn, expected), (shape, strides, order)


@pytest.fixture(scope="module")
def recorded_fill(tmp_path_factory):
    """Return a function that fills an array and returns the Philox blocks that it computed."""
    library = tmp_path_factory.mktemp("philox_blocks") / "kernel.so"
    command = ["gcc", "-std=gnu11", "-O1", "-ffp-contract=off", "-shared", "-fPIC", f"-I{NATIVE}"]
    subprocess.run([*command, "-o", library, SUPPORT / "philox_blocks.c"], check=True)
    kernel = ctypes.CDLL(str(library))

    def fill(out, first_index, strides):
        family = "normal"
        axes = ctypes.c_int64 * out.ndim
        numbers = map(ctypes.c_double, distribution_of(family)[1:4])
        words = map(ctypes.c_uint64, distribution_of(family)[4:])
        loop = native_kernel._LOOPS[out.dtype, out.dtype, family]
        assert not kernel.pyinit_fill(
            0, ctypes.c_void_p(out.ctypes.data), loop, *numbers, *words, ctypes.c_uint64(6),
            ctypes.c_uint32(2), ctypes.c_uint64(first_index), out.ndim, axes(*out.shape),
            axes(*out.strides), axes(*strides),
        )  # fmt: skip
        expected = np.empty_like(out)
        reference.fill(
            expected, Region(out.dtype, distribution_of(family), 6, 2, first_index, strides)
        )
        assert same_bits(out, expected)
        record = np.empty(1 << 20, np.uint64)
        count = kernel.take_record(ctypes.c_void_p(record.ctypes.data), ctypes.c_int64(record.size))
        assert count >= 0
        return record[:count]

    return fill


def tiles_of(shape, first_index, strides):
    """Return the tiles that some elements lie in."""
    index = np.full(1, first_index)
    for length, stride in zip(shape, strides, strict=True):
        index = (index[:, None] + np.arange(length) * stride).reshape(-1)
    return np.unique(index // reference.TILE)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("shape", "first_index", "strides"),
    [
        ((3, 5000), 10, (10_048, 1)),  # rows of a wide matrix
        ((300, 200), 0, (640, 1)),
        ((70, 200), 7, (237, 1)),
        ((1000, 20), 3, (29, 1)),  # rows that share tiles
        ((90, 40), 50, (90, 1)),
        ((5000,), 13, (2,)),  # strided rows
        ((100, 32), 0, (64, 2)),
        ((30, 30, 16), 0, (640, 20, 1)),
    ],
)
def test_no_tile_is_computed_twice(recorded_fill, dtype, order, shape, first_index, strides):
    """Protects the cost of partitions that need many elements of a tile."""
    blocks = recorded_fill(np.empty(shape, dtype, order=order), first_index, strides)
    halves = 2 if dtype == "float64" else 1
    assert np.unique(blocks).size == blocks.size
    assert blocks.size == halves * 16 * tiles_of(shape, first_index, strides).size


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("shape", "strides"),
    [
        ((5000, 1), (1024, 1)),  # columns of a tall matrix
        ((5000, 8), (1024, 1)),
        ((4000, 3), (1000, 1)),
        ((3000, 1), (40, 1)),
        ((7, 1000), (9000, 8)),  # strided rows
        ((7, 1000), (9000, 5)),
    ],
)
def test_few_elements_of_a_tile_take_a_block_each(recorded_fill, order, shape, strides):
    """Protects the cost of partitions that need few elements of a tile."""
    blocks = recorded_fill(np.empty(shape, np.float32, order=order), 5, strides)
    assert blocks.size == np.prod(shape)
    assert blocks.size < 16 * tiles_of(shape, 5, strides).size


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "shape",
    [
        *[(70, 600), (600, 3), (3, 3, 20, 300), (1, 513), (513, 1)],
        # rows of whole tiles: vectors run along the columns in memory
        *[(15, 64), (16, 64), (130, 64), (300, 640), (20, 3, 128), (3, 3, 64, 64)],
    ],
)
def test_tiles_of_rows(level, shape, order, float_dtype):
    """Protects long and short rows, with a partial tile at either end."""
    like = np.empty(shape, FLOAT_DTYPES[float_dtype], order=order)
    strides = index_strides(shape)
    drawn, expected = both(level, like, like.dtype, "normal", (3, 0), 11, strides)
    assert same_bits(drawn, expected)
    for more in (5, 64):
        strides = index_strides((*shape[:-1], shape[-1] + more))
        drawn, expected = both(level, like, like.dtype, "uniform", (3, 0), 11, strides)
        assert same_bits(drawn, expected)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("shape", [(700_001,), (1000, 700), (2, 3, 150_000), (1, 400_000)])
def test_threads_do_not_matter(count, shape):
    """Protects invariant 2: neither the number of threads nor the chunks change a value."""
    pyinit.set_num_threads(count)
    for order in "CF":
        like = np.empty(shape, np.float32, order=order)
        drawn, expected = both(
            LEVELS[-1], like, like.dtype, "normal", (9, 1), 0, index_strides(shape)
        )
        assert same_bits(drawn, expected)


def test_rounding_to_narrow_dtypes_equals_numpy():
    """Protects ties, subnormals and overflow of float16 and bfloat16."""
    for scale in (1e-8, 6e-5, 1.0, 3e4, 1e5, 1e-39, 1e38):
        for dtype in ("float16", "bfloat16"):
            single, narrow = np.empty(50_000, np.float32), np.empty(50_000, FLOAT_DTYPES[dtype])
            widened = np.empty(50_000, np.float64)
            distribution = Distribution("normal", 0.0, float(np.float32(scale)), np.inf)
            for level in LEVELS:
                kernel = native_kernel.NativeKernel(level)
                kernel(single, Region(single.dtype, distribution, 4, 0, 0, (1,)))
                kernel(narrow, Region(narrow.dtype, distribution, 4, 0, 0, (1,)))
                kernel(widened, Region(narrow.dtype, distribution, 4, 0, 0, (1,)))
                with np.errstate(over="ignore"):
                    expected = single.astype(narrow.dtype)
                assert same_bits(narrow, expected)
                assert same_bits(widened, expected.astype(np.float64))


@pytest.mark.parametrize("shape", [(1 << 21, 2), (1 << 20, 3), (1 << 15, 64), (64, 1 << 15)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_large_draw_is_shared_among_the_threads(shape, order):
    """Protects matrices of few columns, common in R, from being drawn as one chunk."""
    pyinit.set_num_threads(4)
    region = Region(
        FLOAT_DTYPES["float32"], distribution_of("normal"), 1, 0, 0, index_strides(shape)
    )
    chunks = native_kernel._chunks(np.empty(shape, np.float32, order=order), region)
    assert len(chunks) >= 8
    assert sum(chunk.size for chunk, _ in chunks) == np.prod(shape)


@pytest.mark.parametrize(
    ("shape", "order", "full_row"),
    [
        ((1 << 19,), "C", 1),
        ((64, 1 << 13), "F", 1 << 14),
        ((64, 1 << 13), "F", (1 << 14) + 5),  # rows start at different elements of tiles
        ((1 << 14, 100), "F", 100),
        ((3, 3, 1 << 16), "F", 1 << 17),
    ],
)
def test_chunks_cut_few_tiles(shape, order, full_row):
    """Protects chunks for threads from computing the tiles at their edges twice."""
    pyinit.set_num_threads(4)
    strides = index_strides((*shape[:-1], full_row))
    region = Region(FLOAT_DTYPES["float32"], distribution_of("normal"), 1, 0, 1003, strides)
    out = np.zeros(shape, np.float32, order=order)
    chunks = native_kernel._chunks(out, region)
    assert len(chunks) >= 8
    for chunk, _ in chunks:
        chunk += 1
    assert (out == 1).all()  # they cover the array, each element once
    tiles = sum(tiles_of(part.shape, *each[4:]).size for part, each in chunks)
    needed = tiles_of(shape, region.first_index, strides).size
    aligned = len(shape) == 1 or full_row % reference.TILE == 0
    assert tiles <= needed * (1 if aligned else 1.1)


def compile_kernel(target: Path, compiler: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """Compile the kernel's C source as a shared library."""
    command = [compiler, "-std=gnu11", "-ffp-contract=off", "-shared", "-fPIC", *flags]
    return subprocess.run(
        [*command, "-o", target, NATIVE / "kernel.c"], capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        ("gcc", ("-O1", "-DPYINIT_PORTABLE")),
        ("clang", ("-O2",)),
        # script/conformance checks these and more.
        *[
            pytest.param(compiler, flags, marks=pytest.mark.slow)
            for compiler, flags in [
                ("gcc", ("-O0",)),
                ("gcc", ("-O2",)),
                ("clang", ("-O0",)),
                ("clang", ("-O1", "-DPYINIT_PORTABLE")),
            ]
        ],
    ],
)
def test_other_builds_draw_the_same(tmp_path, compiler, flags):
    """Protects the bits from the compiler, and the portable loops that MSVC uses."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    library = tmp_path / "kernel.so"
    built = compile_kernel(library, compiler, *flags)
    assert built.returncode == 0, built.stderr
    fill = ctypes.CDLL(str(library)).pyinit_fill
    axes = ctypes.c_int64 * 2
    shape = (70, 300)
    # whole rows, single elements, strided rows
    for order, strides in itertools.product("CF", [(300, 1), (30_000, 70), (1200, 3)]):
        for (dtype, storage, family), loop in native_kernel._LOOPS.items():
            out = np.empty(shape, storage, order=order)
            expected = np.empty_like(out)
            reference.fill(expected, Region(dtype, distribution_of(family), 6, 2, 5, strides))
            location, scale, upper = map(ctypes.c_double, distribution_of(family)[1:4])
            words = map(ctypes.c_uint64, distribution_of(family)[4:])
            memory_strides = axes(*out.strides)
            seed, draw, first_index = ctypes.c_uint64(6), ctypes.c_uint32(2), ctypes.c_uint64(5)
            pointer = ctypes.c_void_p(out.ctypes.data)
            assert not fill(
                0, pointer, loop, location, scale, upper, *words, seed, draw, first_index,
                2, axes(*shape), memory_strides, axes(*strides),
            )  # fmt: skip
            assert same_bits(out, expected)


@pytest.mark.parametrize(
    "options",
    ["-Ofast", "-funsafe-math-optimizations", "-freciprocal-math", "-ffinite-math-only"],
)
def test_fast_math_is_refused(options):
    """Protects the bits from options that reorder arithmetic, in both C sources."""
    for source in (NATIVE / "kernel.c", NATIVE / "qr.c"):
        # The preprocessor refuses the options, which saves the time to compile.
        built = subprocess.run(
            ["gcc", options, "-E", "-o", os.devnull, f"-I{NATIVE}", source],
            capture_output=True,
            text=True,
            check=False,
        )
        assert built.returncode != 0
        assert "the stream needs IEEE-754 arithmetic" in built.stderr


@pytest.mark.slow
def test_float32_accuracy_over_all_words(tmp_path):
    """Protects the documented bounds, over all 2**32 inputs."""
    program = tmp_path / "quantile_sweep"
    source = SUPPORT / "quantile_sweep.c"
    flags = ["-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
    subprocess.run(["cc", *flags, f"-I{NATIVE}", source, "-lm", "-o", program], check=True)

    def sweep(first: int) -> list[tuple[float, str]]:
        result = subprocess.run([program, str(first), "256"], capture_output=True, text=True)
        assert result.returncode == 0, "complementing the bits did not negate the variate"
        lines = [line.split() for line in result.stdout.splitlines()]
        return [(float(error), word) for error, word in lines]

    with ThreadPoolExecutor(threads.usable_cpus()) as pool:
        normal, truncated = zip(*pool.map(sweep, range(0, 4096, 256)), strict=True)
    assert max(normal)[0] < 4.85e-7
    assert max(truncated)[0] < 4.55e-7
