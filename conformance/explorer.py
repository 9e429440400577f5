"""The row for the browser: the site's explorer, compiled to WebAssembly, under Node.js."""

from __future__ import annotations

import atexit
import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from conformance.builds import version_of
from conformance.processes import ROOT, found, output, version
from conformance.rows import FailedError, Outcome, Row, passed
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.reproducibility import golden

SERVER = ROOT / "conformance" / "explorer_server.js"


@cache
def build() -> Path:
    """Build the explorer and return its folder.

    Raises:
        NotRunError: clang or lld is not installed.
        FailedError: Compilation fails.
    """
    for program in ("clang", "wasm-ld"):
        found(program)
    # other processes may build it at the same time
    folder = Path(tempfile.mkdtemp(prefix="pyinit-explorer-"))
    atexit.register(shutil.rmtree, folder)
    output([ROOT / "script" / "explorer", folder])
    return folder


def ask(requests: Sequence[dict[str, Any]]) -> list[Any]:
    """Send requests to the explorer; explorer_server.js lists them.

    Raises:
        NotRunError: clang, lld or Node.js is not installed.
        FailedError: The explorer fails.
    """
    done = subprocess.run(
        [found("node"), SERVER, build()],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FailedError(done.stderr)
    answers: list[Any] = json.loads(done.stdout)
    return answers


def rows() -> list[Row]:
    """Return the only row."""
    return [Row("WebAssembly, in Node.js", "the site's explorer, clang -O3", "", _golden_vectors)]


def _golden_vectors() -> Outcome:
    vectors = [vector for vector in golden.read() if vector.dtype in FLOAT_DTYPES]
    answers = ask([request_of(vector) for vector in vectors])
    differences = [
        f"{vector}: {how}"
        for vector, answer in zip(vectors, answers, strict=True)
        if (how := difference(vector, answer)) is not None
    ]
    versions = f"clang {version_of('clang')}", f"Node.js {version('node').lstrip('v')}"
    return passed(len(vectors), differences, versions)


def request_of(vector: golden.Vector) -> dict[str, Any]:
    """Return the request that draws a golden vector."""
    config = dict(vector.config)
    if "seed" in config:
        config["seed"] = str(config["seed"])
    partition = None
    if vector.partition_shape is not None:
        partition = {"shape": vector.partition_shape, "offset": vector.partition_offset}
    return {
        "operation": "draw",
        "name": vector.class_name,
        "config": config,
        "shape": vector.shape,
        "dtype": vector.dtype,
        "draw": vector.draw,
        "partition": partition,
    }


def difference(vector: golden.Vector, answer: dict[str, str]) -> str | None:
    """Return how the answer to a request differs from the vector; None if it does not."""
    if "error" in answer:
        return answer["error"]
    shape = vector.partition_shape or vector.shape
    # WebAssembly is little-endian
    size = FLOAT_DTYPES[vector.dtype].itemsize
    bits = np.frombuffer(base64.b64decode(answer["bytes"]), f"<u{size}").astype(f"=u{size}")
    how = vector.difference(bits.view(FLOAT_DTYPES[vector.dtype]).reshape(shape))
    if how is None and vector.fingerprint not in (None, answer["fingerprint"]):
        return f"its own fingerprint is {answer['fingerprint']}, not {vector.fingerprint}"
    return how
