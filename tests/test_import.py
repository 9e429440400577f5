"""The modules that `import pyinit` imports."""

import subprocess
import sys

import pyinit
from pyinit import initializers
from pyinit.initializers import factories
from pyinit.initializers.registry import CLASSES

OPTIONAL = {
    "pyarrow",
    "scipy",
    "keras",
    "cupy",
    "tensorflow",
    "jax",
    "torch",
    "rpy2",
    "dask",
    "matplotlib",
}


def test_import_needs_no_optional_package():
    """Protects the import time, and users without these packages."""
    code = "import sys, pyinit; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not OPTIONAL & set(result.stdout.split())


def test_import_needs_no_slow_module():
    """Protects the import time: these modules take milliseconds, and no import needs them."""
    code = (
        "import sys, numpy, ml_dtypes; before = set(sys.modules)\n"
        "import pyinit; print(*set(sys.modules) - before)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    slow = {"asyncio", "concurrent.futures", "importlib.resources", "shutil", "tempfile"}
    assert not slow & set(result.stdout.split())


def test_modules_are_imported_on_first_access():
    """Protects users who type `import pyinit` alone."""
    code = "import pyinit; pyinit.compat.v1.zeros_initializer(), pyinit.compat.tf_keras.Zeros()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names():
    """Protects the static lists of names, which type checkers need, from missing one."""
    classes = {cls.__name__ for cls in CLASSES}
    assert len(classes) == 18
    assert classes | set(factories.__all__) <= set(initializers.__all__)
    assert set(initializers.__all__) <= set(pyinit.__all__)
