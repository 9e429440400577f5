"""What is built: the tests of the source distribution, and the tags of the wheels."""

import os
import subprocess
import sys
import tarfile

import pytest

import pyinit
from tests.support import ROOT, needs_checkout

pytestmark = [pytest.mark.slow, needs_checkout]


def run(folder, *arguments, **variables) -> str:
    """Run Python in a folder that takes precedence over an installed pyinit; return its output."""
    # The coverage of this checkout does not include other folders.
    environment = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_tests_pass_in_an_unpacked_sdist(tmp_path):
    """Protects distributors and users who test what they build: no file is missing."""
    # egg_info's folder stays out of the checkout.
    run(
        ROOT,
        *("setup.py", "-q", "egg_info", "--egg-base", tmp_path),
        *("sdist", "--dist-dir", tmp_path),
    )
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        # not every release of Python 3.10 and 3.11 has filters
        packed.extraction_filter = getattr(tarfile, "data_filter", None)
        packed.extractall(tmp_path)
    unpacked = tmp_path / archive.name.removesuffix(".tar.gz")
    run(unpacked, "setup.py", "-q", "build_ext", "--inplace")
    markers = "not backends and not tensorflow and not slow"
    printed = run(unpacked, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", markers)
    assert " passed" in printed


@pytest.mark.parametrize(("compiler", "tag"), [("cc", "cp310-abi3-"), ("false", "py3-none-any")])
def test_the_tag_of_a_wheel(tmp_path, compiler, tag):
    """Protects other machines: a wheel without the kernel runs anywhere, one with it does not."""
    arguments = ("egg_info", "--egg-base", tmp_path, "build", "--build-base", tmp_path / "build")
    run(
        ROOT,
        "setup.py",
        "-q",
        *arguments,
        "bdist_wheel",
        "--dist-dir",
        tmp_path / "dist",
        CC=compiler,
    )
    (wheel,) = (tmp_path / "dist").iterdir()
    assert wheel.name.startswith(f"pyinit_bridge-{pyinit.__version__}-{tag}")
