"""One call initializes a tensor or a whole module."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from pyinit.arguments import argument_error
from pyinit.bridges.problems import check_problems
from pyinit.bridges.torch.memory import why_not, writable
from pyinit.bridges.torch.weights import Weight, kernel, weights_of, write
from pyinit.initializers.base import Initializer
from pyinit.initializers.random import RandomInitializer, VarianceScaling
from pyinit.initializers.registry import get
from pyinit.seeds import as_seed, derive_seed

FILLABLE = "a tensor that can be filled, or a module whose parameters all can"

#: What Keras' layers use, by the kind of weight.
_DEFAULTS = {
    "kernel": "glorot_uniform",
    "recurrent": "orthogonal",
    "embeddings": "uniform",
    "bias": "zeros",
}


def init_(
    target: Any,
    initializer: Any = None,
    seed: int | None = None,
    *,
    recurrent_initializer: Any = None,
    embeddings_initializer: Any = None,
    bias_initializer: Any = None,
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    """Fills a torch tensor, or all parameters of a module, with initial weights, in place.

    The weights are those that the Keras layer of the same kind gets, in torch's order of axes:
    torch's (outputs, inputs, *kernel) is filled with what the initializer gives for Keras'
    (*kernel, inputs, outputs), so the fans are the layer's. On the CPU nothing is copied, whatever
    the strides.

    With a seed, every parameter of a module is drawn with `derive_seed(seed, name)`, where the name
    is the one in `named_parameters()`: `"encoder.0.weight"`. Modules that are added, removed or
    reordered leave the others as they were, as long as these keep their names.

    Args:
        target: A tensor or a module. A tensor of rank 2 or more is taken for the weight of a layer,
            with the axes (outputs, inputs, *kernel).
        initializer: For a tensor, or for the weights of a module but not for its biases and norms:
            an initializer, or whatever else `pyinit.get()` takes. None means what Keras' layers
            use: `"glorot_uniform"`, and where the next three say so, that.
        seed: An integer from -2**63 to 2**64 - 1, in place of the initializers' own seeds. With
            None, an initializer with a seed of its own draws each weight from it, just as it does
            in Keras' layers; without one, a module's parameters are drawn as with a fresh seed.
        recurrent_initializer: For the weights from one step of RNN, LSTM and GRU to the next; by
            default `initializer`, or without one `"orthogonal"`.
        embeddings_initializer: For Embedding; by default `initializer`, or without one
            `"uniform"`.
        bias_initializer: For biases; by default `"zeros"`.
        parameters: Initializers for single parameters, by their names in the module; None there
            leaves a parameter as it is. Parameters that are not one of torch's own layers' must be
            in it; of rank 2 or more, they are taken as a tensor is.

    Returns:
        `target`.

    Raises:
        TypeError: `target` is neither a tensor nor a module, or an initializer is not callable.
        ValueError: An argument is not as described, or there are tensors that cannot be filled: of
            integers, without memory (meta) or shape (lazy), of unknown parts of a module. The error
            names them all, and nothing is changed.

    Example:
        >>> import pyinit.torch
        >>> import torch
        >>> layer = pyinit.torch.init_(torch.nn.Linear(4, 3), pyinit.HeNormal(seed=1))
        >>> bool((layer.weight.detach().numpy() == pyinit.HeNormal(seed=1)((4, 3)).T).all())
        True

    Source: https://pytorch.org/docs/stable/nn.init.html
    """
    seed = None if seed is None else as_seed("seed", seed)
    if isinstance(target, torch.nn.Module):
        fillings = fillings_of_module(
            target,
            seed=seed,
            initializer=initializer,
            recurrent_initializer=recurrent_initializer,
            embeddings_initializer=embeddings_initializer,
            bias_initializer=bias_initializer,
            parameters=parameters,
        )
    elif isinstance(target, torch.Tensor):
        for name, value in {
            "recurrent_initializer": recurrent_initializer,
            "embeddings_initializer": embeddings_initializer,
            "bias_initializer": bias_initializer,
            "parameters": parameters,
        }.items():
            if value is not None:
                raise argument_error(name, value, "None where `target` is a tensor")
        fillings = [_of_tensor(target, _chosen("kernel", initializer), seed)]
    else:
        raise TypeError(
            f"Argument `target` must be a torch tensor or module. Received: target={target!r}"
        )
    check_problems("target", FILLABLE, [(filling.name, filling.problem) for filling in fillings])
    for filling in fillings:
        with writable(filling.tensor) as values:
            for weight, draw in filling.weights:
                write(weight, values, draw)
    return target


@dataclass
class Filling:
    """A tensor, and the weights in it with what draws them; or why it cannot be filled.

    Args:
        name: What the tensor is called.
        tensor: The tensor.
        weights: The weights, each with what draws it; where two share elements, the later counts.
        problem: Why it cannot be filled, if it cannot.
    """

    name: str
    tensor: Any
    weights: list[tuple[Weight, Callable[..., Any]]] = field(default_factory=list)
    problem: str | None = None

    def add(self, weight: Weight, initializer: Any, seed: int | None) -> None:
        """Adds a weight, or the problem with it."""
        try:
            draw = _ready(weight, initializer, seed)
            if isinstance(draw, Initializer):
                draw._check_shape(weight.drawn_shape(tuple(self.tensor.shape)))
        except ValueError as error:
            self.problem = str(error)
        else:
            self.weights.append((weight, draw))


def _of_tensor(tensor: Any, initializer: Any, seed: int | None) -> Filling:
    problem = why_not(tensor)
    filling = Filling("the tensor", tensor, problem=problem)
    if problem is None:
        filling.add(kernel(tensor), initializer, seed)
    return filling


def fillings_of_module(
    module: Any,
    *,
    seed: int | None,
    initializer: Any = None,
    recurrent_initializer: Any = None,
    embeddings_initializer: Any = None,
    bias_initializer: Any = None,
    parameters: Mapping[str, Any] | None = None,
    needs_memory: bool = True,
) -> list[Filling]:
    """The parameters of a module, with what `init_()` fills them with.

    Args:
        module: The module; the next six arguments are those of `init_()`.
        seed: See there.
        initializer: See there.
        recurrent_initializer: See there.
        embeddings_initializer: See there.
        bias_initializer: See there.
        parameters: See there.
        needs_memory: Whether a parameter without memory, on the meta device, is a problem.

    Raises:
        ValueError: `parameters` has a name that the module does not have.
    """
    given = {
        "kernel": initializer,
        "recurrent": initializer if recurrent_initializer is None else recurrent_initializer,
        "embeddings": initializer if embeddings_initializer is None else embeddings_initializer,
        "bias": bias_initializer,
    }
    parameters = {} if parameters is None else parameters
    chosen = {kind: _chosen(kind, initializer) for kind, initializer in given.items()}
    # a parameter that is used twice counts where it is met first
    tensors = dict(module.named_parameters())
    unknown = [name for name in parameters if name not in tensors]
    if unknown:
        allowed = f"a dictionary by names of parameters; of these, the module has no {unknown}"
        raise argument_error("parameters", parameters, allowed)
    fillings = []
    for name, tensor in tensors.items():
        if name in parameters and parameters[name] is None:
            continue
        filling = Filling(name, tensor, problem=why_not(tensor, needs_memory))
        fillings.append(filling)
        if filling.problem is not None:
            continue
        path, dot, own_name = name.rpartition(".")
        owner = module.get_submodule(path)
        weights = weights_of(owner, own_name, tensor)
        if name in parameters:
            own: Any = get(parameters[name])
            weights = [
                # a constant that comes second is part of what the parameter means
                replace(weight, drawn_by=own)
                if i == 0 or isinstance(weight.drawn_by, str)
                else weight
                for i, weight in enumerate(weights or [kernel(tensor)])
            ]
        if weights is None:
            filling.problem = (
                f"{type(owner).__name__} is not one of torch's own layers with weights; "
                "`parameters` takes an initializer for each"
            )
            continue
        for weight in weights:
            draw = chosen[weight.drawn_by] if isinstance(weight.drawn_by, str) else weight.drawn_by
            whole = name if weight.name is None else path + dot + weight.name
            filling.add(weight, draw, _seed_of(draw, seed, whole))
    return fillings


def _chosen(kind: str, initializer: Any) -> Any:
    return get(_DEFAULTS[kind] if initializer is None else initializer)


def _seed_of(initializer: Any, seed: int | None, name: str) -> int | None:
    """The seed of a parameter; None if its initializer has one that it is to keep."""
    if seed is None and isinstance(initializer, RandomInitializer):
        # the seed of an initializer that was given none stands for all of a module's weights
        seed = initializer.seed if initializer._init_seed is None else None
    return None if seed is None else derive_seed(seed, name)


def _ready(weight: Weight, initializer: Any, seed: int | None) -> Any:
    """The initializer as it draws the weight.

    Raises:
        ValueError: There is a seed, and the initializer takes none.
    """
    if not isinstance(initializer, RandomInitializer):
        if seed is not None and not getattr(initializer, "__module__", "").startswith("pyinit."):
            name = getattr(initializer, "__qualname__", type(initializer).__qualname__)
            raise ValueError(f"its initializer, {name}, takes no seed, as far as one can know")
        return initializer
    ready = copy.copy(initializer)
    if seed is not None:
        ready.seed = seed
    if weight.fan_axes is not None and isinstance(ready, VarianceScaling):
        ready.input_axes, ready.output_axes = weight.fan_axes
    return ready
