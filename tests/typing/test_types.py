"""The types that users see: mypy and Pyright check two scripts as they check a user's code."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

FOLDER = ROOT / "tests" / "typing"
SCRIPTS = ("user_script.py", "user_mistakes.py")


def run(*command) -> str:
    """Run a checker, which may find errors, and return its output."""
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=FOLDER, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def errors_of_mypy(_: Path) -> dict[str, set[tuple[int, str]]]:
    """Return the line and the code of each error in each script."""
    found = {name: set() for name in SCRIPTS}
    # Kept between runs, since the types of NumPy take seconds; other options than the package's.
    cache = ROOT / ".mypy_cache" / "user"
    printed = run(
        *(sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--show-error-codes"),
        *("--config-file", "", "--cache-dir", str(cache), "--follow-imports", "silent"),
        *SCRIPTS,
    )
    for name, line, code in re.findall(r"^(\w+\.py):(\d+): error: .*\[([\w-]+)\]$", printed, re.M):
        found[name].add((int(line), code))
    return found


def errors_of_pyright(folder: Path) -> dict[str, set[tuple[int, str]]]:
    """Return the line and the rule of each error in each script."""
    found = {name: set() for name in SCRIPTS}
    project = folder / "pyrightconfig.json"
    settings = {
        "include": [str(FOLDER / name) for name in SCRIPTS],
        "extraPaths": [str(ROOT)],
        "typeCheckingMode": "standard",
    }
    project.write_text(json.dumps(settings))
    command = Path(sys.executable).with_name("basedpyright")
    printed = run(command, "--outputjson", "--pythonpath", sys.executable, "--project", project)
    for error in json.loads(printed)["generalDiagnostics"]:
        if error["severity"] == "error":
            line = error["range"]["start"]["line"] + 1
            found[Path(error["file"]).name].add((line, error["rule"]))
    return found


@pytest.fixture(scope="module", params=[errors_of_mypy, errors_of_pyright])
def checker(request, tmp_path_factory):
    """The name of each checker in turn, and the errors that it finds."""
    name = request.param.__name__.removeprefix("errors_of_")
    command = {"mypy": "mypy", "pyright": "basedpyright"}[name]
    if shutil.which(command, path=str(Path(sys.executable).parent)) is None:
        pytest.skip(f"{command} is not installed")
    return name, request.param(tmp_path_factory.mktemp(name))


def test_a_correct_script_passes(checker):
    """Protects users who type-check their own code from types that are too narrow."""
    assert checker[1]["user_script.py"] == set()


def test_every_mistake_is_reported(checker):
    """Protects users who mistype: each marked line has its error, and no other line has one."""
    name, errors = checker
    expected = set()
    for number, line in enumerate((FOLDER / "user_mistakes.py").read_text().splitlines(), 1):
        if marked := re.search(r"# E: (\S+) (\S+)$", line):
            expected.add((number, marked[1 if name == "mypy" else 2]))
    assert len(expected) > 20
    found = errors["user_mistakes.py"]
    assert expected - found == set()
    # Pyright may report one mistake under two rules.
    assert {line for line, _ in found} == {line for line, _ in expected}
