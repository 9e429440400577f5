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
    PARTITIONS,
    Measurement,
    Results,
    Spread,
    ratio,
)
from benchmarks.peers import DEEP_LEARNING
from benchmarks.plan import Plan, shape_of
from benchmarks.r_side import KERAS3, OURS
from benchmarks.sharded import EAGER, JIT, THEIRS
from benchmarks.targets import Target, ratio_by_tile

WIDTH = 100


def print_report(
    console: Console, machine: dict[str, Any], results: Results, plan: Plan, targets: list[Target]
) -> None:
    """Print all tables that have measurements."""
    console.print(_heading(machine))
    tables = _tables(results, plan) if plan.tables else []
    for table in (*tables, _targets_table(targets, plan), _skipped(results)):
        if table is not None:
            console.print()
            console.print(table)


def _tables(results: Results, plan: Plan) -> Iterable[RenderableType | None]:
    for threads in plan.thread_counts:
        for dtype in plan.peer_dtypes:
            yield _peers_table(results, plan, dtype, threads)
    yield _dtypes_table(results, plan)
    yield _threads_table(results, plan)
    yield _partitions_table(results, plan)
    for distribution in DISTRIBUTIONS:
        yield _sizes_table(results, plan, distribution)
    yield _orthogonal_table(results, plan)
    yield _sharded_table(results, plan)
    yield _r_table(results)
    yield _keras3_table(results)
    yield _memory_table(results)


def _heading(machine: dict[str, Any]) -> RenderableType:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    configuration = machine["configuration"]
    return Group(
        Text(f"{machine['processor']}, CPUs: {machine['cpus']}, load: {machine['load']:.1f}"),
        Text(f"pyinit {configuration['pyinit']}, kernel {configuration['kernel']}"),
        Text(f"compared with {versions}"),
        Text(
            "Times and ratios are medians (with quartiles) of interleaved rounds. x: as a multiple"
        ),
        Text("of pyinit's time in the same rounds, with out= where that is measured."),
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
        f"Nanoseconds per element, {_shape(plan.square)} {dtype}, threads: {threads}",
        "",
        *columns,
    )
    fields = {"dtype": dtype, "threads": threads}
    measured = list(results.select("peers", **fields))
    for method in _in_order(measured):
        row = [method]
        for distribution in DISTRIBUTIONS:
            found = [
                each
                for each in measured
                if each.case.method == method and each.case.distribution == distribution
            ]
            row += _cells_of(results, found)
        table.add_row(*row, style="bold" if method in (NEW, INTO) else None)
    return table if table.row_count else None


def _cells_of(results: Results, found: Sequence[Measurement]) -> tuple[str, str]:
    """Return the time, and its ratio to ours.

    This library and the baseline run in several processes, of which the fastest is shown.
    """
    if not found:
        return "", ""
    best = min(found, key=lambda each: each.median)
    ours = results.counterpart(best, method=INTO)
    times = "" if ours is None or ours is best else _times(ratio(best, ours))
    return _spread(best.nanoseconds), times


def _sharded_table(results: Results, plan: Plan) -> Table | None:
    columns = [name for each in DISTRIBUTIONS for name in (_words(each), "x")]
    table = new_table(
        f"Tensors on 8 devices of JAX, nanoseconds per element, {_shape(plan.square)} float32, "
        f"threads: {plan.threads};\nx: as a multiple of the time of {EAGER}",
        "",
        *columns,
    )
    for method in (THEIRS, EAGER, JIT):
        row = [method]
        for distribution in DISTRIBUTIONS:
            found = next(results.select("sharded", method=method, distribution=distribution), None)
            ours = found and results.counterpart(found, method=EAGER)
            if found is not None:
                row.append(_spread(found.nanoseconds))
                row.append(_times(ratio(found, ours)) if ours not in (None, found) else "")
        if len(row) > 1:
            table.add_row(*row, style=None if method == THEIRS else "bold")
    return table if table.row_count else None


def _dtypes_table(results: Results, plan: Plan) -> Table | None:
    columns = [name for each in DISTRIBUTIONS for name in (_words(each), "/ fill")]
    table = new_table(
        "pyinit with out=, nanoseconds per element, "
        f"{_shape(plan.square)}, threads: {plan.threads};\n"
        "/ fill: as a multiple of ndarray.fill of the same size",
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
                own = next(results.select("dtypes", method=INTO, order=order, **fields), None)
                fill = own and results.counterpart(own, method=MEMORY, dtype=dtype)
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
        f"Threads: pyinit with out=, nanoseconds per element, {_shape(plan.square)}",
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
                one = own and results.counterpart(own, threads=1)
                row += (
                    [_spread(own.nanoseconds), _times(ratio(one, own))] if own and one else ["", ""]
                )
            table.add_row(*row)
    return table


def _partitions_table(results: Results, plan: Plan) -> Table | None:
    table = new_table(
        f"Partitions of {_shape(plan.square)}, float32, one thread: nanoseconds per element, and\n"
        "the time for a tile of the stream that they touch, relative to 64 rows",
        "",
        *(name for each in DISTRIBUTIONS for name in (_words(each), "a tile")),
    )
    for partition in PARTITIONS:
        row = []
        for distribution in DISTRIBUTIONS:
            fields = {"partition": partition, "distribution": distribution}
            own = next(results.select("partitions", **fields), None)
            times = ratio_by_tile(results, own) if own else None
            row += [_spread(own.nanoseconds), _times(times)] if own and times else ["", ""]
        table.add_row(partition, *row)
    return table


def _sizes_table(results: Results, plan: Plan, distribution: str) -> Table | None:
    table = new_table(
        f"Time per call by size: {_words(distribution)}, float32, threads: {plan.threads}",
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
            method: min(
                (m for m in measured if m.case.method == method), key=lambda each: each.median
            )
            for method in (MEMORY, INTO, NEW)
        }
        others = [each for each in measured if each.case.method in DEEP_LEARNING]
        peer = ["", "", ""]
        if others:
            other = min(others, key=lambda each: each.median)
            own = results.counterpart(other, method=NEW)
            assert own is not None
            peer = [other.case.method, seconds_text(other.median), _times(ratio(other, own))]
        own_times = [seconds_text(fastest[method].median) for method in (MEMORY, INTO, NEW)]
        table.add_row(_shape(shape), *own_times, *peer)
    return table if table.row_count else None


def _orthogonal_table(results: Results, plan: Plan) -> Table | None:
    table = new_table(
        f"Orthogonal, float32, threads: {plan.threads}",
        "",
        *(name for shape in plan.orthogonal[-3:] for name in (_shape(shape), "x")),
    )
    measured = list(results.select("orthogonal"))
    for method in _in_order(measured):
        row = [method]
        for shape in plan.orthogonal[-3:]:
            found = [m for m in measured if m.case.method == method and m.case.shape == shape]
            if not found:
                row += ["", ""]
                continue
            best = min(found, key=lambda each: each.median)
            own = results.counterpart(best, method=NEW)
            times = _times(ratio(best, own)) if own and method != NEW else ""
            row += [seconds_text(best.median), times]
        table.add_row(*row, style="bold" if method == NEW else None)
    return table if table.row_count else None


def _r_table(results: Results) -> Table | None:
    table = new_table(
        "R: a new array of doubles; x: as a multiple of pyinit's time in R",
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
        own = results.counterpart(measurement, method=OURS)
        assert own is not None
        low, high = measurement.nanoseconds.low, measurement.nanoseconds.high
        table.add_row(
            _words(case.distribution),
            case.method,
            _shape(case.shape),
            seconds_text(measurement.median),
            f"{seconds_text(low * case.size / 1e9)} to {seconds_text(high * case.size / 1e9)}",
            "" if own is measurement else _times(ratio(measurement, own)),
            style="bold" if own is measurement else None,
        )
    return table if table.row_count else None


def _keras3_table(results: Results) -> Table | None:
    table = new_table(
        "R: He normal initializers, with the calls of keras3; x: as a multiple of pyinit's time",
        "",
        "pyinit",
        "keras3",
        "x",
    )
    for own in results.select("keras3", method=OURS):
        theirs = results.counterpart(own, method=KERAS3)
        assert theirs is not None
        table.add_row(
            own.comparison.partition("/")[2],
            seconds_text(own.median),
            seconds_text(theirs.median),
            _times(ratio(theirs, own)),
        )
    return table if table.row_count else None


def _memory_table(results: Results) -> Table | None:
    table = new_table(
        "Peak memory of a call in a fresh process, as a multiple of the array's size",
        "",
        "shape",
        "dtype",
        *map(_words, DISTRIBUTIONS),
    )
    rows = dict.fromkeys((peak.method, peak.shape, peak.dtype) for peak in results.peak_memory)
    for method, shape, dtype in rows:
        ratios = {
            peak.distribution: f"{peak.ratio:.2f}"
            for peak in results.peak_memory
            if (peak.method, peak.shape, peak.dtype) == (method, shape, dtype)
        }
        cells = (ratios.get(distribution, "") for distribution in DISTRIBUTIONS)
        style = "bold" if "pyinit" in method else None
        table.add_row(method, _shape(shape), dtype, *cells, style=style)
    return table if table.row_count else None


def _targets_table(targets: list[Target], plan: Plan) -> Table:
    title = f"Targets, at {_shape(plan.square)}, float32, threads: {plan.threads}"
    if plan.side != 4096 or plan.threads != 2:
        title += " (defined for 4096 x 4096 on 2 cores)"
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


def _skipped(results: Results) -> Table | None:
    table = new_table("Skipped", "", "", left=2)
    table.show_header = False
    table.columns[1].no_wrap = False
    for each in results.skipped:
        table.add_row(each.what, each.reason.strip().partition("\n")[0])
    return table if table.row_count else None


def _in_order(measured: Iterable[Measurement]) -> list[str]:
    """Return the methods: the baseline, this library, then the others in the order measured."""
    methods = dict.fromkeys(each.case.method for each in measured)
    return sorted(methods, key=lambda method: (method != MEMORY, method != INTO, method != NEW))


def _words(distribution: str) -> str:
    return distribution.replace("_", " ")


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _spread(spread: Spread) -> str:
    """Return the median with the quartiles."""
    return f"{_number(spread.median)} ({_number(spread.low)}-{_number(spread.high)})"


def _times(spread: Spread) -> str:
    return _number(spread.median)


def _number(value: float) -> str:
    """Return three digits, with at most two decimals."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def seconds_text(seconds: float) -> str:
    """Return a duration with three digits and a unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"
