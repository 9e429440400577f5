"""The command: runs every row, prints the results, writes the table."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from conformance import blas, builds, pythons, r, table
from conformance.processes import ROOT
from conformance.rows import Result, Row, State, run
from pyinit.runtime.threads import usable_cpus


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs everything; the status is 1 if a row fails, or if the page has other rows."""
    parser = argparse.ArgumentParser(
        prog="script/conformance",
        description="Draws the golden vectors on every platform, and writes docs/platforms.md.",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="leave docs/platforms.md as it is, and fail if its table has other rows",
    )
    options = parser.parse_args(arguments)
    start = time.monotonic()
    results = run_parallel([*builds.rows(), *pythons.rows(), *r.rows(), *blas.rows()])
    results.append(blas.contrast(results))
    print(results[-1], flush=True)
    problems = []
    if options.check:
        problems = table.differences(results)
    else:
        table.write(results)
    _print_end(results, problems, time.monotonic() - start)
    failed = any(result.outcome.state is State.FAILED for result in results)
    return int(failed or bool(problems))


def run_parallel(rows: Sequence[Row]) -> list[Result]:
    """Runs rows, several at a time, and prints a line for each; returns them in their order."""
    with ThreadPoolExecutor(usable_cpus()) as pool:
        futures = [pool.submit(run, row) for row in rows]
        for future in as_completed(futures):
            print(future.result(), flush=True)
        return [future.result() for future in futures]


def _print_end(results: list[Result], problems: list[str], seconds: float) -> None:
    states = Counter(result.outcome.state for result in results)
    counts = ", ".join(f"{states[state]} {state.value}" for state in State)
    print(f"\nrows: {counts}; {seconds:.0f} s")
    if problems:
        print(
            f"\n{table.PAGE.relative_to(ROOT)} has other rows:",
            *(f"  {problem}" for problem in problems),
            "script/conformance (without --check) writes its table again.",
            sep="\n",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(main())
