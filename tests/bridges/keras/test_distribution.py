"""Tensors sharded over devices, in a process that has several of them."""

import os
import subprocess
import sys

import pytest

from tests.support import ROOT


def test_each_device_draws_what_it_holds():
    """Protects layouts: the right values on each device, and no value drawn in vain."""
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
