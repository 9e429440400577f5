"""Check a kernel_server against the golden vectors: `python -m conformance.golden_vectors`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from conformance.program import Program, ProgramKernel, in_use
from pyinit.reproducibility import golden

#: Larger tensors are drawn only once: emulated machines are slow.
_MAX_REPEATED_SIZE = 1 << 17


@dataclass(frozen=True)
class Findings:
    """The result of a check.

    Args:
        checked: The number of golden vectors.
        differences: A description of each vector that differs.
    """

    checked: int
    differences: list[str]


def check(program: Program, level: str) -> Findings:
    """Draw all golden vectors, and the random ones again in Fortran order and as R's doubles."""
    vectors = golden.read()
    with in_use(program, level):
        found = golden.check(vectors)
    differences = [f"{name}: {how}" for name, how in found.differences]
    repeated = [v for v in vectors if _is_repeated(v)]
    for widened, how_drawn in ((False, "in Fortran order"), (True, "in Fortran order, as float64")):
        with in_use(program, level, ProgramKernel(program, level, "F", widened)):
            differences += [
                f"{name}, {how_drawn}: {how}" for name, how in golden.check(repeated).differences
            ]
    return Findings(found.checked, differences)


def _is_repeated(vector: golden.Vector) -> bool:
    size = math.prod(vector.partition_shape or vector.shape)
    return (
        "seed" in vector.config
        and vector.class_name not in golden.ORTHOGONAL
        and size <= _MAX_REPEATED_SIZE
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the findings as JSON, or null if the processor does not support the ISA level."""
    parser = argparse.ArgumentParser(prog="python -m conformance.golden_vectors")
    parser.add_argument("level")
    parser.add_argument("command", nargs="+", help="the program, preceded by its emulator if any")
    options = parser.parse_args(arguments)
    with Program(options.command) as program:
        supported = options.level in program.levels
        print(json.dumps(asdict(check(program, options.level)) if supported else None))
    return 0


if __name__ == "__main__":
    sys.exit(main())
