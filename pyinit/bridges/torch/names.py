"""The tensors of a module by their names in the plain module, which no wrapper changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

#: torch's classes that wrap a module, and the attribute that holds it. Most are in modules that
#: torch imports only when they are used.
_WRAPPERS = {
    ("torch._dynamo.eval_frame", "OptimizedModule"): "_orig_mod",
    ("torch.nn.parallel.data_parallel", "DataParallel"): "module",
    ("torch.nn.parallel.distributed", "DistributedDataParallel"): "module",
    (
        "torch.distributed.fsdp.fully_sharded_data_parallel",
        "FullyShardedDataParallel",
    ): "_fsdp_wrapped_module",
    (
        "torch.distributed.algorithms._checkpoint.checkpoint_wrapper",
        "ActivationWrapper",
    ): "_checkpoint_wrapped_module",
    ("torch.distributed.pipelining._IR", "LossWrapper"): "module",
    ("torch.optim.swa_utils", "AveragedModel"): "module",
    ("torch.ao.quantization.stubs", "QuantWrapper"): "module",
}


@dataclass(frozen=True)
class NamedTensor:
    """A parameter or buffer of a module.

    Args:
        name: Its name in the plain module.
        owner: The module that has it as an attribute.
        own_name: The name of that attribute.
        tensor: The tensor.
    """

    name: str
    owner: nn.Module
    own_name: str
    tensor: Any


def loaded_class(module_name: str, class_name: str) -> type[Any] | None:
    """Return a class of a module; None if the module has not been imported."""
    return getattr(sys.modules.get(module_name), class_name, None)


def _loaded_wrappers() -> list[tuple[type[Any], str]]:
    loaded = ((loaded_class(*where), attribute) for where, attribute in _WRAPPERS.items())
    return [(cls, attribute) for cls, attribute in loaded if cls is not None]


def _wrapped_attribute(module: Any, wrappers: list[tuple[type[Any], str]]) -> str | None:
    """Return the attribute in which a wrapper holds its module; None for any other module."""
    # the class decides: a module of the user's own may have an attribute of that name
    return next((name for cls, name in wrappers if isinstance(module, cls)), None)


def join(path: str, name: str) -> str:
    """Return the name of an attribute of the module at `path`."""
    return f"{path}.{name}" if path else name


def named_modules(
    module: nn.Module, *, remove_duplicate: bool = True
) -> Iterator[tuple[str, nn.Module]]:
    """Yield each module once, with its name, in the order of torch's `named_modules()`.

    A wrapper and the module in it have the same name.

    Args:
        module: The module.
        remove_duplicate: Whether a module that occurs several times has only the first name.
    """
    wrappers = _loaded_wrappers()
    seen: set[int] = set()

    def walk(path: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
        if remove_duplicate and id(module) in seen:
            return
        seen.add(id(module))
        yield path, module
        wrapped = _wrapped_attribute(module, wrappers)
        children = ((name, child) for name, child in module._modules.items() if child is not None)
        for name, child in children:
            yield from walk(path if name == wrapped else join(path, name), child)

    return walk("", module)


def named_parameters(module: nn.Module) -> Iterator[NamedTensor]:
    """Yield each parameter once; a shared one has the first of its names, as in torch."""
    return _named_tensors(module, "named_parameters")


def named_buffers(module: nn.Module) -> Iterator[NamedTensor]:
    """Yield each buffer once, as `named_parameters()` does."""
    return _named_tensors(module, "named_buffers")


def _named_tensors(module: nn.Module, method: str) -> Iterator[NamedTensor]:
    seen: set[int] = set()
    for path, owner in named_modules(module):
        for own_name, tensor in getattr(owner, method)(recurse=False):
            if id(tensor) not in seen:
                seen.add(id(tensor))
                yield NamedTensor(join(path, own_name), owner, own_name, tensor)


def names_of_tensors(module: nn.Module) -> dict[str, str]:
    """Return all names of parameters and buffers, and the first name of each of these tensors."""
    first: dict[int, str] = {}
    return {
        join(path, own_name): first.setdefault(id(tensor), join(path, own_name))
        for path, owner in named_modules(module, remove_duplicate=False)
        for tensors in (owner.named_parameters, owner.named_buffers)
        for own_name, tensor in tensors(recurse=False, remove_duplicate=False)
    }


def plain_name(module: nn.Module, key: str) -> str:
    """Return the name in the plain module of an entry of `module.state_dict()`."""
    wrappers = _loaded_wrappers()
    owner: Any = module
    kept = []
    for part in key.split("."):
        wrapped = _wrapped_attribute(owner, wrappers)
        # some wrappers leave their attribute out of the keys themselves
        while wrapped is not None and part not in dict(owner._modules.items()):
            owner = getattr(owner, wrapped)
            wrapped = _wrapped_attribute(owner, wrappers)
        if part != wrapped:
            kept.append(part)
        owner = getattr(owner, part, None)
    return ".".join(kept)
