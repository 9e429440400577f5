"""Checks a kernel_server against the golden vectors: `python -m conformance.golden_vectors`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from conformance.program import Program, ProgramKernel, in_use
from pyinit.reproducibility import golden

#: Elements of the largest tensor that is drawn more than once: emulated machines are slow.
_LARGEST_AGAIN = 1 << 17


@dataclass(frozen=True)
class Findings:
    """What a program drew.

    Args:
        checked: How many golden vectors.
        differences: Those that came out otherwise, and how.
    """

    checked: int
    differences: list[str]


def check(program: Program, level: str) -> Findings:
    """Draws all golden vectors; those of random values again as columns, and as R's doubles."""
    vectors = golden.read()
    with in_use(program, level):
        found = golden.check(vectors)
    differences = [f"{name}: {how}" for name, how in found.differences]
    again = [v for v in vectors if _is_drawn_again(v)]
    for wide, what in ((False, "in Fortran order"), (True, "in Fortran order, as float64")):
        with in_use(program, level, ProgramKernel(program, level, "F", wide)):
            differences += [
                f"{name}, {what}: {how}" for name, how in golden.check(again).differences
            ]
    return Findings(found.checked, differences)


def _is_drawn_again(vector: golden.Vector) -> bool:
    size = math.prod(vector.partition_shape or vector.shape)
    return "seed" in vector.config and vector.class_name != "Orthogonal" and size <= _LARGEST_AGAIN


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the findings as JSON, or null if the processor lacks the instruction set."""
    parser = argparse.ArgumentParser(prog="python -m conformance.golden_vectors")
    parser.add_argument("level")
    parser.add_argument("command", nargs="+", help="the program, after its emulator if any")
    options = parser.parse_args(arguments)
    with Program(options.command) as program:
        here = options.level in program.levels
        print(json.dumps(asdict(check(program, options.level)) if here else None))
    return 0


if __name__ == "__main__":
    sys.exit(main())
