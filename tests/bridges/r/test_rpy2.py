"""R in a Python process: how it starts and ends, and the parity tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyinit.bridges.r import session
from tests.support import SUPPORT

pytestmark = pytest.mark.r


def run(*arguments, **environment):
    """Run Python with these arguments; return the completed process."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
        check=False,
    )


def assert_ends_well(ended, stdout):
    """Check that a process printed `stdout`, no messages, and exited with status 0."""
    assert (ended.stderr, ended.stdout, ended.returncode) == ("", stdout, 0)


def test_parity():
    """Protects the parity of Python and R, in a process in which R may stay."""
    ended = run("-m", "pytest", "-q", "-p", "no:cacheprovider", SUPPORT / "parity_rpy2.py")
    assert (ended.stderr, ended.returncode) == ("", 0), ended.stdout


# When R collects garbage, reticulate drops references to Python objects; under rpy2 it does so
# without holding the GIL: see rpkg/src/reticulate_workarounds.c
COLLECT = """
from pyinit.bridges.r import session
session.start()
from rpy2 import robjects
robjects.r('''
  sys <- reticulate::import("sys", convert = FALSE)
  for (i in 1:10) {
    for (j in 1:20) sys$version_info$count(1L)
    gc()
  }
''')
print("alive")
"""


def test_a_process_survives_collections_and_ends_well():
    """Protects Python's objects when R's garbage collector drops references to them."""
    assert_ends_well(run("-c", COLLECT), "alive\n")


ARRAYS = """
import os
import numpy as np
from pyinit.bridges.r import session
ours = np.arange(6.0)
theirs = session.to_r(ours)
from rpy2 import robjects
robjects.r("drawn <- pyinit::initializer_he_normal(seed = 1)(c(100, 100))")
view = session.from_r(robjects.globalenv["drawn"])
robjects.r(".Last <- function() cat('the end of R')")
print(robjects.r("tempdir()")[0])
"""


def test_a_process_ends_well_with_arrays_on_both_sides():
    """Protects the exit of a process whose languages hold arrays of each other."""
    ended = run("-c", ARRAYS)
    folder, _, last = ended.stdout.partition("\n")
    assert (ended.stderr, last, ended.returncode) == ("", "the end of R", 0)
    assert not Path(folder).exists()


def test_importing_the_bridge_does_not_start_r():
    """Protects users without R."""
    code = "import sys; import pyinit.bridges.r.session; print('rpy2' in sys.modules)"
    assert_ends_well(run("-c", code), "False\n")


def test_without_rpy2_the_error_says_how_to_install_it(monkeypatch):
    """Protects users without rpy2."""
    monkeypatch.setitem(sys.modules, "rpy2", None)
    with pytest.raises(ImportError, match=r'pip install "\.\[r\]"'):
        session.start()


def test_lib_paths_must_be_a_sequence():
    """Protects against a string that is read as a sequence of letters."""
    with pytest.raises(ValueError, match="Argument `lib_paths` must be a sequence of folders"):
        session.start("/usr/lib/R/library")


START = """
from pyinit.bridges.r import session
try:
    session.start()
except ImportError as error:
    print(error)
"""


def test_without_r_the_error_says_what_is_missing():
    """Protects users without R."""
    environment = {name: value for name, value in os.environ.items() if name != "R_HOME"}
    environment["PATH"] = "/nonexistent"
    ended = subprocess.run(
        [sys.executable, "-c", START], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("rpy2 cannot start R, which must be installed (version 4.2 or")


def test_without_the_r_package_the_error_says_how_to_install_it():
    """Protects users without the R package."""
    ended = run("-c", START, R_LIBS="", R_LIBS_USER="/nonexistent")
    message = "The R package pyinit cannot be loaded: there is no package called"
    assert (ended.stderr, ended.returncode) == ("", 0)
    assert ended.stdout.startswith(message)
    assert ended.stdout.endswith("R CMD INSTALL rpkg\n")


def test_a_running_r_finds_the_package_in_lib_paths(tmp_path):
    """Protects users who started R through rpy2, and libraries outside R's own paths."""
    find = ["Rscript", "-e", "cat(find.package('pyinit'))"]
    found = subprocess.run(find, check=True, capture_output=True, text=True).stdout
    (tmp_path / "pyinit").symlink_to(found)
    code = f"""
import rpy2.rinterface as ri
ri.initr()
ri.evalr("x <- 1")
from pathlib import Path
from pyinit.bridges.r import session
session.start([Path({str(tmp_path)!r})])
print(ri.globalenv["x"][0])
"""
    assert_ends_well(run("-c", code, R_LIBS=""), "1.0\n")
