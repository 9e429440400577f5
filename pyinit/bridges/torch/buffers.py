"""Buffers that belong to the start of training, and those whose values are undefined."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.nn.utils.parametrizations import _Orthogonal
from torch.optim.swa_utils import AveragedModel

from pyinit.bridges.torch.names import NamedTensor
from pyinit.bridges.torch.weights import is_torch_layer

#: The statistics of batch and instance norms, as their constructors set them.
_STATISTICS = {"running_mean": 0, "running_var": 1, "num_batches_tracked": 0}


def statistic(buffer: NamedTensor) -> int | None:
    """Return the initial value of a buffer of torch's norms; None for any other buffer."""
    is_norm = isinstance(buffer.owner, nn.modules.batchnorm._NormBase)
    return _STATISTICS.get(buffer.own_name) if is_norm else None


def counter(buffer: NamedTensor) -> int | None:
    """Return the initial value of the counter of an averaged model; None for any other buffer."""
    is_counter = isinstance(buffer.owner, AveragedModel) and buffer.own_name == "n_averaged"
    return 0 if is_counter else None


def is_random(buffer: NamedTensor) -> bool:
    """Return whether a buffer of torch's own has random values, which belong to the start."""
    return isinstance(buffer.owner, _Orthogonal) and buffer.own_name == "base"


class UndefinedBuffers:
    """Recognizes the buffers that `to_empty()` left undefined.

    torch counts the writes to each tensor. Constructors of torch's layers write to parameters, and
    so does loading a state dictionary. A module without any such write comes from `to_empty()`.

    Args:
        parameters: All parameters of the module.
    """

    def __init__(self, parameters: Iterable[NamedTensor]) -> None:
        everything = list(parameters)
        # users' own modules may create parameters without writing to them
        of_torch = [item for item in everything if is_torch_layer(item.owner)]
        self._all_unwritten = all(_is_unwritten(item.tensor) for item in of_torch or everything)

    def __contains__(self, buffer: Any) -> bool:
        return self._all_unwritten and _is_unwritten(buffer)


def _is_unwritten(tensor: Any) -> bool:
    # neither a lazy parameter nor a tensor of inference mode counts its writes
    if nn.parameter.is_lazy(tensor) or tensor.is_inference():
        return False
    return bool(tensor._version == 0)
