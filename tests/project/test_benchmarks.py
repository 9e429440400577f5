"""The benchmarks run and report; times are not asserted."""

import gc
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import benchmarks
from benchmarks.model import (
    DISTRIBUTIONS,
    DTYPES,
    INTO,
    MEMORY,
    NEW,
    PARTITION,
    PARTITIONS,
    ROWS,
    TILE,
    Case,
    Comparison,
    Effort,
    Measurement,
    PeakMemory,
    Results,
    Skipped,
    Spread,
    quartiles,
    ratio,
)
from benchmarks.ours import INITIALIZERS, draw_for_r
from benchmarks.peers import NUMPY, PEERS, SHARDED, Peer
from benchmarks.plan import comparisons_with, make_plan, own_comparisons, shape_of
from benchmarks.processes import (
    ROOT,
    ProcessError,
    environment,
    measure_in_process,
    peak_in_process,
    run,
)
from benchmarks.run import run_plan
from benchmarks.targets import Target, targets
from pyinit.stream import reference
from tests.support import same_bits

MACHINE = {
    "processor": "a processor",
    "cpus": 2,
    "load": 0.0,
    "configuration": {"pyinit": "0", "kernel": "v3"},
    "versions": {"numpy": "2"},
}
TINY = replace(make_plan("quick", (1, 2)), effort=Effort(3, 0.01, 1e-5), side=64, exponents=(6, 12))


@pytest.fixture(scope="module", autouse=True)
def _frozen():
    """Make garbage collection, which each timing starts with, ignore the objects of other tests."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def tiny_results() -> Results:
    """Return the results of a run on tiny tensors in this process."""
    return run_plan(TINY, peers=(), with_r=False, separate=False)


def with_peer(results: Results, method: str, times: float) -> Results:
    """Return the results with an additional peer that takes a multiple of our time."""
    added = [
        replace(
            each, case=replace(each.case, method=method), seconds=[s * times for s in each.seconds]
        )
        for each in results.measurements
        if each.case.method == {"peers": INTO, "sizes": NEW}.get(each.topic)
    ]
    return Results(results.measurements + added)


def test_everything_is_measured(tiny_results):
    measured = {(m.topic, m.case.method, m.case.distribution) for m in tiny_results.measurements}
    for distribution in DISTRIBUTIONS:
        for topic in ("peers", "sizes"):
            assert {(topic, method, distribution) for method in (MEMORY, INTO, NEW)} <= measured
        assert len(list(tiny_results.select("dtypes", method=INTO, distribution=distribution))) == 8
        assert len(list(tiny_results.select("threads", distribution=distribution))) == 8
        partitions = tiny_results.select("partitions", distribution=distribution)
        assert {each.case.partition for each in partitions} == set(PARTITIONS)
    assert ("peers", "NumPy Generator", "normal") in measured
    assert tiny_results.skipped == []
    assert all(len(m.seconds) == 3 and min(m.seconds) > 0 for m in tiny_results.measurements)


@pytest.fixture(scope="module")
def written(tiny_results, tmp_path_factory) -> list[Path]:
    """Write the files of a run; return their paths, the data first."""
    main = pytest.importorskip("benchmarks.__main__")
    results = with_peer(tiny_results, "torch", 100.0)
    results.peak_memory.append(PeakMemory(NEW, "normal", (64, 64), "float32", 16384, 16384))
    results.skipped.append(Skipped("R", "not installed"))
    folder = tmp_path_factory.mktemp("results") / "new"
    found = targets(results, TINY)
    return main.write_files(folder, MACHINE, {"plan": "quick"}, results, TINY, found)


def test_the_file_has_the_documented_fields(written):
    """Protects readers of results.json."""
    assert written[0].name == "results.json"
    content = json.loads(written[0].read_text(encoding="utf-8"))
    documented = benchmarks.__doc__
    assert content["machine"] == MACHINE
    assert content["options"] == {"plan": "quick"}
    for section in ("measurements", "peak_memory", "skipped", "targets"):
        assert f"* `{section}`" in documented
        for name in content[section][0]:
            assert f"`{name}`" in documented, name
    assert set(content["targets"][1]) == {
        *("name", "detail", "limit", "at_least", "measured", "quartiles", "best", "met")
    }
    assert content["targets"][1]["met"] is True  # 100 times as fast as the only peer


def test_the_tables_fit_and_name_everything(tiny_results):
    rich_console = pytest.importorskip("rich.console")
    from benchmarks.report import WIDTH, print_report

    results = with_peer(tiny_results, "torch", 100.0)
    results.skipped.append(Skipped("TensorFlow", "tensorflow is not installed"))
    console = rich_console.Console(width=WIDTH, file=io.StringIO())
    found = targets(results, TINY)
    print_report(console, MACHINE, results, TINY, found)
    text = console.file.getvalue()
    for expected in (*DTYPES, "64 x 64", "NumPy Generator", "tensorflow is not installed"):
        assert expected in text
    assert all(target.name in text for target in found)
    assert "…" not in text, "text was truncated"
    assert max(len(line.rstrip()) for line in text.splitlines()) <= WIDTH


def test_plots(written, tmp_path):
    """Protects the plots: each in two formats, and none without data."""
    pytest.importorskip("matplotlib")
    from benchmarks.plots import write_plots

    names = {
        f"{name}.{suffix}" for name in ("peers", "sizes", "threads") for suffix in ("png", "svg")
    }
    assert {file.name for file in written[1:]} == names
    assert all(file.stat().st_size > 1000 for file in written[1:])
    assert write_plots(Results(), TINY, tmp_path) == []


def measurement(method: str, seconds: list[float], **fields) -> Measurement:
    case = Case(method, **{"distribution": "uniform", "shape": (64, 64), "threads": 2, **fields})
    return Measurement("one", "process", "peers", case, seconds)


def test_ratios_are_taken_round_by_round():
    ours = measurement(INTO, [1.0, 10.0, 2.0])
    theirs = measurement("torch", [6.0, 20.0, 6.0])
    found = ratio(theirs, ours)
    assert (found.median, found.best) == (3.0, 6.0)
    assert quartiles([1.0]) == (1.0, 1.0)


def test_targets_use_the_fastest_peer_and_the_worst_case():
    slow = measurement("JAX", [50.0, 50.0, 50.0])
    results = Results([measurement(INTO, [1.0, 1.0, 1.0]), slow, measurement("torch", [7.0] * 3)])
    by_name = {target.name: target for target in targets(results, TINY)}
    target = by_name["fastest peer / uniform"]
    assert (target.measured.median, target.met) == (7.0, True)
    assert target.detail == "torch"
    assert by_name["fastest peer / normal"].met is None


def test_partitions_are_compared_by_the_tiles_that_they_touch():
    assert reference.TILE == TILE
    shape = (1024, 640)
    rows = Case(PARTITION, "normal", shape, partition=ROWS)
    column = Case(PARTITION, "normal", shape, partition="1 column")
    sparse = Case(PARTITION, "normal", shape, partition="every 8th column")
    assert (rows.size, rows.tiles) == (64 * 640, 64 * 10)
    assert (column.size, column.tiles) == (1024, 1024)
    assert (sparse.size, sparse.tiles) == (1024 * 80, 1024 * 10)
    measured = [
        Measurement("a", "numpy", "partitions", case, [seconds] * 3)
        for case, seconds in ((rows, 640.0), (column, 2048.0))
    ]
    target = next(each for each in targets(Results(measured), TINY) if "by tile" in each.name)
    assert (target.measured.median, target.met, target.detail) == (2.0, False, "1 column, normal")


def test_target_names_are_unique():
    names = [target.name for target in targets(Results(), TINY)]
    assert len(names) == len(set(names)) == 22
    assert targets(Results(), make_plan("targets", (1,)))


def test_the_draw_for_r_has_the_values_of_the_call():
    expected = INITIALIZERS["normal"]()((3, 2)).astype(np.float64)
    drawn = draw_for_r("normal", (3, 2))
    assert drawn.flags.f_contiguous
    assert same_bits(drawn, expected)


def test_plans():
    assert shape_of(28) == (1 << 14, 1 << 14)
    assert shape_of(9) == (32, 16)
    full, default = make_plan("full", (1, 2)), make_plan("default", (1, 2))
    assert full.exponents[0] == default.exponents[0] == 6
    assert full.exponents[-1] == 28
    few = make_plan("targets", (1, 2))
    assert len(list(own_comparisons(few))) < len(list(own_comparisons(default)))
    torch = next(peer for peer in PEERS if peer.name == "torch")
    assert any(each.topic == "orthogonal" for each in comparisons_with(torch, few, 2))
    assert {each.topic for each in comparisons_with(torch, full, 1)} == {"peers"}


def test_missing_peers_are_skipped():
    plan = replace(TINY, exponents=(6,), tables=False)
    absent = Peer("absent", ("no_such_module",), ("Absent",), NUMPY.load)
    results = run_plan(plan, peers=(absent,), with_r=False, log=lambda line: None)
    assert Skipped("Absent", "no_such_module is not installed") in results.skipped
    assert list(results.select("sizes", method=INTO))


@pytest.mark.backends
def test_sharded_tensors_are_compared():
    """Protects the comparison on eight devices: times and peak memory, ours and JAX's."""
    pytest.importorskip("jax")
    rich_console = pytest.importorskip("rich.console")
    from benchmarks.report import print_report

    cases = tuple(Case(method, "normal", (64, 64)) for method in SHARDED.methods)
    results = measure_in_process(SHARDED, 1, [Comparison("sharded", cases)], TINY.effort)
    assert [each.case for each in results.measurements] == list(cases)
    assert {each.topic for each in comparisons_with(SHARDED, TINY, 2)} == {"sharded"}
    results.peak_memory.append(
        peak_in_process(SHARDED, Case(SHARDED.methods[-1], "normal", (2048, 2048)))
    )
    assert results.peak_memory[0].ratio < 2.2
    console = rich_console.Console(width=100, file=io.StringIO())
    print_report(console, MACHINE, results, TINY, [])
    assert all(method in console.file.getvalue() for method in SHARDED.methods)


def test_failures_give_reasons():
    comparison = Comparison("peers", (Case(NEW, "uniform", (8, 8), "float8"),))
    results = measure_in_process(NUMPY, 1, [comparison], TINY.effort)
    assert results.measurements == []
    assert results.skipped[0].what == "pyinit: uniform of float8"
    assert "float8" in results.skipped[0].reason
    with pytest.raises(ProcessError, match="words"):
        run([sys.executable, "-c", "raise SystemExit('words')"], environment(1))


def test_environment(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    variables = environment(2, "jax")
    assert "OPENBLAS_CORETYPE" not in variables
    assert variables["OMP_NUM_THREADS"] == variables["PYINIT_NUM_THREADS"] == "2"
    assert variables["KERAS_BACKEND"] == "jax"


def test_help_names_every_plan(capsys):
    main = pytest.importorskip("benchmarks.__main__")
    with pytest.raises(SystemExit) as status:
        main.main(["--help"])
    assert status.value.code == 0
    output = capsys.readouterr().out
    assert all(f"--{plan}" in output for plan in ("quick", "full", "targets"))


@pytest.fixture(scope="module")
def against():
    pytest.importorskip("rich")
    from benchmarks import against

    return against


def test_copies_are_compared_row_by_row(against, monkeypatch, tmp_path):
    """Protects `--against`: separate processes, the same rows, failing rows skipped."""
    monkeypatch.setattr(against, "_IMPORTS", {"import pyinit": ""})
    worker = tmp_path / "copy_worker.py"
    source = (ROOT / "benchmarks" / "copy_worker.py").read_text(encoding="utf-8")
    rows = '{"zeros": lambda: lambda: pyinit.Zeros()((2, 2)), "none": lambda: pyinit.no_such_name}'
    worker.write_text(source.replace("prepared = rows(pyinit)", f"prepared = {rows}"))
    monkeypatch.setattr(against, "_FOLDER", tmp_path)
    logged = []
    effort = against.PairEffort(pairs=2, rounds=2, loop=1e-5)
    results = against.compare(against.copy_at(ROOT), effort, with_r=False, log=logged.append)
    assert list(results.rows) == ["import pyinit", "zeros"]
    assert all(len(row.ratios) == 2 and min(row.ours) > 0 for row in results.rows.values())
    assert "no_such_name" in results.skipped["none"]
    assert results.files == [str(ROOT / "pyinit" / "__init__.py")] * 2
    assert len(logged) == 2


def test_every_row_of_the_copies_works():
    """Protects the rows: each returns a call that works."""
    import pyinit
    from benchmarks import copy_worker

    for name, prepare in copy_worker.rows(pyinit).items():
        if "4096, 4096" not in name and "MiB" not in name:
            assert copy_worker.seconds_of(prepare(), 1) > 0, name


def test_verdicts_need_all_pairs_of_processes(against):
    """Protects the table: noise in one pair of processes marks nothing."""
    row = against.CopyRow
    assert row("", [1.1, 1.2], [1.0, 1.0]).verdict == "slower"
    assert row("", [1.1, 1.0], [1.0, 1.0]).verdict == ""
    assert row("", [0.9, 0.5], [1.0, 1.0]).verdict == "faster"
    console = pytest.importorskip("rich.console").Console(width=100, file=io.StringIO())
    results = against.CopyResults(["a.py", "b.py"], {"x": row("x", [2e-6, 2.2e-6], [1e-6, 1e-6])})
    results.skipped["R"] = "R is not installed"
    copy = against.copy_at(ROOT)
    against.print_copies(console, copy, results)
    # A long path to the checkout breaks lines.
    text = " ".join(console.file.getvalue().split())
    for expected in ("2 us", "2.10", "slower", "R is not installed", ": 1"):
        assert expected in text
    assert (
        against.to_json(copy, against.EFFORTS["quick"], results)["rows"][0]["verdict"] == "slower"
    )


def test_a_copy_is_an_interpreter_or_a_checkout(against, tmp_path):
    assert against.copy_at(Path(sys.executable)).checkout is None
    assert str(ROOT) not in against.copy_at(Path(sys.executable)).variables()["PYTHONPATH"]
    assert against.copy_at(ROOT).variables()["PYTHONPATH"].startswith(str(ROOT))
    with pytest.raises(ValueError, match="must be a Python interpreter or a checkout"):
        against.copy_at(tmp_path)


@pytest.mark.backends
def test_sharded_models_are_measured(capsys):
    """Protects the comparison on processes: every method and distribution, with a unit of one."""
    from benchmarks import torch_sharded

    torch_sharded.main(["--layers", "2", "--width", "8", "--rounds", "2"])
    lines = capsys.readouterr().out.strip().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[4:]]
    assert [name for name, *_ in rows] == [
        f"{distribution}: {method}"
        for distribution in torch_sharded.DISTRIBUTIONS
        for method in torch_sharded.METHODS
    ]
    assert all(float(milliseconds) > 0 for _, milliseconds, *_ in rows)
    assert all(times == "1.0" for name, _, times, _ in rows if name.endswith(": pyinit"))


def test_targets_are_written_into_the_page(tmp_path):
    """Protects readers of docs/performance.md: its numbers are those that a run measured."""
    page = pytest.importorskip("benchmarks.page")
    copy = tmp_path / "performance.md"
    copy.write_text(page.PAGE.read_text())
    met = Target("a / b", 3.5, False, Spread(1.25, 1.2, 1.3, 1.1), "torch")
    missed = replace(met, name="c / d", at_least=True)
    unknown = replace(met, name="e / f", measured=None, detail="not measured")
    page.write(MACHINE, [met, missed, unknown], copy)
    before, _, after = page.PAGE.read_text().partition(page.START)
    _, end, after = after.partition(page.END)
    assert end
    text = copy.read_text()
    assert text.startswith(before)
    assert text.endswith(after)
    assert "Measured on: a processor, 2 CPUs, load 0.0, with numpy 2." in text
    assert "| a / b | at most 3.5 | 1.25 (torch) | 1.2 to 1.3 | met |" in text
    assert "| c / d | at least 3.5 | 1.25 (torch) | 1.2 to 1.3 | **not met** |" in text
    assert "| e / f | at most 3.5 |  |  | not measured |" in text
    copy.write_text("no table")
    with pytest.raises(ValueError, match="lacks the lines"):
        page.write(MACHINE, [met], copy)


@pytest.mark.parametrize("other", ["--quick", "--against=."])
def test_only_targets_at_full_size_are_written(other, capsys):
    """Protects the page from ratios of small tensors."""
    main = pytest.importorskip("benchmarks.__main__")
    with pytest.raises(SystemExit):
        main.main(["--write", other])
    assert "--write" in capsys.readouterr().err
