"""The memory of torch tensors as NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch

from pyinit.arguments import Shape
from pyinit.bridges.torch.sharding import (
    check_seed_is_shared,
    is_dtensor,
    local_regions,
    local_tensor,
    reason_not_local,
)
from pyinit.dtypes import FLOAT_DTYPES, NUMERIC_DTYPES, AnyArray
from pyinit.initializers.random import RandomInitializer
from pyinit.runtime.host_arrays import is_freed, torch_memory

_DTYPES = {
    getattr(torch, name): dtype for name, dtype in NUMERIC_DTYPES.items() if hasattr(torch, name)
}
_FLOATS = [getattr(torch, name) for name in FLOAT_DTYPES]


def reason_not_fillable(tensor: Any, needs_memory: bool = True, *, is_buffer: bool = False) -> str:
    """Return why a tensor cannot be filled, or an empty string if it can.

    Args:
        tensor: The tensor.
        needs_memory: Whether the tensor must have memory, which the meta device does not provide.
        is_buffer: Whether the tensor may have an integer dtype or bool, as a buffer may.
    """
    if torch.nn.parameter.is_lazy(tensor):
        return "it has no shape yet: call the module on data first"
    if tensor.is_meta and needs_memory:
        return "it is on the meta device, without memory: call module.to_empty(device=...) first"
    dtypes = _DTYPES if is_buffer else _FLOATS
    if tensor.dtype not in dtypes:
        return f"its dtype is {tensor.dtype}, not one of " + ", ".join(map(str, dtypes))
    base = tensor._base if tensor._is_view() else tensor
    if base is not None and base.grad_fn is not None:
        return (
            f"it is computed from other tensors ({base.grad_fn.name()}): fill those instead (of a "
            "parametrized module, the originals in module.parametrizations)"
        )
    if tensor.is_inference() and not torch.is_inference_mode_enabled():
        return "it is a tensor of inference mode: fill it inside torch.inference_mode()"
    if is_dtensor(tensor):
        reason = reason_not_local(tensor)
        if reason:
            return reason
    data = local_tensor(tensor).detach()
    if type(data) is not torch.Tensor:
        return f"it is a {type(data).__name__}, not a plain tensor: fill the tensors it wraps"
    if data.layout != torch.strided:
        return f"its layout is {data.layout}, not torch.strided"
    if data.device.type == "cpu" and is_freed(data):
        return "its memory has been freed, as FullyShardedDataParallel does"
    if data.is_neg():
        return "it is a view that negates another tensor"
    if any(stride == 0 and n > 1 for stride, n in zip(data.stride(), data.shape, strict=True)):
        return "its elements share memory, as after expand()"
    return ""


def lend_parts(out: Any, initializer: Any) -> AbstractContextManager[list[tuple[Any, Shape]]]:
    """Return a context that provides the parts of a DTensor that this process holds.

    Args:
        out: The argument `out`.
        initializer: The initializer that fills them; None for a lazy tensor, which has a seed.

    Returns:
        The context of a list of plain tensors and their offsets in the full tensor.

    Raises:
        ValueError: The tensor cannot be filled, or other processes would draw other values.
    """
    _check_out(out)
    if isinstance(initializer, RandomInitializer) and initializer.has_fresh_seed:
        check_seed_is_shared([out])
    return _parts(out)


@contextmanager
def _parts(tensor: Any) -> Iterator[list[tuple[Any, Shape]]]:
    local = local_tensor(tensor).detach()
    with _recorded_write(tensor):
        yield [(local[region.local], region.offset) for region in local_regions(tensor)]


def lend(out: Any) -> AbstractContextManager[AnyArray]:
    """Return a context that provides an array to write the values of the argument `out` to.

    Raises:
        ValueError: The tensor cannot be filled.
    """
    _check_out(out)
    return writable(out)


def _check_out(out: Any) -> None:
    reason = reason_not_fillable(out, is_buffer=True)
    if reason:
        shape = "unknown shape" if torch.nn.parameter.is_lazy(out) else f"shape {tuple(out.shape)}"
        raise ValueError(
            f"Argument `out` must be a tensor that can be filled: {reason}. Received: a "
            f"{type(out).__name__} of {shape} and dtype {out.dtype}"
        )


@contextmanager
def writable(tensor: Any) -> Iterator[AnyArray]:
    """Provide an array to write a tensor's values to; those of a DTensor's local tensor.

    On the CPU it is the tensor's own memory, with its strides. For another device it is a buffer,
    which is copied to the device afterwards.
    """
    data = local_tensor(tensor).detach()
    with _recorded_write(tensor):
        if data.device.type == "cpu":
            yield torch_memory(data, _DTYPES[data.dtype])
        else:
            host = torch.empty(data.shape, dtype=data.dtype)
            with writable(host) as values:
                yield values
            with torch.no_grad():
                data.copy_(host)


@contextmanager
def _recorded_write(tensor: Any) -> Iterator[None]:
    """Let autograd notice that the memory of a tensor changes."""
    try:
        yield
    finally:
        # tensors of inference mode do not count writes
        if not tensor.is_inference():
            torch.autograd.graph.increment_version(tensor)
