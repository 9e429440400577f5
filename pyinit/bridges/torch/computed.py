"""Tensors that torch computes from others: parametrizations, weight and spectral norm, pruning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from pyinit.bridges.torch.names import join, named_modules

#: The power iterations with which torch's constructor of a spectral norm starts.
_POWER_ITERATIONS = 15


@dataclass(frozen=True)
class Original:
    """A tensor that another one is computed from.

    Args:
        computed: The name of the computed tensor, which is a parameter of the plain module.
        owner: The module that has the computed tensor as an attribute.
        own_name: The name of that attribute.
        replaces_computed: Whether it is drawn as the computed tensor would be: it is the only
            original, or the direction of a weight norm.
    """

    computed: str
    owner: nn.Module
    own_name: str
    replaces_computed: bool


@dataclass(frozen=True)
class PowerIteration:
    """The state of a spectral norm, which approximates the largest singular value of a weight.

    Args:
        owner: The module that has the two buffers.
        source: The module that has the parameters from which the weight is computed.
        left: The name of the buffer of the left singular vector.
        right: The name of the other buffer.
        weight: Returns the weight.
        dim: The axis of the weight that becomes the rows of the matrix.
        eps: The smallest norm to divide by.
    """

    owner: nn.Module
    source: nn.Module
    left: str
    right: str
    weight: Callable[[], Any]
    dim: int
    eps: float

    def start(self) -> None:
        """Set both vectors from the right one, as torch's constructor does."""
        with torch.no_grad():
            weight = self.weight().movedim(self.dim, 0)
            matrix = weight.reshape(weight.shape[0], -1)
            left, right = getattr(self.owner, self.left), getattr(self.owner, self.right)
            u, v = left, nn.functional.normalize(right, dim=0, eps=self.eps)
            for _ in range(_POWER_ITERATIONS):
                u = nn.functional.normalize(matrix.mv(v), dim=0, eps=self.eps)
                v = nn.functional.normalize(matrix.t().mv(u), dim=0, eps=self.eps)
            left.copy_(u)
            right.copy_(v)


def find_originals(module: nn.Module) -> dict[str, Original]:
    """Return the originals of a module's computed tensors, by name."""
    originals: dict[str, Original] = {}
    for path, owner in named_modules(module):
        for key, steps in _parametrized(owner):
            for name in _names_of_originals(steps):
                replaces = name == "original" or (
                    name == "original1" and isinstance(steps[0], parametrizations._WeightNorm)
                )
                original = Original(join(path, key), owner, key, replaces)
                originals[join(path, f"parametrizations.{key}.{name}")] = original
        by_hooks = dict(_replaced_by_hooks(owner))
        computed = {key for key, _ in by_hooks.values()}
        for name, (key, replaces) in by_hooks.items():
            # pruning may compute the original of a spectral norm
            while key in by_hooks:
                key, replaces = by_hooks[key][0], replaces and by_hooks[key][1]
            if name not in computed:
                originals[join(path, name)] = Original(join(path, key), owner, key, replaces)
    return originals


def find_power_iterations(module: nn.Module) -> Iterator[PowerIteration]:
    """Yield the state of each spectral norm."""
    for _, owner in named_modules(module):
        for _, steps in _parametrized(owner):
            for index, step in enumerate(steps):
                if isinstance(step, parametrizations._SpectralNorm) and hasattr(step, "_u"):
                    weight = partial(_intermediate, steps, index)
                    yield PowerIteration(step, steps, "_u", "_v", weight, step.dim, step.eps)
        for hook in _hooks(owner):
            if isinstance(hook, SpectralNorm):
                weight = partial(getattr, owner, f"{hook.name}_orig")
                names = f"{hook.name}_u", f"{hook.name}_v"
                yield PowerIteration(owner, owner, *names, weight, hook.dim, hook.eps)


def _intermediate(steps: Any, index: int) -> Any:
    """Compute what a step of a parametrization receives."""
    values = [getattr(steps, name) for name in _names_of_originals(steps)]
    for step in list(steps)[:index]:
        values = [step(*values)]
    return values[0]


def _parametrized(owner: nn.Module) -> Iterator[tuple[str, Any]]:
    # not is_parametrized(): a wrapper forwards it to the module that it wraps
    lists = dict(owner.named_children()).get("parametrizations")
    if isinstance(lists, nn.ModuleDict):
        for key, steps in lists.items():
            if isinstance(steps, parametrize.ParametrizationList):
                yield key, steps


def _names_of_originals(steps: Any) -> list[str]:
    return ["original"] if steps.is_tensor else [f"original{i}" for i in range(steps.ntensors)]


def _hooks(owner: nn.Module) -> list[Any]:
    return list(getattr(owner, "_forward_pre_hooks", {}).values())


def _replaced_by_hooks(owner: nn.Module) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Yield originals whose computed tensors a hook sets: (name, (computed, replaces it))."""
    for hook in _hooks(owner):
        if isinstance(hook, WeightNorm):
            yield f"{hook.name}_g", (hook.name, False)
            yield f"{hook.name}_v", (hook.name, True)
        elif isinstance(hook, SpectralNorm):
            yield f"{hook.name}_orig", (hook.name, True)
        elif isinstance(hook, prune.BasePruningMethod):
            yield f"{hook._tensor_name}_orig", (hook._tensor_name, True)
