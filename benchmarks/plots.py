"""The plots of a run, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks.model import (
    DISTRIBUTIONS,
    INTO,
    MEMORY,
    NEW,
    Measurement,
    Results,
)
from benchmarks.peers import PEERS
from benchmarks.plan import Plan

_OURS = "#0b6e4f"
_PEERS = "#9aa5b1"
_LIMIT = "#c2410c"
_TITLES = {"uniform": "uniform", "normal": "normal", "truncated_normal": "truncated normal"}


def write_plots(results: Results, plan: Plan, folder: Path) -> list[Path]:
    """Write the plots that have measurements and return their files."""
    mpl.rcParams.update(
        {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "0"}
    )
    figures = {
        "peers": _peers(results, plan),
        "sizes": _sizes(results, plan),
        "threads": _threads(results, plan),
    }
    files = []
    for name, figure in figures.items():
        if figure is not None:
            for suffix in ("png", "svg"):
                files.append(folder / f"{name}.{suffix}")
                figure.savefig(files[-1], dpi=150)
    return files


def _panels(title: str, share_x: bool = False) -> tuple[Figure, Any]:
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    figure.suptitle(title, fontweight="bold")
    panels = figure.subplots(1, len(DISTRIBUTIONS), sharex=share_x, sharey=True)
    for axes, distribution in zip(panels, DISTRIBUTIONS, strict=True):
        axes.set_title(_TITLES[distribution])
    return figure, panels


def _peers(results: Results, plan: Plan) -> Figure | None:
    """Plot nanoseconds per element by method."""
    measured = list(results.select("peers", dtype="float32", threads=plan.threads))
    if not measured:
        return None
    title = f"{plan.side} x {plan.side} float32, threads: {plan.threads}"
    figure, panels = _panels(title, share_x=True)
    others = dict.fromkeys(each.case.method for each in measured)
    methods = [
        MEMORY,
        INTO,
        NEW,
        *(method for method in others if method not in (MEMORY, INTO, NEW)),
    ]
    for axes, distribution in zip(panels, DISTRIBUTIONS, strict=True):
        for place, method in enumerate(methods):
            found = [
                each
                for each in measured
                if each.case.method == method and each.case.distribution == distribution
            ]
            if not found:
                axes.text(0.02, place, "none", transform=axes.get_yaxis_transform(), va="center")
                continue
            spread = _fastest(found).nanoseconds
            error = [[spread.median - spread.low], [spread.high - spread.median]]
            axes.barh(place, spread.median, xerr=error, color=_color(method), ecolor="#333333")
            axes.annotate(
                f"{spread.median:.3g}",
                (spread.high, place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
            )
        axes.set_xscale("log")
        axes.margins(x=0.2)
        axes.xaxis.set_major_formatter(_PLAIN)
        axes.set_xlabel("nanoseconds per element")
    panels[0].set_yticks(range(len(methods)), methods)
    panels[0].invert_yaxis()
    return figure


def _sizes(results: Results, plan: Plan) -> Figure | None:
    """Plot the time of a call by the size of the tensor."""
    measured = list(results.select("sizes"))
    if not measured:
        return None
    figure, panels = _panels(f"Time per call by size, float32, threads: {plan.threads}")
    for axes, distribution in zip(panels, DISTRIBUTIONS, strict=True):
        here = [each for each in measured if each.case.distribution == distribution]
        for method in dict.fromkeys(each.case.method for each in here):
            by_size: dict[int, list[Measurement]] = {}
            for each in here:
                if each.case.method == method:
                    by_size.setdefault(each.case.size, []).append(each)
            line = [_fastest(by_size[size]) for size in sorted(by_size)]
            sizes = [each.case.size for each in line]
            spreads = [each.nanoseconds for each in line]
            ours = method in (INTO, NEW)
            axes.plot(
                sizes,
                [s.median * size / 1e3 for s, size in zip(spreads, sizes, strict=True)],
                label=method,
                marker=".",
                linewidth=2 if ours else 1,
                linestyle={NEW: "--", MEMORY: ":"}.get(method, "-"),
                color=_line_color(method),
            )
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel("elements")
    panels[0].set_ylabel("microseconds per call")
    handles, labels = panels[0].get_legend_handles_labels()
    for axes in panels[1:]:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            if label not in labels:
                handles.append(handle)
                labels.append(label)
    figure.legend(handles, labels, loc="outside right center", frameon=False)
    return figure


def _threads(results: Results, plan: Plan) -> Figure | None:
    """Plot the time by the number of threads."""
    measured = [
        *results.select("threads", dtype="float32"),
        *(m for m in results.select("peers", dtype="float32") if m.case.method not in (INTO, NEW)),
    ]
    if len(plan.thread_counts) < 2 or not measured:
        return None
    figure, panels = _panels(f"Time by threads, {plan.side} x {plan.side} float32")
    for axes, distribution in zip(panels, DISTRIBUTIONS, strict=True):
        here = [each for each in measured if each.case.distribution == distribution]
        for method in dict.fromkeys(each.case.method for each in here):
            by_threads: dict[int, list[Measurement]] = {}
            for each in here:
                if each.case.method == method:
                    by_threads.setdefault(each.case.threads, []).append(each)
            if len(by_threads) < 2:  # measured on all threads only
                continue
            counts = sorted(by_threads)
            spreads = [_fastest(by_threads[count]).nanoseconds for count in counts]
            axes.errorbar(
                counts,
                [s.median for s in spreads],
                yerr=[[s.median - s.low for s in spreads], [s.high - s.median for s in spreads]],
                label=method,
                marker="o",
                capsize=3,
                linewidth=2 if method == INTO else 1,
                color=_line_color(method),
            )
            if method == INTO:
                ideal = [spreads[0].median / count for count in counts]
                axes.plot(counts, ideal, "--", color=_OURS, linewidth=1, label="ideal")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(plan.thread_counts, map(str, plan.thread_counts))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(_PLAIN)
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("threads")
    panels[0].set_ylabel("nanoseconds per element")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False)
    return figure


_PLAIN = FuncFormatter(lambda value, _: f"{value:g}")


def _fastest(measured: Iterable[Measurement]) -> Measurement:
    """Return the fastest of the measurements from several processes."""
    return min(measured, key=lambda each: each.median)


def _line_color(method: str) -> str:
    """Return a distinct color for each method, the same in all panels."""
    methods = [method for peer in PEERS for method in peer.methods]
    return f"C{methods.index(method) % 10}" if method in methods else _color(method)


def _color(method: str) -> str:
    return {MEMORY: _LIMIT, INTO: _OURS, NEW: _OURS}.get(method, _PEERS)
