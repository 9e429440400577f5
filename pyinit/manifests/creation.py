"""Making a manifest: from a plan, or from a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from pyinit import hooks
from pyinit.arguments import argument_error, as_dimensions, as_index
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray, floatx, standardize_dtype
from pyinit.initializers.base import Initializer
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import NAMES, get
from pyinit.manifests.adapters import ModelAdapter
from pyinit.manifests.limits import MAX_BYTES, as_max_bytes, check_sizes
from pyinit.manifests.model import DifferenceError, Manifest, ManifestError, TensorSpec
from pyinit.manifests.parallel import Advance, Progress, for_each_tensor
from pyinit.manifests.reading import check_entry, check_names, tensor_of
from pyinit.reproducibility.fingerprint import Digest, fingerprint
from pyinit.reproducibility.json_config import to_json_config
from pyinit.seeds import as_seed, derive_seed, draw_key, is_generator
from pyinit.stream import STREAM_VERSION

_PLACED = ("axes", "gates", "draw")
_FIELDS = ("name", "shape", "dtype", "initializer", *_PLACED)
_SEGMENT_FIELDS = ("rows", "initializer", *_PLACED)
_PLAN = "a plan (see the help), a Keras model or a torch module"


def create_manifest(
    target: Any,
    seed: int | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    progress: Progress | None = None,
) -> Manifest:
    """Pins the initial weights of a model: what draws each of them, and its fingerprint.

    The manifest can be written to a file, and be checked by others, in R or in Python, on other
    machines and years later: `write_manifest()`, `verify()`, `materialize()`.

    Args:
        target: What to pin:

            - a Keras model. With `seed`, the weights that `pyinit.keras.initialize(model, seed)`
              gives it; without, those that its initializers drew when it was built, which then
              must be ours, or constant ones of Keras.
            - a torch module. The weights that `pyinit.torch.init_(module, seed=seed)` gives it;
              `pyinit.torch.create_manifest()` takes initializers too.
            - a plan: a list of tensors, each of them a dictionary with `name`, `shape`,
              `initializer` (whatever `get()` makes one of ours from) and `dtype` (`floatx()`, if
              there is none), or a dictionary with such a list as `tensors` and, if need be,
              `seed` and `dtype` for all of them. An initializer without a seed of its own gets
              `derive_seed(seed, name)`. As in the file (see docs/manifests.md), a tensor may have
              `axes`, `gates`, `draw` or `segments`.
        seed: The seed of the whole model, an integer from -2**63 to 2**64 - 1.
        max_bytes: How many bytes of weights are not too many.
        progress: Called with (bytes done, bytes in all) from time to time; None shows a bar on a
            terminal after two seconds.

    Returns:
        A `Manifest`. The model is not changed.

    Raises:
        TypeError: `target` is none of these.
        ValueError: Something in `target` cannot be pinned, or an argument is not as described; or
            the model does not have the weights that would be pinned, as when it was trained.

    Example:
        >>> import pyinit
        >>> plan = [
        ...     {"name": "dense/kernel", "shape": (4, 3), "initializer": "he_normal"},
        ...     {"name": "dense/bias", "shape": (3,), "initializer": "zeros"},
        ... ]
        >>> pyinit.create_manifest(plan, seed=42)
        Manifest of 2 tensors, 60 bytes:
          dense/kernel [4, 3] float32, HeNormal
          dense/bias [3] float32, Zeros

    Source: docs/manifests.md
    """
    seed = None if seed is None else as_seed("seed", seed)
    model = hooks.adapter_for(target)
    if model is None:
        tensors, seed = parse_plan(target, seed)
        return manifest_from_specs(tensors, seed, max_bytes=max_bytes, progress=progress)
    return manifest_from_model(
        model, model.plan(seed), seed, max_bytes=max_bytes, progress=progress
    )


def manifest_from_specs(
    tensors: Iterable[TensorSpec],
    seed: int | None,
    *,
    max_bytes: int = MAX_BYTES,
    progress: Progress | None = None,
) -> Manifest:
    """The manifest of tensors whose fingerprints are yet to be found."""
    unpinned = tuple(tensors)
    check_names(unpinned)
    check_sizes(unpinned, as_max_bytes(max_bytes))
    fingerprints = for_each_tensor(unpinned, compute_fingerprint, progress)
    return Manifest(
        STREAM_VERSION,
        tuple(
            replace(tensor, fingerprint=found)
            for tensor, found in zip(unpinned, fingerprints, strict=True)
        ),
        seed,
    )


def manifest_from_model(
    model: ModelAdapter,
    tensors: Iterable[TensorSpec],
    seed: int | None,
    *,
    max_bytes: int = MAX_BYTES,
    progress: Progress | None = None,
) -> Manifest:
    """The manifest of a model, which must have the weights that are pinned."""
    made = manifest_from_specs(tensors, seed, max_bytes=max_bytes, progress=progress)
    expected = {tensor.name: tensor.fingerprint for tensor in made.tensors}
    different = [
        name
        for name, values in model.values()
        if values is not None and fingerprint(values) != expected[name]
    ]
    if different:
        raise DifferenceError(
            "Argument `target` must be a model that has its initial weights: otherwise it was "
            f"trained, or initialized in another way. {model.remedy} These are others now: "
            f"{', '.join(different)}"
        )
    return made


def compute_fingerprint(
    tensor: TensorSpec, advance: Advance, use: Callable[[AnyArray], Any] | None = None
) -> str:
    """The fingerprint of what is drawn for a tensor; `use` takes the pieces in C order."""
    digest = Digest(tensor.shape, tensor.numpy_dtype)

    def take(piece: AnyArray) -> None:
        if use is not None:
            use(piece)
        digest.update(piece)
        advance(piece.nbytes)

    tensor.draw(take)
    return digest.hexdigest()


def parse_plan(plan: Any, seed: int | None) -> tuple[list[TensorSpec], int | None]:
    """The tensors of a plan, without fingerprints, and the seed of all of them.

    Raises:
        TypeError: It is no plan.
        ManifestError: Something in it is not as it must be.
    """
    dtype = None
    if isinstance(plan, Mapping):
        if "tensors" not in plan:
            raise TypeError(
                f"Argument `target` must be {_PLAN}. Received: a dictionary without 'tensors'"
            )
        _check_fields("the plan", plan, ("tensors", "seed", "dtype"))
        if seed is None and plan.get("seed") is not None:
            seed = as_seed("seed", _digits(plan["seed"]))
        plan, dtype = plan["tensors"], plan.get("dtype")
    if isinstance(plan, str | bytes) or not isinstance(plan, Iterable):
        raise TypeError(f"Argument `target` must be {_PLAN}. Received: target={plan!r}")
    tensors = [
        _tensor(f"tensors[{number}]", entry, seed, dtype) for number, entry in enumerate(plan)
    ]
    return tensors, seed


def _check_fields(where: str, entry: Any, known: tuple[str, ...]) -> None:
    if not isinstance(entry, Mapping):
        raise ManifestError(f"{where} must be a dictionary. Received: {entry!r}")
    unknown = [name for name in entry if name not in known]
    if unknown:
        raise ManifestError(
            f"{where} has the unknown field {unknown[0]!r}; it may have {', '.join(known)}"
        )


def _tensor(where: str, entry: Any, seed: int | None, dtype: Any) -> TensorSpec:
    has_segments = isinstance(entry, Mapping) and "segments" in entry
    _check_fields(where, entry, ("name", "shape", "dtype", "segments") if has_segments else _FIELDS)
    missing = [name for name in ("name", "shape") if name not in entry]
    if missing:
        raise ManifestError(f"{where} lacks the field {missing[0]!r}")
    name = entry["name"]
    where = f"{where} ({name!r})"
    wanted = entry.get("dtype") or dtype or floatx()
    try:
        described = {
            "name": name,
            "shape": list(as_dimensions("shape", entry["shape"])),
            "dtype": standardize_dtype(wanted, NUMERIC_DTYPES).name,
        }
        if has_segments:
            segments = list(entry["segments"])
            for segment in segments:
                _check_fields("a segment", segment, _SEGMENT_FIELDS)
            described["segments"] = [_placed(segment, seed, name) for segment in segments]
        else:
            described |= _placed(entry, seed, name)
    except (TypeError, ValueError) as error:
        raise ManifestError(f"{where}: {error}") from None
    check_entry(described, where)
    return tensor_of(described, where)


def _placed(entry: Mapping[str, Any], seed: int | None, name: str) -> dict[str, Any]:
    """A segment of a plan's tensor, as the schema has it."""
    if "initializer" not in entry:
        raise ManifestError("it lacks the field 'initializer'")
    initializer, draw = with_integer_seed(_made(entry["initializer"]), seed, name)
    placed = {
        field: list(entry[field])
        for field in ("rows", "axes", "gates")
        if entry.get(field) is not None
    }
    return {
        **placed,
        "initializer": to_json_config(initializer),
        "draw": entry["draw"] if entry.get("draw") is not None else draw,
    }


def _made(identifier: Any) -> Initializer:
    if isinstance(identifier, Mapping):
        config = identifier.get("config")
        if isinstance(config, Mapping) and isinstance(config.get("seed"), str):
            identifier = {**identifier, "config": {**config, "seed": _digits(config["seed"])}}
        identifier = dict(identifier)
    if isinstance(identifier, str) and identifier not in NAMES:
        allowed = "the name of an initializer, one of " + ", ".join(sorted(NAMES))
        raise argument_error("initializer", identifier, allowed)
    made = get(identifier)
    if not isinstance(made, Initializer):
        raise argument_error(
            "initializer", identifier, "one of pyinit's, its name or its configuration"
        )
    return made


def _digits(seed: Any) -> Any:
    """A seed that may be a string of digits, as JSON has those beyond 2**53."""
    is_digits = isinstance(seed, str) and seed.removeprefix("-").isdecimal() and len(seed) <= 21
    return int(seed) if is_digits else seed


def with_integer_seed(
    initializer: Initializer, seed: int | None, name: str
) -> tuple[Initializer, int]:
    """An initializer as it can be pinned: with an integer as its seed, and which draw of it.

    Args:
        initializer: The initializer. One with a seed generator takes its next draw.
        seed: The seed of the whole model, or None.
        name: The name of the weight, which gives one without a seed its own.

    Raises:
        ValueError: There is no seed.
    """
    if not isinstance(initializer, RandomInitializer):
        return initializer, 0
    own, draw = initializer._init_seed, 0
    if is_generator(own):
        own, draw = draw_key(own)
    elif own is None:
        if seed is None:
            raise ValueError(
                f"{type(initializer).__name__} has no seed of its own, and there is none for the "
                "whole: give one of them a seed"
            )
        own = derive_seed(seed, name)
    index = as_index(own)
    return type(initializer).from_config({**initializer.get_config(), "seed": index}), draw
