"""Arrays of other libraries as NumPy arrays in host memory."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from pyinit.dtypes import NUMERIC_DTYPES, AnyArray


def host_array(x: Any) -> AnyArray:
    """Return an array of NumPy, CuPy, JAX, torch or TensorFlow, or a Keras variable, as NumPy's.

    Raises:
        TypeError: `x` is none of these, or has a mask.
    """
    if isinstance(x, np.ndarray | np.generic) and not isinstance(x, np.ma.MaskedArray):
        return np.asarray(x)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        return _of_torch(x, torch)
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(x, cupy.ndarray):
        return np.asarray(x.get())
    # a variable of Keras; in TensorFlow's, `value` is a method
    if hasattr(x, "assign") and not callable(getattr(x, "value", len)):
        return host_array(x.value)
    if hasattr(x, "dtype") and hasattr(x, "shape") and hasattr(x, "__array__"):
        values = np.asarray(x)
        if values.dtype != object and not isinstance(x, np.ma.MaskedArray):
            return values
    received = f"an object of class {type(x).__name__}"
    if isinstance(x, type):
        received = f"the class {x.__name__} itself"
    raise TypeError(
        "Argument `x` must be an initializer, a lazy tensor or an array without a mask. "
        f"Received: {received}"
    )


def _of_torch(tensor: Any, torch: Any) -> AnyArray:
    host = tensor.detach().cpu()
    if host.dtype != torch.bfloat16:
        return np.asarray(host.numpy())
    # torch cannot convert bfloat16 to NumPy
    bits: AnyArray = host.view(torch.int16).numpy()
    return bits.view(NUMERIC_DTYPES["bfloat16"])
