"""`param_init_fn()`: the weights of modules that FullyShardedDataParallel (FSDP1) materializes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from pyinit.arguments import argument_error, as_index, exact_str, is_instance
from pyinit.bridges.problems import check_problems
from pyinit.bridges.torch.memory import writable
from pyinit.bridges.torch.names import named_modules
from pyinit.bridges.torch.parameter_init import (
    InitArguments,
    ParameterInit,
    check_parameters,
    check_seeds,
    module_inits,
)
from pyinit.bridges.torch.stages import Place
from pyinit.bridges.torch.weights import write
from pyinit.initializers.random import RandomInitializer
from pyinit.seeds import as_seed, is_generator

_MODULE = "a torch module whose parameters are on the meta device and can be filled"


def param_init_fn(
    module: Any,
    initializer: Any = None,
    seed: int | None = None,
    *,
    recurrent_initializer: Any = None,
    embeddings_initializer: Any = None,
    bias_initializer: Any = None,
    parameters: Mapping[str, Any] | None = None,
    prefix: str | None = None,
    names: Mapping[str, str] | Callable[[str], str] | None = None,
    model: Any = None,
    device: Any = None,
) -> Callable[[nn.Module], None]:
    """Return the argument `param_init_fn` of FullyShardedDataParallel (FSDP1) for a module.

    FSDP1 calls the returned function for each module of a model on the meta device, before it
    shards the module. The function allocates the module's own tensors and fills them with the
    values of `init_()`. A process holds at most one unit of FSDP in full at a time. A unit consists
    of the parameters that FSDP shards together.

    Args:
        module: The module to wrap, with all its parameters on the meta device. FSDP1 does not call
            the function for units that have memory.
        initializer: As for `init_()`.
        seed: As for `init_()`.
        recurrent_initializer: As for `init_()`.
        embeddings_initializer: As for `init_()`.
        bias_initializer: As for `init_()`.
        parameters: As for `init_()`.
        prefix: As for `init_()`.
        names: As for `init_()`.
        model: As for `init_()`.
        device: The device of the memory; None means the current accelerator, or the CPU without
            one.

    Returns:
        A function of one module, `module` or one of its submodules. Weights that are tied on the
        meta device are tied again. The function raises a ValueError if they belong to different
        units of FSDP, which cannot share them.

    Raises:
        TypeError: `module` is not a torch module, or an initializer is not callable.
        ValueError: As for `init_()`; or a parameter is not on the meta device, or an initializer
            has a seed generator, whose draws would depend on the order of the modules.

    Example:
        >>> import pyinit.torch
        >>> import torch
        >>> with torch.device("meta"):
        ...     module = torch.nn.Sequential(torch.nn.Linear(4, 3))
        >>> materialize = pyinit.torch.param_init_fn(module, seed=42, device="cpu")
        >>> for each in module.modules():  # FullyShardedDataParallel(module, param_init_fn=...)
        ...     materialize(each)
        >>> expected = pyinit.torch.init_(torch.nn.Sequential(torch.nn.Linear(4, 3)), seed=42)
        >>> torch.equal(module[0].weight, expected[0].weight)
        True

    Source: https://docs.pytorch.org/docs/stable/fsdp.html
    """
    if not is_instance(module, nn.Module):
        raise argument_error("module", module, "a torch module", TypeError)
    seed = None if seed is None else as_seed("seed", seed)
    arguments = InitArguments(
        initializer,
        recurrent_initializer,
        embeddings_initializer,
        bias_initializer,
        parameters,
        Place(prefix, names, model),
    )
    on_device = _current_device() if device is None else _as_device(device)
    inits = module_inits(module, arguments, seed, needs_memory=False, needs_values=True)
    check_parameters(inits)
    check_seeds(inits)
    check_problems("module", _MODULE, ((init.name, _reason_not_deferred(init)) for init in inits))
    return _Materialization(module, inits, on_device)


def _as_device(device: Any) -> torch.device:
    """Return a device given by its name, its ordinal or itself."""
    text, ordinal = exact_str(device), as_index(device)
    given = device if type(device) is torch.device else ordinal if text is None else text
    if given is not None:
        try:
            return torch.device(given)
        except (RuntimeError, ValueError, OverflowError):
            pass  # no device has this name
    raise argument_error("device", device, "None or a device of torch, such as 'cuda:0'")


def _current_device() -> torch.device:
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is None:
        return torch.device("cpu")
    return torch.device(accelerator.type, torch.accelerator.current_device_index())


def _reason_not_deferred(init: ParameterInit) -> str:
    if isinstance(init.tensor, nn.Parameter) and not init.tensor.is_meta:
        return (
            "it is not on the meta device, and FullyShardedDataParallel materializes only units on "
            "it: call init_() before wrapping instead"
        )
    for _, initializer in init.weights:
        if isinstance(initializer, RandomInitializer) and is_generator(initializer.seed):
            return (
                "its initializer has a seed generator, whose draws depend on the order: use a seed"
            )
    return ""


@dataclass
class _SharedTensor:
    """A tensor that one or several modules have.

    Args:
        tensor: The tensor on the meta device.
        init: Its initialization; None if it keeps its values.
        holder: The module whose tensor was materialized first, and its own name there.
        materialized: A weak reference to that tensor, which FSDP1 may free.
    """

    tensor: Any
    init: ParameterInit | None
    holder: tuple[nn.Module, str] | None = None
    materialized: weakref.ref[Any] | None = None


class _Materialization:
    """The function that `param_init_fn()` returns.

    It knows modules by identity, since wrapping changes their names.

    Args:
        module: The module that is to be wrapped.
        inits: The initialization of its tensors.
        device: The device of the memory.
    """

    def __init__(self, module: nn.Module, inits: list[ParameterInit], device: Any) -> None:
        self._device = device
        by_tensor = {id(init.tensor): init for init in inits}
        shared: dict[int, _SharedTensor] = {}
        self._own: dict[nn.Module, dict[str, _SharedTensor]] = {}
        self._names: dict[nn.Module, str] = {}
        for path, owner in named_modules(module):
            self._names[owner] = path
            self._own[owner] = {
                name: shared.setdefault(
                    id(tensor), _SharedTensor(tensor, by_tensor.get(id(tensor)))
                )
                for name, tensor in _own_tensors(owner)
            }

    def __call__(self, module: nn.Module) -> None:
        """Give a module's own tensors memory and values."""
        own = self._own.get(module, {})
        if own.keys() != dict(_own_tensors(module)).keys():
            raise ValueError(
                "Argument `module` must be a module of the one given to param_init_fn(), with the "
                f"same parameters and buffers. Received: {type(module).__name__} with "
                f"{', '.join(dict(_own_tensors(module))) or 'none'}"
            )
        module._apply(self._with_memory, recurse=False)
        for name, shared in own.items():
            tensor = getattr(module, name)
            # shared buffers, which are not trained, may become several
            if isinstance(tensor, nn.Parameter):
                if shared.holder not in (None, (module, name)):
                    self._tie(module, name, shared)
                    continue
                shared.holder, shared.materialized = (module, name), weakref.ref(tensor)
            if shared.init is not None:
                with writable(tensor) as values:
                    for weight, initializer in shared.init.weights:
                        write(weight, tensor, values, initializer)
        for shared in own.values():
            if shared.init is not None and shared.init.finish is not None:
                shared.init.finish()

    def _with_memory(self, tensor: Any) -> Any:
        return torch.empty_like(tensor, device=self._device) if tensor.is_meta else tensor

    def _tie(self, module: nn.Module, name: str, shared: _SharedTensor) -> None:
        """Give a module the tensor that it shares with one that was materialized before."""
        assert shared.holder is not None
        assert shared.materialized is not None
        holder, first_name = shared.holder
        tensor = dict(_own_tensors(holder)).get(first_name)
        # FullyShardedDataParallel marks the parameters that it has flattened, or removes them
        is_free = tensor is not None and tensor is shared.materialized()
        if not is_free or getattr(tensor, "_fsdp_flattened", False):
            names = [
                f"{self._names[owner]}.{own}".removeprefix(".")
                for owner, own in (shared.holder, (module, name))
            ]
            raise ValueError(
                f"{names[0]} and {names[1]} are tied, but belong to different units of "
                "FullyShardedDataParallel, which cannot share them: choose an auto_wrap_policy "
                "that leaves both to one unit"
            )
        setattr(module, name, tensor)


def _own_tensors(module: nn.Module) -> list[tuple[str, Any]]:
    return [
        *module.named_parameters(recurse=False, remove_duplicate=False),
        *module.named_buffers(recurse=False, remove_duplicate=False),
    ]
