"""The targets of script/fuzz, whose corpus has the files that once failed."""

import os
import subprocess
import sys
from random import Random

import pytest

from tests.fuzz.targets import CORPUS, TARGETS, check, corpus_of
from tests.support import ROOT

pytest.importorskip("h5py")

FILES = [path for path in sorted(CORPUS.rglob("*")) if path.parent.name in TARGETS]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_of_the_corpus(path):
    """Protects against failures that were fixed: each file is read, or refused as documented."""
    check(TARGETS[path.parent.name], path)


@pytest.mark.parametrize("name", TARGETS)
def test_files_that_are_changed_at_random(name, tmp_path):
    """Protects every reader: a changed file is read, or refused as documented."""
    target, random = TARGETS[name], Random(2)
    files = corpus_of(name)
    path = tmp_path / f"changed{target.suffix}"
    for _ in range(15):
        path.write_bytes(target.change(random, random.choice(files), files))
        check(target, path)


#: What a file must not cause, and how it is reported.
HARM = {
    "raise KeyError('x')": "KeyError: 'x'",
    "import os; os.system('true')": "os.system",
    "import pickle; pickle.loads(pickle.dumps(print))": "pickle.find_class",
    "open('pyproject.toml').close()": "open 'pyproject.toml'",
    "exec('1')": "exec (",
    "bytearray(2**36)": "MemoryError",
}


def test_failures_are_found(tmp_path):
    """Protects the fuzzing itself: it reports wrong errors, code that is run, and memory."""
    program = f"""
import dataclasses, itertools, sys, types
from tests.fuzz import __main__, targets

calls, known = 0, len(targets.corpus_of("plan"))

def read(path):
    global calls
    calls += 1
    if calls > known:
        exec(compiled[calls % len(compiled)])

compiled = [compile(code, "harm.py", "exec") for code in {[*HARM]}]
targets.TARGETS["plan"] = dataclasses.replace(targets.TARGETS["plan"], read=read, commands=())
# a second for each change, so that their number does not depend on the machine
__main__.time = types.SimpleNamespace(monotonic=itertools.count().__next__)
sys.argv[1:] = ["plan", "30", "--keep", {str(tmp_path)!r}]
sys.exit(__main__.main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    for message in HARM.values():
        assert message in done.stderr
    assert list(tmp_path.glob("plan-*.json"))
