"""Creation of manifests from plans and models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyinit import hooks
from pyinit.arguments import (
    argument_error,
    as_bool,
    as_dimensions,
    did_you_mean,
    is_instance,
    sequence_elements,
    shown,
)
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray, standardize_dtype
from pyinit.initializers.base import Initializer
from pyinit.initializers.random import RandomInitializer
from pyinit.initializers.registry import get_argument
from pyinit.manifests.adapters import ModelAdapter
from pyinit.manifests.keras_names import is_seed_state
from pyinit.manifests.limits import MAX_BYTES, MAX_OPERATIONS, Limits, as_limits, check_sizes
from pyinit.manifests.local_values import compare_local
from pyinit.manifests.model import (
    DifferenceError,
    Manifest,
    ManifestError,
    ManifestShard,
    TensorSpec,
    printable,
)
from pyinit.manifests.parallel import Advance, for_each_tensor
from pyinit.manifests.reading import KnownInitializers, check_entry, check_names, parse_tensor
from pyinit.manifests.shards import as_shard, assign_shards
from pyinit.manifests.sinks import Sink
from pyinit.manifests.sources import LocalSource, TensorSource, source_fingerprint
from pyinit.manifests.targets import WEIGHTS, sources_of, sources_of_buffers, sources_of_model
from pyinit.manifests.writing import plan_digest, tensor_entry
from pyinit.reproducibility.chunks import for_each_chunk
from pyinit.reproducibility.fingerprint import Digest, fingerprint
from pyinit.reproducibility.json_config import to_json_config
from pyinit.runtime.progress import Progress
from pyinit.seeds import as_seed, derive_seed, is_generator, take_draw
from pyinit.versions import STREAM_VERSION

#: The largest number of tensors in a plan.
_MAX_TENSORS = 10**6

_COMMON_FIELDS = ("initializer", "axes", "groups", "gates", "draw")
_TENSOR_FIELDS = ("name", "shape", "dtype", *_COMMON_FIELDS)
_SEGMENTED_FIELDS = ("name", "shape", "dtype", "segments")
_SEGMENT_FIELDS = ("rows", *_COMMON_FIELDS)
_PLAN = "a plan (see the help), a Keras model or a torch module; any weights with `values`"


def create_manifest(
    target: Any,
    seed: int | None = None,
    *,
    values: bool = False,
    shard: str | tuple[int, int] | None = None,
    max_bytes: int = MAX_BYTES,
    max_operations: int = MAX_OPERATIONS,
    progress: Progress | None = None,
) -> Manifest:
    """Create a manifest, which records the weights of a model.

    The manifest records the initializer and the fingerprint of every weight. Write it to a file
    with `write_manifest()`; `verify()` and `materialize()` use it in R or in Python, on other
    machines and years later.

    With `values=True` it records the fingerprints alone, of any weights: trained, loaded, or drawn
    by others. `verify()` compares them; `materialize()` cannot draw them.

    Args:
        target: One of:

            - A Keras model. With `seed`, the manifest records what
              `pyinit.keras.initialize(model, seed)` sets: all weights and the states of seed
              generators. Without, it records the weights that the model was built with, whose
              initializers must be pyinit's, or constant ones of Keras.
            - A torch module. The manifest records the weights that
              `pyinit.torch.init_(module, seed=seed)` draws; `pyinit.torch.create_manifest()` also
              takes initializers.
            - A plan: a list of dictionaries, one for each tensor, with `name`, `shape`,
              `initializer` (anything `get()` accepts) and optionally `dtype` (by default
              `floatx()`); or a dictionary with such a list as `tensors` and optionally `seed` and
              `dtype` for all tensors. An initializer without a seed gets
              `derive_seed(seed, name)`. As in a manifest, a tensor may have `axes`, `groups`,
              `gates`, `draw` or `segments`.

            With `values=True`, one of:

            - A Keras model, or a torch module, whose buffers are included.
            - A dictionary of arrays by name, such as a torch state dict.
            - The path of a file of Keras (`.keras`, `.weights.h5`, `.h5`), of another HDF5 file, of
              an `.npz`, `.npy`, safetensors or Arrow file, of a folder of safetensors, Arrow or
              `.npy` files, of a Zarr group, or a list of such paths. Only arrays are read; nothing
              in the file is executed.
        seed: The seed of the whole model, an integer from -2**63 to 2**64 - 1. It takes precedence
            over the seed of a plan.
        values: Whether to record the fingerprints of the present values, without initializers.
        shard: The only shard to record, such as `"3/8"` or `(3, 8)` on the third of eight machines:
            the one that `materialize()` writes. `merge_manifests()` makes the whole manifest of all
            shards. None records all tensors.
        max_bytes: Maximum total size of the weights, in bytes.
        max_operations: Maximum number of floating-point operations for values that are computed
            together. An orthogonal matrix of m rows and n <= m columns takes 4 m n**2. The default,
            2**48, takes about an hour.
        progress: Called from time to time with the number of bytes done and the total; None shows
            a bar on a terminal after two seconds.

    Returns:
        A `Manifest`. The model is not changed.

    Raises:
        TypeError: `target` is none of these.
        ValueError: Something in `target` cannot be recorded, or an argument is invalid.
        DifferenceError: The model does not have its initial weights, for example because it was
            trained. This is a ValueError too.
        OSError: A file cannot be read.
        ImportError: A file needs h5py or pyarrow, which is not installed.

    Example:
        >>> import pyinit
        >>> plan = [
        ...     {"name": "dense/kernel", "shape": (4, 3), "initializer": "he_normal"},
        ...     {"name": "dense/bias", "shape": (3,), "initializer": "zeros"},
        ... ]
        >>> pyinit.create_manifest(plan, seed=42)
        Manifest of 2 tensors, 60 bytes, seed 42:
          dense/kernel [4, 3] float32, HeNormal
          dense/bias [3] float32, Zeros
        >>> pyinit.create_manifest({"dense/bias": pyinit.Ones()((3,))}, values=True)
        Manifest of 1 tensor, 12 bytes:
          dense/bias [3] float32, fingerprint alone

    Source: the JSON Schema of manifests, printed by `pyinit schema`
    """
    limits = as_limits(max_bytes, max_operations)
    if as_bool("values", values):
        if seed is not None:
            raise argument_error("seed", seed, "None with `values`, which records no seeds")
        return manifest_of_values(target, shard=shard, limits=limits, progress=progress)
    seed = None if seed is None else as_seed("seed", seed)
    model = hooks.adapter_for(target)
    if model is None:
        tensors, seed = parse_plan(target, seed)
        return manifest_from_specs(tensors, seed, shard=shard, limits=limits, progress=progress)
    return manifest_from_model(
        model, model.plan(seed), seed, shard=shard, limits=limits, progress=progress
    )


def manifest_from_specs(
    tensors: Iterable[TensorSpec],
    seed: int | None,
    *,
    shard: object = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Compute the fingerprints of tensors and return their manifest."""
    specs, place = _of_shard(tuple(tensors), seed, shard)
    check_sizes(specs, limits)

    def task(spec: TensorSpec, advance: Advance) -> str:
        # a tensor without an initializer has its fingerprint already
        return compute_fingerprint(spec, advance) if spec.has_initializer else spec.fingerprint

    return _with_fingerprints(specs, for_each_tensor(specs, task, progress), seed, place)


def _of_shard(
    specs: tuple[TensorSpec, ...], seed: int | None, shard: object
) -> tuple[tuple[TensorSpec, ...], ManifestShard | None]:
    """Return the tensors to record, and their place in the whole manifest."""
    check_names(specs)
    index, count = as_shard(shard)
    if count == 1:
        return specs, None
    positions = tuple(assign_shards(specs, count)[index - 1])
    place = ManifestShard(index, count, positions, plan_digest(specs, seed))
    return tuple(specs[position] for position in positions), place


def manifest_of_values(
    target: Any,
    *,
    shard: object = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Return the manifest of existing weights: their fingerprints alone."""
    model = hooks.adapter_for(target)
    sources = sources_of(target, WEIGHTS) if model is None else sources_of_model(model)
    if model is not None:
        # no file of weights has the states, and they differ each time the model is built
        sources = {name: source for name, source in sources.items() if not is_seed_state(name)}
        sources |= sources_of_buffers(model)
    found = tuple(_spec_of_source(name, source) for name, source in sources.items())
    specs, place = _of_shard(found, None, shard)
    check_sizes(specs, limits)

    def task(spec: TensorSpec, advance: Advance) -> str:
        source = sources[spec.name]
        assert source is not None
        assert not isinstance(source, LocalSource)
        return source_fingerprint(source, advance)

    return _with_fingerprints(specs, for_each_tensor(specs, task, progress), None, place)


def _spec_of_source(name: str, source: TensorSource | LocalSource | None) -> TensorSpec:
    if source is None:
        raise ManifestError(f"the tensor {name!a} has no memory yet, so it has no values")
    if isinstance(source, LocalSource):
        raise ManifestError(
            f"the tensor {name!a} is sharded, and this process holds only a part of its values: "
            "use full_tensor(), or a full state dictionary"
        )
    dtype = source.dtype.name
    if NUMERIC_DTYPES.get(dtype) != source.dtype:
        raise ManifestError(
            f"the tensor {name!a} must have one of the dtypes {', '.join(NUMERIC_DTYPES)}. "
            f"Received: {dtype}"
        )
    spec = TensorSpec(name, source.shape, dtype, ())
    check_entry(tensor_entry(spec), f"the tensor {name!a}")
    return spec


def _with_fingerprints(
    specs: Sequence[TensorSpec],
    fingerprints: Sequence[str],
    seed: int | None,
    place: ManifestShard | None,
) -> Manifest:
    recorded = (
        replace(spec, fingerprint=found) for spec, found in zip(specs, fingerprints, strict=True)
    )
    return Manifest(STREAM_VERSION, tuple(recorded), seed, place)


def manifest_from_model(
    model: ModelAdapter,
    tensors: Iterable[TensorSpec],
    seed: int | None,
    *,
    shard: object = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Return the manifest of a model.

    Raises:
        DifferenceError: The model does not have the weights that the manifest records.
    """
    made = manifest_from_specs(tensors, seed, shard=shard, limits=limits, progress=progress)
    expected = {tensor.name: tensor for tensor in made.tensors}
    different = [
        name
        for name, values in model.values()
        if values is not None
        and (name in expected or not (made.shard or is_seed_state(name)))
        and not _has_values(expected[name], values)
    ]
    if different:
        raise DifferenceError(
            "Argument `target` must be a model with its initial weights, neither trained nor "
            f"initialized in another way. {model.remedy(seed)} These weights have changed: "
            f"{', '.join(map(printable, different))}"
        )
    return made


def _has_values(tensor: TensorSpec, values: AnyArray | LocalSource) -> bool:
    """Return whether values are those of a manifest's tensor."""
    if isinstance(values, LocalSource):
        return compare_local(tensor, values, lambda _: None) is None
    return fingerprint(values) == tensor.fingerprint


def compute_fingerprint(
    tensor: TensorSpec,
    advance: Advance,
    use: Callable[[AnyArray], Any] | None = None,
    sink: Sink | None = None,
) -> str:
    """Draw a tensor and return its fingerprint.

    Args:
        tensor: The tensor.
        advance: Receives the number of bytes of each chunk.
        use: Receives the chunks in C order.
        sink: The tensor of a new file to write. The fingerprint is that of the values in the file.
    """
    digest = Digest(tensor.shape, tensor.numpy_dtype)

    def take(chunk: AnyArray) -> None:
        if use is not None:
            use(chunk)
        digest.update(chunk if sink is None else sink.read_back(chunk))
        advance(chunk.nbytes)

    for_each_chunk(tensor.lazy(), take, None if sink is None else sink.write)
    return digest.hexdigest()


def parse_plan(plan: Any, seed: int | None) -> tuple[list[TensorSpec], int | None]:
    """Return the tensors of a plan, without fingerprints, and the seed of the whole model.

    Raises:
        TypeError: `plan` is not a plan.
        ManifestError: Something in the plan is invalid.
    """
    dtype = None
    if is_instance(plan, Mapping):  # type: ignore[type-abstract]
        if "tensors" not in plan:
            raise TypeError(
                f"Argument `target` must be {_PLAN}. Received: a dictionary without 'tensors'"
            )
        _check_fields("the plan", plan, ("tensors", "seed", "dtype"))
        if seed is None and plan.get("seed") is not None:
            seed = as_seed("seed", _seed_from_json(plan["seed"]))
        plan, dtype = plan["tensors"], plan.get("dtype")
    entries = sequence_elements("target", plan, _PLAN, _MAX_TENSORS, TypeError)
    known: KnownInitializers = {}
    try:
        tensors = [
            _parse_tensor(f"tensors[{index}]", entry, seed, dtype, known)
            for index, entry in enumerate(entries)
        ]
    except RecursionError:
        raise ManifestError("the plan is nested too deeply") from None
    return tensors, seed


def _check_fields(where: str, entry: Any, known: tuple[str, ...]) -> None:
    if not is_instance(entry, Mapping):  # type: ignore[type-abstract]
        raise ManifestError(f"{where} must be a dictionary. Received: {shown(entry)}")
    unknown = [name for name in entry if name not in known]
    if unknown:
        raise ManifestError(
            f"{where} has the unknown field {shown(unknown[0])}"
            f"{did_you_mean(unknown[0], known)}; it may have {', '.join(known)}"
        )


def _parse_tensor(
    where: str, entry: Any, seed: int | None, dtype: Any, known: KnownInitializers
) -> TensorSpec:
    has_segments = is_instance(entry, Mapping) and "segments" in entry  # type: ignore[type-abstract]
    _check_fields(where, entry, _SEGMENTED_FIELDS if has_segments else _TENSOR_FIELDS)
    missing = [name for name in ("name", "shape") if name not in entry]
    if missing:
        raise ManifestError(f"{where} lacks the field {missing[0]!r}")
    name = entry["name"]
    where = f"{where} ({shown(name)})"
    wanted = next((d for d in (entry.get("dtype"), dtype) if d is not None), None)
    try:
        complete = {
            "name": name,
            "shape": list(as_dimensions("shape", entry["shape"])),
            "dtype": standardize_dtype(wanted, NUMERIC_DTYPES).name,
        }
        if has_segments:
            allowed = "a list of dictionaries"
            segments = sequence_elements("segments", entry["segments"], allowed, _MAX_TENSORS)
            for segment in segments:
                _check_fields("a segment", segment, _SEGMENT_FIELDS)
            complete["segments"] = [_complete_segment(segment, seed, name) for segment in segments]
        else:
            complete |= _complete_segment(entry, seed, name)
    except (TypeError, ValueError) as error:
        raise ManifestError(f"{where}: {error}") from None
    check_entry(complete, where)
    return parse_tensor(complete, where, known)


def _complete_segment(entry: Mapping[str, Any], seed: int | None, name: str) -> dict[str, Any]:
    """Return a segment of a plan's tensor as the JSON Schema of manifests defines it."""
    if "initializer" not in entry:
        raise ManifestError("it lacks the field 'initializer'")
    initializer, draw = with_integer_seed(_as_initializer(entry["initializer"]), seed, name)
    placement = {
        field: entry[field]
        if field == "groups"
        else sequence_elements(field, entry[field], "a sequence of integers")
        for field in ("rows", "axes", "groups", "gates")
        if entry.get(field) is not None
    }
    return {
        **placement,
        "initializer": to_json_config(initializer),
        "draw": entry["draw"] if entry.get("draw") is not None else draw,
    }


def _as_initializer(identifier: Any) -> Initializer:
    if isinstance(identifier, Mapping):
        config = identifier.get("config")
        if isinstance(config, Mapping) and isinstance(config.get("seed"), str):
            identifier = {
                **identifier,
                "config": {**config, "seed": _seed_from_json(config["seed"])},
            }
        identifier = dict(identifier)
    initializer = get_argument("initializer", identifier)
    if not isinstance(initializer, Initializer):
        raise argument_error(
            "initializer", identifier, "one of pyinit's, its name or its configuration"
        )
    return initializer


def _seed_from_json(seed: Any) -> Any:
    """Convert a seed given as a string of digits, as in JSON beyond 2**53; return others as is."""
    is_digits = (
        isinstance(seed, str)
        and seed.isascii()
        and seed.removeprefix("-").isdecimal()
        and len(seed) <= 21
    )
    return int(seed) if is_digits else seed


def with_integer_seed(
    initializer: Initializer, seed: int | None, name: str
) -> tuple[Initializer, int]:
    """Return an initializer with an integer seed, which can be recorded, and the draw of that seed.

    Args:
        initializer: The initializer. If it has a seed generator, this takes its next draw.
        seed: The seed of the whole model, or None.
        name: The name of the weight, from which the seed is derived if the initializer has none.

    Raises:
        ValueError: Neither the initializer nor the model has a seed.
    """
    if not isinstance(initializer, RandomInitializer):
        return initializer, 0
    if is_generator(initializer.seed):
        taken = take_draw(initializer.seed)
        return initializer.with_seed(taken.seed), taken.draw
    if initializer.has_given_seed:
        return initializer, 0
    if seed is None:
        raise ValueError(
            f"{type(initializer).__name__} has no seed, and none is given for the whole model"
        )
    return initializer.with_seed(derive_seed(seed, name)), 0
