"""Runs the table of wrong calls: `python -m tests.robustness --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.robustness import page
from tests.robustness.cases import Table
from tests.robustness.keras_calls import keras_cases
from tests.robustness.oracle import Calls
from tests.robustness.runner import RIGHT, Outcome, run

#: The time for a call of Keras, in seconds: many of them never end.
KERAS_LIMIT = 3.0


def main() -> int:
    """Run the table; return 1 if a call of pyinit has a wrong result."""
    parser = argparse.ArgumentParser(prog="python -m tests.robustness", description=__doc__)
    parser.add_argument("--keras", action="store_true", help="also make the calls that Keras has")
    parser.add_argument(
        "--peers",
        action="store_true",
        help="make the calls of the functions that need torch or JAX, and no others",
    )
    parser.add_argument("--write", action="store_true", help="write the counts into the page")
    parser.add_argument("--only", default="", help="the functions whose name contains this")
    options = parser.parse_args()
    table = Table(Calls.read("peer_calls.json" if options.peers else "python_calls.json"))
    cases = [case for case in table.cases() if options.only in case.function]
    of_keras = []
    if options.keras:
        of_keras = [case for case in keras_cases(table) if options.only in case.function]
    with ThreadPoolExecutor() as pool:
        found = pool.submit(run, of_keras, "keras", KERAS_LIMIT)
        ours, theirs = run(cases), found.result()
    report(ours)
    columns = {"pyinit": ours}
    if options.keras:
        compared = {(one.case.function, one.case.argument) for one in theirs}
        columns["pyinit, calls that Keras has"] = [
            one for one in ours if (one.case.function, one.case.argument) in compared
        ]
        columns["Keras"] = theirs
    text = page.table_of(columns)
    print(text)
    if options.write:
        page.write("torch and JAX" if options.peers else "Python", text)
    return 0 if all(one.result in RIGHT for one in ours) else 1


def report(outcomes: Sequence[Outcome]) -> None:
    """Print the calls whose results are wrong."""
    for one in outcomes:
        if one.result not in RIGHT:
            case = one.case
            print(f"{one.result}: {case.source} with value={case.value}: {one.message}")


if __name__ == "__main__":
    sys.exit(main())
