"""The command: run every row, print the results and write the table."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from conformance import blas, builds, explorer, pythons, r, table
from conformance.processes import ROOT
from conformance.rows import Result, Row, State, run
from pyinit.runtime.threads import usable_cpus


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything; return 1 if a row fails or the rows of the page differ, otherwise 0."""
    parser = argparse.ArgumentParser(
        prog="script/conformance",
        description="Draw the golden vectors on every platform and write docs/platforms.md.",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="do not write docs/platforms.md; fail if the rows of its table differ",
    )
    options = parser.parse_args(arguments)
    start = time.monotonic()
    results = run_parallel(
        [*builds.rows(), *explorer.rows(), *pythons.rows(), *r.rows(), *blas.rows()]
    )
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
    """Run rows in parallel, printing a line for each, and return the results in order."""
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
            f"\n{table.PAGE.relative_to(ROOT)} is out of date:",
            *(f"  {problem}" for problem in problems),
            "Run script/conformance without --check to update it.",
            sep="\n",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(main())
