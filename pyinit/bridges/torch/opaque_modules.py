"""Modules whose weights cannot be filled: packed ones, and those that FSDP has sharded."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from pyinit.bridges.torch.names import loaded_class, named_modules

#: The namespaces of torch's classes of packed weights.
_PACKED = tuple(
    f"__torch__.torch.classes.{namespace}." for namespace in ("quantized", "rnn", "sparse")
)
_CONVERTED = (
    "its weights are packed (quantized, frozen by TorchScript, or for MKL-DNN): initialize it "
    "before conversion"
)
_SHARDED = (
    "FullyShardedDataParallel has flattened or sharded its parameters: enter "
    "FullyShardedDataParallel.summon_full_params(module) first"
)

_GATHERED = (
    "fully_shard() has gathered its parameters for a forward pass, and drops what is written to "
    "them: call module.reshard() first"
)


def find_opaque_modules(module: nn.Module, needs_memory: bool) -> Iterator[tuple[str, str]]:
    """Yield the name of each module whose weights cannot be filled, and the reason.

    Args:
        module: The module.
        needs_memory: Whether the weights are written, rather than only described.
    """
    sharding = loaded_class(
        "torch.distributed.fsdp.fully_sharded_data_parallel", "FullyShardedDataParallel"
    )
    fully_sharded = loaded_class("torch.distributed.fsdp", "FSDPModule")
    for path, owner in named_modules(module):
        name = path or type(owner).__name__
        if needs_memory and fully_sharded is not None and isinstance(owner, fully_sharded):
            groups = owner._get_fsdp_state()._fsdp_param_groups
            if not all(group.is_sharded for group in groups):
                yield name, _GATHERED
        if _is_packed(owner):
            yield name, _CONVERTED
        elif sharding is not None and isinstance(owner, sharding) and _is_sharded(owner):
            yield name, _SHARDED


def _is_packed(module: nn.Module) -> bool:
    # freezing makes constants of all attributes, this one included
    if isinstance(module, torch.jit.ScriptModule) and not module._c.hasattr("training"):
        return True
    for value in vars(module).values():
        if isinstance(value, torch.Tensor) and value.is_quantized:
            return True
        # an exact type: a scripted module is another kind of script object
        if type(value) is torch.ScriptObject and _class_name(value).startswith(_PACKED):
            return True
    return any(
        buffer.layout is torch._mkldnn or buffer.is_quantized
        for _, buffer in module.named_buffers(recurse=False)
    )


def _class_name(value: torch.ScriptObject) -> str:
    name: str = value._type().qualified_name()
    return name


def _is_sharded(module: nn.Module) -> bool:
    handle = module._handle
    if handle is None:
        return False
    flat = handle.flat_param
    if flat._params is None:
        return any("_flat_param" in owner._parameters for owner in module.modules())
    return any(
        parameter.shape != shape
        for parameter, shape in zip(flat._params, flat._shapes, strict=True)
    )
