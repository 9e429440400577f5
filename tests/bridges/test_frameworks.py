"""The errors of missing frameworks."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "name"), [("keras", "Keras"), ("torch", "torch"), ("jax", "JAX"), ("dask", "Dask")]
)
@pytest.mark.parametrize("statement", ["import pyinit.{}", "import pyinit; pyinit.{}"])
def test_missing_frameworks_are_named(module, name, statement):
    """A missing framework is an ImportError with the command that installs it."""
    code = f"import sys; sys.modules[{module!r}] = None; {statement.format(module)}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    expected = (
        f"ImportError: pyinit.{module} needs {name}, which is not installed: pip install {module}"
    )
    assert result.stderr.splitlines()[-1] == expected


def test_other_import_errors_are_kept():
    """A framework that is installed but broken reports its own error."""
    code = "import sys; sys.modules['pyinit.bridges.keras.models'] = None; import pyinit.keras"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ModuleNotFoundError: import of pyinit.bridges.keras.models" in result.stderr
    assert "not installed" not in result.stderr
