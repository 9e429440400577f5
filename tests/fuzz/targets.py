"""The targets: a kind of file, how to change it, and what may happen when it is read."""

import contextlib
import difflib  # noqa: F401 - defines classes by running code, before the watch
import io
import json
import os
import re
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import jsonschema  # noqa: F401 - defines classes by running code, before the watch
import pyarrow as pa

import pyinit
from pyinit.cli import run
from pyinit.manifests.reading import SCHEMA
from tests.fuzz.mutations import changed_bytes, changed_json, changed_zip

CORPUS = Path(__file__).parent / "corpus"
#: Events of Python that no file may cause.
FORBIDDEN = ("os.exec", "os.system", "os.posix_spawn", "pickle.find_class", "shutil.rmtree")
FORBIDDEN += ("socket.connect", "subprocess.Popen", "os.remove", "os.rename", "os.symlink")
#: Python reads these when a module is first needed.
SOURCES = (".py", ".pyc", ".so")


@dataclass(frozen=True)
class Target:
    """A kind of file.

    Args:
        suffix: The suffix of its name.
        change: Returns a changed file; gets a random generator, a file and all files.
        read: Reads a file.
        commands: The arguments of the command `pyinit` that read a file.
    """

    suffix: str
    change: Callable[[Random, bytes, list[bytes]], bytes]
    read: Callable[[Path], object]
    commands: tuple[tuple[str, ...], ...]


def _changed_text(random: Random, content: bytes, others: list[bytes]) -> bytes:
    if random.random() < 0.3:
        return changed_bytes(random, content, others)
    return json.dumps(changed_json(random, json.loads(content))).encode()


def _changed_safetensors(random: Random, content: bytes, others: list[bytes]) -> bytes:
    if random.random() < 0.3:
        return changed_bytes(random, content, others)
    [size] = struct.unpack_from("<Q", content)
    header = json.dumps(changed_json(random, json.loads(content[8 : 8 + size]))).encode()
    return struct.pack("<Q", len(header)) + header + content[8 + size :]


def _changed_arrow(random: Random, content: bytes, others: list[bytes]) -> bytes:
    if random.random() < 0.6:
        return changed_bytes(random, content, others)
    table = pa.ipc.open_file(pa.py_buffer(content)).read_all()
    metadata = {key.decode(): text.decode() for key, text in table.schema.metadata.items()}
    metadata["pyinit.shape"] = json.loads(metadata["pyinit.shape"])
    changed = changed_json(random, metadata)
    texts = {
        str(key): value if isinstance(value, str) else json.dumps(value)
        for key, value in changed.items()
    }
    table = table.replace_schema_metadata(texts)
    output = io.BytesIO()
    with pa.ipc.new_file(output, table.schema) as writer:
        writer.write_table(table)
    return output.getvalue()


def _read_manifest(path: Path) -> None:
    manifest = pyinit.read_manifest(path)
    repr(manifest)
    if manifest.shard is None:
        pyinit.verify(manifest, manifest)
    with contextlib.suppress(pyinit.ManifestError):
        pyinit.verify(manifest, max_bytes=2**20, max_operations=2**20)


def _read_plan(path: Path) -> None:
    pyinit.create_manifest(json.loads(path.read_bytes()), max_bytes=2**20, max_operations=2**20)


def _read_weights(path: Path) -> None:
    manifest = pyinit.create_manifest(path, values=True, max_bytes=2**20)
    assert pyinit.verify(manifest, path)


def _read_hdf5(path: Path) -> None:
    # HDF5 leaves values as they are in memory, if a chunk has too few bytes after its decompression
    pyinit.verify(pyinit.create_manifest(path, values=True, max_bytes=2**20), path)


_LIMITS = ("--max-bytes", "1MB", "--max-operations", "1e6")
_MANIFEST = ("verify", str(CORPUS / "weights.json"), "{}", *_LIMITS)
_WEIGHTS = (_MANIFEST, ("manifest", "--values", "{}", *_LIMITS))

TARGETS = {
    "manifest": Target(
        ".json", _changed_text, _read_manifest, (("verify", "{}", *_LIMITS), _MANIFEST)
    ),
    "plan": Target(".json", _changed_text, _read_plan, (("manifest", "{}", *_LIMITS),)),
    "safetensors": Target(".safetensors", _changed_safetensors, _read_weights, _WEIGHTS),
    "arrow": Target(".arrow", _changed_arrow, _read_weights, _WEIGHTS),
    "npy": Target(".npy", changed_bytes, _read_weights, _WEIGHTS),
    "npz": Target(".npz", changed_zip, _read_weights, _WEIGHTS),
    "hdf5": Target(".h5", changed_bytes, _read_hdf5, _WEIGHTS),
    "keras": Target(".keras", changed_zip, _read_hdf5, _WEIGHTS),
}


def corpus_of(name: str) -> list[bytes]:
    """Return the files of a target."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


class Watch:
    """Records what a file must not cause: running code, and opening other files."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self._found: list[str] = []
        sys.addaudithook(self._hook)

    def taken(self) -> list[str]:
        """Return what was recorded since the last call."""
        found, self._found = self._found, []
        return found

    def _hook(self, event: str, arguments: tuple) -> None:
        if self.path is None:
            return
        # modules are run when they are first needed
        is_run = event == "exec" and not arguments[0].co_filename.endswith(".py")
        if event in FORBIDDEN or is_run:
            self._found.append(f"{event} {arguments!r:.200}")
        elif event == "open" and not isinstance(arguments[0], int | None):
            file = os.fsdecode(arguments[0])
            known = (str(self.path), str(CORPUS / "weights.json"), str(SCHEMA), os.devnull)
            is_source = file.endswith(SOURCES) or file.startswith(("/proc/", "/sys/"))
            if file not in known and not is_source:
                self._found.append(f"open {file!a}")


def check(target: Target, path: Path, watch: Watch | None = None) -> None:
    """Read a file, also with the command.

    Args:
        target: The target.
        path: The path of the file.
        watch: Records what the file causes, unless it is None.

    Raises:
        AssertionError: An error is not a documented one, the command prints a traceback, its
            status is not that of its result, or the file caused something else.
    """
    if watch is not None:
        watch.path = path
    try:
        # JSON that is no plan is read by the command alone
        with contextlib.suppress(ValueError, OSError, TypeError, RecursionError):
            target.read(path)
        for arguments in target.commands:
            _check_command([argument.format(path) for argument in arguments])
    finally:
        if watch is not None:
            watch.path = None
    found = [] if watch is None else watch.taken()
    assert not found, found


def _check_command(arguments: list[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(arguments)
    printed = out.getvalue() + err.getvalue()
    assert status in (0, 1, 3), (status, printed)
    assert "Traceback" not in printed, printed
    assert status != 3 or re.match(r"Error: .*[a-z]", err.getvalue()), printed
    assert "None: None" not in printed, printed
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", printed), (
        printed
    )
