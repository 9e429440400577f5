"""Actions that wait for the import of a library."""

import importlib
import importlib.util
import sys

import pytest

from pyinit.bridges.imports import when_imported


@pytest.fixture
def late(tmp_path, monkeypatch):
    """Write a module that can be imported; return its name."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "late_module.py").write_text("done = True\n")
    yield "late_module"
    sys.modules.pop("late_module", None)


def test_the_action_follows_the_import(late):
    """Protects registration with a library that is imported later, by any number of actions."""
    found = []
    for number in range(2):
        when_imported(late, lambda module, number=number: found.append((number, module.done)))
    # TensorFlow only looks whether the module is installed
    assert importlib.util.find_spec(late) is not None
    assert not found
    finders = len(sys.meta_path)
    module = importlib.import_module(late)
    assert sorted(found) == [(0, True), (1, True)]
    assert len(sys.meta_path) == finders - 2
    when_imported(late, lambda module: found.append(module))
    assert found[-1] is module


def test_a_failed_import_is_tried_again(late, tmp_path):
    """Protects the action from an import that fails at first."""
    found = []
    when_imported(late, found.append)
    (tmp_path / "late_module.py").write_text("raise ImportError('not yet')\n")
    with pytest.raises(ImportError, match="not yet"):
        importlib.import_module(late)
    assert not found
    (tmp_path / "late_module.py").write_text("done = 'at last'\n")
    importlib.invalidate_caches()
    assert importlib.import_module(late) is found[0]
