"""The story in demo/exchange: what a Python user and an R user do with a manifest."""

import importlib.util
import re
import subprocess
import sys

import pytest

from tests.support import ROOT

pytest.importorskip("keras")

STORY = ROOT / "demo" / "exchange.py"


@pytest.fixture
def story():
    spec = importlib.util.spec_from_file_location("exchange", STORY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.r
def test_it_ends_as_it_is_told():
    """Protects the whole story: both languages, files between them, and what goes wrong."""
    told = subprocess.run([sys.executable, STORY], capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
    # Ada's loss is Bea's
    assert len(set(re.findall(r"^  loss (\S+)", told.stdout, re.M))) == 1


def test_a_step_that_says_something_else_fails(story, monkeypatch, capsys, tmp_path):
    """Protects against a story that could not fail."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["exchange.py"])
    monkeypatch.setattr(story, "tell", lambda step: "Everything went well.")
    assert story.main() == 1
    assert "4-ada.sh did not print 'the same bytes'" in capsys.readouterr().err


def test_python_is_shown_as_it_is_typed(story, capsys):
    """Protects what the reader sees: statements with what they give, comments, blocks."""
    story.type_in("# why\n\nx = [\n    1,\n]\nx\n\nfor y in x:\n    print(y)\n")
    assert capsys.readouterr().out.splitlines() == [
        *(">>> # why", ">>> x = [", "...     1,", "... ]", ">>> x", "[1]"),
        *(">>> for y in x:", "...     print(y)", "1"),
    ]
