"""Tests that need a GPU; they run where CuPy finds a device."""

import sys

import numpy as np
import pytest

import pyinit
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.runtime import devices
from pyinit.stream import kernels
from pyinit.stream.distributions import FAMILIES, Distribution
from pyinit.stream.gpu import fill
from pyinit.stream.regions import Region
from tests.support import RANDOM, same_bits


def missing() -> str:
    """Return the reason why no device can be used, or an empty string."""
    try:
        devices.find("device", "cuda")
    except (ImportError, RuntimeError) as error:
        return str(error)
    return ""


WHY = missing()
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(bool(WHY), reason=WHY)]
if not WHY:
    import cupy

ROUNDED = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 1e-6, "float64": 1e-12}
EXACT = [name for name in RANDOM if name != "orthogonal"]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", EXACT)
def test_bits_equal_the_cpu(name, order, float_dtype):
    """Protects invariant 1 of the stream: each element has one value, on every device."""
    for shape in ((1,), (63,), (300, 640), (3, 3, 70, 65), (5000, 3), (1 << 20,)):
        out = cupy.empty(shape, FLOAT_DTYPES[float_dtype], order=order)
        assert RANDOM[name](3)(shape, out=out) is out
        assert same_bits(out.get(), RANDOM[name](3)(shape, float_dtype))
        drawn = RANDOM[name](3)(shape, float_dtype, device="cuda")
        assert isinstance(drawn, cupy.ndarray)
        assert same_bits(drawn.get(), RANDOM[name](3)(shape, float_dtype))


@pytest.mark.parametrize("name", EXACT)
def test_partitions(name, float_dtype):
    """Protects partitions, including those of a tensor with more than 2**32 elements."""
    for shape, partition, offset in (
        ((40, 3, 70), (5, 2, 70), (1, 1, 0)),
        ((300, 640), (200, 37), (3, 333)),
        ((2**33, 100), (50, 90), (2**33 - 60, 7)),
    ):
        options = {"partition_shape": partition, "partition_offset": offset}
        drawn = RANDOM[name](3)(shape, float_dtype, device="cuda", **options)
        assert same_bits(drawn.get(), RANDOM[name](3)(shape, float_dtype, **options))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("widened", [False, True])
def test_millions_of_values(family, widened, float_dtype):
    """Protects every branch of the quantiles, and rounding."""
    dtype = FLOAT_DTYPES[float_dtype]
    words = (2**59 + 12_345, 2**64 - 2**62 - 7) if family == "bounded_normal" else ()
    upper = 1.5 if family == "uniform" else np.inf
    drawn_from = Distribution(family, 0.375, 1.25, upper, *words)
    size = 1 << 23
    drawn = cupy.empty(size, np.float64 if widened else dtype)
    expected = np.empty(size, drawn.dtype)
    region = Region(dtype, drawn_from, 2**63 + 5, 7, 2**40 + 3, (1,))
    fill(drawn, region)
    kernels.kernel()(expected, region)
    assert same_bits(drawn.get(), expected)


@pytest.mark.parametrize("stddev", [1e-44, 1e-39, 1e-8, 1e38])
def test_small_and_large_values(stddev):
    """Protects subnormal values, which CuPy's own kernels flush to zero."""
    initializer = pyinit.RandomNormal(0, stddev / 8, seed=1)
    assert same_bits(initializer((9999,), device="cuda").get(), initializer((9999,)))
    bounded = pyinit.TruncatedNormal(0, stddev / 8, 1, -3, 2)
    for dtype in ("bfloat16", "float32"):
        drawn = bounded((9999,), dtype, device="cuda").get()
        assert same_bits(drawn, bounded((9999,), dtype))


@pytest.mark.parametrize("dtype", [*FLOAT_DTYPES, "int8", "int64", "bool"])
def test_constants(dtype):
    """Protects every bit, including -0.0, and partitions of the identity."""
    constants = [pyinit.Zeros(), pyinit.Ones(), pyinit.Constant(1), pyinit.Identity()]
    if dtype in FLOAT_DTYPES:
        constants += [pyinit.Constant(v) for v in (-0.0, 0.1, float("nan"), float("-inf"))]
    for initializer in constants:
        options = {"partition_shape": (3, 4), "partition_offset": (1, 0)}
        drawn = initializer((5, 6), dtype, device="cuda", **options)
        assert same_bits(drawn.get(), initializer((5, 6), dtype, **options))


def test_stft():
    """Protects values that the CPU computes for the device."""
    initializer = pyinit.STFT("imag", window=None)
    assert same_bits(initializer((8, 1, 5), device="cuda").get(), initializer((8, 1, 5)))


def test_self_test():
    """Protects the golden vectors on the device."""
    result = pyinit.self_test("cuda")
    assert result, result


@pytest.mark.parametrize("shape", [(1, 1), (300, 40), (40, 300), (3, 3, 20, 64), (512, 512)])
def test_orthogonal(shape, float_dtype):
    """Protects orthogonal matrices: they equal the CPU's up to rounding."""
    initializer = pyinit.Orthogonal(1.0, seed=3)
    drawn = initializer(shape, float_dtype, device="cuda").get().astype(np.float64)
    expected = initializer(shape, float_dtype).astype(np.float64)
    np.testing.assert_allclose(drawn, expected, rtol=0, atol=ROUNDED[float_dtype])


@pytest.mark.parametrize("batch_axes", [0, -1, (0, 2)])
def test_orthogonal_stacks(batch_axes, float_dtype):
    """Protects stacks of orthogonal matrices, and partitions of them."""
    initializer = pyinit.Orthogonal(1.0, 3, batch_axes)
    shape = (5, 40, 6, 30)
    drawn = initializer(shape, float_dtype, device="cuda").get().astype(np.float64)
    expected = initializer(shape, float_dtype).astype(np.float64)
    np.testing.assert_allclose(drawn, expected, rtol=0, atol=ROUNDED[float_dtype])
    partition = {"partition_shape": (2, 7, 3, 30), "partition_offset": (3, 1, 2, 0)}
    drawn = initializer(shape, float_dtype, device="cuda", **partition).get().astype(np.float64)
    np.testing.assert_allclose(drawn, expected[3:, 1:8, 2:5], rtol=0, atol=ROUNDED[float_dtype])


def test_on_the_current_stream_without_synchronizing():
    """Protects asynchronous work: a capture fails if anything waits, and holds one stream only."""
    out = cupy.empty((300, 70), np.float32)
    initializer = pyinit.HeNormal(1)
    initializer((300, 70), out=out)
    out.fill(0)
    cupy.cuda.Device().synchronize()
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        initializer((300, 70), out=out)
        graph = stream.end_capture()
        stream.synchronize()
        assert not out.get().any()
        graph.launch(stream)
        stream.synchronize()
    assert same_bits(out.get(), initializer((300, 70)))


class Lent:
    """An array that supports one of the two protocols."""

    def __init__(self, array, protocol):
        if protocol == "dlpack":
            self.__dlpack__, self.__dlpack_device__ = array.__dlpack__, array.__dlpack_device__
        else:
            self.__cuda_array_interface__ = array.__cuda_array_interface__
        self.array = array


@pytest.mark.parametrize("protocol", ["dlpack", "interface"])
def test_arrays_of_other_libraries(protocol):
    """Protects memory that other libraries allocated."""
    array = cupy.empty((70, 90), np.float32, order="F")
    lent = Lent(array, protocol)
    assert pyinit.HeNormal(1)((70, 90), out=lent) is lent
    assert same_bits(array.get(), pyinit.HeNormal(1)((70, 90)))


@pytest.mark.parametrize("needs_gradient", [False, True])
def test_torch_tensors(needs_gradient, float_dtype):
    """Protects tensors and parameters, filled in place in the order of torch's stream."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("this torch sees no device")
    for stream in (torch.cuda.current_stream(), torch.cuda.Stream()):
        with torch.cuda.stream(stream):
            tensor = torch.empty(300, 640, dtype=getattr(torch, float_dtype), device="cuda")
            tensor.requires_grad_(needs_gradient)
            address = tensor.data_ptr()
            assert pyinit.HeNormal(1)((300, 640), out=tensor) is tensor
            # The same stream runs this after the fill, without synchronization.
            copy = tensor.detach().clone()
        stream.synchronize()
        assert tensor.data_ptr() == address
        bits = copy.cpu().view(torch.int16 if copy.itemsize == 2 else copy.dtype).numpy()
        expected = pyinit.HeNormal(1)((300, 640), float_dtype)
        assert bits.tobytes() == expected.tobytes()


def test_other_devices():
    """Protects machines with several devices."""
    count = cupy.cuda.runtime.getDeviceCount()
    if count < 2:
        pytest.skip("there is one device")
    drawn = pyinit.HeNormal(1)((300, 70), device=f"cuda:{count - 1}")
    assert drawn.device.id == count - 1
    assert cupy.cuda.Device().id == 0
    assert same_bits(drawn.get(), pyinit.HeNormal(1)((300, 70)))


def test_out_of_memory():
    """Protects the message, and later calls on the device."""
    with pytest.raises(MemoryError, match="'cuda:0' has too little memory"):
        pyinit.HeNormal(1)((1 << 25, 1 << 25), device="cuda:0")
    assert pyinit.HeNormal(1)((2, 2), device="cuda:0").shape == (2, 2)


def test_default_device():
    """Protects calls without a device."""
    pyinit.set_default_device("cuda")
    try:
        assert isinstance(pyinit.Zeros()((2,)), cupy.ndarray)
    finally:
        pyinit.set_default_device(None)


def test_draws_for_r(float_dtype):
    """Protects the transfer to R through page-locked memory."""
    calls = pytest.importorskip("pyinit.bridges.r.calls", reason="pyarrow is missing")
    arguments = pyinit.HeNormal(1), (70, 90), (50, 60), (3, 5), float_dtype
    drawn = calls._filled(*arguments, "cuda")
    assert drawn.flags.f_contiguous
    assert same_bits(drawn, calls._filled(*arguments, None))


def test_the_benchmark_runs(capsys):
    """Protects the GPU benchmark, which nothing else runs."""
    from benchmarks import gpu

    gpu.main(["--size", "4096"])
    assert "pyinit" in capsys.readouterr().out
    assert "cupy" in sys.modules
