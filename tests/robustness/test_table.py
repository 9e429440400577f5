"""The table of wrong calls, and the rules that it rests on."""

from __future__ import annotations

import json
import signal

import pytest

from tests.robustness import page
from tests.robustness.cases import Case, MissingKindError, Table
from tests.robustness.oracle import ALL_VALUES, FOLDER, VALUES, Calls, Kinds
from tests.robustness.runner import RIGHT, run

TABLE = Table(Calls.read())


def wrong(cases, **options):
    """Return the calls whose results are wrong."""
    return [
        (one.result, one.case.source, one.case.value, one.message)
        for one in run(cases, **options)
        if one.result not in RIGHT
    ]


def sample(cases):
    """Return some of the cases: every argument with several values, every kind with every value."""
    seen, chosen = set(), []
    for position, case in enumerate(cases):
        if (case.kind, case.value) not in seen or position % 29 == 0:
            seen.add((case.kind, case.value))
            chosen.append(case)
    return chosen


def test_every_argument_has_a_kind():
    """Protects new arguments from being left out of the table."""
    for function in TABLE.functions():
        for argument in TABLE.arguments(function):
            assert TABLE.kind(function, argument) in TABLE.kinds


def test_an_argument_without_a_kind_is_an_error():
    """Protects the test above: an argument that the files lack does not get another kind."""
    calls = Calls.read()
    del calls.arguments["gain"]
    with pytest.raises(MissingKindError, match=r"DeltaOrthogonal\(gain\)"):
        list(Table(calls).cases())


def test_every_entry_of_the_data_is_used():
    """Protects the data files from entries of functions and arguments that no longer exist."""
    functions = list(TABLE.all_functions())
    names = {name for function in functions for name in (function.name, *function.lookups)}
    arguments = {argument for function in functions for argument in function.parameters}
    calls = TABLE.calls
    assert calls.arguments.keys() <= arguments
    listed = {*calls.functions, *calls.given, *calls.beside}
    assert listed <= names
    assert {name.partition("(")[0] for name in calls.skipped} <= names
    used = {TABLE.kind(f, argument) for f in TABLE.functions() for argument in TABLE.arguments(f)}
    peers = Calls.read("peer_calls.json")
    used |= {*peers.arguments.values()}
    used |= {kind for kinds in peers.functions.values() for kind in kinds.values()}
    assert used == set(TABLE.kinds)


def test_the_values_are_the_same_in_both_languages():
    """Protects the table of R, which reads the same files."""
    values = json.loads((FOLDER / "values.json").read_text())
    assert all(entry.keys() <= {"python", "r"} and entry for entry in values.values())
    assert set(values) == ALL_VALUES >= set(VALUES)
    for kind in Kinds().values():
        assert not kind.accepts & kind.either


def test_a_sample_of_the_table():
    """Protects every argument of every public function from values that it must not accept."""
    assert wrong(sample(TABLE.cases())) == []


@pytest.mark.slow
def test_the_whole_table():
    """Protects every argument of every public function from every value of the table."""
    assert wrong(list(TABLE.cases())) == []


@pytest.mark.backends
def test_the_functions_of_torch_and_jax():
    """Protects the arguments of the functions that need torch or JAX."""
    table = Table(Calls.read("peer_calls.json"))
    assert wrong(sample(table.cases())) == []


def case_of(source, kind="number", argument="gain", value="string_a"):
    """Return a call of no function of pyinit."""
    return Case("function", argument, kind, value, source)


SOURCES = {
    "value": "accepted wrongly",
    "pyinit.Identity(gain=value)": "rejected",
    "pyinit.Identity(gain='b') and value": "rejected",
    "math.sqrt(value)": "rejected unclearly",
    "(lambda: (yield))().throw(ValueError('no name'))": "rejected unclearly",
    "[0] * 10**12": "hanging",
    "iter(int, 1).__class__ and all(True for _ in iter(int, 1))": "hanging",
    "__import__('os').abort()": "crashing",
}


def test_each_result_is_recognised():
    """Protects the table from calls that fail unnoticed, and goes on after a hang and a crash."""
    outcomes = run([case_of(source) for source in SOURCES], limit=10.0)
    assert {one.case.source: one.result for one in outcomes} == SOURCES
    rejected = run([case_of("math.sqrt(value - 5)", value="one")])
    assert [one.result for one in rejected] == ["rejected wrongly"]
    assert outcomes[-1].message.startswith(f"exit status {-signal.SIGABRT}: ")


def test_the_counts_are_written_into_the_page(tmp_path):
    """Protects the page: the run replaces its own section, and no other text."""
    copy = tmp_path / "page.md"
    copy.write_text(page.PAGE.read_text())
    page.write("Python", "counts", copy)
    written = copy.read_text()
    assert "written by the run -->\ncounts\n<!-- end" in written
    start, end = (page.PAGE.read_text().index(part) for part in ("<!-- Python", "<!-- end of Py"))
    assert written.startswith(page.PAGE.read_text()[:start])
    assert written.endswith(page.PAGE.read_text()[end:])
    with pytest.raises(ValueError, match="must have one section"):
        page.write("Perl", "counts", copy)
