"""The names of weights in Keras' files, and how they correspond to those in a model.

Keras' current formats (`.weights.h5`, `.keras`) number the variables of each layer, in the order of
the layer's `weights`. The readers of these files name a variable by the names of its layers, `vars`
and its number, `encoder/dense/vars/0`; the model's name of it is `encoder/dense/kernel`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

#: The name of the state of a layer's first seed generator. Keras' files do not contain these.
SEED_STATE = "seed_generator_state"

#: A name that Keras generates for a variable, numbered among all variables of the process.
_GENERATED_NAME = re.compile(r"(jax_|nnx_)?variable(_\d+)?")
_SEED_STATE_PATH = re.compile(rf"(?:.*/)?{SEED_STATE}(?:_\d+)?", re.DOTALL)
_NUMBERED = re.compile(r"(?:(.*)/)?vars/(\d{1,9})", re.DOTALL)
#: A layer with one of these is quantized, and saves its kernel first, and no LoRA matrices.
_SCALES = ("kernel_scale", "embeddings_scale")
_QUANTIZED_ORDER = {"kernel": 0, "embeddings": 0, "bias": 1, "lora": 3}


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
    numbered: Iterable[str], named: Iterable[str], equal: Callable[[str, str], bool]
) -> dict[str, str]:
    """Return the model's name of each numbered variable, as far as both have its layer.

    A layer that also holds a weight of one of its sublayers, such as SpectralNormalization the
    kernel of its layer, saves it twice. Then both variables have the same name.

    Args:
        numbered: The names in a file; those without a number are ignored.
        named: The names in a model, in its order.
        equal: Whether two numbered variables have the same shape, dtype and values.
    """
    slots: dict[str, dict[int, str]] = {}
    for name in numbered:
        if match := _NUMBERED.fullmatch(name):
            slots.setdefault(match[1] or "", {})[int(match[2])] = name
    groups: dict[str, list[str]] = {}
    for name in named:
        if not is_seed_state(name):
            groups.setdefault(name.rpartition("/")[0], []).append(name)
    found: dict[str, str] = {}
    duplicates: dict[str, str] = {}
    for layer, variables in slots.items():
        names = _saved_order(groups.get(layer, []))
        own = [variables[number] for number in sorted(variables)]
        if len(own) > len(names) and names:
            inner = [
                name
                for path, others in slots.items()
                if path != layer and path.startswith(f"{layer}/" if layer else "")
                for name in others.values()
            ]
            twice = _duplicates(own, inner, len(own) - len(names), equal)
            own = [name for name in own if name not in twice]
            duplicates |= twice
        found |= dict(zip(own, names, strict=False))
    return found | {name: found[other] for name, other in duplicates.items() if other in found}


def _saved_order(names: list[str]) -> list[str]:
    """Return the names of one layer's weights in the order in which Keras saves them."""
    if not any(name.endswith(_SCALES) for name in names):
        return names

    def rank(name: str) -> int:
        own = name.rpartition("/")[2]
        return _QUANTIZED_ORDER.get("lora" if own.startswith("lora_") else own, 2)

    return sorted(names, key=rank)


def _duplicates(
    own: list[str], inner: list[str], count: int, equal: Callable[[str, str], bool]
) -> dict[str, str]:
    """Return the first `count` of a layer's variables that equal one of its sublayers'."""
    found: dict[str, str] = {}
    for name in own:
        if len(found) < count:
            same = next((other for other in inner if equal(name, other)), None)
            if same is not None:
                found[name] = same
    return found
