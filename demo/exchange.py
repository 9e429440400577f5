"""A story: a Python user and an R user pin, exchange and verify the initial weights of a model.

It is told by the files in demo/exchange, in their order: what each of the people types, in a
process of its own, and what is printed. All that goes between them is files.

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
#: What each step must print, among other things: a story that could not fail would show nothing.
EXPECTED = {
    "1-bea.R": (),
    "2-ada.py": ("Manifest of 4 tensors, 524 bytes:", "loss 1.06212"),
    "3-bea.R": ("The same: 4 tensors, 524 bytes.", "loss 1.06212", '"weights.safetensors"'),
    "4-ada.sh": ("the same bytes", "The same: 4 tensors, 524 bytes."),
    "5-what-goes-wrong.R": (
        "hidden/kernel: the seed is the one derived from 43, not the one derived from 42",
        "hidden/kernel: the shape is [4, 17], not [4, 16]",
        "hidden/kernel: 1 of 64 values differ",
    ),
    "6-what-goes-wrong.sh": (
        "later.json: its stream_version is 2, and this pyinit draws version 1",
        "what its initializer draws here has the fingerprint",
        "the manifest contradicts itself",
    ),
}

#: With the code as it was typed, comments too.
_SOURCE = "source({!r}, echo = TRUE, keep.source = TRUE, max.deparse.length = Inf)"


def tell(step: Path) -> str:
    """Runs a step, as it would look to who types it; returns what it printed."""
    commands = {
        ".R": ["Rscript", "-e", _SOURCE.format(str(step))],
        ".py": [sys.executable, __file__, str(step)],
        ".sh": ["bash", "-v", str(step)],
    }
    told: list[str] = []
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
            told.append(line)
    return "".join(told)


def type_in(source: str) -> None:
    """Runs Python code as if somebody typed it: each statement is shown, then what it gives."""
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
    """Tells the story; returns the exit status."""
    if len(sys.argv) > 1:
        type_in(Path(sys.argv[1]).read_text(encoding="utf-8"))
        return 0
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, expected in EXPECTED.items():
            print(f"\n{name}", flush=True)
            told = tell(STEPS / name)
            failed += [f"{name} did not print {text!r}" for text in expected if text not in told]
        os.chdir(STEPS)
    for failure in failed:
        print(failure, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
