"""Docstrings derived from those of pyinit's own classes."""

import inspect
import re
import subprocess
import sys

import pytest

from pyinit.compat import tf_keras, v1

PUBLIC = {
    f"{prefix}.{name}": getattr(module, name)
    for prefix, module in [
        ("tf_keras", tf_keras.initializers),
        ("v1", v1),
        ("v1.initializers", v1.initializers),
        ("v1.keras.initializers", v1.keras.initializers),
    ]
    for name in module.__all__
}
CLASSES = {name: cls for name, cls in PUBLIC.items() if isinstance(cls, type)}


@pytest.mark.parametrize("name", [name for name in CLASSES if not name.endswith(".Initializer")])
def test_docstrings_describe_the_class(name):
    """Protects summary, arguments, errors, example and source."""
    cls = CLASSES[name]
    doc = inspect.getdoc(cls)
    assert doc.partition("\n")[0].endswith(".")
    described = doc.partition("Args:\n")[2].partition("\n\n")[0]
    parameters = list(inspect.signature(cls).parameters)
    assert re.findall(r"^ {4}(\w+): ", described, re.MULTILINE) == parameters
    assert ("ArgumentError: " in doc) == bool(parameters)
    module = name.partition(".")[0]
    assert f">>> from pyinit.compat import {module}\n" in doc
    assert re.search(rf">>> .*\b{module}\.[\w.]+\(", doc)
    assert re.search(r"^Source: https://", doc, re.MULTILINE)


def test_public_names_have_docstrings():
    """Protects functions, modules and the base classes."""
    assert [name for name, value in PUBLIC.items() if not value.__doc__] == []


def test_optimized_python_needs_no_docstrings():
    """Protects the import under `python -OO`, which strips docstrings."""
    program = "from pyinit.compat import tf_keras, v1; print(tf_keras.HeNormal.__doc__)"
    run = subprocess.run([sys.executable, "-OO", "-c", program], capture_output=True, check=True)
    assert run.stdout.strip() == b"None"
