"""Keras on all of its backends, each in a process of its own."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.support import ROOT, same_bits

pytestmark = pytest.mark.backends

FOLDER = ROOT / "tests" / "bridges" / "keras"
#: The backend of the process that runs the plain tests comes first: the others are compared to it.
BACKENDS = ["numpy", "jax", "torch", "tensorflow"]


def run(backend: str, *arguments) -> None:
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_the_plain_tests_pass(backend):
    """Protects the other backends by the tests of Keras' numpy backend."""
    names = (
        "config",
        "layers",
        "manifests",
        "models",
        "reset",
        "saving",
        "seed_generators",
        "weight_files",
    )
    files = [FOLDER / f"test_{name}.py" for name in names]
    run(backend, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)


def test_models_start_alike(tmp_path):
    """Protects the start of training: bit-identical weights, equal first outputs."""
    starts = []
    for backend in BACKENDS:
        run(backend, "-m", "tests.support.keras_start", tmp_path / f"{backend}.npz")
        with np.load(tmp_path / f"{backend}.npz") as start:
            starts.append(dict(start))
    reference, *others = starts
    assert len(reference) > 50
    for start in others:
        assert start.keys() == reference.keys()
        for name, array in reference.items():
            if name.endswith("output"):
                np.testing.assert_allclose(start[name], array, rtol=1e-4, atol=1e-5, err_msg=name)
            else:
                assert same_bits(start[name], array), name
