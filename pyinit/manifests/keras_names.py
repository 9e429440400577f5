"""The names of weights in Keras' files, and how they correspond to those in a model.

Keras' current formats (`.weights.h5`, `.keras`) number the variables of each layer, in the order of
the layer's `weights`. The readers of these files name a variable by the names of its layers, `vars`
and its number, `encoder/dense/vars/0`; the model's name of it is `encoder/dense/kernel`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterable
from typing import Protocol

from pyinit.manifests.model import ManifestError

#: The name of the state of a layer's first seed generator. Keras' files do not contain these.
SEED_STATE = "seed_generator_state"

#: A name that Keras generates for a variable, numbered among all variables of the process.
_GENERATED_NAME = re.compile(r"(jax_|nnx_)?variable(_\d+)?")
_SEED_STATE_PATH = re.compile(rf"(?:.*/)?{SEED_STATE}(?:_\d+)?", re.DOTALL)
_NUMBERED = re.compile(r"(?:(.*)/)?vars/([0-9]{1,9})", re.DOTALL)
#: Maximum number of pairs of a layer and a variable in one of its sublayers.
_MAX_STEPS = 2_000_000
#: A layer with one of these is quantized, and saves its kernel first, and no LoRA matrices.
_SCALES = ("kernel_scale", "embeddings_scale")
_QUANTIZED_ORDER = {"kernel": 0, "embeddings": 0, "bias": 1, "lora": 3}


class Contents(Protocol):
    """What numbered variables contain."""

    def kind(self, name: str) -> Hashable:
        """Return what is known of a variable without its values, such as its shape."""

    def value(self, name: str) -> Hashable:
        """Return what is equal for variables of the same shape, dtype and values."""


def stable_name(name: str, counts: Counter[str], layer: str = "") -> str:
    """Return the name of a variable; one that Keras generated is numbered within its layer.

    Args:
        name: The name, without that of the layer.
        counts: The numbers of variables so far without a name of their own, by layer.
        layer: The name of the layer.
    """
    if not _GENERATED_NAME.fullmatch(name):
        return name
    count = counts[layer]
    counts[layer] += 1
    return f"variable_{count}" if count else "variable"


def is_seed_state(name: str) -> bool:
    """Return whether this is the name of the state of a seed generator."""
    return _SEED_STATE_PATH.fullmatch(name) is not None


def has_numbers(names: Iterable[str]) -> bool:
    """Return whether some of the names are those of numbered variables."""
    return any(_NUMBERED.fullmatch(name) for name in names)


def match_numbers(
    numbered: Iterable[str], named: Iterable[str], contents: Contents
) -> dict[str, str]:
    """Return the model's name of each numbered variable, as far as both have its layer.

    A layer that also holds a weight of one of its sublayers, such as SpectralNormalization the
    kernel of its layer, saves it twice. Then both variables have the same name.

    Args:
        numbered: The names in a file; those without a number are ignored.
        named: The names in a model, in its order.
        contents: What the numbered variables contain.

    Raises:
        ManifestError: The layers are nested too deeply.
    """
    slots: dict[str, dict[int, str]] = {}
    for name in numbered:
        if match := _NUMBERED.fullmatch(name):
            slots.setdefault(match[1] or "", {})[int(match[2])] = name
    groups: dict[str, list[str]] = {}
    for name in named:
        if not is_seed_state(name):
            groups.setdefault(name.rpartition("/")[0], []).append(name)
    with_more = {layer for layer in slots if len(slots[layer]) > len(groups.get(layer, [])) > 0}
    inner = _inner_variables(slots, with_more)
    found: dict[str, str] = {}
    duplicates: dict[str, str] = {}
    for layer, variables in slots.items():
        names = _saved_order(groups.get(layer, []))
        own = [variables[number] for number in sorted(variables)]
        if layer in with_more:
            twice = _duplicates(own, inner[layer], len(own) - len(names), contents)
            own = [name for name in own if name not in twice]
            duplicates |= twice
        found |= dict(zip(own, names, strict=False))
    return found | {name: found[other] for name, other in duplicates.items() if other in found}


def _inner_variables(
    slots: dict[str, dict[int, str]], layers: Collection[str]
) -> dict[str, list[str]]:
    """Return the variables of the sublayers of some layers."""
    inner: dict[str, list[str]] = {layer: [] for layer in layers}
    if not layers:
        return inner
    steps = 0
    for layer, variables in slots.items():
        outer = layer
        while outer:
            outer = outer.rpartition("/")[0]
            if outer in inner:
                inner[outer] += variables.values()
                steps += len(variables)
            steps += 1
            if steps > _MAX_STEPS:
                raise ManifestError("the layers of the weights are nested too deeply")
    return inner


def _saved_order(names: list[str]) -> list[str]:
    """Return the names of one layer's weights in the order in which Keras saves them."""
    if not any(name.endswith(_SCALES) for name in names):
        return names

    def rank(name: str) -> int:
        own = name.rpartition("/")[2]
        return _QUANTIZED_ORDER.get("lora" if own.startswith("lora_") else own, 2)

    return sorted(names, key=rank)


def _duplicates(own: list[str], inner: list[str], count: int, contents: Contents) -> dict[str, str]:
    """Return the first `count` of a layer's variables that equal one of its sublayers'."""
    kinds = {contents.kind(name) for name in own}
    first_with: dict[Hashable, str] = {}
    for name in inner:
        if contents.kind(name) in kinds:
            first_with.setdefault(contents.value(name), name)
    kinds = {contents.kind(name) for name in first_with.values()}
    found: dict[str, str] = {}
    for name in own:
        if len(found) < count and contents.kind(name) in kinds:
            same = first_with.get(contents.value(name))
            if same is not None:
                found[name] = same
    return found
