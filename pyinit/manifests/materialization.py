"""Writing the weights of a manifest to files."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pyinit.arguments import argument_error, as_path, one_of
from pyinit.manifests import arrow_files, safetensors
from pyinit.manifests.creation import compute_fingerprint
from pyinit.manifests.limits import MAX_BYTES, as_max_bytes, check_sizes
from pyinit.manifests.model import (
    DifferenceError,
    Manifest,
    ManifestError,
    TensorSpec,
    listed,
    readable_size,
)
from pyinit.manifests.parallel import Advance, Progress, for_each_tensor
from pyinit.manifests.reading import as_manifest
from pyinit.manifests.shards import Shard, as_shard, assign_shards
from pyinit.reproducibility.fingerprint import little_endian

FORMATS = ("safetensors", "arrow")


def materialize(
    manifest: Manifest | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    format: Literal["safetensors", "arrow"] = "safetensors",
    shard: str | tuple[int, int] | None = None,
    overwrite: bool = False,
    max_bytes: int = MAX_BYTES,
    progress: Progress | None = None,
) -> list[Path]:
    """Draw the weights of a manifest into files and verify their fingerprints.

    The weights are drawn in chunks, several tensors at a time, so they may be larger than memory.
    Each file is written under a temporary name and renamed when all of its tensors have the
    manifest's fingerprints.

    Args:
        manifest: A `Manifest`, or the path of one.
        path: For `"safetensors"`, the file, whose name ends in `.safetensors`. With `shard="3/8"`
            and the path `model.safetensors`, the file is `model-00003-of-00008.safetensors`. Every
            shard also writes the same `model.safetensors.index.json` beside it, which loaders of
            sharded files read. For `"arrow"`, the folder. It gets one file for each tensor, named
            after its position in the manifest and its name; characters other than letters, digits
            and underscores become hyphens.
        format: `"safetensors"` or `"arrow"`.
        shard: The shard to write, such as `"3/8"` or `(3, 8)` on the third of eight machines. A
            shard consists of whole tensors; the sizes of the shards are as even as that allows.
            None writes all tensors.
        overwrite: Whether to replace existing files.
        max_bytes: Maximum total size of the weights, in bytes.
        progress: As for `create_manifest()`.

    Returns:
        The paths of the files with weights.

    Raises:
        ValueError: The manifest or an argument is invalid, or a tensor cannot be drawn since only
            its fingerprint is recorded.
        DifferenceError: The drawn weights do not have the manifest's fingerprints; no file is
            written. This is a ValueError too.
        FileExistsError: A file already exists.
        OSError: There is too little disk space, or a file cannot be written.
        ImportError: Arrow files need pyarrow, which is not installed.

    Example:
        >>> import pyinit, tempfile, pathlib
        >>> plan = [{"name": "kernel", "shape": (4, 3), "initializer": "he_normal"}]
        >>> manifest = pyinit.create_manifest(plan, seed=42)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "model.safetensors")
        ...     [written] = pyinit.materialize(manifest, file)
        ...     pyinit.verify(manifest, written)
        The same: 1 tensor, 48 bytes.

    Source: https://huggingface.co/docs/safetensors/index#format
    """
    checked = as_manifest(manifest)
    one_of("format", format, FORMATS)
    index, count = as_shard(shard)
    shards = assign_shards(checked.tensors, count)
    chosen = {position: checked.tensors[position] for position in shards[index - 1]}
    undrawable = [tensor.name for tensor in chosen.values() if not tensor.has_initializer]
    if undrawable:
        raise ManifestError(
            "the manifest has only the fingerprints of these tensors, so they cannot be drawn: "
            f"{listed([*map(ascii, undrawable)])}. verify() compares weights from elsewhere with "
            "them"
        )
    check_sizes(chosen.values(), as_max_bytes(max_bytes))
    target = as_path("path", path)
    if format == "safetensors" and target.suffix != ".safetensors":
        allowed = 'a path that ends in .safetensors, unless the format is "arrow"'
        raise argument_error("path", str(target), allowed)
    folder = target.parent if format == "safetensors" else target
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(folder)) from None
    needed = sum(tensor.nbytes for tensor in chosen.values())
    free = shutil.disk_usage(folder).free
    if needed > free:
        message = f"the weights need {readable_size(needed)}, but {readable_size(free)} are free"
        raise OSError(errno.ENOSPC, message, str(folder))
    if format == "arrow":
        return _write_arrow(target, chosen, overwrite, progress)
    file = _shard_path(target, (index, count))
    _write_safetensors(file, list(chosen.values()), overwrite, progress)
    if count > 1:
        _write_index(target, checked, shards)
    return [file]


def _shard_path(target: Path, shard: Shard) -> Path:
    index, count = shard
    if count == 1:
        return target
    return target.with_name(f"{target.stem}-{index:05d}-of-{count:05d}{target.suffix}")


def _write_index(target: Path, manifest: Manifest, shards: list[list[int]]) -> None:
    """Write the index of sharded safetensors files: the file of each tensor."""
    files = {
        position: _shard_path(target, (index, len(shards))).name
        for index, positions in enumerate(shards, 1)
        for position in positions
    }
    index = {
        "metadata": {"total_size": manifest.nbytes},
        "weight_map": {t.name: files[position] for position, t in enumerate(manifest.tensors)},
    }
    with _replacing([target.with_name(f"{target.name}.index.json")], True) as [file]:
        file.write_text(json.dumps(index, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def _replacing(paths: Sequence[Path], overwrite: bool) -> Iterator[list[Path]]:
    """Yield temporary paths; on success, rename the files to `paths`, else delete them."""
    for path in paths:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
    existing = [path for path in paths if path.exists()]
    if existing and not overwrite:
        message = "already exists (set `overwrite` to replace it)"
        raise FileExistsError(errno.EEXIST, message, str(existing[0]))
    partial = [path.with_name(f".{path.name}.{os.getpid()}.partial") for path in paths]
    try:
        yield partial
        for written, path in zip(partial, paths, strict=True):
            written.replace(path)
    finally:
        for written in partial:
            written.unlink(missing_ok=True)


def _write_safetensors(
    path: Path, tensors: list[TensorSpec], overwrite: bool, progress: Progress | None
) -> None:
    header, starts, size = safetensors.layout(tensors)
    with _replacing([path], overwrite) as [file]:
        with file.open("wb") as output:
            output.write(header)
            output.truncate(size)

        def write(tensor: TensorSpec, advance: Advance) -> str:
            with file.open("r+b") as output:
                output.seek(starts[tensor.name])
                return compute_fingerprint(
                    tensor, advance, lambda values: output.write(little_endian(values))
                )

        _check_fingerprints(tensors, for_each_tensor(tensors, write, progress))


def _write_arrow(
    folder: Path, chosen: dict[int, TensorSpec], overwrite: bool, progress: Progress | None
) -> list[Path]:
    tensors = list(chosen.values())
    paths = [folder / arrow_files.file_name(index, tensor) for index, tensor in chosen.items()]
    with _replacing(paths, overwrite) as partial:
        files = {t.name: file for t, file in zip(tensors, partial, strict=True)}

        def write(tensor: TensorSpec, advance: Advance) -> str:
            writer = arrow_files.Writer(files[tensor.name], tensor)
            try:
                return compute_fingerprint(tensor, advance, writer.write)
            finally:
                writer.close()

        _check_fingerprints(tensors, for_each_tensor(tensors, write, progress))
    return paths


def _check_fingerprints(tensors: Sequence[TensorSpec], fingerprints: Sequence[str]) -> None:
    different = [
        tensor.name
        for tensor, found in zip(tensors, fingerprints, strict=True)
        if found != tensor.fingerprint
    ]
    if different:
        raise DifferenceError(
            "The weights drawn here do not have the manifest's fingerprints: "
            f"{', '.join(map(ascii, different))}. If pyinit.self_test() passes, the manifest is "
            "wrong."
        )
