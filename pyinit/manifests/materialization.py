"""Drawing the weights of a manifest into files."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pyinit.arguments import one_of
from pyinit.manifests import arrow_files, safetensors
from pyinit.manifests.creation import compute_fingerprint
from pyinit.manifests.limits import MAX_BYTES, as_max_bytes, check_sizes
from pyinit.manifests.model import DifferenceError, Manifest, TensorSpec, readable_size
from pyinit.manifests.parallel import Advance, Progress, for_each_tensor
from pyinit.manifests.reading import as_manifest
from pyinit.manifests.shards import Shard, as_shard, assign_shards
from pyinit.reproducibility.fingerprint import little_endian

FORMATS = ("safetensors", "arrow")


def materialize(
    manifest: Manifest | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    format: str = "safetensors",
    shard: str | tuple[int, int] | None = None,
    overwrite: bool = False,
    max_bytes: int = MAX_BYTES,
    progress: Progress | None = None,
) -> list[Path]:
    """Draws the weights of a manifest into files, and checks what it writes.

    The weights are drawn in pieces, several tensors at a time, so they may be larger than memory.
    A file has its name only when it is complete and all of its tensors have the fingerprints that
    the manifest gives.

    Args:
        manifest: A `Manifest`, or the path of one.
        path: For `"safetensors"`, the file. With `shard="3/8"` and the path `model.safetensors`,
            the file is `model-00003-of-00008.safetensors`, and `model.safetensors.index.json` is
            written beside it, identical for all shards, as loaders of sharded files expect it. For
            `"arrow"`, a folder with one file for each tensor, named after its position in the
            manifest and its name; characters other than letters, digits and underscores become
            hyphens.
        format: `"safetensors"` or `"arrow"`.
        shard: The shard to write, such as `"3/8"` or `(3, 8)`: eight machines write one each. A
            shard consists of whole tensors; the sizes are as even as these allow. None writes all.
        overwrite: Whether files that are there are replaced.
        max_bytes: How many bytes of weights are not too many.
        progress: As for `manifest()`.

    Returns:
        The paths of the files with weights.

    Raises:
        ValueError: The manifest is refused, or an argument is not as described; or what is drawn
            does not have the manifest's fingerprint. There are no new files then.
        FileExistsError: A file is there already.
        OSError: There is no room on the disk, or a file cannot be written.
        ImportError: Arrow files need pyarrow.

    Example:
        >>> import pyinit, tempfile, pathlib
        >>> plan = [{"name": "kernel", "shape": (4, 3), "initializer": "he_normal"}]
        >>> pinned = pyinit.create_manifest(plan, seed=42)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "model.safetensors")
        ...     [written] = pyinit.materialize(pinned, file)
        ...     pyinit.verify(pinned, written)
        The same: 1 tensor, 48 bytes.

    Source: https://huggingface.co/docs/safetensors/index#format
    """
    pinned = as_manifest(manifest)
    one_of("format", format, FORMATS)
    index, count = as_shard(shard)
    dealt = assign_shards(pinned.tensors, count)
    chosen = {number: pinned.tensors[number] for number in dealt[index - 1]}
    check_sizes(chosen.values(), as_max_bytes(max_bytes))
    target = Path(path)
    folder = target.parent if format == "safetensors" else target
    folder.mkdir(parents=True, exist_ok=True)
    needed = sum(tensor.nbytes for tensor in chosen.values())
    free = shutil.disk_usage(folder).free
    if needed > free:
        message = f"the weights have {readable_size(needed)}, and there is {readable_size(free)}"
        raise OSError(errno.ENOSPC, message, str(folder))
    if format == "arrow":
        return _write_arrow(target, chosen, overwrite, progress)
    file = _shard_path(target, (index, count))
    _write_safetensors(file, list(chosen.values()), overwrite, progress)
    if count > 1:
        _write_index(target, pinned, dealt)
    return [file]


def _shard_path(target: Path, shard: Shard) -> Path:
    index, count = shard
    if count == 1:
        return target
    return target.with_name(f"{target.stem}-{index:05d}-of-{count:05d}{target.suffix}")


def _write_index(target: Path, manifest: Manifest, dealt: list[list[int]]) -> None:
    """Which tensor is in which file, as the loaders of safetensors files in shards expect it."""
    files = {
        number: _shard_path(target, (shard, len(dealt))).name
        for shard, numbers in enumerate(dealt, 1)
        for number in numbers
    }
    index = {
        "metadata": {"total_size": manifest.nbytes},
        "weight_map": {t.name: files[number] for number, t in enumerate(manifest.tensors)},
    }
    with _in_its_place([target.with_name(f"{target.name}.index.json")], True) as [file]:
        file.write_text(json.dumps(index, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def _in_its_place(paths: Sequence[Path], overwrite: bool) -> Iterator[list[Path]]:
    """Where to write files that take their places when all of them are complete."""
    there = [path for path in paths if path.exists()]
    if there and not overwrite:
        raise FileExistsError(
            errno.EEXIST, "it is there already, and `overwrite` is not set", str(there[0])
        )
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
    before, starts, size = safetensors.layout(tensors)
    with _in_its_place([path], overwrite) as [file]:
        with file.open("wb") as output:
            output.write(before)
            output.truncate(size)

        def write(tensor: TensorSpec, advance: Advance) -> str:
            with file.open("r+b") as output:
                output.seek(starts[tensor.name])
                return compute_fingerprint(
                    tensor, advance, lambda values: output.write(little_endian(values))
                )

        _check(tensors, for_each_tensor(tensors, write, progress))


def _write_arrow(
    folder: Path, chosen: dict[int, TensorSpec], overwrite: bool, progress: Progress | None
) -> list[Path]:
    tensors = list(chosen.values())
    paths = [folder / arrow_files.file_name(number, tensor) for number, tensor in chosen.items()]
    with _in_its_place(paths, overwrite) as partial:
        files = {t.name: file for t, file in zip(tensors, partial, strict=True)}

        def write(tensor: TensorSpec, advance: Advance) -> str:
            writer = arrow_files.Writer(files[tensor.name], tensor)
            try:
                return compute_fingerprint(tensor, advance, writer.write)
            finally:
                writer.close()

        _check(tensors, for_each_tensor(tensors, write, progress))
    return paths


def _check(tensors: Sequence[TensorSpec], fingerprints: Sequence[str]) -> None:
    different = [
        tensor.name
        for tensor, found in zip(tensors, fingerprints, strict=True)
        if found != tensor.fingerprint
    ]
    if different:
        raise DifferenceError(
            "What is drawn here does not have the fingerprint that the manifest gives for "
            f"{', '.join(map(ascii, different))}. pyinit.self_test() tells whether this copy of "
            "pyinit is sound; if it is, the manifest is not."
        )
