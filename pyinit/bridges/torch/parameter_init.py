"""How `init_()` and `create_manifest()` initialize each parameter and buffer of a module."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn

from pyinit.arguments import Shape
from pyinit.bridges.initializer_arguments import InitializerArguments
from pyinit.bridges.name_patterns import NamePatterns
from pyinit.bridges.problems import check_problems
from pyinit.bridges.torch.buffers import UndefinedBuffers, counter, is_random, statistic
from pyinit.bridges.torch.computed import Original, PowerIteration, find_power_iterations
from pyinit.bridges.torch.memory import reason_not_fillable
from pyinit.bridges.torch.names import NamedTensor, join
from pyinit.bridges.torch.opaque_modules import find_opaque_modules
from pyinit.bridges.torch.sharding import check_seed_is_shared, is_dtensor
from pyinit.bridges.torch.stages import Place, tensors_of
from pyinit.bridges.torch.weights import TorchWeight, kernel_weight, torch_weights
from pyinit.initializers.base import is_drawn_lazily
from pyinit.initializers.constant import Constant
from pyinit.initializers.fans import axes_of_shape
from pyinit.initializers.random import RandomInitializer, RandomNormal
from pyinit.initializers.variance_scaling import VarianceScaling
from pyinit.seeds import derive_seed

_FILLABLE = "a tensor that can be filled, or a module whose parameters all can"
_WHOLE_WEIGHT = (
    "a spectral norm starts from the whole weight, which is a DTensor: initialize the module before"
    " it is distributed, or set both vectors yourself and pass None for the buffer in `parameters`"
)


@dataclass(frozen=True)
class InitArguments(InitializerArguments):
    """The initializers and the place given to `init_()`, whose docstring describes them."""

    place: Place = field(default_factory=Place)


@dataclass
class ParameterInit:
    """A tensor, the weights in it, and the initializer of each.

    Args:
        name: The name of the tensor.
        tensor: The tensor.
        weights: The weights with their initializers. Where two overlap, the later one overrides.
        problem: Why the tensor cannot be filled; empty if it can.
        is_recorded: Whether a manifest records the tensor.
        finish: Called after all tensors have been filled.
        has_fresh_seed: Whether a weight is drawn from a seed that this process has made up.
    """

    name: str
    tensor: Any
    weights: list[tuple[TorchWeight, Callable[..., Any]]] = field(default_factory=list)
    problem: str = ""
    is_recorded: bool = True
    finish: Callable[[], None] | None = None
    has_fresh_seed: bool = False

    def add(self, weight: TorchWeight, initializer: Any, seed: int | None) -> None:
        """Add a weight, or record its problem."""
        try:
            weight, resolved = _resolve(weight, initializer, seed)
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
    check_problems("target", _FILLABLE, ((init.name, init.problem) for init in inits))


def check_seeds(inits: list[ParameterInit]) -> None:
    """Raise a ValueError if other processes would draw other weights."""
    if any(init.has_fresh_seed for init in inits):
        check_seed_is_shared(init.tensor for init in inits)


def tensor_init(tensor: Any, arguments: InitArguments, seed: int | None) -> ParameterInit:
    """Return the initialization of a tensor that belongs to no module."""
    init = ParameterInit("the tensor", tensor, problem=reason_not_fillable(tensor))
    initializer = arguments.by_kind()["kernel"]
    if not init.problem:
        init.has_fresh_seed = _is_fresh(initializer, seed)
        init.add(kernel_weight(tensor), initializer, seed)
    return init


def module_inits(
    module: nn.Module,
    arguments: InitArguments,
    seed: int | None,
    *,
    needs_memory: bool = True,
    needs_values: bool | None = None,
) -> list[ParameterInit]:
    """Return the initialization of each parameter of a module, and of buffers that are reset.

    Args:
        module: The module.
        arguments: The initializers given to `init_()`.
        seed: The seed of the whole module, or None.
        needs_memory: Whether a tensor on the meta device is a problem.
        needs_values: Whether a buffer whose values are undefined, or that is on the meta device, is
            a problem; None means the same as `needs_memory`.

    Raises:
        ValueError: `arguments.parameters` is invalid, or the module has packed or sharded modules.
    """
    check_problems("target", _FILLABLE, find_opaque_modules(module, needs_memory))
    needs_values = needs_memory if needs_values is None else needs_values
    named = tensors_of(module, arguments.place)
    check_problems("target", _FILLABLE, named.problems.items())
    parameters, buffers, originals = named.parameters, named.buffers, named.originals
    computed: dict[str, list[str]] = {}
    for name, original in originals.items():
        computed.setdefault(original.computed, []).append(name)
    chosen = NamePatterns(arguments.parameters, "the module").choose(
        [item.name for item in parameters],
        [item.name for item in buffers],
        computed,
        named.of_model,
    )
    rules = _Rules(arguments.by_kind(), chosen, originals, seed, needs_memory, needs_values)
    inits = [rules.parameter(item) for item in parameters if not rules.keeps(item)]
    undefined = UndefinedBuffers(parameters) if needs_values else ()
    iterations = {
        (state.owner, name): state
        for state in find_power_iterations(module)
        for name in (state.left, state.right)
    }
    for item in buffers:
        if rules.keeps(item):
            continue
        iteration = iterations.get((item.owner, item.own_name))
        if iteration is None:
            init = rules.buffer(item, is_undefined=item.tensor in undefined)
            inits += [] if init is None else [init]
        elif item.own_name == iteration.right:
            inits.append(rules.singular_vector(item, iteration))
    return inits


def recorded_tensors(module: nn.Module, place: Place) -> Iterator[NamedTensor]:
    """Yield the tensors that a manifest records: parameters, and statistics of norms."""
    named = tensors_of(module, place)
    yield from named.parameters
    for buffer in named.buffers:
        if statistic(buffer) is not None:
            yield buffer


@dataclass(frozen=True)
class _Rules:
    """How the parameters and buffers of a module are initialized.

    Args:
        by_kind: The initializer of each kind of weight.
        chosen: The initializers of single parameters, by name.
        originals: The originals of computed tensors, by name.
        seed: The seed of the whole module, or None.
        needs_memory: Whether a tensor on the meta device is a problem.
        needs_values: Whether a buffer without values is a problem.
    """

    by_kind: Mapping[str, Any]
    chosen: Mapping[str, Any]
    originals: Mapping[str, Original]
    seed: int | None
    needs_memory: bool
    needs_values: bool

    def keeps(self, item: NamedTensor) -> bool:
        """Return whether a tensor keeps its values."""
        return item.name in self.chosen and self.chosen[item.name] is None

    def parameter(self, item: NamedTensor) -> ParameterInit:
        """Return the initialization of a parameter."""
        tensor = item.tensor
        init = ParameterInit(
            item.name, tensor, problem=reason_not_fillable(tensor, self.needs_memory)
        )
        if init.problem:
            return init
        name, owner, own_name = item.name, item.owner, item.own_name
        original = self.originals.get(name)
        if original is not None and original.replaces_computed:
            name, owner, own_name = original.computed, original.owner, original.own_name
        weights = torch_weights(owner, own_name, tensor)
        if item.name in self.chosen:
            weights = [
                # constants after the first weight (padding row, forget gate) stay as they are
                replace(weight, drawn_by=self.chosen[item.name])
                if i == 0 or isinstance(weight.drawn_by, str)
                else weight
                for i, weight in enumerate(weights or [kernel_weight(tensor)])
            ]
        if weights is None:
            init.problem = _reason_unknown(item, original)
            return init
        for weight in weights:
            self._add(init, weight, name)
        return init

    def buffer(self, item: NamedTensor, *, is_undefined: bool) -> ParameterInit | None:
        """Return the initialization of a buffer; None if it keeps its values."""
        constant = statistic(item)
        init = ParameterInit(item.name, item.tensor, is_recorded=constant is not None)
        if constant is None:
            constant = counter(item)
        if item.name not in self.chosen and constant is None:
            init.problem = self._reason_unset(item, is_undefined)
            return init if init.problem else None
        init.problem = reason_not_fillable(item.tensor, self.needs_memory, is_buffer=True)
        if not init.problem:
            drawn_by = self.chosen.get(item.name, Constant(constant or 0))
            self._add(init, kernel_weight(item.tensor, drawn_by), item.name)
        return init

    def _reason_unset(self, item: NamedTensor, is_undefined: bool) -> str:
        """Return why a buffer that pyinit does not know cannot stay; empty if it can."""
        if is_random(item):
            return (
                "the buffer has random values of torch's generator; `parameters` takes an "
                f'initializer for it, for example {{"*.{item.own_name}": "orthogonal"}}, or None '
                "to keep it"
            )
        if not self.needs_values or not (item.tensor.is_meta or is_undefined):
            return ""
        where = "is on the meta device" if item.tensor.is_meta else "may be undefined"
        return (
            f"the buffer {where}, as after to_empty(), and pyinit does not know how "
            f"{type(item.owner).__name__} sets it; `parameters` takes an initializer for it, or "
            "None if you set it yourself"
        )

    def singular_vector(self, item: NamedTensor, iteration: PowerIteration) -> ParameterInit:
        """Return the initialization of the vector that a power iteration starts from."""
        problem = reason_not_fillable(item.tensor, self.needs_memory)
        sources = iteration.source.parameters(recurse=False)
        if not problem and self.needs_memory and any(map(is_dtensor, sources)):
            problem = _WHOLE_WEIGHT
        init = ParameterInit(
            item.name,
            item.tensor,
            problem=problem,
            is_recorded=False,
            finish=iteration.start,
        )
        if not init.problem:
            kernel = self.by_kind["kernel"]
            seed = kernel.seed if isinstance(kernel, RandomInitializer) else None
            self._add(init, TorchWeight(RandomNormal(0.0, 1.0, seed)), item.name)
        return init

    def _add(self, init: ParameterInit, weight: TorchWeight, name: str) -> None:
        kind = weight.drawn_by
        initializer = self.by_kind[kind] if isinstance(kind, str) else kind
        path = name.rpartition(".")[0]
        weight_name = name if weight.name is None else join(path, weight.name)
        init.has_fresh_seed |= _is_fresh(initializer, self.seed)
        init.add(weight, initializer, _weight_seed(initializer, self.seed, weight_name))


def _reason_unknown(item: NamedTensor, original: Original | None) -> str:
    if original is not None and not original.replaces_computed:
        return (
            f"`{original.own_name}` is computed from it and others; `parameters` takes an "
            f'initializer for it, for example {{"*{item.own_name}": "ones"}}'
        )
    owner = item.owner if original is None else original.owner
    return (
        f"{type(owner).__name__} is not one of torch's own layers with such a weight; `parameters` "
        "takes an initializer for each, by name or pattern"
    )


def _is_fresh(initializer: Any, seed: int | None) -> bool:
    """Return whether an initializer draws from a seed that this process has made up."""
    if seed is not None:
        return False
    if isinstance(initializer, RandomInitializer):
        return initializer.has_fresh_seed
    is_of_keras = type(initializer).__module__.partition(".")[0] in ("keras", "tf_keras")
    return is_of_keras and initializer.get_config().get("seed", 0) is None


def _weight_seed(initializer: Any, seed: int | None, name: str) -> int | None:
    """Return the seed of a weight; None if its initializer keeps its own."""
    if seed is None and isinstance(initializer, RandomInitializer):
        # the fresh seed of an unseeded initializer serves as the seed of the whole module
        seed = None if initializer.has_given_seed else initializer.seed
    return None if seed is None else derive_seed(seed, name)


def _resolve(
    weight: TorchWeight, initializer: Any, seed: int | None
) -> tuple[TorchWeight, Callable[..., Any]]:
    """Return the weight, and the initializer with the weight's seed and fan axes.

    Raises:
        ValueError: There is a seed, and the initializer takes none.
    """
    if not isinstance(initializer, RandomInitializer):
        # None for a function that exec() has made
        module = getattr(initializer, "__module__", None) or ""
        if seed is not None and not module.startswith("pyinit."):
            name = getattr(initializer, "__qualname__", type(initializer).__qualname__)
            raise ValueError(f"its initializer, {name}, takes no seed")
        return weight, initializer
    resolved = copy.copy(initializer) if seed is None else initializer.with_seed(seed)
    if not isinstance(resolved, VarianceScaling):
        return weight, resolved
    if resolved.input_axes is None and resolved.output_axes is None:
        weight = weight.divided()
        # a stack has no fan axes of the layer's: see _with_stacked_members()
        if weight.fan_axes is not None and resolved.batch_axes is None:
            resolved.input_axes, resolved.output_axes = weight.fan_axes
    return weight, resolved


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
    if not weight.may_be_stacked or weight.rows is not None or weight.fan_axes is not None:
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
