"""demo/exchange: a Python user and an R user exchange a manifest."""

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
@pytest.mark.slow
def test_it_runs():
    """Protects the whole demo: both languages, exchanged files and detected differences."""
    done = subprocess.run([sys.executable, STORY], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    # Ada's loss is Bea's
    assert len(set(re.findall(r"^  loss (\S+)", done.stdout, re.M))) == 1


def test_unexpected_output_fails(story, monkeypatch, capsys, tmp_path):
    """Protects against a demo that cannot fail."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["exchange.py"])
    monkeypatch.setattr(story, "show", lambda step: "Everything went well.")
    assert story.main() == 1
    assert "4-ada.sh did not print 'the same bytes'" in capsys.readouterr().err


def test_python_is_shown_as_typed(story, capsys):
    """Protects the display: statements with their output, comments, blocks."""
    story.type_in("# why\n\nx = [\n    1,\n]\nx\n\nfor y in x:\n    print(y)\n")
    assert capsys.readouterr().out.splitlines() == [
        *(">>> # why", ">>> x = [", "...     1,", "... ]", ">>> x", "[1]"),
        *(">>> for y in x:", "...     print(y)", "1"),
    ]
