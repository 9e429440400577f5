"""Tensors sharded over devices, in a process that has several of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_each_device_draws_what_it_holds():
    """Protects layouts: the right values on each device, and no value drawn in vain."""
    pytest.importorskip("jax")
    script = Path(__file__).with_name("keras_distributed.py")
    devices = "--xla_force_host_platform_device_count=4"
    result = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": devices},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
