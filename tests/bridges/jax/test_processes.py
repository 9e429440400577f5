"""Tensors of several processes of `jax.distributed`."""

import hashlib
import json
import os
import socket
import subprocess
import sys

import pytest

import pyinit
from tests.support import ROOT

pytestmark = pytest.mark.backends


def digests(what):
    """Run two processes with four devices each; return the digests that both print."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    module = [sys.executable, "-W", "ignore", "-m", "tests.support.jax_processes", address]
    processes = [
        subprocess.Popen(
            [*module, str(process), what],
            cwd=ROOT,
            env={**os.environ, "KERAS_BACKEND": "jax"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for process in range(2)
    ]
    try:
        done = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, errors) in zip(processes, done, strict=True):
        assert process.returncode == 0, errors
    first, second = (json.loads(output.splitlines()[-1]) for output, _ in done)
    assert first == second
    return first


def digest(initializer):
    """Return the SHA-256 of the tensor that one process draws."""
    return hashlib.sha256(initializer((16, 12)).tobytes()).hexdigest()


def test_jax():
    """Protects jobs of several processes: one result, each process draws its own shards only."""
    pytest.importorskip("jax")
    found = digests("jax")
    name = "dense/kernel"
    assert found.pop("init") == digest(pyinit.GlorotUniform(pyinit.derive_seed(42, name)))
    assert set(found.values()) == {digest(pyinit.HeNormal(42))}, found


def test_keras():
    """Protects Keras models that are distributed over several processes."""
    pytest.importorskip("keras")
    found = digests("keras")
    assert found["built"] == digest(pyinit.HeNormal(42))
    assert found["initialize"] == digest(pyinit.HeNormal(pyinit.derive_seed(42, "dense/kernel")))
