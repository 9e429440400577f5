"""Sharded tensors of JAX, in processes with eight devices."""

import os
import subprocess
import sys

import pytest

from tests.support import ROOT


def run(module, *arguments):
    """Run a module of tests.support; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", f"tests.support.{module}", *arguments],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.backends
@pytest.mark.parametrize(
    "functions",
    [
        pytest.param(["values", "classes", "transformations", "uneven"], id="values"),
        pytest.param(["memory", "layouts", "mesh_in_use", "failures"], id="memory and arguments"),
        pytest.param(["callbacks"], id="the way of other platforms"),
        pytest.param(["gspmd"], id="the older partitioner"),
    ],
)
def test_on_eight_devices(functions):
    """Protects sharded models: same values as eager ones, and no device draws more than its own."""
    run("jax_sharded", *(f"check_{function}" for function in functions))


@pytest.mark.backends
def test_flax_on_eight_devices():
    """Protects models of Flax with partitioning metadata: made eagerly, compiled and by init()."""
    pytest.importorskip("flax")
    run("flax_sharded", "check_nnx", "check_stacked", "check_linen", "check_trees")
