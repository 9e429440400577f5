"""Manifests of torch modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from pyinit.arguments import argument_error
from pyinit.bridges.torch.names import plain_name
from pyinit.bridges.torch.parameter_init import (
    InitArguments,
    ParameterInit,
    check_parameters,
    module_inits,
    recorded_tensors,
)
from pyinit.bridges.torch.weights import TorchWeight
from pyinit.dtypes import AnyArray
from pyinit.initializers.placement import Placement
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import CLASSES
from pyinit.manifests.creation import manifest_from_model
from pyinit.manifests.limits import MAX_BYTES
from pyinit.manifests.model import Manifest, Segment, TensorSpec
from pyinit.manifests.parallel import Progress
from pyinit.runtime.host_arrays import host_array
from pyinit.seeds import as_seed, is_generator


class TorchAdapter:
    """The `ModelAdapter` of a torch module.

    Args:
        module: The module.
        arguments: The initializers given to `init_()`.
    """

    def __init__(self, module: Any, arguments: InitArguments | None = None) -> None:
        self._module = module
        self._arguments = InitArguments() if arguments is None else arguments

    def remedy(self, seed: int | None) -> str:
        """Return how to record the module's weights: see `ModelAdapter`."""
        given = "" if seed is None else f", seed={seed}"
        return (
            f"The initial weights are those of pyinit.torch.init_(module{given}); pass any other "
            "arguments of that call to pyinit.torch.create_manifest() too. "
            "pyinit.create_manifest(module, values=True) records the present weights."
        )

    def plan(self, seed: int | None) -> list[TensorSpec]:
        """Return the tensors with their initializers: see `ModelAdapter`."""
        if seed is None and self._arguments.initializer is None:
            raise argument_error(
                "seed", seed, "given for a torch module, which keeps no initializers"
            )
        inits = module_inits(self._module, self._arguments, seed, needs_memory=False)
        inits = [init for init in inits if init.is_recorded or init.problem]
        recorded = {item.name for item in recorded_tensors(self._module)}
        left_out = recorded - {init.name for init in inits}
        if left_out:
            allowed = "without None for parameters and statistics of norms, which manifests record"
            raise argument_error("parameters", sorted(left_out), allowed)
        segments = [_segments(init) for init in inits]
        check_parameters(inits)
        return [
            TensorSpec(init.name, tuple(init.tensor.shape), _dtype_name(init.tensor), of_tensor)
            for init, of_tensor in zip(inits, segments, strict=True)
        ]

    def values(self) -> Iterator[tuple[str, AnyArray | None]]:
        """Yield the name and the values of each recorded tensor; None on the meta device."""
        for item in recorded_tensors(self._module):
            yield item.name, None if item.tensor.is_meta else host_array(item.tensor)

    def buffers(self) -> Iterator[tuple[str, AnyArray | None]]:
        """Yield the other tensors of the state dict: buffers, and second names of parameters."""
        known = {item.name for item in recorded_tensors(self._module)}
        for key, tensor in self._module.state_dict().items():
            name = plain_name(self._module, key)
            if name not in known and isinstance(tensor, torch.Tensor):
                yield name, None if tensor.is_meta else host_array(tensor)


def _dtype_name(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _segments(init: ParameterInit) -> tuple[Segment, ...]:
    """Return the segments of a parameter, or record the parameter's problem."""
    try:
        return tuple(_segment(weight, initializer) for weight, initializer in init.weights)
    except ValueError as error:
        init.problem = str(error)
        return ()


def _segment(weight: TorchWeight, initializer: Any) -> Segment:
    placement = Placement(
        axes=weight.axes, rows=weight.rows, groups=weight.groups, gates=weight.gates
    )
    if type(initializer) not in CLASSES:
        name = type(initializer).__name__
        raise ValueError(f"its initializer, {name}, is not one of pyinit's")
    if not isinstance(initializer, RandomInitializer):
        return Segment(initializer, placement=placement)
    if is_generator(initializer.seed):
        raise ValueError(
            "its initializer has a seed generator, which does not record its draws: use a seed"
        )
    return Segment(initializer.with_seed(initializer.seed), placement=placement)


def create_manifest(
    module: Any,
    initializer: Any = None,
    seed: int | None = None,
    *,
    recurrent_initializer: Any = None,
    embeddings_initializer: Any = None,
    bias_initializer: Any = None,
    parameters: Mapping[str, Any] | None = None,
    max_bytes: int = MAX_BYTES,
    progress: Progress | None = None,
) -> Manifest:
    """Create a manifest of the weights that `init_()` with the same arguments gives a module.

    A module on the meta device needs no memory, and its weights are not compared with the
    manifest. So a model larger than this machine's memory can have a manifest.

    Args:
        module: The module, which is not changed.
        initializer: As for `init_()`.
        seed: As for `init_()`; required unless the initializers have seeds of their own.
        recurrent_initializer: As for `init_()`.
        embeddings_initializer: As for `init_()`.
        bias_initializer: As for `init_()`.
        parameters: As for `init_()`, but None is allowed only for buffers that the manifest does
            not record.
        max_bytes: Maximum total size of the weights, in bytes.
        progress: As for `pyinit.create_manifest()`.

    Returns:
        A `Manifest` of the parameters and of the statistics of norms. The names are those in the
        plain module, without wrappers.

    Raises:
        TypeError: `module` is not a torch module.
        ValueError: A parameter cannot be part of a manifest, or does not have these weights.

    Example:
        >>> import pyinit.torch
        >>> import torch
        >>> module = pyinit.torch.init_(torch.nn.Linear(4, 3), seed=42)
        >>> pyinit.torch.create_manifest(module, seed=42)
        Manifest of 2 tensors, 60 bytes:
          weight [3, 4] float32, GlorotUniform
          bias [3] float32, Zeros
    """
    if not isinstance(module, torch.nn.Module):
        raise argument_error("module", module, "a torch module", TypeError)
    arguments = InitArguments(
        initializer, recurrent_initializer, embeddings_initializer, bias_initializer, parameters
    )
    model = TorchAdapter(module, arguments)
    seed = None if seed is None else as_seed("seed", seed)
    return manifest_from_model(
        model, model.plan(seed), seed, max_bytes=max_bytes, progress=progress
    )
