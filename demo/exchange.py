"""A story: a Python user and an R user record, exchange and verify the initial weights of a model.

Each file in demo/exchange is a step: the input of one person, run in a separate process and shown
with its output. The people exchange only files.

Usage: script/demo exchange
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

STEPS = Path(__file__).with_suffix("")
#: Required output of each step: a demo that cannot fail would prove nothing.
EXPECTED = {
    "1-bea.R": (),
    "2-ada.py": ("Manifest of 4 tensors, 524 bytes, seed 42:", "loss 1.06212"),
    "3-bea.R": ("The same: 4 tensors, 524 bytes.", "loss 1.06212", '"weights.safetensors"'),
    "4-ada.sh": ("the same bytes", "The same: 4 tensors, 524 bytes."),
    "5-carl.R": (
        "hidden/kernel: the seed is the one derived from 43, not the one derived from 42",
        "hidden/kernel: the shape is [4, 17], not [4, 16]",
        "hidden/kernel: 1 of 64 values differ",
    ),
    "6-other-manifests.sh": (
        "later.json: the stream_version is 2; this pyinit draws version 1",
        "its initializer gives the fingerprint",
        "contradicts itself",
    ),
}

#: Echoes the code as typed, with comments.
_SOURCE = "source({!r}, echo = TRUE, keep.source = TRUE, max.deparse.length = Inf)"


def show(step: Path) -> str:
    """Run a step as in an interactive session and return its output."""
    commands = {
        ".R": ["Rscript", "-e", _SOURCE.format(str(step))],
        ".py": [sys.executable, __file__, str(step)],
        ".sh": ["bash", "-v", str(step)],
    }
    shown: list[str] = []
    with subprocess.Popen(
        commands[step.suffix],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"  {line}", end="", flush=True)
            shown.append(line)
    return "".join(shown)


def type_in(source: str) -> None:
    """Run Python code as in an interactive session: show each statement, then its output."""
    names = {"__name__": "__main__"}
    lines = source.splitlines()
    shown = 0
    for statement in ast.parse(source).body:
        first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
        for number in range(shown, last):
            if number <= first and not lines[number]:
                continue
            print("... " if number > first else ">>> ", lines[number], sep="")
        shown = last
        exec(compile(ast.Interactive([statement]), "<typed>", "single"), names)


def main() -> int:
    """Run all steps and return the exit status."""
    if len(sys.argv) > 1:
        type_in(Path(sys.argv[1]).read_text(encoding="utf-8"))
        return 0
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, expected in EXPECTED.items():
            print(f"\n{name}", flush=True)
            shown = show(STEPS / name)
            failed += [f"{name} did not print {text!r}" for text in expected if text not in shown]
        os.chdir(STEPS)
    for failure in failed:
        print(failure, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
