"""The code that runs the documentation's blocks notices what is wrong."""

import shutil

import pytest

from tests.support import DATA, code_blocks

PAGE = DATA / "code_blocks.md"


def test_blocks():
    """Protects pages with tabs, lists and blocks that are not run."""
    found = code_blocks.blocks(PAGE)
    assert [block.is_run for block in found] == [True] * 3 + [False, True, False, True, False]
    assert [block.mark for block in found if block.mark] == ["not run: needs a GPU"]
    assert [block.file for block in found if block.file] == ["answer.py"]
    lines = PAGE.read_text().splitlines()
    assert all(lines[block.line - 1].strip() == block.text.split("\n")[0] for block in found)


def test_python(capsys):
    """Protects readers from output that Python does not print."""
    assert code_blocks.run_python(PAGE) == (1, 4)
    printed = capsys.readouterr().out
    assert "line 19" in printed
    assert "Expected:\n    3\nGot:\n    2" in printed


@pytest.mark.r
def test_r(tmp_path):
    """Protects readers from output that R does not print; errors and warnings are compared."""
    if shutil.which("Rscript") is None:
        pytest.skip("needs R")
    results = code_blocks.run_r([PAGE], tmp_path)[PAGE]
    assert [code for code, shown, printed in results if shown != printed] == ["f(1)"]
    assert results[-1] == ("f(1)", ["[1] 3"], ["[1] 2"])


def test_shell(tmp_path):
    """Protects readers from output that a command does not print."""
    results = list(code_blocks.run_shell(PAGE, tmp_path))
    assert results == [
        ("python answer.py", ["42"], ["42"]),
        ("python answer.py extra", ["43"], ["42"]),
    ]
