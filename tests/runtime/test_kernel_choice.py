"""The choice of the kernel: the environment variable, and the default."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

import pyinit
from pyinit import native
from pyinit.runtime import kernel_choice, threads

PACKAGE = Path(pyinit.__file__).parent


#: The flags in /proc/cpuinfo that each ISA level needs.
FLAGS = {
    "baseline": set(),
    "v3": {"avx2"},
    "v4": {"avx512f", "avx512vl", "avx512dq", "avx512bw"},
}


@pytest.mark.skipif(
    platform.machine() != "x86_64" or not Path("/proc/cpuinfo").exists() or native.MISSING,
    reason="needs Linux on x86-64 and the native kernel",
)
def test_the_isa_levels_are_those_that_the_system_reports():
    """Protects the speed of wheels: their compiler's runtime library may report no AVX2."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    (flags, *_) = (set(line.split(":")[1].split()) for line in lines if line.startswith("flags"))
    assert native.isa_levels() == tuple(name for name, each in FLAGS.items() if each <= flags)


@pytest.mark.parametrize("name", kernel_choice.available())
def test_the_environment_chooses_the_kernel(name):
    """Protects PYINIT_KERNEL; show_config() gives the reason for the kernel in use."""
    code = "import pyinit; pyinit.show_config(); print(pyinit.HeNormal(3)((4,)).tobytes().hex())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, kernel_choice.VARIABLE: name},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{name}: set by the environment variable" in result.stdout
    assert result.stdout.splitlines()[-1] == pyinit.HeNormal(3)((4,)).tobytes().hex()


@pytest.mark.parametrize(
    ("variable", "value"), [(kernel_choice.VARIABLE, "v5"), (threads.VARIABLE, "0")]
)
def test_bad_environments_are_refused(variable, value):
    """Protects against a misspelt setting that is ignored."""
    result = subprocess.run(
        [sys.executable, "-c", "import pyinit; pyinit.HeNormal(1)((1000, 1000))"],
        env={**os.environ, variable: value},
        capture_output=True,
        text=True,
    )
    assert f"Argument `{variable}` must be" in result.stderr
    assert f"Received: {variable}={value!r}" in result.stderr


def test_without_the_extension_numpy_draws(tmp_path):
    """Protects installations without a compiler: the same bits, and a warning at a large draw."""
    for path in PACKAGE.rglob("*"):
        if path.suffix in (".py", ".json", ".typed"):
            target = tmp_path / "pyinit" / path.relative_to(PACKAGE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    code = """
import sys

import pyinit

pyinit.show_config()
initializer = pyinit.HeNormal(3)
print(initializer((4,)).tobytes().hex())
print("large", file=sys.stderr)
initializer((1024, 1024))
initializer((1024, 1024))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    remedy = "no C compiler when it was installed; install one and reinstall pyinit-bridge"
    assert f"reference: the native kernel is missing: {remedy}" in result.stdout
    quiet, _, warned = result.stderr.partition("large\n")
    assert quiet == ""
    assert warned.count("RuntimeWarning: pyinit is slow, since it draws with NumPy") == 1
    assert remedy in warned
    assert result.stdout.splitlines()[-1] == pyinit.HeNormal(3)((4,)).tobytes().hex()
