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
    # a clone, for numpy() keeps FSDP from freeing the parameter's own memory
    return {name: values(parameter.clone()) for name, parameter in module.named_parameters()}
