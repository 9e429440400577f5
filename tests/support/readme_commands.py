"""Run commands of docs/cheatsheet.md in this process, after `import pyinit` alone.

Reads a JSON list of commands and prints a JSON object of those that fail, with their errors.
Every command gets new objects under the names that the page uses.
"""

import json
import os
import sys
import traceback

os.environ.setdefault("KERAS_BACKEND", "numpy")

import pyinit

MODEL = """
import keras
dense = keras.layers.Dense(3, kernel_initializer=pyinit.HeNormal(seed=1), name="dense")
model = keras.Sequential([keras.Input((4,)), dense])
"""
SETUP = {
    "initializer": "initializer = pyinit.HeNormal(seed=1)",
    "array": "import numpy; array = numpy.empty((64, 32), 'float32')",
    "keras.layers": "import keras",
    "model": MODEL,
    "abstract": "import jax; "
    "abstract = {'dense': {'kernel': jax.ShapeDtypeStruct((4, 3), 'float32')}}",
    "module": "import torch; module = torch.nn.Linear(4, 3)",
}


def error_of(command: str) -> str:
    """Run a command; return the traceback of its error, or an empty string."""
    try:
        run(command)
    except Exception:
        return traceback.format_exc()
    return ""


def run(command: str) -> None:
    """Run a command; a check that it makes must pass."""
    names = {"pyinit": pyinit}
    for name, code in SETUP.items():
        if name in command:
            exec(code, names)
    if command.startswith("from "):
        exec(command, names)
        return
    result = eval(command, names)
    if isinstance(result, pyinit.Verification) or "self_test" in command:
        assert result, str(result)


failures = {command: error for command in json.load(sys.stdin) if (error := error_of(command))}
sys.stdout.write("\n" + json.dumps(failures))
