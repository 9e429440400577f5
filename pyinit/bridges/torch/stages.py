"""The tensors of a module by their names in the whole model that the module is a part of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from torch import nn

from pyinit.arguments import argument_error, did_you_mean, exact_str, is_instance
from pyinit.bridges.torch.computed import Original, find_originals
from pyinit.bridges.torch.names import (
    NamedTensor,
    join,
    named_buffers,
    named_modules,
    named_parameters,
    names_of_tensors,
    plain_name,
)

_NAMES = (
    "None, a function that returns the name in the whole model, or a dictionary from the module's "
    "own names of tensors or submodules to those in the whole model"
)
_UNTIED = (
    "sharding or to_empty() has made two parameters of them: assign one to both modules after "
    "parallelize_module() and to_empty(), and leave both modules to one group of fully_shard()"
)
_MODEL = "None or the whole model, a torch module that has all parameters of `target`"


@dataclass(frozen=True)
class Place:
    """The place of a module in the whole model, as the arguments of `init_()` give it.

    Args:
        prefix: Comes before each of the module's own names; None for nothing.
        names: The names in the whole model, by own names of tensors or submodules; or a function of
            a tensor's own name. None if they are the own names.
        model: The whole model, or None.

    Raises:
        TypeError: `names` or `model` has a wrong type.
        ValueError: An argument is invalid.
    """

    prefix: str | None = None
    names: Mapping[str, str] | Callable[[str], str] | None = None
    model: nn.Module | None = None

    def __post_init__(self) -> None:
        prefix, names = self.prefix, self.names
        text = exact_str(prefix)
        # the names of modules, and nothing after the last dot
        parts = ["no string"] if text is None else text.split(".")
        if prefix is not None and (parts[-1] != "" or "" in parts[:-1]):
            allowed = 'None or a string that ends with ".", such as "layers.12."'
            raise argument_error("prefix", prefix, allowed)
        if self.model is not None and not is_instance(self.model, nn.Module):
            raise argument_error("model", self.model, _MODEL, TypeError)
        if names is None:
            return
        if prefix:
            raise argument_error("names", names, "None where `prefix` is given")
        if is_instance(names, Mapping):  # type: ignore[type-abstract]
            if not all(is_instance(name, str) for pair in names.items() for name in pair):
                raise argument_error("names", names, _NAMES, TypeError)
        elif not callable(names):
            raise argument_error("names", names, _NAMES, TypeError)

    def name(self, own: str) -> str:
        """Return the name in the whole model of a tensor of the module.

        Raises:
            ValueError: The function `names` returned something else than a name.
        """
        if self.names is None:
            return f"{self.prefix or ''}{own}"
        if not isinstance(self.names, Mapping):
            found = self.names(own)
            if not isinstance(found, str) or not found:
                allowed = f"a function that returns a string, not {found!r} for {own!r}"
                raise argument_error("names", self.names, allowed)
            return found
        key = next((key for key in _paths(own) if key in self.names), None)
        if key is None:
            return own
        parts = self.names[key], own[len(key) :].removeprefix(".")
        return ".".join(part for part in parts if part)

    def check_keys(self, module: nn.Module) -> None:
        """Check that each key of the dictionary `names` is a tensor or a submodule of a module.

        Raises:
            ValueError: A key is not.
        """
        if not isinstance(self.names, Mapping):
            return
        modules = (path for path, _ in named_modules(module, remove_duplicate=False))
        known = {*modules, *names_of_tensors(module)}
        for key, value in self.names.items():
            if key not in known:
                missing = f"; the module has no tensor or submodule {key!r}"
                hint = did_you_mean(key, known - {""})
                raise argument_error("names", {key: value}, f"{_NAMES}{missing}{hint}")


def _paths(name: str) -> list[str]:
    """Return the name of a tensor and those of the modules that contain it, innermost first."""
    paths = [name]
    while paths[-1]:
        paths.append(paths[-1].rpartition(".")[0])
    return paths


@dataclass(frozen=True)
class NamedTensors:
    """The tensors of a module by their names in the whole model.

    Args:
        parameters: The parameters. Their owners are those in the whole model, if it is given.
        buffers: The buffers, likewise.
        originals: The originals of computed tensors, by name.
        problems: Names of parameters that cannot be filled because of the whole model, with the
            reasons.
        of_model: The names of parameters and of buffers of the whole model, if it is given.
    """

    parameters: list[NamedTensor]
    buffers: list[NamedTensor]
    originals: dict[str, Original]
    problems: dict[str, str]
    of_model: tuple[list[str], list[str]] = ([], [])


def tensors_of(module: nn.Module, place: Place) -> NamedTensors:
    """Return the tensors of a module at a place in the whole model.

    Raises:
        ValueError: `place.names` has a key that matches nothing or gives two tensors one name, or
            `place.model` lacks a parameter of the module.
    """
    parameters, buffers = list(named_parameters(module)), list(named_buffers(module))
    own = [item.name for item in (*parameters, *buffers)]
    originals = find_originals(module)
    place.check_keys(module)
    if place.names is not None:
        _check_unique(place, own)
    named = NamedTensors(
        [replace(item, name=place.name(item.name)) for item in parameters],
        [replace(item, name=place.name(item.name)) for item in buffers],
        {
            place.name(name): replace(original, computed=place.name(original.computed))
            for name, original in originals.items()
        },
        {place.name(name): reason for name, reason in _untied(module).items()},
    )
    return named if place.model is None else _as_in_model(named, place.model)


def _untied(module: nn.Module) -> dict[str, str]:
    """Return weights that a model of transformers has tied, but that are two parameters now.

    Source: https://huggingface.co/docs/transformers/main_classes/model
    """
    first_names = names_of_tensors(module)
    untied = {}
    for path, owner in named_modules(module):
        tied = vars(owner).get("all_tied_weights_keys")
        for pair in tied.items() if isinstance(tied, Mapping) else ():
            name, other = (join(path, key) for key in pair)
            # a stage may have one of the two
            if {name, other} <= first_names.keys() and first_names[name] != first_names[other]:
                untied[name] = (
                    f"all_tied_weights_keys of {type(owner).__name__} ties it to {other}, but "
                    f"{_UNTIED}; or call tie_weights()"
                )
    return untied


def _check_unique(place: Place, own: Iterable[str]) -> None:
    counts = Counter(map(place.name, own))
    if "" in counts:
        raise argument_error("names", place.names, f"{_NAMES}; a tensor has an empty name")
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise argument_error(
            "names", place.names, f"{_NAMES}; several tensors have the name {', '.join(repeated)}"
        )


def _as_in_model(named: NamedTensors, model: nn.Module) -> NamedTensors:
    """Return the tensors with the first names and the owners of those in the whole model."""
    all_parameters, all_buffers = list(named_parameters(model)), list(named_buffers(model))
    known = {item.name: item for item in (*all_parameters, *all_buffers)}
    first_names = names_of_tensors(model)
    missing = [item.name for item in named.parameters if item.name not in first_names]
    if missing:
        raise argument_error("model", model, f"{_MODEL}; it has no {', '.join(missing)}")
    problems = dict(named.problems)

    def located(item: NamedTensor) -> NamedTensor:
        if item.name not in first_names:  # a buffer that the split of the model added
            return item
        twin = known[first_names[item.name]]
        if item.tensor.shape != twin.tensor.shape:
            problems[twin.name] = (
                f"its shape is {list(item.tensor.shape)}, but {list(twin.tensor.shape)} in `model`"
            )
        return replace(twin, tensor=item.tensor)

    parameters = [located(item) for item in named.parameters]
    buffers = [located(item) for item in named.buffers]
    holders: dict[str, str] = {}
    for item in named.parameters:
        first = holders.setdefault(first_names[item.name], item.name)
        if first != item.name:
            problems[first_names[item.name]] = f"`model` ties {item.name} to {first}, but {_UNTIED}"
    present = {item.name for item in parameters}
    originals = {
        name: original for name, original in find_originals(model).items() if name in present
    }
    of_model = [item.name for item in all_parameters], [item.name for item in all_buffers]
    return NamedTensors(parameters, buffers, {**named.originals, **originals}, problems, of_model)


def plain_names(module: nn.Module, place: Place, keys: Iterable[str]) -> dict[str, str]:
    """Return the name in the whole model of each entry of `module.state_dict()`."""
    first_names = {} if place.model is None else names_of_tensors(place.model)
    names = {key: place.name(plain_name(module, key)) for key in keys}
    return {key: first_names.get(name, name) for key, name in names.items()}
