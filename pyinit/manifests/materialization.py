"""Writing the weights of a manifest to files."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pyinit.arguments import argument_error, as_path, one_of
from pyinit.manifests import arrow_files, atomic_files, numpy_files, safetensors, zarr_arrays
from pyinit.manifests.atomic_files import NewFile
from pyinit.manifests.comparison import compare_source
from pyinit.manifests.creation import compute_fingerprint
from pyinit.manifests.limits import MAX_BYTES, MAX_OPERATIONS, as_limits, check_sizes
from pyinit.manifests.model import (
    DifferenceError,
    Manifest,
    ManifestError,
    TensorSpec,
    listed,
    readable_size,
)
from pyinit.manifests.parallel import Advance, for_each_tensor
from pyinit.manifests.reading import as_whole_manifest
from pyinit.manifests.regular_files import RegularFile
from pyinit.manifests.shards import Shard, assign_shards, chosen_shards
from pyinit.manifests.sinks import FileSink, RawSink
from pyinit.manifests.sources import TensorSource
from pyinit.manifests.targets import read_file
from pyinit.runtime.progress import Progress, reporting

FORMATS = ("safetensors", "arrow", "npy", "zarr")
EXISTING = ("error", "overwrite", "keep")

#: The files of the formats that have one for each tensor.
_SINKS: dict[str, Callable[..., FileSink]] = {
    "arrow": arrow_files.Sink,
    "npy": numpy_files.Sink,
    "zarr": zarr_arrays.Sink,
}
#: Imports the package that a format needs.
_PACKAGES = {"arrow": arrow_files.import_pyarrow, "zarr": zarr_arrays.import_zarr}


@dataclass(frozen=True)
class Output:
    """A file, or the folder of a Zarr array, and its tensors."""

    path: Path
    tensors: tuple[TensorSpec, ...]
    is_folder: bool = False


def materialize(
    manifest: Manifest | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    format: Literal["safetensors", "arrow", "npy", "zarr"] = "safetensors",
    shard: str | tuple[int, int] | None = None,
    shards: int | None = None,
    existing: Literal["error", "overwrite", "keep"] = "error",
    max_bytes: int = MAX_BYTES,
    max_operations: int = MAX_OPERATIONS,
    progress: Progress | None = None,
) -> list[Path]:
    """Draw the weights of a manifest into files and verify their fingerprints.

    The weights are drawn in chunks, several tensors at a time, so they may be larger than memory.
    A file gets its name when all of its tensors, read back from it, have the manifest's
    fingerprints, and when it is on the disk. So a file is whole or absent, also after a crash.

    Args:
        manifest: A `Manifest`, or the path of one.
        path: For `"safetensors"`, the file, whose name ends in `.safetensors`. With `shard="3/8"`
            and the path `model.safetensors`, the file is `model-00003-of-00008.safetensors`. Every
            shard also writes the same `model.safetensors.index.json` beside it, which loaders of
            sharded files read. With `shard` or `shards`, the path may also be an existing folder or
            have no extension: it is then the folder of the files, whose names start with `model`.
            For the other formats, a folder, which gets one file for each tensor; for `"zarr"`, its
            name ends in `.zarr`.
        format: `"safetensors"`; `"arrow"`, whose files are named after the positions of the tensors
            in the manifest and their names, in which characters other than letters, digits and
            underscores become hyphens; `"npy"`, whose files have the percent-encoded names of the
            tensors; or `"zarr"`, a Zarr group with an array for each tensor, named like the files
            of `"npy"`. A bfloat16 value is stored as its bits: in `"arrow"` and `"zarr"` as uint16,
            in `"npy"` as two bytes (`V2`).
        shard: The shard to write, such as `"3/8"` or `(3, 8)` on the third of eight machines. A
            shard consists of whole tensors; the sizes of the shards are as even as that allows.
            None writes all tensors.
        shards: The number of shards to write, one after another. The files are those that one call
            with `shard` for each of them would write. None writes one file, or the one of `shard`.
        existing: What to do with files that exist: `"error"` raises an error; `"overwrite"`
            replaces them; `"keep"` verifies them and draws only the files that are missing, for
            example to finish a run that was interrupted.
        max_bytes: Maximum total size of the weights, in bytes.
        max_operations: As for `create_manifest()`.
        progress: As for `create_manifest()`.

    Returns:
        The paths of the files with weights, including those that were kept.

    Raises:
        ValueError: The manifest or an argument is invalid, or a tensor cannot be drawn since only
            its fingerprint is recorded.
        DifferenceError: The drawn weights, or with `existing="keep"` those of a file that exists,
            do not have the manifest's fingerprints. Their files are not written. A
            DifferenceError is a ValueError.
        FileExistsError: A file already exists, or another process has just written it.
        OSError: There is too little disk space, or a file cannot be written.
        ImportError: The format needs pyarrow or zarr, which is not installed.

    Example:
        >>> import pyinit, tempfile, pathlib
        >>> plan = [{"name": "kernel", "shape": (4, 3), "initializer": "he_normal"}]
        >>> manifest = pyinit.create_manifest(plan, seed=42)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "model.safetensors")
        ...     [written] = pyinit.materialize(manifest, file)
        ...     [kept] = pyinit.materialize(manifest, file, existing="keep")
        ...     pyinit.verify(manifest, written)
        The same: 1 tensor, 48 bytes.

    Source: https://huggingface.co/docs/safetensors/index#format
    """
    plan = plan_files(manifest, path, format, shard, shards, existing, max_bytes, max_operations)
    done, total = 0, plan.nbytes
    with reporting(progress) as report:
        for index in plan.chosen:
            plan.write(index, _part_of(report, done, total))
            done += plan.nbytes_of(index)
    plan.write_index()
    return [path for index in plan.chosen for path in plan.paths_of(index)]


@dataclass(frozen=True)
class FilePlan:
    """The files to write, after all checks that are possible without drawing.

    Args:
        manifest: The manifest.
        path: The file, or the folder of files of one tensor each.
        format: The format of the files.
        shards: The positions of the tensors of each shard.
        chosen: The shards to write, counted from 1.
        existing: What to do with files that exist.
    """

    manifest: Manifest
    path: Path
    format: str
    shards: list[list[int]]
    chosen: Sequence[int]
    existing: str

    def tensors_of(self, index: int) -> dict[int, TensorSpec]:
        """Return the tensors of a shard, by their positions in the manifest."""
        return {position: self.manifest.tensors[position] for position in self.shards[index - 1]}

    def nbytes_of(self, index: int) -> int:
        """Return the size of the tensors of a shard, in bytes."""
        return sum(tensor.nbytes for tensor in self.tensors_of(index).values())

    @property
    def nbytes(self) -> int:
        """The size of the tensors to write, in bytes."""
        return sum(map(self.nbytes_of, self.chosen))

    @property
    def folder(self) -> Path:
        """The folder of the files."""
        return self.path.parent if self.format == "safetensors" else self.path

    def outputs_of(self, index: int) -> list[Output]:
        """Return the files of a shard."""
        return _outputs(self.path, self.format, self.tensors_of(index), (index, len(self.shards)))

    def paths_of(self, index: int) -> list[Path]:
        """Return the paths of the files of a shard."""
        return [output.path for output in self.outputs_of(index)]

    def write(self, index: int, progress: Progress | None) -> None:
        """Write the files of a shard, and verify those that are kept."""
        missing, kept = _divide(self.outputs_of(index), self.existing)
        total = self.nbytes_of(index)
        _check_kept(kept, _part_of(progress, 0, total))
        rest = _part_of(progress, total - sum(map(_size_of, missing)), total)
        replace = self.existing == "overwrite"
        if self.format == "zarr":
            zarr_arrays.make_group(self.path)
        if self.format == "safetensors":
            for output in missing:
                _write_safetensors(output, replace, rest)
        else:
            _write_separately(missing, _SINKS[self.format], replace, rest)
        atomic_files.sync_folder(self.folder)

    @property
    def has_index(self) -> bool:
        """Whether an index lists the file of each tensor."""
        return self.format == "safetensors" and len(self.shards) > 1

    def write_index(self) -> None:
        """Write the index, if there is one."""
        if self.has_index:
            _write_index(*self.index(), self.existing == "overwrite")
            atomic_files.sync_folder(self.folder)

    def index(self) -> tuple[Path, bytes]:
        """Return the path and the content of the index."""
        return _index_of(self.path, self.manifest, self.shards)


def plan_files(
    manifest: Manifest | str | os.PathLike[str],
    path: str | os.PathLike[str],
    format: str,
    shard: object,
    shards: object,
    existing: str,
    max_bytes: int,
    max_operations: int,
) -> FilePlan:
    """Check the arguments of `materialize()`, and make the folder of the files."""
    checked = as_whole_manifest(manifest)
    format, existing = one_of("format", format, FORMATS), one_of("existing", existing, EXISTING)
    chosen, count = chosen_shards(shard, shards)
    assigned = assign_shards(checked.tensors, count)
    tensors = [checked.tensors[position] for index in chosen for position in assigned[index - 1]]
    undrawable = [tensor.name for tensor in tensors if not tensor.has_initializer]
    if undrawable:
        raise ManifestError(
            "the manifest has only the fingerprints of these tensors, so they cannot be drawn: "
            f"{listed([*map(ascii, undrawable)])}. verify() compares weights from elsewhere with "
            "them"
        )
    check_sizes(tensors, as_limits(max_bytes, max_operations))
    target = _as_target(path, format, is_sharded=shard is not None or shards is not None)
    if format in _PACKAGES:
        _PACKAGES[format]()
    plan = FilePlan(checked, target, format, assigned, chosen, existing)
    # all shards at once: if the last one has a file, none is drawn
    outputs = [output for index in chosen for output in plan.outputs_of(index)]
    _make_folder(plan.folder, format)
    missing, _ = _divide(outputs, existing)
    if plan.has_index:
        _check_index(*plan.index(), existing)
    _check_space(plan.folder, missing)
    return plan


def _as_target(path: str | os.PathLike[str], file_format: str, *, is_sharded: bool) -> Path:
    """Return the file, or the folder of files of one tensor each."""
    target = as_path("path", path)
    if file_format == "zarr" and target.suffix != zarr_arrays.SUFFIX:
        raise argument_error("path", str(target), "a path that ends in .zarr for the format 'zarr'")
    if file_format != "safetensors" or target.suffix == safetensors.SUFFIX:
        return target
    if is_sharded and (not target.suffix or target.is_dir()):
        return target / f"model{safetensors.SUFFIX}"
    others = f"{', '.join(map(repr, FORMATS[1:-1]))} or {FORMATS[-1]!r}"
    allowed = f"a path that ends in .safetensors, unless the format is {others}"
    or_folder = ", or the folder of the shards" if is_sharded else ""
    raise argument_error("path", str(target), allowed + or_folder)


def _outputs(
    target: Path, file_format: str, chosen: dict[int, TensorSpec], shard: Shard
) -> list[Output]:
    """Return the files of the chosen tensors."""
    if file_format == "safetensors":
        return [Output(_shard_path(target, shard), tuple(chosen.values()))]
    names = {
        "arrow": arrow_files.file_name,
        "npy": numpy_files.file_name,
        "zarr": zarr_arrays.array_name,
    }
    return [
        Output(target / names[file_format](position, tensor), (tensor,), file_format == "zarr")
        for position, tensor in chosen.items()
    ]


def _shard_path(target: Path, shard: Shard) -> Path:
    index, count = shard
    if count == 1:
        return target
    return target.with_name(f"{target.stem}-{index:05d}-of-{count:05d}{target.suffix}")


def _make_folder(folder: Path, file_format: str) -> None:
    """Make the folder of the files, and remove what killed processes left in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(folder)) from None
    atomic_files.remove_abandoned(folder)
    if file_format == "zarr":
        atomic_files.remove_abandoned(zarr_arrays.place_of_partial(folder))


def _size_of(output: Output) -> int:
    return sum(tensor.nbytes for tensor in output.tensors)


def _check_space(folder: Path, outputs: Sequence[Output]) -> None:
    """Check that the disk has space for files."""
    needed = sum(map(_size_of, outputs))
    free = shutil.disk_usage(folder).free
    if needed > free:
        message = f"the weights need {readable_size(needed)}, but {readable_size(free)} are free"
        raise OSError(errno.ENOSPC, message, str(folder))


def _part_of(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Return a function that reports the progress of a part of the work."""
    if progress is None:
        return None
    return lambda done, _: progress(before + done, total)


# ---- files that exist ----


def _divide(outputs: Sequence[Output], existing: str) -> tuple[list[Output], list[Output]]:
    """Return the files to write and those to keep.

    Raises:
        FileExistsError: A file exists and is neither to be replaced nor to be kept.
        OSError: A path is not that of a regular file.
    """
    missing: list[Output] = []
    kept: list[Output] = []
    for output in outputs:
        atomic_files.check_target(output.path, replace=True, folder=output.is_folder)
        found = output.path.exists()
        if found and existing == "error":
            raise _already_exists(output.path)
        (kept if found and existing == "keep" else missing).append(output)
    return missing, kept


def _already_exists(path: Path) -> FileExistsError:
    message = "already exists (set `existing` to 'overwrite' or 'keep')"
    return FileExistsError(errno.EEXIST, message, str(path))


def _check_kept(outputs: Sequence[Output], progress: Progress | None) -> None:
    """Check that files have exactly their tensors.

    Raises:
        DifferenceError: One of them does not.
        ManifestError: One of them is not a file of its format.
    """
    # the files of one tensor each are read one by one, since there may be very many
    shared = {o.path: _tensors_in(o) for o in outputs if len(o.tensors) != 1}
    output_of = {tensor.name: output for output in outputs for tensor in output.tensors}

    def compare(tensor: TensorSpec, advance: Advance) -> str | None:
        output = output_of[tensor.name]
        sources = shared.get(output.path) or _tensors_in(output)
        return compare_source(tensor, sources[tensor.name], advance)

    tensors = [tensor for output in outputs for tensor in output.tensors]
    for tensor, reason in zip(tensors, for_each_tensor(tensors, compare, progress), strict=True):
        if reason is not None:
            path = output_of[tensor.name].path
            raise _not_kept(path, f"the tensor {tensor.name!a}: {reason}")


def _tensors_in(output: Output) -> Mapping[str, TensorSource]:
    """Return the tensors of a file to keep, which must be those of the manifest."""
    found = read_file(output.path)
    expected = {tensor.name for tensor in output.tensors}
    for names, reason in ((expected - set(found), "lacks"), (set(found) - expected, "also has")):
        if names:
            listing = listed([*map(ascii, sorted(names))])
            raise _not_kept(output.path, f"it {reason} {listing}")
    return found


def _not_kept(path: Path, reason: str) -> DifferenceError:
    return DifferenceError(
        f"{path} already exists, and is not the file that the manifest gives: {reason}. Remove it, "
        "or set `existing` to 'overwrite'"
    )


# ---- new files ----


def _write_safetensors(output: Output, replace: bool, progress: Progress | None) -> None:
    header, starts, _ = safetensors.layout(output.tensors)
    with NewFile(output.path, replace=replace) as file:
        file.write_at(0, header)

        def write(tensor: TensorSpec, advance: Advance) -> str:
            return compute_fingerprint(tensor, advance, sink=RawSink(file, starts[tensor.name]))

        found = for_each_tensor(output.tensors, write, progress)
        _check_fingerprints(output.tensors, found)
        file.publish()


def _write_separately(
    outputs: Sequence[Output],
    open_sink: Callable[..., FileSink],
    replace: bool,
    progress: Progress | None,
) -> None:
    """Write files of one tensor each, of which each is published once it is verified."""
    tensors = [output.tensors[0] for output in outputs]
    path_of = {output.tensors[0].name: output.path for output in outputs}

    def write(tensor: TensorSpec, advance: Advance) -> str:
        with open_sink(path_of[tensor.name], tensor, replace=replace) as sink:
            found = compute_fingerprint(tensor, advance, sink=sink)
            if found == tensor.fingerprint:
                sink.publish()
            return found

    _check_fingerprints(tensors, for_each_tensor(tensors, write, progress))


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


# ---- the index of sharded files ----


def _index_of(target: Path, manifest: Manifest, shards: list[list[int]]) -> tuple[Path, bytes]:
    """Return the path and the content of the index: the file of each tensor."""
    files = {
        position: _shard_path(target, (index, len(shards))).name
        for index, positions in enumerate(shards, 1)
        for position in positions
    }
    index = {
        "metadata": {"total_size": manifest.nbytes},
        "weight_map": {t.name: files[position] for position, t in enumerate(manifest.tensors)},
    }
    text = json.dumps(index, indent=2, ensure_ascii=False) + "\n"
    return target.with_name(f"{target.name}.index.json"), text.encode()


def _check_index(path: Path, content: bytes, existing: str) -> None:
    """Check that an index that exists is the same, since another shard wrote it, or is replaced."""
    atomic_files.check_target(path, replace=True)
    if existing == "overwrite" or not path.exists() or _has_content(path, content):
        return
    if existing == "keep":
        raise _not_kept(path, "it is of another manifest or of another number of shards")
    raise _already_exists(path)


def _write_index(path: Path, content: bytes, replace: bool) -> None:
    if path.exists() and _has_content(path, content):
        return
    try:
        atomic_files.write_file(path, content, replace=replace)
    except FileExistsError:
        # another shard may have just written it
        if not _has_content(path, content):
            raise


def _has_content(path: Path, content: bytes) -> bool:
    file = RegularFile(path)
    return file.size == len(content) and file.read(0, file.size) == content
