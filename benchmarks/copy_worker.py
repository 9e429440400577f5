"""One process of a comparison of two copies of pyinit: time rows on request.

This script needs only NumPy and the pyinit that its interpreter imports, so that the same rows run
with any copy. Each line of standard input is `ROW<tab>LOOPS`, each line of the output the
seconds of one call, or `error<tab>MESSAGE`. The first line of the output describes the copy.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Call = Callable[[], object]

SQUARE = (4096, 4096)
DTYPES = ("float16", "float32", "float64")
#: Classes of the short calls, with their arguments and the shapes to call them with.
SHORT: dict[str, tuple[dict[str, Any], tuple[tuple[int, int], ...]]] = {
    "GlorotUniform": ({"seed": 1}, ((2, 2), (64, 64))),
    "HeNormal": ({"seed": 1}, ((2, 2), (64, 64))),
    "RandomNormal": ({"seed": 1}, ((2, 2), (64, 64))),
    "Zeros": ({}, ((2, 2), (64, 64))),
    "Orthogonal": ({"seed": 1}, ((64, 64),)),
}
#: Partitions that take few elements of each tile of the stream, or single rows.
THIN = {
    "4 rows": (slice(5, 9), slice(None)),
    "1 column": (slice(None), slice(5, 6)),
    "8 columns": (slice(None), slice(8, 16)),
    "every 2nd column": (slice(64, 128), slice(None, None, 2)),
    "every 8th column": (slice(None), slice(None, None, 8)),
}
FAMILIES = ("RandomUniform", "RandomNormal", "TruncatedNormal")


def rows(pyinit: Any) -> dict[str, Callable[[], Call]]:
    """Return the rows: functions that prepare the data and return the call to time."""
    return {
        **_short_rows(pyinit),
        **_other_rows(pyinit),
        **_large_rows(pyinit),
        **_manifest_rows(pyinit),
    }


def _short_rows(pyinit: Any) -> dict[str, Callable[[], Call]]:
    def construct(name: str, arguments: dict[str, Any]) -> Call:
        cls = getattr(pyinit, name)
        return lambda: cls(**arguments)

    def construct_and_call(name: str, arguments: dict[str, Any], shape: tuple[int, int]) -> Call:
        cls = getattr(pyinit, name)
        return lambda: cls(**arguments)(shape)

    def call(name: str, arguments: dict[str, Any], shape: tuple[int, int]) -> Call:
        initializer = getattr(pyinit, name)(**arguments)
        return lambda: initializer(shape)

    found: dict[str, Callable[[], Call]] = {}
    for name, (arguments, shapes) in SHORT.items():
        both = {"name": name, "arguments": arguments}
        found[f"{name}: construct"] = _bound(construct, **both)
        for shape in shapes:
            found[f"{name}: construct, call {shape}"] = _bound(
                construct_and_call, **both, shape=shape
            )
        for shape in shapes:
            found[f"{name}: call {shape}"] = _bound(call, **both, shape=shape)
    return found


def _other_rows(pyinit: Any) -> dict[str, Callable[[], Call]]:
    import numpy as np

    def call(**arguments: Any) -> Call:
        initializer = pyinit.RandomNormal(seed=1)
        return lambda: initializer(**arguments)

    def thin(index: tuple[slice, slice]) -> Call:
        weights = pyinit.RandomNormal(seed=1).lazy(SQUARE)
        return lambda: weights[index]

    def shared_generator() -> Call:
        initializer = pyinit.RandomNormal(seed=pyinit.random_seed_generator(1))
        return lambda: initializer((64, 64))

    def from_config() -> Call:
        initializer = pyinit.GlorotUniform(seed=1)
        return lambda: pyinit.GlorotUniform.from_config(initializer.get_config())

    def fingerprint_array() -> Call:
        array = np.ones(SQUARE, np.float32)
        return lambda: pyinit.fingerprint(array)

    def fingerprint_initializer() -> Call:
        initializer = pyinit.RandomUniform(seed=1)
        return lambda: pyinit.fingerprint(initializer, SQUARE)

    out = np.zeros((64, 64), np.float32)
    slab = {"partition_shape": (8, 64), "partition_offset": (16, 0)}
    tile = {"partition_shape": (64, 64), "partition_offset": (64, 64)}
    large = {"partition_shape": (1024, 64), "partition_offset": (20_000, 128)}
    return {
        "RandomNormal: call (64, 64), out=": lambda: call(shape=(64, 64), out=out),
        "RandomNormal: call (64, 64), float16": lambda: call(shape=(64, 64), dtype="float16"),
        "RandomNormal: call (64, 64), float64": lambda: call(shape=(64, 64), dtype="float64"),
        "RandomNormal: partition (8, 64) of (64, 64)": lambda: call(shape=(64, 64), **slab),
        "RandomNormal: partition (64, 64) of (4096, 4096)": lambda: call(shape=SQUARE, **tile),
        "RandomNormal: partition (1024, 64) of (50000, 4096)": lambda: call(
            shape=(50_000, 4096), **large
        ),
        **{
            f"RandomNormal: {name} of (4096, 4096)": _bound(thin, index=index)
            for name, index in THIN.items()
        },
        "RandomNormal: call (64, 64), shared generator": shared_generator,
        "SeedGenerator: next()": lambda: pyinit.random_seed_generator(1).next,
        "GlorotUniform: get_config, from_config": from_config,
        'get("he_normal")': lambda: lambda: pyinit.get("he_normal"),
        "derive_seed": lambda: lambda: pyinit.derive_seed(42, "hidden/kernel"),
        "fingerprint, array of 64 MiB": fingerprint_array,
        "fingerprint, initializer, 64 MiB": fingerprint_initializer,
    }


def _large_rows(pyinit: Any) -> dict[str, Callable[[], Call]]:
    import numpy as np

    def into(name: str, dtype: str) -> Call:
        initializer, out = getattr(pyinit, name)(seed=1), np.zeros(SQUARE, dtype)
        return lambda: initializer(SQUARE, out=out)

    def new() -> Call:
        initializer = pyinit.RandomNormal(seed=1)
        return lambda: initializer(SQUARE)

    def orthogonal() -> Call:
        initializer = pyinit.Orthogonal(seed=1)
        return lambda: initializer((512, 512))

    return {
        **{
            f"{name}: {SQUARE} {dtype}, out=": _bound(into, name=name, dtype=dtype)
            for name in FAMILIES
            for dtype in DTYPES
        },
        f"RandomNormal: {SQUARE} float32": new,
        "Orthogonal: (512, 512)": orthogonal,
    }


def _manifest_rows(pyinit: Any) -> dict[str, Callable[[], Call]]:
    memory = "/dev/shm"
    folder = Path(tempfile.mkdtemp(dir=memory if os.path.isdir(memory) else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    def plan(count: int, shape: tuple[int, ...]) -> list[dict[str, Any]]:
        return [{"name": str(n), "shape": shape, "initializer": "he_normal"} for n in range(count)]

    def create() -> Call:
        tensors = plan(1000, (4, 3))
        return lambda: pyinit.create_manifest(tensors, 1)

    def read() -> Call:
        path = folder / "manifest.json"
        pyinit.write_manifest(pyinit.create_manifest(plan(1000, (4, 3)), 1), path)
        return lambda: pyinit.read_manifest(path)

    def materialize(count: int, shape: tuple[int, ...]) -> Call:
        manifest = pyinit.create_manifest(plan(count, shape), 1)
        path = folder / "w.safetensors"

        def call() -> None:
            path.unlink(missing_ok=True)
            pyinit.materialize(manifest, path)

        return call

    return {
        "create_manifest, 1000 small tensors": create,
        "read_manifest, 1000 tensors": read,
        "materialize, 4 tensors of 16 MiB, to memory": lambda: materialize(4, (1024, 4096)),
        "materialize, 1 tensor of 64 MiB, to memory": lambda: materialize(1, SQUARE),
    }


def _bound(function: Callable[..., Call], **arguments: Any) -> Callable[[], Call]:
    return lambda: function(**arguments)


def seconds_of(call: Call, loops: int) -> float:
    """Return the seconds of one call, the mean of a loop, without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter_ns()
        for _ in range(loops):
            call()
        return (time.perf_counter_ns() - start) / loops / 1e9
    finally:
        gc.enable()


def main() -> None:
    """Answer requests until the input ends."""
    # keeps output of imported modules out of the answers
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path.pop(0)  # this folder
    import pyinit

    prepared = rows(pyinit)
    found = {"file": pyinit.__file__, "python": sys.version.split()[0], "rows": list(prepared)}
    print(json.dumps(found), file=answers, flush=True)
    name, call = "", None
    for line in sys.stdin:
        row, loops = line.rstrip("\n").split("\t")
        try:
            if row != name or call is None:
                call = None  # frees the memory of the previous row
                name, call = row, prepared[row]()
                call()
            call()
            answer = repr(seconds_of(call, int(loops)))
        except Exception as error:
            answer = f"error\t{type(error).__name__}: {error}".replace("\n", " ")
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main()
