"""The initializers of a module's parameters, as `init_()` and `create_manifest()` choose them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pyinit.arguments import Shape, argument_error
from pyinit.bridges.problems import check_problems
from pyinit.bridges.torch.memory import reason_not_fillable
from pyinit.bridges.torch.weights import TorchWeight, kernel_weight, torch_weights
from pyinit.initializers.base import is_drawn_lazily
from pyinit.initializers.fans import axes_of_shape
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import get
from pyinit.initializers.variance_scaling import VarianceScaling
from pyinit.seeds import derive_seed

#: The defaults of Keras' layers, by kind of weight.
_DEFAULTS = {
    "kernel": "glorot_uniform",
    "recurrent": "orthogonal",
    "embeddings": "uniform",
    "bias": "zeros",
}


@dataclass(frozen=True)
class InitArguments:
    """The initializers given to `init_()`, whose docstring describes them."""

    initializer: Any = None
    recurrent_initializer: Any = None
    embeddings_initializer: Any = None
    bias_initializer: Any = None
    parameters: Mapping[str, Any] | None = None

    def by_kind(self) -> dict[str, Any]:
        """Return the initializer of each kind of weight."""
        given = {
            "kernel": self.initializer,
            "recurrent": self.recurrent_initializer,
            "embeddings": self.embeddings_initializer,
            "bias": self.bias_initializer,
        }
        for kind in ("recurrent", "embeddings"):
            if given[kind] is None:
                given[kind] = self.initializer
        return {
            kind: get(_DEFAULTS[kind] if initializer is None else initializer)
            for kind, initializer in given.items()
        }


@dataclass
class ParameterInit:
    """A tensor, the weights in it, and the initializer of each.

    Args:
        name: The name of the tensor.
        tensor: The tensor.
        weights: The weights with their initializers. Where two overlap, the later one overrides.
        problem: Why the tensor cannot be filled; empty if it can.
    """

    name: str
    tensor: Any
    weights: list[tuple[TorchWeight, Callable[..., Any]]] = field(default_factory=list)
    problem: str = ""

    def add(self, weight: TorchWeight, initializer: Any, seed: int | None) -> None:
        """Add a weight, or record its problem."""
        try:
            resolved = _resolve(weight, initializer, seed)
            weight = _with_stacked_members(weight, resolved, tuple(self.tensor.shape))
            if is_drawn_lazily(resolved):
                # draw=0 checks the arguments without taking a draw of a seed generator
                shape = weight.drawn_shape(tuple(self.tensor.shape))
                resolved.lazy(shape, self.tensor.dtype, draw=0)
        except ValueError as error:
            self.problem = str(error)
        else:
            self.weights.append((weight, resolved))


def check_parameters(inits: list[ParameterInit]) -> None:
    """Raise a ValueError if a tensor cannot be filled."""
    check_problems(
        "target",
        "a tensor that can be filled, or a module whose parameters all can",
        ((init.name, init.problem) for init in inits),
    )


def tensor_init(tensor: Any, arguments: InitArguments, seed: int | None) -> ParameterInit:
    """Return the initialization of a tensor that belongs to no module."""
    init = ParameterInit("the tensor", tensor, problem=reason_not_fillable(tensor))
    initializer = arguments.by_kind()["kernel"]
    if not init.problem:
        init.add(kernel_weight(tensor), initializer, seed)
    return init


def parameter_inits(
    module: Any, arguments: InitArguments, seed: int | None, *, needs_memory: bool = True
) -> list[ParameterInit]:
    """Return the initialization of each parameter of a module.

    Args:
        module: The module.
        arguments: The initializers given to `init_()`.
        seed: The seed of the whole module, or None.
        needs_memory: Whether a parameter on the meta device is a problem.

    Raises:
        ValueError: The module has no parameter of a name in `arguments.parameters`.
    """
    by_kind = arguments.by_kind()
    by_name = {} if arguments.parameters is None else arguments.parameters
    # a shared parameter has the first of its names
    tensors = dict(module.named_parameters())
    unknown = [name for name in by_name if name not in tensors]
    if unknown:
        allowed = f"a dictionary by names of parameters; of these, the module has no {unknown}"
        raise argument_error("parameters", by_name, allowed)
    inits = []
    for name, tensor in tensors.items():
        if name in by_name and by_name[name] is None:
            continue
        init = ParameterInit(name, tensor, problem=reason_not_fillable(tensor, needs_memory))
        inits.append(init)
        if init.problem:
            continue
        path, dot, own_name = name.rpartition(".")
        owner = module.get_submodule(path)
        weights = torch_weights(owner, own_name, tensor)
        if name in by_name:
            own: Any = get(by_name[name])
            weights = [
                # constants after the first weight (padding row, forget gate) stay as they are
                replace(weight, drawn_by=own)
                if i == 0 or isinstance(weight.drawn_by, str)
                else weight
                for i, weight in enumerate(weights or [kernel_weight(tensor)])
            ]
        if weights is None:
            init.problem = (
                f"{type(owner).__name__} is not one of torch's own layers with weights; "
                "`parameters` takes an initializer for each"
            )
            continue
        for weight in weights:
            kind = weight.drawn_by
            initializer = by_kind[kind] if isinstance(kind, str) else kind
            weight_name = name if weight.name is None else path + dot + weight.name
            init.add(weight, initializer, _weight_seed(initializer, seed, weight_name))
    return inits


def _weight_seed(initializer: Any, seed: int | None, name: str) -> int | None:
    """Return the seed of a weight; None if its initializer keeps its own."""
    if seed is None and isinstance(initializer, RandomInitializer):
        # the fresh seed of an unseeded initializer serves as the seed of the whole module
        seed = None if initializer.has_given_seed else initializer.seed
    return None if seed is None else derive_seed(seed, name)


def _resolve(weight: TorchWeight, initializer: Any, seed: int | None) -> Any:
    """Return the initializer with the weight's seed and fan axes.

    Raises:
        ValueError: There is a seed, and the initializer takes none.
    """
    if not isinstance(initializer, RandomInitializer):
        if seed is not None and not getattr(initializer, "__module__", "").startswith("pyinit."):
            name = getattr(initializer, "__qualname__", type(initializer).__qualname__)
            raise ValueError(f"its initializer, {name}, takes no seed")
        return initializer
    resolved = copy.copy(initializer) if seed is None else initializer.with_seed(seed)
    if weight.fan_axes is not None and isinstance(resolved, VarianceScaling):
        resolved.input_axes, resolved.output_axes = weight.fan_axes
    return resolved


def _with_stacked_members(weight: TorchWeight, initializer: Any, shape: Shape) -> TorchWeight:
    """Return the placement of a weight whose initializer may have batch axes.

    They number the axes of the parameter. The weight is drawn with these axes first, which the
    initializer is changed to, and each member in Keras' order. With fan axes of the initializer's
    own, which then number the axes of the parameter too, it is drawn in the parameter's order.

    Raises:
        ValueError: The initializer has batch axes that the parameter cannot have.
    """
    batch_axes = getattr(initializer, "batch_axes", None)
    if batch_axes is None:
        return weight
    if weight.gates is not None or weight.fan_axes is not None:
        raise ValueError(f"its initializer has batch_axes={batch_axes}, but it is not a stack")
    own = (getattr(initializer, name, None) for name in ("input_axes", "output_axes"))
    if all(axes is not None for axes in own):
        return replace(weight, axes=None)
    batch = axes_of_shape("batch_axes", batch_axes, shape)
    member = [axis for axis in range(len(shape)) if axis not in batch]
    if weight.axes is not None:
        member = [*member[2:], *reversed(member[:2])]
    initializer.batch_axes = list(range(len(batch)))
    return replace(weight, axes=(*batch, *member))
