"""Sharded tensors, in a process with several devices."""

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
