"""What manifests need to know of a torch module: the names and values of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from pyinit.arguments import argument_error
from pyinit.bridges.problems import check_problems
from pyinit.bridges.torch.init import FILLABLE, Filling, fillings_of_module
from pyinit.bridges.torch.weights import Weight
from pyinit.dtypes import AnyArray
from pyinit.initializers.placement import Placement
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import CLASSES
from pyinit.manifests.creation import manifest_from_model
from pyinit.manifests.limits import MAX_BYTES
from pyinit.manifests.model import Manifest, Segment, TensorSpec
from pyinit.manifests.parallel import Progress
from pyinit.reproducibility.fingerprint import host_array
from pyinit.seeds import as_seed, is_generator


class TorchModel:
    """A torch module, as `pyinit.manifests.adapters` has it.

    Args:
        module: The module.
        initializers: The arguments of `init_()` that say what it was filled with.
    """

    def __init__(self, module: Any, initializers: Mapping[str, Any] | None = None) -> None:
        self._module = module
        self._initializers = dict(initializers or {})
        self.remedy = "pyinit.torch.init_(module, seed=seed) draws those of a seed."

    def plan(self, seed: int | None) -> list[TensorSpec]:
        """Return what draws each parameter: see `ModelAdapter`."""
        if seed is None and self._initializers.get("initializer") is None:
            raise argument_error(
                "seed", seed, "given for a torch module, which keeps no initializers"
            )
        fillings = fillings_of_module(
            self._module, seed=seed, needs_memory=False, **self._initializers
        )
        left_out = dict(self._module.named_parameters()).keys() - {f.name for f in fillings}
        if left_out:
            allowed = "without None where a module is pinned, as every parameter is"
            raise argument_error("parameters", sorted(left_out), allowed)
        planned = [(filling, _segments(filling)) for filling in fillings]
        check_problems("target", FILLABLE, [(f.name, f.problem) for f in fillings])
        return [
            TensorSpec(
                f.name, tuple(f.tensor.shape), str(f.tensor.dtype).rpartition(".")[2], segments
            )
            for f, segments in planned
        ]

    def values(self) -> Iterator[tuple[str, AnyArray | None]]:
        """The values of each parameter."""
        for name, parameter in self._module.named_parameters():
            yield name, None if parameter.is_meta else host_array(parameter)


def _segments(filling: Filling) -> tuple[Segment, ...]:
    """What draws a parameter; if that cannot be pinned, the filling notes why."""
    try:
        return tuple(_segment(weight, initializer) for weight, initializer in filling.weights)
    except ValueError as error:
        filling.problem = str(error)
        return ()


def _segment(weight: Weight, initializer: Callable[..., Any]) -> Segment:
    placement = Placement(axes=weight.axes, rows=weight.rows, gates=weight.gates)
    cls: Any = type(initializer)
    if cls not in CLASSES:
        raise ValueError(f"its initializer, {cls.__name__}, is not one of pyinit's")
    if not isinstance(initializer, RandomInitializer):
        return Segment(cls.from_config(initializer.get_config()), placement=placement)  # type: ignore[attr-defined]
    if is_generator(initializer.seed):
        raise ValueError(
            "its initializer has a seed generator, which does not tell its draws: use a seed"
        )
    config = {**initializer.get_config(), "seed": initializer.seed}
    return Segment(cls.from_config(config), placement=placement)


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
    """Pins the weights that `init_()` with the same arguments gives a torch module.

    A module on the meta device has no weights to compare with and needs no memory: so a model that
    is larger than this machine can be pinned on it.

    Args:
        module: The module. It is not changed.
        initializer: This and the next five arguments are those of `init_()`. There must be a seed,
            here or in the initializer.
        seed: See there.
        recurrent_initializer: See there.
        embeddings_initializer: See there.
        bias_initializer: See there.
        parameters: See there; None as an initializer is not allowed.
        max_bytes: How many bytes of weights are not too many.
        progress: As for `pyinit.create_manifest()`.

    Returns:
        A `Manifest`, with the names of `named_parameters()`.

    Raises:
        TypeError: `module` is not a torch module.
        ValueError: Something cannot be pinned, or the module does not have these weights.

    Example:
        >>> import pyinit.torch
        >>> import torch
        >>> module = pyinit.torch.init_(torch.nn.Linear(4, 3), seed=42)
        >>> pyinit.torch.create_manifest(module, seed=42)
        Manifest of 2 tensors, 60 bytes:
          weight [3, 4] float32, GlorotUniform
          bias [3] float32, Zeros

    Source: docs/manifests.md
    """
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"Argument `module` must be a torch module. Received: module={module!r}")
    model = TorchModel(
        module,
        {
            "initializer": initializer,
            "recurrent_initializer": recurrent_initializer,
            "embeddings_initializer": embeddings_initializer,
            "bias_initializer": bias_initializer,
            "parameters": parameters,
        },
    )
    seed = None if seed is None else as_seed("seed", seed)
    return manifest_from_model(
        model, model.plan(seed), seed, max_bytes=max_bytes, progress=progress
    )
