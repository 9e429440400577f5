"""CPU tensors of torch as `out`."""

import numpy as np
import pytest

import pyinit
from pyinit.dtypes import FLOAT_DTYPES, INTEGER_DTYPES
from tests.support import same_bits
from tests.support.torch_values import values

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.backends
SHAPE = (3, 4)


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_random_values_of_every_dtype(dtype):
    """Protects the values, the tensor's memory, and the order of axes, which is that of `shape`."""
    tensor = torch.zeros(SHAPE, dtype=getattr(torch, dtype))
    address = tensor.data_ptr()
    initializer = pyinit.HeNormal(seed=1)
    assert initializer(SHAPE, out=tensor) is tensor
    assert tensor.data_ptr() == address
    assert same_bits(values(tensor), initializer(SHAPE, dtype))
    assert initializer(SHAPE, tensor.dtype, out=tensor, device="cpu") is tensor


@pytest.mark.parametrize("dtype", [*INTEGER_DTYPES, "bool"])
def test_constants_of_every_dtype(dtype):
    """Protects the dtypes that only constants have."""
    tensor = torch.zeros(SHAPE, dtype=getattr(torch, dtype))
    assert (pyinit.Ones()(SHAPE, out=tensor).numpy() == 1).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_strided_views(dtype):
    """Protects the memory between the elements of a view."""
    whole = torch.full((8, 6), 7.0, dtype=dtype)
    pyinit.HeNormal(seed=1)(SHAPE, out=whole[::2, ::2].t())
    expected = np.full((8, 6), 7.0, values(whole).dtype)
    expected[::2, ::2] = pyinit.HeNormal(seed=1)(SHAPE, expected.dtype).T
    assert same_bits(values(whole), expected)


def test_slices():
    """Protects partitions, in calls and in reads of a lazy tensor."""
    initializer = pyinit.Orthogonal(seed=1)
    expected = initializer(SHAPE)[1:]
    tensor, wide = torch.zeros(2, 4), torch.zeros(2, 4, dtype=torch.float64)
    initializer(SHAPE, out=tensor, partition_shape=(2, 4), partition_offset=(1, 0))
    assert same_bits(tensor.numpy(), expected)
    initializer.lazy(SHAPE).read_into(tensor.zero_(), (1, 0))
    assert same_bits(tensor.numpy(), expected)
    initializer.lazy(SHAPE).read_into(wide, (1, 0))
    assert same_bits(wide.numpy(), expected.astype(np.float64))


def test_leaves_that_require_gradients():
    """Protects parameters: filled as by torch.nn.init, and autograd notices the change."""
    parameter = torch.nn.Parameter(torch.ones(SHAPE))
    output = (parameter * parameter).sum()
    pyinit.HeNormal(seed=1)(SHAPE, out=parameter)
    assert parameter.requires_grad
    assert parameter.is_leaf
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.backward()
    both = torch.nn.Parameter(torch.zeros(6, 4))
    pyinit.HeNormal(seed=1)(SHAPE, out=both[3:])
    assert same_bits(values(both)[3:], values(parameter))


def test_inference_mode():
    """Protects tensors that count no writes."""
    with torch.inference_mode():
        tensor = pyinit.Ones()((2,), out=torch.zeros(2))
        assert tensor.tolist() == [1, 1]
    with pytest.raises(ValueError, match=r"Argument `out` .*inference_mode\(\)"):
        pyinit.Zeros()((2,), out=tensor)
    assert tensor.tolist() == [1, 1]


REFUSED = {
    "meta": (lambda: torch.zeros(SHAPE, device="meta"), "meta device"),
    "complex": (lambda: torch.zeros(SHAPE, dtype=torch.complex64), "torch.complex64"),
    "of integers": (lambda: torch.zeros(SHAPE, dtype=torch.int32), "int32"),
    "of another shape": (lambda: torch.zeros(4, 3), r"shape \(3, 4\)"),
    "expanded": (lambda: torch.zeros(3, 1).expand(SHAPE), "expand"),
    "lazy": (lambda: torch.nn.LazyLinear(3).weight, "call the module"),
    "sparse": (lambda: torch.zeros(SHAPE).to_sparse(), "torch.sparse_coo"),
    "computed": (lambda: torch.ones(SHAPE, requires_grad=True) * 2, "computed from other tensors"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_tensors_that_cannot_be_filled(name):
    """Protects the errors; no draw of a generator is taken."""
    make, message = REFUSED[name]
    generator = pyinit.SeedGenerator(1)
    with pytest.raises(ValueError, match=message):
        pyinit.HeNormal(seed=generator)(SHAPE, out=make())
    assert generator.state == (1, 0)
