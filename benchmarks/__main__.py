"""The command: measure, print the tables and write the files."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import against, page
from benchmarks.machine import describe, thread_counts
from benchmarks.model import Results
from benchmarks.peers import NUMPY, PEERS
from benchmarks.plan import Plan, make_plan
from benchmarks.report import WIDTH, print_report
from benchmarks.run import run_plan
from benchmarks.targets import Target, targets


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks; return 0 regardless of the numbers."""
    options = _parse(arguments)
    if options.against is not None:
        return _main_against(options)
    plan = make_plan(options.plan, thread_counts())
    console, progress = _consoles()
    machine = describe()
    results = run_plan(
        plan,
        peers=PEERS if options.peers == "all" else (NUMPY,),
        with_r=options.r,
        log=lambda line: progress.print(line, markup=False),
    )
    found = targets(results, plan)
    print_report(console, machine, results, plan, found)
    files = write_files(options.output, machine, vars(options), results, plan, found)
    if options.write:
        page.write(machine, found)
        files.append(page.PAGE)
    console.print()
    for file in files:
        console.print(f"Written: {file}", markup=False, soft_wrap=True)
    return 0


def _main_against(options: argparse.Namespace) -> int:
    effort = against.EFFORTS[options.plan]
    other: against.Copy = options.against
    console, progress = _consoles()
    results = against.compare(
        other, effort, options.r, options.rows, log=lambda line: progress.print(line, markup=False)
    )
    against.print_copies(console, other, results)
    options.output.mkdir(parents=True, exist_ok=True)
    file = options.output / "against.json"
    content = {"machine": describe(), **against.to_json(other, effort, results)}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    console.print(f"Written: {file}", markup=False, soft_wrap=True)
    return 0


def _consoles() -> tuple[Console, Console]:
    """Return the console for tables and the one for progress."""
    console = Console(highlight=False)
    if console.width > WIDTH or not console.is_terminal:
        console.width = WIDTH
    return console, Console(stderr=True, highlight=False)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench", description="Measure this library and its peers, side by side."
    )
    plans = parser.add_mutually_exclusive_group()
    for name, text in (
        ("quick", "small tensors and few rounds: a few minutes"),
        ("full", "all sizes up to 2^28 elements, and the peers in all dtypes: an hour or more"),
        ("targets", "only the measurements for the table of targets"),
    ):
        plans.add_argument(f"--{name}", dest="plan", action="store_const", const=name, help=text)
    parser.add_argument(
        "--peers",
        choices=("all", "none"),
        default="all",
        help="none: compare with NumPy only (default: all)",
    )
    parser.add_argument("--no-r", dest="r", action="store_false", help="leave out R")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        default=Path(__file__).parent / "results",
        help="folder for the results and the plots (default: benchmarks/results)",
    )
    parser.add_argument(
        "--write", action="store_true", help=f"write the targets into docs/{page.PAGE.name}"
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="PATH",
        help="compare this checkout with another copy of pyinit instead: a Python interpreter that "
        "imports it, or a checkout",
    )
    parser.add_argument(
        "--rows",
        default="",
        metavar="REGEX",
        help="with --against: measure only the rows whose names match (default: all)",
    )
    parser.set_defaults(plan="default")
    options = parser.parse_args(arguments)
    if options.write and options.plan == "quick":
        parser.error("--write needs tensors of the size of the targets: leave out --quick")
    if options.against is not None:
        if options.plan == "targets" or options.write:
            parser.error("--targets and --write cannot be combined with --against")
        try:
            options.against = against.copy_at(options.against)
        except ValueError as error:
            parser.error(str(error))
    return options


def write_files(
    folder: Path,
    machine: dict[str, Any],
    options: dict[str, Any],
    results: Results,
    plan: Plan,
    found: list[Target],
) -> list[Path]:
    """Write `results.json` and, if Matplotlib is installed, the plots; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "results.json"
    content = {
        "machine": machine,
        "options": {name: value for name, value in options.items() if name != "output"},
        "measurements": [measurement.to_json() for measurement in results.measurements],
        "peak_memory": [peak.to_json() for peak in results.peak_memory],
        "skipped": [asdict(skipped) for skipped in results.skipped],
        "targets": [target.to_json() for target in found],
    }
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if not plan.tables:
        return [file]
    if importlib.util.find_spec("matplotlib") is None:
        print("No plots: matplotlib is not installed.", file=sys.stderr)
        return [file]
    from benchmarks.plots import write_plots

    return [file, *write_plots(results, plan, folder)]


if __name__ == "__main__":
    sys.exit(main())
