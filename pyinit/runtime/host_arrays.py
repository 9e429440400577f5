"""Arrays of other libraries as NumPy arrays in host memory."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from pyinit.arguments import is_instance
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray


def host_array(
    x: Any, allowed: str = "an initializer, a lazy tensor or an array without a mask"
) -> AnyArray:
    """Return an array of NumPy, CuPy, JAX, torch or TensorFlow, or a Keras variable, as NumPy's.

    The memory is that of `x` if it is in host memory, and may be read-only.

    Args:
        x: The array.
        allowed: The allowed values of the caller's argument `x`, for messages.

    Raises:
        TypeError: `x` is none of these, has a mask, or cannot be read, such as a sparse tensor.
    """
    try:
        values = _read(x)
    except MemoryError:
        raise
    except Exception as error:
        # the errors of the libraries, and whatever the methods of other objects raise
        raise _wrong_type(allowed, f"{_kind(x)}, which cannot be read: {error}") from error
    if values is None:
        raise _wrong_type(allowed, _kind(x))
    return values


def _wrong_type(allowed: str, received: str) -> TypeError:
    return TypeError(f"Argument `x` must be {allowed}. Received: {received}")


def _kind(x: Any) -> str:
    if is_instance(x, type):
        return f"the class {x.__name__} itself"
    return f"an object of class {type(x).__name__}"


def _read(x: Any) -> AnyArray | None:
    """Return an array in host memory; None if `x` is of no known type."""
    if isinstance(x, np.ndarray | np.generic) and not isinstance(x, np.ma.MaskedArray):
        return np.asarray(x)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        return _of_torch(x, torch)
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(x, cupy.ndarray):
        return np.asarray(x.get())
    if hasattr(x, "assign") and hasattr(x, "value"):
        # a variable: of TensorFlow, where `value` is a method, or of Keras
        return _read(x.value() if callable(x.value) else x.value)
    if hasattr(x, "dtype") and hasattr(x, "shape") and hasattr(x, "__array__"):
        values = np.asarray(x)
        if values.dtype != object and not isinstance(x, np.ma.MaskedArray):
            return values
    return None


def _of_torch(tensor: Any, torch: Any) -> AnyArray:
    if hasattr(tensor, "full_tensor"):
        reason = "this process may hold only a part of it; use its method full_tensor()"
        raise TypeError(reason)
    host = tensor.detach().cpu().resolve_conj().resolve_neg()
    dtype = NUMERIC_DTYPES.get(str(host.dtype).removeprefix("torch."))
    if dtype is None or type(host) is not torch.Tensor or host.layout != torch.strided:
        return np.asarray(host.numpy())
    if is_freed(host):
        raise ValueError("The memory of the tensor has been freed")
    return torch_memory(host, dtype)


class _TorchMemory:
    """The memory of a torch tensor, by NumPy's array interface, which keeps the tensor alive."""

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor
        self.__array_interface__ = {
            "version": 3,
            "data": (tensor.data_ptr(), False),
            "shape": tuple(tensor.shape),
            "strides": tuple(stride * tensor.itemsize for stride in tensor.stride()),
            "typestr": f"|V{tensor.itemsize}",
        }


def torch_memory(tensor: Any, dtype: np.dtype[Any]) -> AnyArray:
    """Return the memory of a plain, strided torch tensor on the CPU as a NumPy array.

    Its method `numpy()` does not know bfloat16, and fixes the size of the storage forever, which
    FullyShardedDataParallel has to change.

    Args:
        tensor: The tensor, whose memory is not freed.
        dtype: NumPy's dtype of its elements.
    """
    if tensor.numel() == 0:
        return np.empty(tuple(tensor.shape), dtype)
    bits: AnyArray = np.asarray(_TorchMemory(tensor))
    return bits.view(dtype)


def is_freed(tensor: Any) -> bool:
    """Return whether the storage of a torch tensor has been freed, as sharding does."""
    return bool(tensor.numel()) and tensor.untyped_storage().nbytes() == 0
