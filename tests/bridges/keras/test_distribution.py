"""Sharded tensors, in a process with several devices."""

import json
import os
import subprocess
import sys

import pytest

from tests.support import ROOT


def test_each_device_draws_what_it_holds():
    """Protects layouts: each device draws its own values, and no others."""
    pytest.importorskip("jax")
    devices = "--xla_force_host_platform_device_count=4"
    result = subprocess.run(
        [sys.executable, "-m", "tests.support.keras_distributed"],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": devices},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.backends
def test_meshes():
    """Protects distributed models: the weights of one device, on three meshes and in replicas."""
    pytest.importorskip("jax")
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.support.keras_meshes"],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    results = json.loads(result.stdout.splitlines()[-1])
    expected = results.pop("one device")
    assert list(results) == ["data parallel", "1 x 8", "2 x 4", "4 x 2"]
    for name, found in results.items():
        assert found == expected, name
    weights = expected["initialized"]
    assert len(set(weights.values())) > 6
    assert weights != expected["built"]
