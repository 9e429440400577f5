"""The GPU's Python code on the CPU, with a stand-in for CuPy."""

import os
import subprocess
import sys
import types

import ml_dtypes
import numpy as np
import pytest

import pyinit
from pyinit.dtypes import FLOAT_DTYPES, round_to, round_to_odd
from pyinit.runtime import devices
from pyinit.stream import gpu
from pyinit.stream.gpu import nvrtc
from tests.support import RANDOM, fake_cupy, same_bits
from tests.support.cuda_on_host import on_host


@pytest.fixture(autouse=True)
def _reset(monkeypatch):
    """Reset the default device and the compiled kernels, before and after."""
    monkeypatch.setattr(devices, "_from_environment", "cpu")
    for cached in (nvrtc.function, nvrtc._module, nvrtc._code):
        cached.cache_clear()
    yield
    pyinit.set_default_device(None)
    for cached in (nvrtc.function, nvrtc._module, nvrtc._code):
        cached.cache_clear()


def pretend(monkeypatch, **machine):
    for name, module in fake_cupy.modules(**machine).items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture
def two_devices(monkeypatch):
    """Replace CuPy by its stand-in, with two devices."""
    pretend(monkeypatch)


# ---- errors ----


@pytest.mark.parametrize(
    "device",
    ["gpu", "cuda:", "cuda:-1", "cuda:1.0", "cpu:0", "CUDA", "cuda:\N{SUPERSCRIPT TWO}", 0],
)
def test_invalid_device_names(device):
    """Protects against a device name that is ignored."""
    for call in (
        lambda: pyinit.HeNormal(1)((2, 2), device=device),
        lambda: pyinit.HeNormal(1)((2, 2), out=np.empty((2, 2), np.float32), device=device),
        lambda: pyinit.set_default_device(device),
    ):
        with pytest.raises(ValueError, match="Argument `device` must be 'cpu', 'cuda' or"):
            call()


def test_without_cupy(monkeypatch):
    """Protects users without CuPy: the error says how to install it."""
    monkeypatch.setitem(sys.modules, "cupy", None)
    message = r"`device` must be 'cpu': a GPU needs CuPy.*Received: device='cuda:1'"
    with pytest.raises(ImportError, match=message):
        pyinit.Zeros()((2, 2), device="cuda:1")
    with pytest.raises(ImportError, match="CuPy"):
        pyinit.set_default_device("cuda")
    assert pyinit.default_device() == "cpu"


def test_without_a_driver(monkeypatch):
    """Protects users of CuPy without a driver."""
    pretend(monkeypatch, count=0, driver=0)
    with pytest.raises(RuntimeError, match=r"there is no NVIDIA driver .*Received: device='cuda'"):
        pyinit.HeNormal(1)((2, 2), device="cuda")


def test_without_a_device(monkeypatch):
    """Protects users of a driver without a device."""
    pretend(monkeypatch, count=0)
    with pytest.raises(RuntimeError, match="no device can be used"):
        pyinit.HeNormal(1)((2, 2), device="cuda")


def test_an_ordinal_too_large(two_devices):
    """Protects users who count devices from 1."""
    with pytest.raises(ValueError, match=r"'cuda:0', 'cuda:1'. Received: device='cuda:2'"):
        pyinit.HeNormal(1)((2, 2), device="cuda:2")


def test_out_of_memory(two_devices):
    """Protects the message: it names the device and quotes CuPy."""
    with pytest.raises(MemoryError, match=r"'cuda:1' has too little memory\. Out of memory"):
        pyinit.Zeros()((10**6, 10**6), device="cuda:1")


def test_a_failed_call_takes_no_draw(two_devices):
    """Protects the sequence of draws."""
    generator = pyinit.SeedGenerator(1)
    for device in ("cuda:7", "tpu"):
        with pytest.raises(ValueError, match="device"):
            pyinit.HeNormal(generator)((2, 2), device=device)
    with pytest.raises(MemoryError):
        pyinit.HeNormal(generator)((10**6, 10**6), device="cuda")
    assert generator.state == (1, 0)


# ---- choice of the device ----


@on_host
def test_the_default_device(two_devices, monkeypatch):
    """Protects the order of precedence: `device`, `out`, set_default_device(), the environment."""
    initializer = pyinit.HeNormal(1)
    assert isinstance(initializer((2, 2)), np.ndarray)
    monkeypatch.setattr(devices, "_from_environment", "cuda:1")
    assert pyinit.default_device() == "cuda:1"
    assert initializer((2, 2)).device.id == 1
    pyinit.set_default_device("cuda")
    assert initializer((2, 2)).device.id == 0
    assert initializer((2, 2), device="cuda:1").device.id == 1
    assert isinstance(initializer((2, 2), device="cpu"), np.ndarray)
    out = np.empty((2, 2), np.float32)
    assert initializer((2, 2), out=out) is out
    pyinit.set_default_device("cpu")
    assert isinstance(initializer((2, 2)), np.ndarray)


def test_a_bad_environment_variable(monkeypatch):
    """Protects the message, which names the variable."""
    monkeypatch.setattr(devices, "_from_environment", "gpu")
    for call in (pyinit.default_device, lambda: pyinit.HeNormal(1)((2, 2))):
        with pytest.raises(ValueError, match=f"`{devices.VARIABLE}` must be"):
            call()


def test_the_environment_variable():
    """Protects the choice of a device by an environment variable."""
    code = "import pyinit; print(pyinit.default_device())"
    environment = {**os.environ, devices.VARIABLE: "cuda:1"}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == "cuda:1\n"


def test_out_and_device_must_agree(two_devices):
    """Protects against filling an array on a device other than the requested one."""
    host = np.empty((2, 2), np.float32)
    with pytest.raises(ValueError, match="'cpu' or None if `out` is in the CPU's memory"):
        pyinit.HeNormal(1)((2, 2), out=host, device="cuda")
    out = fake_cupy.ndarray(host, 1)
    for device in ("cpu", "cuda", "cuda:0"):
        with pytest.raises(ValueError, match="'cuda:1' or None if `out` is on that device"):
            pyinit.HeNormal(1)((2, 2), out=out, device=device)


def test_show_config_names_the_devices(two_devices, capsys):
    """Protects the report of the devices."""
    pyinit.show_config()
    assert "cpu, cuda:0 Pretended, cuda:1 Pretended" in capsys.readouterr().out


def test_show_config_imports_no_cupy():
    """Protects the report's speed."""
    code = "import sys, pyinit; pyinit.show_config(); sys.exit('cupy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_bridges_and_compat_stay_on_the_cpu(two_devices):
    """Protects functions that return NumPy arrays from a default device that is a GPU."""
    from pyinit.compat import tf_keras, v1

    pyinit.set_default_device("cuda")
    assert isinstance(tf_keras.HeNormal(1)((2, 2)), np.ndarray)
    assert isinstance(v1.random_uniform_initializer(seed=1)((2, 2)), np.ndarray)


# ---- values ----


@on_host
@pytest.mark.parametrize("name", RANDOM)
def test_random_initializers(name, two_devices, float_dtype):
    """Protects calls that launch a kernel on a device that is not the current one."""
    shape, partition = (40, 3, 70), {"partition_shape": (5, 2, 70), "partition_offset": (1, 1, 0)}
    for options in ({}, partition):
        drawn = RANDOM[name](3)(shape, float_dtype, device="cuda:1", **options)
        expected = RANDOM[name](3)(shape, float_dtype, **options)
        assert drawn.device.id == 1
        if name == "orthogonal":
            wide, close = drawn.host.astype(np.float64), expected.astype(np.float64)
            np.testing.assert_allclose(wide, close, rtol=0, atol=3e-3 if wide.size else 0)
        else:
            assert same_bits(drawn.host, expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int8", "bool"])
def test_constants(dtype, two_devices):
    """Protects every bit, including -0.0, and partitions of the identity."""
    constants = [pyinit.Zeros(), pyinit.Ones(), pyinit.Constant(1), pyinit.Identity()]
    if dtype in FLOAT_DTYPES:
        constants += [pyinit.Constant(v) for v in (-0.0, 0.1, float("nan"), float("-inf"))]
        constants.append(pyinit.Identity(-1.5))
    for initializer in constants:
        for partition, offset in (
            ((4, 6), (0, 0)),
            ((2, 3), (1, 0)),
            ((1, 2), (3, 4)),
            ((0, 2), (1, 1)),
        ):
            options = {"partition_shape": partition, "partition_offset": offset}
            drawn = initializer((4, 6), dtype, device="cuda:1", **options)
            assert same_bits(drawn.host, initializer((4, 6), dtype, **options))


def test_stft(two_devices):
    """Protects values that the CPU computes for the device."""
    initializer = pyinit.STFT("imag", window=None)
    drawn = initializer((8, 1, 5), device="cuda")
    assert same_bits(drawn.host, initializer((8, 1, 5)))


@on_host
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("initializer", [pyinit.Dirac(2), pyinit.DeltaOrthogonal(1.5, 3)])
def test_kernels_that_are_zero_except_at_the_centre(initializer, order, float_dtype, two_devices):
    """Protects kernels of convolutions: a matrix within an array, in either memory order."""
    weights = initializer.lazy((3, 5, 4, 6), float_dtype)
    tolerance = 1e-6 if float_dtype in ("float32", "float64") else 1e-2
    for partition, offset in (
        (weights.shape, (0, 0, 0, 0)),
        ((2, 3, 2, 3), (1, 1, 1, 2)),
        ((1, 5, 4, 6), (2, 0, 0, 0)),
        ((0, 5, 4, 6), (1, 0, 0, 0)),
    ):
        drawn = weights.read(partition, offset, order=order, device="cuda:1")
        expected = weights.read(partition, offset)
        assert drawn.device.id == 1
        np.testing.assert_allclose(
            drawn.host.astype(np.float64), expected.astype(np.float64), rtol=0, atol=tolerance
        )
        if isinstance(initializer, pyinit.Dirac):
            assert same_bits(np.ascontiguousarray(drawn.host), expected)


@on_host
def test_self_test(two_devices):
    """Protects the golden vectors on a device; it skips the orthogonal ones."""
    result = pyinit.self_test("cuda:1")
    assert result, result
    assert result.kernel == "cuda:1"
    assert 0 < result.checked < pyinit.self_test().checked


@on_host
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("lender", ["ndarray", "Borrowed", "OnlyInterface"])
def test_arrays_are_filled_in_place(lender, order, two_devices):
    """Protects memory that other libraries allocated."""
    host = np.empty((70, 90), np.float32, order=order)
    out = getattr(fake_cupy, lender)(host, 1)
    assert pyinit.HeNormal(1)((70, 90), out=out) is out
    assert same_bits(host, pyinit.HeNormal(1)((70, 90)))


@on_host
@pytest.mark.parametrize("name", [name for name in RANDOM if name != "orthogonal"])
def test_lazy_tensors_are_read_on_a_device(name, two_devices):
    """Protects partitions on a GPU: the bits of the CPU, in a new array and in a caller's."""
    weights = RANDOM[name](3).lazy((70, 90), "bfloat16")
    expected = weights[30:37, 2:6]
    drawn = weights.read((7, 4), (30, 2), device="cuda:1")
    assert drawn.device.id == 1
    assert same_bits(drawn.host, expected)
    widened = weights.read((7, 4), (30, 2), dtype="float64", order="F", device="cuda:1")
    assert same_bits(np.ascontiguousarray(widened.host), expected.astype(np.float64))
    host = np.empty((7, 4), weights.dtype, order="F")
    weights.read_into(fake_cupy.ndarray(host, 1), (30, 2))
    assert same_bits(np.ascontiguousarray(host), expected)
    with pytest.raises(ValueError, match="in C or Fortran order"):
        weights.read_into(fake_cupy.ndarray(np.empty((7, 8), weights.dtype)[:, ::2]), (30, 2))


class Tensor(fake_cupy.Borrowed):
    """A stand-in for a torch tensor that requires a gradient."""

    device = types.SimpleNamespace(index=1)
    is_cuda = True

    def detach(self):
        """Return the tensor without its gradient, in the same memory."""
        return fake_cupy.Borrowed(self.lent.host, 1)

    def __dlpack__(self):
        raise BufferError("a tensor that needs a gradient")


@on_host
def test_torch_tensors_are_filled_on_the_stream_of_torch(two_devices, monkeypatch):
    """Protects the order of torch's work: its stream may not be CuPy's."""
    torch = types.ModuleType("torch")
    torch.Tensor = Tensor
    current = types.SimpleNamespace(cuda_stream=77)
    torch.cuda = types.SimpleNamespace(current_stream=lambda device: current)
    monkeypatch.setitem(sys.modules, "torch", torch)
    launched_on = []
    launch = gpu.fill
    monkeypatch.setattr(
        gpu, "fill", lambda *a: (launched_on.append(fake_cupy.Stream.current), launch(*a))
    )
    host = np.empty((70, 90), np.float32)
    tensor = Tensor(host, 1)
    assert pyinit.HeNormal(1)((70, 90), out=tensor) is tensor
    assert same_bits(host, pyinit.HeNormal(1)((70, 90)))
    assert launched_on == [77]


def test_arrays_that_cannot_be_filled(two_devices):
    """Protects against arrays of the wrong shape or dtype, and read-only ones."""
    for host in (
        np.empty((2, 3)),
        np.empty((3, 2), np.int32),
        np.empty((3, 4), np.float32)[:, ::2],
    ):
        with pytest.raises(ValueError, match=r"Argument `out` must be"):
            pyinit.HeNormal(1)((3, 2), out=fake_cupy.ndarray(host))
    host = np.empty((3, 2), np.float32)
    host.flags.writeable = False
    with pytest.raises(ValueError, match="Argument `out` must be writable"):
        pyinit.HeNormal(1)((3, 2), out=fake_cupy.OnlyInterface(host))


@on_host
def test_orthogonal_checks_before_it_draws(two_devices):
    """Protects the CPU's errors, and the sequence of draws."""
    generator = pyinit.SeedGenerator(1)
    with pytest.raises(ValueError, match="gain"):
        pyinit.Orthogonal(1e6, generator)((3, 3), "float16", device="cuda")
    assert generator.state == (1, 0)
    assert pyinit.Orthogonal(1, 1)((0, 3), device="cuda").shape == (0, 3)


def test_rounding_through_float32_rounds_once():
    """Protects orthogonal matrices in 16 bits from double rounding."""
    generator = np.random.default_rng(1)
    ties = (1 + (2 * generator.integers(0, 2**7, 5000) + 1) * 2.0**-8) * (1 + 2.0**-40)
    values = np.concatenate([generator.normal(size=50_000), ties, -ties, [0.0, -0.0, 1.0]])
    assert same_bits(round_to_odd(values).astype(np.float16), values.astype(np.float16))
    significand, exponent = np.frexp(values)
    expected = np.ldexp(np.rint(significand * 2.0**8), exponent - 8).astype(ml_dtypes.bfloat16)
    assert same_bits(round_to_odd(values).astype(ml_dtypes.bfloat16), expected)
    assert same_bits(round_to(values, expected.dtype), expected)


@on_host
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "bool"])
def test_draws_for_r(dtype, two_devices):
    """Protects the transfer to R: the device's values in float64, through page-locked memory."""
    calls = pytest.importorskip("pyinit.bridges.r.calls", reason="pyarrow is missing")
    initializer = pyinit.HeNormal(1) if dtype in FLOAT_DTYPES else pyinit.Identity()
    arguments = initializer, (70, 90), (50, 60), (3, 5), dtype
    drawn = calls._filled(*arguments, "cuda:1")
    assert drawn.flags.f_contiguous
    assert same_bits(drawn, calls._filled(*arguments, None))

    empty = calls._filled(pyinit.Zeros(), (0, 3), None, None, dtype, "cuda:1")
    assert empty.shape == (0, 3)

    class Own(pyinit.Initializer):
        def __call__(self, shape, dtype=None, **options):
            return initializer(shape, dtype, **options)

    assert same_bits(calls._called(Own(), *arguments[1:], "cuda:1"), drawn)
