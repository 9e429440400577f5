"""The values of torch tensors."""

import ml_dtypes
import numpy as np


def values(tensor) -> np.ndarray:
    """Return a tensor's values; bfloat16 as that of ml_dtypes."""
    import torch

    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def all_values(module) -> dict[str, np.ndarray]:
    """Return a copy of each parameter's values, by name."""
    return {name: values(parameter).copy() for name, parameter in module.named_parameters()}
