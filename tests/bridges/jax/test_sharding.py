"""Sharded tensors of JAX, in processes with eight devices."""

import os
import subprocess
import sys

import pytest

from tests.support import ROOT


def run(module, *arguments, **variables):
    """Run a module of tests.support with environment variables."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", f"tests.support.{module}", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


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


@pytest.mark.backends
def test_compiled_code_in_files(tmp_path):
    """Protects users of JAX's compilation cache from the values of another initializer."""
    variables = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        # without it, code with custom partitioning is never found again
        "JAX_REMOVE_CUSTOM_PARTITIONING_PTR_FROM_CACHE_KEY": "1",
    }
    run("jax_sharded", "check_cache", **variables)
    run("jax_sharded", "check_cache", **variables)
