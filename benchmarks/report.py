"""The tables of a run, for a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchmarks.model import (
    DISTRIBUTIONS,
    DTYPES,
    INTO,
    MEMORY,
    NEW,
    Measurement,
    Results,
    Spread,
    ratio,
)
from benchmarks.peers import DEEP_LEARNING
from benchmarks.plan import Plan, shape_of
from benchmarks.targets import Target

WIDTH = 100


def print_report(
    console: Console, machine: dict[str, Any], results: Results, plan: Plan, targets: list[Target]
) -> None:
    """Prints all tables of which something was measured."""
    console.print(_heading(machine))
    tables = _tables(results, plan) if plan.tables else []
    for table in (*tables, _targets_table(targets, plan), _left_out(results)):
        if table is not None:
            console.print()
            console.print(table)


def _tables(results: Results, plan: Plan) -> Iterable[RenderableType | None]:
    for threads in plan.thread_counts:
        for dtype in plan.peer_dtypes:
            yield _peers_table(results, plan, dtype, threads)
    yield _dtypes_table(results, plan)
    yield _threads_table(results, plan)
    for distribution in DISTRIBUTIONS:
        yield _sizes_table(results, plan, distribution)
    yield _orthogonal_table(results, plan)
    yield _r_table(results)
    yield _memory_table(results)


def _heading(machine: dict[str, Any]) -> RenderableType:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    configuration = machine["configuration"]
    return Group(
        Text(f"{machine['processor']}, CPUs: {machine['cpus']}, load: {machine['load']:.1f}"),
        Text(f"pyinit {configuration['pyinit']}, kernel {configuration['kernel']}"),
        Text(f"beside {versions}"),
        Text(
            "Times and ratios are medians (with quartiles) of rounds in turn. x: times the time of"
        ),
        Text("pyinit in the same rounds, into out= where that is measured."),
    )


def new_table(title: str, *columns: str, left: int = 1) -> Table:
    """Return an empty table whose first `left` columns are aligned to the left."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < left else "right", no_wrap=True)
    return table


def _peers_table(results: Results, plan: Plan, dtype: str, threads: int) -> Table | None:
    columns = [name for each in DISTRIBUTIONS for name in (_words(each), "x")]
    table = new_table(
        f"Nanoseconds an element, {_shape(plan.square)} {dtype}, threads: {threads}",
        "",
        *columns,
    )
    fields = {"dtype": dtype, "threads": threads}
    measured = list(results.select("peers", **fields))
    for who in _in_order(measured):
        row = [who]
        for distribution in DISTRIBUTIONS:
            found = [
                each
                for each in measured
                if each.case.who == who and each.case.distribution == distribution
            ]
            row += _cells_of(results, found)
        table.add_row(*row, style="bold" if who in (NEW, INTO) else None)
    return table if table.row_count else None


def _cells_of(results: Results, found: Sequence[Measurement]) -> tuple[str, str]:
    """The time, and how many times that of ours it is.

    What is measured in several processes, ours and the memory, is shown where it was fastest.
    """
    if not found:
        return "", ""
    best = min(found, key=lambda each: each.median)
    ours = results.beside(best, who=INTO)
    times = "" if ours is None or ours is best else _times(ratio(best, ours))
    return _spread(best.nanoseconds), times


def _dtypes_table(results: Results, plan: Plan) -> Table | None:
    columns = [name for each in DISTRIBUTIONS for name in (_words(each), "/ fill")]
    table = new_table(
        "pyinit into out=, nanoseconds an element, "
        f"{_shape(plan.square)}, threads: {plan.threads};\n"
        "/ fill: times ndarray.fill of the same bytes",
        "dtype",
        "order",
        *columns,
        left=2,
    )
    for dtype in DTYPES:
        for order in "CF":
            row = [dtype, order]
            for distribution in DISTRIBUTIONS:
                fields = {"dtype": dtype, "distribution": distribution}
                own = next(results.select("dtypes", who=INTO, order=order, **fields), None)
                fill = own and results.beside(own, who=MEMORY, dtype=dtype)
                row += (
                    [_spread(own.nanoseconds), _times(ratio(own, fill))]
                    if own and fill
                    else ["", ""]
                )
            table.add_row(*row)
    return table


def _threads_table(results: Results, plan: Plan) -> Table | None:
    if len(plan.thread_counts) < 2:
        return None
    columns = [name for each in DISTRIBUTIONS for name in (_words(each), "faster")]
    table = new_table(
        f"Threads: pyinit into out=, nanoseconds an element, {_shape(plan.square)}",
        "dtype",
        "threads",
        *columns,
        left=2,
    )
    for dtype in DTYPES:
        for threads in plan.thread_counts:
            row = [dtype, str(threads)]
            for distribution in DISTRIBUTIONS:
                fields = {"dtype": dtype, "distribution": distribution}
                own = next(results.select("threads", threads=threads, **fields), None)
                one = own and results.beside(own, threads=1)
                row += (
                    [_spread(own.nanoseconds), _times(ratio(one, own))] if own and one else ["", ""]
                )
            table.add_row(*row)
    return table


def _sizes_table(results: Results, plan: Plan, distribution: str) -> Table | None:
    table = new_table(
        f"Time of a call by size: {_words(distribution)}, float32, threads: {plan.threads}",
        "shape",
        "fill",
        "pyinit, out=",
        "pyinit",
        "fastest peer",
        "",
        "/ pyinit",
    )
    for exponent in plan.exponents:
        shape = shape_of(exponent)
        measured = list(results.select("sizes", distribution=distribution, shape=shape))
        if not measured:
            continue
        fastest = {
            who: min((m for m in measured if m.case.who == who), key=lambda each: each.median)
            for who in (MEMORY, INTO, NEW)
        }
        others = [each for each in measured if each.case.who in DEEP_LEARNING]
        peer = ["", "", ""]
        if others:
            other = min(others, key=lambda each: each.median)
            own = results.beside(other, who=NEW)
            assert own is not None
            peer = [other.case.who, seconds_text(other.median), _times(ratio(other, own))]
        own_times = [seconds_text(fastest[who].median) for who in (MEMORY, INTO, NEW)]
        table.add_row(_shape(shape), *own_times, *peer)
    return table if table.row_count else None


def _orthogonal_table(results: Results, plan: Plan) -> Table | None:
    table = new_table(
        f"Orthogonal, float32, threads: {plan.threads}",
        "",
        *(name for shape in plan.orthogonal[-3:] for name in (_shape(shape), "x")),
    )
    measured = list(results.select("orthogonal"))
    for who in _in_order(measured):
        row = [who]
        for shape in plan.orthogonal[-3:]:
            found = [m for m in measured if m.case.who == who and m.case.shape == shape]
            if not found:
                row += ["", ""]
                continue
            best = min(found, key=lambda each: each.median)
            own = results.beside(best, who=NEW)
            times = _times(ratio(best, own)) if own and who != NEW else ""
            row += [seconds_text(best.median), times]
        table.add_row(*row, style="bold" if who == NEW else None)
    return table if table.row_count else None


def _r_table(results: Results) -> Table | None:
    table = new_table(
        "R: a new array of doubles; x: times the time of pyinit in R",
        "distribution",
        "",
        "shape",
        "time",
        "quartiles",
        "x",
        left=2,
    )
    for measurement in results.select("r"):
        case = measurement.case
        own = results.beside(measurement, who="R: pyinit")
        assert own is not None
        low, high = measurement.nanoseconds.low, measurement.nanoseconds.high
        table.add_row(
            _words(case.distribution),
            case.who,
            _shape(case.shape),
            seconds_text(measurement.median),
            f"{seconds_text(low * case.size / 1e9)} to {seconds_text(high * case.size / 1e9)}",
            "" if own is measurement else _times(ratio(measurement, own)),
            style="bold" if own is measurement else None,
        )
    return table if table.row_count else None


def _memory_table(results: Results) -> Table | None:
    table = new_table(
        "Peak memory of a call, in a fresh process, in units of the array",
        "",
        "shape",
        "dtype",
        *map(_words, DISTRIBUTIONS),
    )
    rows = dict.fromkeys((peak.who, peak.shape, peak.dtype) for peak in results.peak_memory)
    for who, shape, dtype in rows:
        ratios = {
            peak.distribution: f"{peak.ratio:.2f}"
            for peak in results.peak_memory
            if (peak.who, peak.shape, peak.dtype) == (who, shape, dtype)
        }
        cells = (ratios.get(distribution, "") for distribution in DISTRIBUTIONS)
        style = "bold" if "pyinit" in who else None
        table.add_row(who, _shape(shape), dtype, *cells, style=style)
    return table if table.row_count else None


def _targets_table(targets: list[Target], plan: Plan) -> Table:
    title = f"Targets, at {_shape(plan.square)}, float32, threads: {plan.threads}"
    if plan.side != 4096 or plan.threads != 2:
        title += " (they are meant for 4096 x 4096 on 2 cores)"
    table = new_table(title, "", "target", "measured", "quartiles", "best", "", "worst case")
    table.columns[-1].justify = table.columns[-2].justify = "left"
    table.columns[-1].no_wrap = False
    for target in targets:
        measured = target.measured
        verdict = {True: "met", False: "not met", None: ""}[target.met]
        numbers = ["-", "", ""]
        if measured is not None:
            numbers = [
                _number(measured.median),
                f"{_number(measured.low)}-{_number(measured.high)}",
                _number(measured.best),
            ]
        table.add_row(
            target.name,
            f"{'>=' if target.at_least else '<='} {target.limit:g}",
            *numbers,
            Text(verdict, style={"met": "green", "not met": "red"}.get(verdict, "")),
            target.detail,
        )
    return table


def _left_out(results: Results) -> Table | None:
    table = new_table("Left out", "", "", left=2)
    table.show_header = False
    table.columns[1].no_wrap = False
    for each in results.left_out:
        table.add_row(each.who, each.why.strip().partition("\n")[0])
    return table if table.row_count else None


def _in_order(measured: Iterable[Measurement]) -> list[str]:
    """Who was measured: memory, this library, then the others as they come."""
    whos = dict.fromkeys(each.case.who for each in measured)
    return sorted(whos, key=lambda who: (who != MEMORY, who != INTO, who != NEW))


def _words(distribution: str) -> str:
    return distribution.replace("_", " ")


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _spread(spread: Spread) -> str:
    """The median with the quartiles."""
    return f"{_number(spread.median)} ({_number(spread.low)}-{_number(spread.high)})"


def _times(spread: Spread) -> str:
    return _number(spread.median)


def _number(value: float) -> str:
    """In three digits, but no more than two decimals."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def seconds_text(seconds: float) -> str:
    """Return a duration in three digits, with its unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"
