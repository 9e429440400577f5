"""Manifests of torch modules."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from pyinit.arguments import argument_error, is_instance
from pyinit.bridges.torch.local_values import local_values
from pyinit.bridges.torch.parameter_init import (
    InitArguments,
    ParameterInit,
    check_parameters,
    module_inits,
    recorded_tensors,
)
from pyinit.bridges.torch.stages import Place, plain_names
from pyinit.bridges.torch.weights import TorchWeight
from pyinit.dtypes import AnyArray
from pyinit.initializers.placement import Placement
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import CLASSES
from pyinit.manifests.creation import manifest_from_model
from pyinit.manifests.limits import MAX_BYTES, MAX_OPERATIONS, as_limits
from pyinit.manifests.model import Manifest, Segment, TensorSpec
from pyinit.manifests.reading import as_manifest
from pyinit.manifests.sources import LocalSource
from pyinit.manifests.verification import Verification, verify_model
from pyinit.runtime.host_arrays import host_array
from pyinit.runtime.progress import Progress
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
        recorded = {item.name for item in recorded_tensors(self._module, self._arguments.place)}
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

    def values(self) -> Iterator[tuple[str, AnyArray | LocalSource | None]]:
        """Yield the name and the values of each recorded tensor; None on the meta device."""
        for item in recorded_tensors(self._module, self._arguments.place):
            yield item.name, _values(item.name, item.tensor)

    def buffers(self) -> Iterator[tuple[str, AnyArray | LocalSource | None]]:
        """Yield the other tensors of the state dict: buffers, and second names of parameters."""
        known = {item.name for item in recorded_tensors(self._module, self._arguments.place)}
        state = self._module.state_dict()
        names = plain_names(self._module, self._arguments.place, state)
        for key, tensor in state.items():
            name = names[key]
            if name not in known and isinstance(tensor, torch.Tensor):
                yield name, _values(name, tensor)


def _values(name: str, tensor: Any) -> AnyArray | LocalSource | None:
    if tensor.is_meta:
        return None
    return host_array(tensor) if (local := local_values(name, tensor)) is None else local


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
    prefix: str | None = None,
    names: Mapping[str, str] | Callable[[str], str] | None = None,
    model: Any = None,
    max_bytes: int = MAX_BYTES,
    max_operations: int = MAX_OPERATIONS,
    progress: Progress | None = None,
) -> Manifest:
    """Create a manifest of the weights that `init_()` with the same arguments gives a module.

    The module may be on the meta device, and so larger than this machine's memory. The weights of
    any other module are compared with the manifest.

    Args:
        module: The module, which is not changed.
        initializer: As for `init_()`.
        seed: As for `init_()`; required unless the initializers have seeds of their own.
        recurrent_initializer: As for `init_()`.
        embeddings_initializer: As for `init_()`.
        bias_initializer: As for `init_()`.
        parameters: As for `init_()`, but None is allowed only for buffers that the manifest does
            not record.
        prefix: As for `init_()`.
        names: As for `init_()`.
        model: As for `init_()`.
        max_bytes: Maximum total size of the weights, in bytes.
        max_operations: As for `pyinit.create_manifest()`.
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
        Manifest of 2 tensors, 60 bytes, seed 42:
          weight [3, 4] float32, GlorotUniform
          bias [3] float32, Zeros
    """
    if not is_instance(module, torch.nn.Module):
        raise argument_error("module", module, "a torch module", TypeError)
    arguments = InitArguments(
        initializer,
        recurrent_initializer,
        embeddings_initializer,
        bias_initializer,
        parameters,
        Place(prefix, names, model),
    )
    limits = as_limits(max_bytes, max_operations)
    adapter = TorchAdapter(module, arguments)
    seed = None if seed is None else as_seed("seed", seed)
    return manifest_from_model(adapter, adapter.plan(seed), seed, limits=limits, progress=progress)


def verify_stage(
    manifest: Manifest | str | os.PathLike[str],
    stage: Any,
    *,
    prefix: str | None = None,
    names: Mapping[str, str] | Callable[[str], str] | None = None,
    model: Any = None,
    progress: Progress | None = None,
) -> Verification:
    """Compare a part of a model, such as a pipeline stage, with the manifest of the whole model.

    Args:
        manifest: A `Manifest` of the whole model, or the path of one.
        stage: The module.
        prefix: As for `init_()`. A tensor of the manifest whose name has this prefix is a
            difference if the stage lacks it.
        names: As for `init_()`.
        model: As for `init_()`.
        progress: As for `pyinit.create_manifest()`.

    Returns:
        A `Verification`, which is true if nothing differs. `not_compared` lists the tensors of the
        other stages.

    Raises:
        TypeError: `stage` is not a torch module.
        ValueError: The manifest or an argument is invalid.
        OSError: The file cannot be read.

    Example:
        >>> import pyinit.torch
        >>> import torch
        >>> with torch.device("meta"):
        ...     whole = torch.nn.Sequential(*(torch.nn.Linear(4, 4, bias=False) for _ in range(2)))
        >>> manifest = pyinit.torch.create_manifest(whole, seed=42)
        >>> stage = pyinit.torch.init_(torch.nn.Linear(4, 4, bias=False), seed=42, prefix="1.")
        >>> pyinit.torch.verify_stage(manifest, stage, prefix="1.")
        The same: 1 tensor, 64 bytes.
        Not compared, since the module does not have them: 0.weight
    """
    if not is_instance(stage, torch.nn.Module):
        raise argument_error("stage", stage, "a torch module", TypeError)
    adapter = TorchAdapter(stage, InitArguments(place=Place(prefix, names, model)))
    return verify_model(
        as_manifest(manifest),
        adapter,
        may_lack=lambda name: not prefix or not name.startswith(prefix),
        progress=progress,
    )
