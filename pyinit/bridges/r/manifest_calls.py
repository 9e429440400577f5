"""The functions that the R package calls for manifests, through reticulate.

R's numbers arrive as floats and are converted to the integers that Python's functions take. Counts
and sizes are returned as floats: reticulate does not convert integers beyond 32 bits exactly.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from pyinit.bridges.r.calls import as_integers, config_from_r, for_r
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray, cast, floatx
from pyinit.initializers.chunking import CHUNK_SIZE
from pyinit.manifests import creation, materialization, merging, reading, verification, writing
from pyinit.manifests.materialization import FilePlan
from pyinit.manifests.model import Manifest, TensorSpec
from pyinit.runtime.progress import Progress

__all__ = [
    "columns",
    "create_manifest",
    "entries",
    "merge_manifests",
    "parse_manifest",
    "plan",
    "plan_files",
    "text_of",
    "verify",
    "write_index",
    "write_shard",
]

#: A progress function of R: it takes the bytes done and the total, and returns `INTERRUPT` if the
#: user has interrupted it.
ProgressOfR = Callable[[float, float], Any]
INTERRUPT = "interrupt"


def plan(value: Any) -> Any:
    """Convert a plan from R: integers where Python takes no floats."""
    if isinstance(value, list):
        return [plan(element) for element in value]
    if isinstance(value, dict):
        return {
            name: _initializer(element) if name == "initializer" else plan(element)
            for name, element in value.items()
        }
    return as_integers(value)


def _initializer(identifier: Any) -> Any:
    if isinstance(identifier, dict) and isinstance(identifier.get("config"), dict):
        return {**identifier, "config": config_from_r(identifier["config"])}
    return identifier


def create_manifest(
    target: Any,
    seed: float | int | None,
    values: bool,
    shard: Any,
    arrays_of_r: list[str] | None,
    max_bytes: Any,
    max_operations: Any,
    progress: ProgressOfR | None,
) -> Manifest:
    """Call `create_manifest()` with arguments from R.

    Args:
        target: As for `create_manifest()`, like `seed`, `values`, `max_bytes` and
            `max_operations`.
        seed: The seed.
        values: Whether to record values.
        shard: The shard to record.
        arrays_of_r: The names of the arrays in `target` that are R's; None if `target` is not a
            list of arrays. R's doubles count as `floatx()`.
        max_bytes: The limit of the size.
        max_operations: The limit of the work.
        progress: A function of two floats, or None to show nothing.
    """
    if arrays_of_r is not None:
        target = {
            name: _as_floatx(name, array) if name in arrays_of_r else array
            for name, array in target.items()
        }
    return creation.create_manifest(
        target,
        as_integers(seed),
        values=values,
        shard=as_integers(shard),
        max_bytes=as_integers(max_bytes),
        max_operations=as_integers(max_operations),
        progress=_progress(progress),
    )


def merge_manifests(manifests: list[Manifest | str]) -> Manifest:
    """Call `merge_manifests()` with a list from R."""
    return merging.merge_manifests(manifests)


def text_of(manifest: Manifest) -> str:
    """Return the text of a manifest's file, which is what R stores."""
    return writing.as_text(manifest)


def parse_manifest(text: str) -> Manifest:
    """Parse the text of a manifest's file."""
    return reading.parse_manifest(reading.load_json(text))


def entries(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the tensors of a manifest as the file has them, for R."""
    return [dict(for_r("tensor", writing.tensor_entry(tensor))) for tensor in manifest.tensors]


def columns(manifest: Manifest) -> dict[str, list[str]]:
    """Return the tensors of a manifest as the columns of a table."""
    tensors = manifest.tensors
    return {
        "name": [tensor.name for tensor in tensors],
        "shape": [", ".join(map(str, tensor.shape)) for tensor in tensors],
        "dtype": [tensor.dtype for tensor in tensors],
        "initializer": [tensor.class_names for tensor in tensors],
        "fingerprint": [tensor.fingerprint for tensor in tensors],
    }


def verify(
    manifest: Any,
    target: Any,
    arrays_of_r: list[str] | None,
    shard: Any,
    max_bytes: Any,
    max_operations: Any,
    progress: ProgressOfR | None,
) -> dict[str, Any]:
    """Call `verify()` with arguments from R.

    Args:
        manifest: As for `verify()`, like `target`, `shard`, `max_bytes` and `max_operations`.
        target: The weights.
        arrays_of_r: The names of the arrays in `target` that are R's, whose type may differ from
            the manifest's; None if `target` is not a list of arrays.
        shard: The shard.
        max_bytes: The limit of the size.
        max_operations: The limit of the work.
        progress: A function of two floats, or None to show nothing.

    Returns:
        The elements of the result in R.
    """
    expected = reading.as_manifest(manifest)
    if arrays_of_r is not None:
        specs = {tensor.name: tensor for tensor in expected.tensors}
        target = {
            name: _convert_losslessly(array, specs.get(name)) if name in arrays_of_r else array
            for name, array in target.items()
        }
    found = verification.verify(
        expected,
        target,
        shard=as_integers(shard),
        max_bytes=as_integers(max_bytes),
        max_operations=as_integers(max_operations),
        progress=_progress(progress),
    )
    return {
        "same": bool(found),
        "checked": float(found.checked),
        "bytes": float(found.nbytes),
        "names": [difference.name for difference in found.differences],
        "reasons": [difference.reason for difference in found.differences],
        "not_compared_names": [tensor.name for tensor in found.not_compared],
        "not_compared_reasons": [tensor.reason for tensor in found.not_compared],
        "text": repr(found),
    }


def _as_floatx(name: str, values: AnyArray) -> AnyArray:
    """Convert doubles of R to the default dtype, which must represent them exactly."""
    if values.dtype != np.float64:
        return values
    dtype = NUMERIC_DTYPES[floatx()]
    converted = _exactly(values, dtype)
    if converted is None:
        flat = values.reshape(-1, order="F")
        example = float(flat[~cast(flat, dtype)[1]][0])
        raise ValueError(
            f'Argument `target[["{name}"]]` must be an array that {floatx()} represents exactly '
            "(set_floatx() changes it, and a NumPy array has its own dtype). Received: one with "
            f"the value {example}"
        )
    return converted


def _convert_losslessly(values: AnyArray, tensor: TensorSpec | None) -> AnyArray:
    """Convert values of R to the dtype of the manifest's tensor where that is lossless.

    Other values are returned unchanged.
    """
    if tensor is None:
        return values
    if values.shape == (1,) and tensor.shape == ():
        # R has no scalars
        values = values.reshape(())
    dtype = tensor.numpy_dtype
    if not (values.dtype == np.float64 or (values.dtype == np.int32 and dtype.kind in "iu")):
        return values
    converted = _exactly(values, dtype)
    return values if converted is None else converted


def _exactly(values: AnyArray, dtype: np.dtype[Any]) -> AnyArray | None:
    """Return values in a dtype, or None if it does not represent them exactly."""
    converted: AnyArray = np.empty(values.shape, dtype, order="F")
    source, target = values.reshape(-1, order="F"), converted.reshape(-1, order="F")
    for start in range(0, source.size, CHUNK_SIZE):
        stop = start + CHUNK_SIZE
        target[start:stop], same = cast(source[start:stop], dtype)
        if not same.all():
            return None
    return converted


def plan_files(
    manifest: Any,
    path: str,
    format: Any,
    shard: Any,
    shards: Any,
    existing: Any,
    max_bytes: Any,
    max_operations: Any,
) -> tuple[FilePlan, dict[str, Any]]:
    """Check the arguments of `materialize()`.

    Returns:
        A plan for `write_shard()`, and the elements of it that R needs: the shards to write, the
        size and the paths of the files of each, and the absolute path for other processes.
    """
    made = materialization.plan_files(
        manifest,
        path,
        format,
        as_integers(shard),
        as_integers(shards),
        existing,
        as_integers(max_bytes),
        as_integers(max_operations),
    )
    return made, {
        "chosen": [float(index) for index in made.chosen],
        "bytes": [float(made.nbytes_of(index)) for index in made.chosen],
        "paths": [list(map(str, made.paths_of(index))) for index in made.chosen],
        "path": os.path.abspath(path),
    }


def write_shard(files: FilePlan, index: float, progress: ProgressOfR | None) -> None:
    """Write the files of a shard."""
    files.write(int(index), _progress(progress))


def write_index(files: FilePlan) -> None:
    """Write the index of sharded files."""
    files.write_index()


def _progress(progress: ProgressOfR | None) -> Progress:
    """Return a progress function for Python, which would draw its own bar for None."""
    if progress is None:
        return lambda done, total: None

    def show(done: int, total: int) -> None:
        if progress(float(done), float(total)) == INTERRUPT:
            raise KeyboardInterrupt

    return show
