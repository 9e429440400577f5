"""A torch tensor's memory as NumPy sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from pyinit.dtypes import FLOAT_DTYPES, AnyArray

_DTYPES = {getattr(torch, name): dtype for name, dtype in FLOAT_DTYPES.items()}


def why_not(tensor: Any, needs_memory: bool = True) -> str | None:
    """Why a tensor cannot be filled; None if it can (or could, if it had memory)."""
    if torch.nn.parameter.is_lazy(tensor):
        return "it has no shape yet: call the module on data first"
    if tensor.is_meta and needs_memory:
        return (
            "it is on the meta device, and so has no memory: module.to_empty(device=...) gives it "
            "some"
        )
    if tensor.dtype not in _DTYPES:
        return f"its dtype is {tensor.dtype}, not one of " + ", ".join(map(str, _DTYPES))
    data = tensor.detach()
    if type(data) is not torch.Tensor:
        return f"it is a {type(data).__name__}, not a plain tensor: fill what it is made of"
    if data.layout != torch.strided:
        return f"its layout is {data.layout}, not torch.strided"
    if data.is_neg():
        return "it is a view that negates another tensor"
    if any(step == 0 and size > 1 for step, size in zip(data.stride(), data.shape, strict=True)):
        return "some of its elements are one and the same in memory, as expand() has it"
    return None


@contextmanager
def writable(tensor: Any) -> Iterator[AnyArray]:
    """An array to write a tensor's values to.

    It is the tensor's own memory, whatever its strides, or for a device other than the CPU a buffer
    that is copied there in the end.
    """
    data = tensor.detach()
    if data.device.type == "cpu":
        # NumPy has no bfloat16 that torch knows of
        bits = data.view(torch.int16) if data.dtype == torch.bfloat16 else data
        yield bits.numpy().view(_DTYPES[data.dtype])
        # autograd does not see what NumPy writes
        torch.autograd.graph.increment_version(tensor)
    else:
        host = torch.empty(data.shape, dtype=data.dtype)
        with writable(host) as values:
            yield values
        with torch.no_grad():
            tensor.copy_(host)
