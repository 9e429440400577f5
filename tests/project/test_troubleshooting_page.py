"""docs/troubleshooting.md: the messages are those that are really printed."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support import ROOT, needs_checkout

pytestmark = needs_checkout

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()

#: What to run for the message of a section: a program, its code, and environment variables.
IN_PYTHON = {
    "No compiler": (
        "import sys; sys.modules['pyinit.native._kernel'] = None; import pyinit;"
        "pyinit.HeNormal(seed=1)((1500, 1500))",
        {},
    ),
    "A framework is missing": (
        "import sys; sys.modules['torch'] = None; import pyinit.torch",
        {},
    ),
    "A GPU is not used": (
        "import sys; sys.modules['cupy'] = None; import pyinit;"
        "pyinit.HeNormal(seed=1)((2, 2), device='cuda')",
        {},
    ),
    "An argument is refused": ("import pyinit; pyinit.HeNormal(seed=1)((2, -3))", {}),
}
IN_RPY2 = {
    "rpy2: R cannot be started": ("import pyinit.rpy2; pyinit.rpy2.start()", {"PATH": ""}),
    "rpy2: the R package is missing": (
        "import pyinit.rpy2; pyinit.rpy2.start()",
        {"R_LIBS": "", "LC_ALL": "C.UTF-8"},
    ),
}
DRAW_IN_R = "library(pyinit); initializer_ones()(2)"
IN_R = {
    "R: RETICULATE_PYTHON names a Python that does not exist": (
        DRAW_IN_R,
        {"RETICULATE_PYTHON": "/opt/gone/bin/python"},
    ),
    "R: the versions differ": (
        "library(pyinit); reticulate::py_run_string("
        "'import pyinit; pyinit.__version__ = \"0.0.1\"'); initializer_ones()(2)",
        {},
    ),
}


def messages():
    """Return the messages of the page by their sections."""
    found = re.findall(r"^## (.*)\n(?:(?!## ).*\n)*?```text\n((?:.*\n)*?)```", PAGE, re.M)
    return {title: text.strip() for title, text in found}


def check_message(title, command, environment, folder=None):
    """Run a command that fails or warns, and compare what it prints with the page."""
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    printed = " ".join((done.stdout + done.stderr).split())
    words = " ".join(messages()[title].split())
    pattern = ".*?".join(map(re.escape, words.split("...")))
    assert re.search(pattern, printed), printed


@pytest.mark.parametrize("title", IN_PYTHON)
def test_messages_of_python(title):
    """Protects readers who search the page for the words that they see."""
    code, environment = IN_PYTHON[title]
    check_message(title, [sys.executable, "-c", code], environment)


@pytest.mark.r
@pytest.mark.parametrize("title", IN_RPY2)
def test_messages_of_rpy2(title):
    """Protects the same, of R inside Python."""
    pytest.importorskip("rpy2")
    code, environment = IN_RPY2[title]
    check_message(title, [sys.executable, "-c", code], environment)


@pytest.mark.r
@pytest.mark.parametrize("title", IN_R)
def test_messages_of_r(title):
    """Protects the same, in R."""
    if shutil.which("Rscript") is None:
        pytest.skip("needs R")
    code, environment = IN_R[title]
    check_message(title, ["Rscript", "-e", code], environment)


@pytest.mark.r
def test_the_message_without_the_python_package(tmp_path):
    """Protects the most frequent search: a Python without pyinit."""
    if shutil.which("Rscript") is None:
        pytest.skip("needs R")
    python = tmp_path / "empty" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "empty"], check=True)
    environment = {"RETICULATE_PYTHON": str(python), "PYTHONPATH": ""}
    title = "R: the Python package is not found"
    check_message(title, ["Rscript", "-e", DRAW_IN_R], environment, tmp_path)


def test_every_message_is_tested():
    """Protects messages on the page that no test prints."""
    tested = {*IN_PYTHON, *IN_RPY2, *IN_R, "R: the Python package is not found"}
    # tests_r/test-install.R installs, and restarts R
    assert set(messages()) - tested == {"R: the wrong Python environment"}
