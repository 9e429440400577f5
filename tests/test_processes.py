"""Seeds in several processes: a draw is never repeated silently."""

import os
import pickle
import subprocess
import sys

import pytest

import pyinit
from tests.support import ROOT, SUPPORT


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork()")
def test_a_forked_process_does_not_repeat_draws():
    """Protects workers from weights that are the same in each of them."""
    done = subprocess.run(
        [sys.executable, SUPPORT / "forks.py"],
        env={"KERAS_BACKEND": "numpy", **os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_unseeded_initializer_is_the_same_in_every_process():
    """Protects initializers that are sent to workers: the fresh seed is part of them."""
    initializer = pyinit.HeNormal()
    code = (
        "import pickle, sys\n"
        "initializer = pickle.load(sys.stdin.buffer)\n"
        "sys.stdout.buffer.write(initializer((4, 3)).tobytes())\n"
    )
    pickled = pickle.dumps(initializer)
    drawn = {
        subprocess.run(
            [sys.executable, "-c", code], input=pickled, capture_output=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert drawn == {initializer((4, 3)).tobytes()}
