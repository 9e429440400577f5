"""Paths, initializers and comparisons that the tests share."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pyinit

#: The checkout, or the unpacked sdist.
ROOT = Path(__file__).parents[2]
#: Test data in files.
DATA = ROOT / "tests" / "data"
#: Programs that tests run in processes of their own.
SUPPORT = ROOT / "tests" / "support"

#: Marks a test that reads the R package's sources, which the sdist does not have.
needs_checkout = pytest.mark.skipif(
    not (ROOT / "rpkg").is_dir(), reason="needs a checkout with the R package"
)

#: A function of a seed for every random class, by a name for the test's output.
RANDOM = {
    "random_normal": lambda seed: pyinit.RandomNormal(0.5, 2.0, seed),
    "random_uniform": lambda seed: pyinit.RandomUniform(-1.0, 3.0, seed),
    "truncated_normal": lambda seed: pyinit.TruncatedNormal(0.5, 2.0, seed),
    "truncated_normal_bounds": lambda seed: pyinit.TruncatedNormal(0.5, 2.0, seed, -1.0, 3.0),
    "variance_scaling": lambda seed: pyinit.VarianceScaling(
        3.0, "fan_out", "untruncated_normal", seed
    ),
    "glorot_normal": pyinit.GlorotNormal,
    "glorot_uniform": pyinit.GlorotUniform,
    "he_normal": pyinit.HeNormal,
    "he_uniform": pyinit.HeUniform,
    "lecun_normal": pyinit.LecunNormal,
    "lecun_uniform": pyinit.LecunUniform,
    "orthogonal": lambda seed: pyinit.Orthogonal(1.5, seed),
    "fan_geo_avg": lambda seed: pyinit.VarianceScaling(3.0, "fan_geo_avg", "uniform", seed),
}


def same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    """Return whether two arrays have the same shape, dtype and bytes (-0.0 differs from 0.0)."""
    return (
        first.shape == second.shape
        and first.dtype == second.dtype
        and np.ascontiguousarray(first).tobytes() == np.ascontiguousarray(second).tobytes()
    )


def run_program(name: str, *arguments: str) -> None:
    """Run a program of this folder, and check that it succeeds."""
    done = subprocess.run(
        [sys.executable, SUPPORT / name, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr


def run_torch(
    command: list[Any], tries: int = 5, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends processes of torch, and capture its output.

    It is run again, up to `tries` times, if gloo aborted a process at its end: a thread of torch
    2.13 that drops its last tensor while Python ends is stopped in a destructor.
    """
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    while True:
        done = subprocess.run(command, **options)
        tries -= 1
        printed = done.stdout + (done.stderr or "")
        if not tries or "terminate called without an active exception" not in printed:
            return done


@contextmanager
def running(command: list[Any], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """Start a process, and kill it after the block: a test that fails must not wait for it.

    Its coverage is not measured: an interrupt can leave the lock of the measurement held.
    """
    environment = options.pop("env", os.environ)
    environment = {name: environment[name] for name in environment if "COVERAGE" not in name}
    with subprocess.Popen(command, env=environment, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def restore_interrupts() -> None:
    """Let SIGINT interrupt this process and its children.

    Processes that a shell starts in the background ignore it, and so do their children.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
