"""What the R package calls for manifests, by way of reticulate.

All of R's numbers arrive as floats, and become the integers that Python's functions take. Counts
and sizes go back as floats: reticulate would not hand over integers beyond 32 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pyinit.bridges.r.calls import as_integers, config_from_r
from pyinit.dtypes import AnyArray, cast
from pyinit.initializers.chunking import CHUNK_SIZE
from pyinit.manifests import creation, materialization, reading, verification, writing
from pyinit.manifests.model import Manifest, TensorSpec
from pyinit.manifests.parallel import Progress

#: What R's progress functions take.
ProgressOfR = Callable[[float, float], Any]


def plan(value: Any) -> Any:
    """A plan that came from R, with integers where Python takes no floats."""
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
    target: Any, seed: float | int | None, max_bytes: Any, progress: ProgressOfR | None
) -> Manifest:
    """`create_manifest()` with arguments that came from R."""
    return creation.create_manifest(
        target,
        as_integers(seed),
        max_bytes=as_integers(max_bytes),
        progress=_progress(progress),
    )


def text_of(manifest: Manifest) -> str:
    """A manifest as R keeps it: the text of its file."""
    return writing.as_text(manifest)


def manifest_of(text: str) -> Manifest:
    """The manifest that R has kept."""
    return reading.manifest_of(reading.load_json(text))


def shown(manifest: Manifest) -> str:
    """What a manifest shows when it is printed."""
    return repr(manifest)


def columns(manifest: Manifest) -> dict[str, list[str]]:
    """What a manifest says of its tensors, as the columns of a table."""
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
    progress: ProgressOfR | None,
) -> dict[str, Any]:
    """`verify()` with arguments that came from R.

    Args:
        manifest: See there.
        target: See there.
        arrays_of_r: Which arrays in `target` are R's: of doubles for any dtype, for instance. None
            if it is no dictionary that R has made.
        shard: See there.
        max_bytes: See there.
        progress: A function of two floats; None shows nothing.

    Returns:
        The elements of what it returns in R.
    """
    pinned = reading.as_manifest(manifest)
    if arrays_of_r is not None:
        planned = {tensor.name: tensor for tensor in pinned.tensors}
        target = {
            name: _held(array, planned.get(name)) if name in arrays_of_r else array
            for name, array in target.items()
        }
    found = verification.verify(
        pinned,
        target,
        shard=as_integers(shard),
        max_bytes=as_integers(max_bytes),
        progress=_progress(progress),
    )
    return {
        "same": bool(found),
        "checked": float(found.checked),
        "bytes": float(found.nbytes),
        "names": [difference.name for difference in found.differences],
        "reasons": [difference.reason for difference in found.differences],
        "text": repr(found),
    }


def _held(values: AnyArray, tensor: TensorSpec | None) -> AnyArray:
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
    held: AnyArray = np.empty(values.shape, dtype, order="F")
    given, taken = values.reshape(-1, order="F"), held.reshape(-1, order="F")
    for first in range(0, given.size, CHUNK_SIZE):
        taken[first : first + CHUNK_SIZE], same = cast(given[first : first + CHUNK_SIZE], dtype)
        if not same.all():
            return values
    return held


def materialize(
    manifest: Any,
    path: str,
    format: Any,
    shard: Any,
    overwrite: bool,
    max_bytes: Any,
    progress: ProgressOfR | None,
) -> list[str]:
    """`materialize()` with arguments that came from R."""
    paths = materialization.materialize(
        manifest,
        path,
        format=format,
        shard=as_integers(shard),
        overwrite=overwrite,
        max_bytes=as_integers(max_bytes),
        progress=_progress(progress),
    )
    return list(map(str, paths))


def _progress(progress: ProgressOfR | None) -> Progress:
    """What Python calls: it must not draw a bar of its own in R."""
    if progress is None:
        return lambda done, total: None

    def show(done: int, total: int) -> None:
        progress(float(done), float(total))

    return show
