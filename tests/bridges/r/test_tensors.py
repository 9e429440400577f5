"""Tensors of torch, JAX and TensorFlow, and Keras variables, on the way to R."""

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from pyinit.bridges.r import arrow
from pyinit.dtypes import NUMERIC_DTYPES

pytestmark = pytest.mark.backends

DTYPES = sorted(NUMERIC_DTYPES)
VALUES = np.array([[0, 1, 1], [1, 0, 1]])


def torch_tensor(values):
    torch = pytest.importorskip("torch")
    return torch.tensor(values.tolist(), dtype=getattr(torch, values.dtype.name))


def jax_array(values):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        return jax.numpy.asarray(values)


def tensorflow_tensor(values):
    return pytest.importorskip("tensorflow").constant(values)


def tensorflow_variable(values):
    return pytest.importorskip("tensorflow").Variable(values)


def keras_variable(values):
    return pytest.importorskip("keras").Variable(values, dtype=values.dtype.name)


MAKERS = [torch_tensor, jax_array, tensorflow_tensor, tensorflow_variable, keras_variable]


def address(exported):
    return exported.buffers()[1].address


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tensor_has_the_values_of_the_numpy_array(make, dtype):
    """Protects tensors of every dtype: R's arrays equal those of the same NumPy array."""
    values = VALUES.astype(NUMERIC_DTYPES[dtype])
    tensor = make(values)
    found, shape, _ = arrow.exportable(tensor)
    expected, expected_shape, _ = arrow.exportable(values)
    assert shape == expected_shape
    if dtype == "bool":
        found, expected = found._array, expected._array
    assert found.equals(expected)


@pytest.mark.parametrize("dtype", ["float64", "int32"])
@pytest.mark.parametrize("make", MAKERS)
def test_a_vector_is_shared(make, dtype):
    """Protects memory: R sees that of the tensor, and copies it before it writes."""
    tensor = make(np.arange(1000).astype(dtype))
    first, _, shared = arrow.exportable(tensor)
    second, _, _ = arrow.exportable(tensor)
    assert shared
    assert address(first) == address(second)


def test_a_transposed_tensor_of_torch_is_shared():
    """Protects memory of a tensor in column-major order, also one that needs gradients."""
    torch = pytest.importorskip("torch")
    tensor = torch.arange(6.0, dtype=torch.float64).reshape(2, 3).T.requires_grad_()
    exported, shape, shared = arrow.exportable(tensor)
    assert shared
    assert shape == (3, 2)
    assert address(exported) == tensor.data_ptr()
    assert exported.to_pylist() == [0, 1, 2, 3, 4, 5]


def test_a_variable_of_tensorflow_may_change_later():
    """Protects R's values of a variable that is assigned new values."""
    variable = tensorflow_variable(np.zeros(1000))
    exported, _, _ = arrow.exportable(variable)
    variable.assign_add(np.ones(1000))
    assert exported.to_pylist() == [0.0] * 1000
    assert arrow.exportable(variable)[0].to_pylist() == [1.0] * 1000


def test_integers_that_r_cannot_hold_are_named():
    """Protects against rounded integers."""
    with pytest.raises(ValueError, match=f"with {2**53 + 1}$"):
        arrow.exportable(torch_tensor(np.array([2**53 + 1])))


def test_tensors_of_other_types_are_errors():
    """Protects the error for complex, sparse and abstract tensors."""
    torch = pytest.importorskip("torch")
    for tensor in (
        torch.zeros(2, dtype=torch.complex64),
        torch.ones(2).to_sparse(),
        torch.ones(2, device="meta"),
    ):
        with pytest.raises(TypeError, match="Argument `x` must be a real or bool array or tensor"):
            arrow.exportable(tensor)


def test_tensors_of_tensorflow_of_other_types_are_errors():
    """Protects the error for strings, and for tensors that no array represents."""
    tf = pytest.importorskip("tensorflow")
    for tensor in (
        tf.constant("a"),
        tf.constant(1j),
        tf.sparse.from_dense([[1.0, 0.0]]),
        tf.ragged.constant([[1.0], [1.0, 2.0]]),
    ):
        with pytest.raises(TypeError, match="Argument `x` must be a real or bool array or tensor"):
            arrow.exportable(tensor)


def test_keys_of_jax_are_errors():
    """Protects the error for JAX's typed keys, which are no numbers."""
    jax = pytest.importorskip("jax")
    with pytest.raises(TypeError, match="Argument `x` must be a real or bool array or tensor"):
        arrow.exportable(jax.random.key(1))
