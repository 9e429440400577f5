"""script/conformance: a program draws in the kernel's place, and the table says what came out."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from conformance import __main__ as command
from conformance import blas, builds, golden_vectors, pythons, table
from conformance.processes import output
from conformance.program import Program, ProgramGram, ProgramKernel, in_use
from conformance.rows import FailedError, NotRunError, Outcome, Result, Row, State, passed, run
from pyinit.reproducibility import golden

VERSION = ("gcc 1",)


def compiled(folder: Path, *options: str) -> Path:
    """kernel_server for this machine."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler here")
    target = folder / "kernel_server"
    subprocess.run(builds.command(compiler, target, *options), check=True)
    return target


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    with Program([str(compiled(tmp_path_factory.mktemp("platforms"), "-O1"))]) as running:
        yield running


def test_a_program_draws_the_golden_vectors(program):
    """Protects the harness: a right kernel passes, at every level, drawn in the program."""
    assert program.pointer_bits in (32, 64)
    assert program.levels[0] == "baseline"
    for level in program.levels:
        found = golden_vectors.check(program, level)
        assert found.differences == []
        assert found.checked == len(golden.read())


def test_every_value_comes_from_the_program(program, monkeypatch):
    """Protects against a check that this machine's own kernel passes in the program's place."""
    right = program.values

    def wrong(count, dtype):
        values = right(count, dtype)
        values.view(f"u{dtype.itemsize}")[...] ^= 1
        return values

    level = program.levels[-1]
    monkeypatch.setattr(program, "values", wrong)
    differing = {
        line.partition("(")[0] for line in golden_vectors.check(program, level).differences
    }
    assert differing == {v.class_name for v in golden.read() if "seed" in v.config}
    monkeypatch.undo()
    vectors = [v for v in golden.read() if v.class_name == "Orthogonal"]
    with in_use(program, "baseline"):
        assert golden.check(vectors)
        monkeypatch.setattr(ProgramGram, "substitute", lambda gram, matrix: None)
        assert not golden.check(vectors)


def test_the_repetitions_find_what_c_order_does_not(program, monkeypatch):
    """Protects columns in memory, and R's doubles: they are drawn by loops of their own."""
    right = ProgramKernel.__call__

    def wrong(kernel, out, *arguments):
        right(kernel, out, *arguments)
        if kernel._order == "F" and kernel._wide and out.size:
            out.reshape(-1).view(np.uint8)[0] ^= 1

    monkeypatch.setattr(ProgramKernel, "__call__", wrong)
    differences = golden_vectors.check(program, "baseline").differences
    assert len(differences) > 300
    assert all("in Fortran order, as float64: " in line for line in differences)


def test_fused_multiply_add_is_found(tmp_path):
    """Protects the check: what the flags keep compilers from doing, it finds."""
    if "fma" not in Path("/proc/cpuinfo").read_text().split():
        pytest.skip("this processor has no fused multiply-add, or is not x86-64")
    with Program([str(compiled(tmp_path, "-O2", "-mfma", "-ffp-contract=fast"))]) as fused:
        found = golden_vectors.check(fused, "baseline")
    with pytest.raises(FailedError, match=r"^\d+ of 532 vectors differ, the first: \w+\("):
        passed(found.checked, found.differences, VERSION)


def test_byte_orders():
    """Protects values of a big-endian machine on a little-endian one, bfloat16 among them."""
    from pyinit.dtypes import FLOAT_DTYPES

    program = Program.__new__(Program)
    values = np.array([1.5, -2.25, 0.1])
    for byte_order in "<>":
        program.byte_order = byte_order
        assert program.bytes_of(values) == values.astype(f"{byte_order}f8").tobytes()
        for dtype in FLOAT_DTYPES.values():
            bits = values.astype(dtype).view(f"u{dtype.itemsize}")
            sent = io.BytesIO(bits.astype(f"{byte_order}u{dtype.itemsize}").tobytes())
            program._read = sent.read
            drawn = program.values(3, dtype)
            assert drawn.dtype == dtype
            assert drawn.tobytes() == bits.tobytes()


def test_a_program_that_ends_is_told(tmp_path):
    """Protects against a run that waits for a program that crashed, or takes it for right."""
    with pytest.raises(RuntimeError, match=r"false ended with status 1"):
        Program([shutil.which("false")])
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nhead -c 24 /dev/zero\n")
    broken.chmod(0o755)
    with pytest.raises(RuntimeError, match=r"broken is no kernel_server"):
        Program([str(broken)])


def test_fast_math_is_refused():
    """Protects the rows that pass because a compilation fails: for that reason and no other."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc here")
    assert builds._refused("gcc", "-Ofast").text == "refused"
    with pytest.raises(FailedError, match="it compiles"):
        builds._refused("gcc", "-O3")
    with pytest.raises(FailedError, match=r"not by stream\.h"):
        builds._refused("gcc", "-O3 -fno-such-flag")


def test_what_is_missing_is_not_run():
    """Protects machines without a compiler, an emulator or a Python: their rows say so."""
    for function, argument in ((builds.build, "no-such-compiler"), (pythons.interpreter, "3.99")):
        result = run(Row("here", "this", "", lambda f=function, a=argument: f(a)))
        assert result.outcome.state is State.NOT_RUN
        assert result.outcome.text.startswith("there is no ")


def test_what_goes_wrong_fails():
    """Protects against an error that ends the run, or is taken for a row that passed."""
    for error in (FailedError("it differs"), OSError("no disk")):

        def fail(error=error):
            raise error

        result = run(Row("here", "this", "that", fail))
        assert result.outcome.state is State.FAILED
        assert str(error) in str(result)
    with pytest.raises(FailedError, match=r"^Error: it is so$"):
        output(["sh", "-c", "echo 'Error: it is so' >&2; echo 'Execution halted' >&2; exit 1"])


def row(platform: str, what: str, variant: str, outcome: Outcome | Exception) -> Row:
    """A row that comes to that."""

    def come_to_it() -> Outcome:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return Row(platform, what, variant, come_to_it)


ROWS = [
    row("vax", "kernel", "", passed(532, [], ("gcc 1", "QEMU 2"))),
    row("x86-64", "kernel, gcc", "-O0", passed(532, [], VERSION)),
    row("x86-64", "kernel, gcc", "-O3", passed(532, [], VERSION)),
    row("x86-64", "kernel, v4", "-O0", NotRunError("it lacks it")),
    row("x86-64", "kernel, v4", "-O3", NotRunError("it lacks it")),
    row("Python", "NumPy", "old", passed(532, [], ("NumPy 1",))),
    row("Python", "NumPy", "new", FailedError("a | b")),
]
TABLE = """\
| on | what is run | result | with |
| --- | --- | --- | --- |
| vax | kernel | 532 vectors | gcc 1, QEMU 2 |
| x86-64 | kernel, gcc: -O0, -O3 | 2 times 532 vectors | gcc 1 |
| x86-64 | kernel, v4: -O0, -O3 | not run: it lacks it |  |
| Python | NumPy: old, new | old: 532 vectors; new: **FAILED**: a / b | NumPy 1 |
"""


def page_of(folder: Path) -> Path:
    page = folder / "platforms.md"
    page.write_text(f"# Title\n\n{table.START}\n{table.END}\nText.\n", encoding="utf-8")
    return page


def test_the_table(tmp_path):
    """Protects the page: rows in groups, text around the table as it was, written twice alike."""
    page = page_of(tmp_path)
    results = [run(each) for each in ROWS]
    for _ in range(2):
        table.write(results, page)
        text = page.read_text(encoding="utf-8")
        assert text == f"# Title\n\n{table.START}\n{TABLE}{table.END}\nText.\n"
    page.write_text("no table")
    with pytest.raises(ValueError, match="has no lines"):
        table.write(results, page)


def test_the_check_compares_rows_and_not_results(tmp_path):
    """Protects --check: other versions and results are no difference, other rows are."""
    page = page_of(tmp_path)
    results = [run(each) for each in ROWS]
    table.write(results, page)
    newer = Result(ROWS[0], passed(533, [], ("gcc 3",)), 9.0)
    assert table.differences([newer, *results[1:]], page) == []
    assert table.differences(results[1:], page) == ["it has a row that was not run: vax, kernel"]
    page = page_of(tmp_path)
    assert table.differences(results[:1], page) == ["it lacks the row: vax, kernel"]


@pytest.mark.parametrize("check", [False, True])
def test_the_command(tmp_path, monkeypatch, capsys, check):
    """Protects CI: the status is 1 if a row fails, or if the page has other rows."""
    page = page_of(tmp_path)
    monkeypatch.setattr(table.write, "__defaults__", (page,))
    monkeypatch.setattr(table.differences, "__defaults__", (page,))
    monkeypatch.setattr(command.builds, "rows", lambda: ROWS[:5])
    monkeypatch.setattr(command.r, "rows", list)
    monkeypatch.setattr(command.pythons, "rows", list)
    digests = [{"qr": "1", "orthogonal": "0"}, {"qr": "2", "orthogonal": "0"}]
    of_blas = [row("BLAS", str(n), "", passed(532, [], (), **d)) for n, d in enumerate(digests)]
    monkeypatch.setattr(command.blas, "rows", lambda: of_blas)
    empty = page.read_text(encoding="utf-8")
    assert command.main(["--check"] if check else []) == int(check)
    said = capsys.readouterr()
    assert said.out.count("\n") == 5 + 2 + 1 + 2
    assert "numpy.linalg.qr: 2 different results over 2; ours: 1" in said.out
    assert "rows: 6 passed, 0 FAILED, 2 not run; " in said.out
    assert (page.read_text(encoding="utf-8") == empty) == check
    assert ("script/conformance (without --check) writes its table again" in said.err) == check
    monkeypatch.setattr(command.builds, "rows", lambda: ROWS)
    assert command.main([]) == 1


def test_orthogonal_must_not_depend_on_blas():
    """Protects the promise: another result of ours under another BLAS is a failure."""
    results = [
        Result(ROWS[0], passed(532, [], (), qr="1", orthogonal=digest), 1.0) for digest in "01"
    ]
    assert blas.contrast(results).outcome.state is State.FAILED
    assert blas.contrast([]).outcome.state is State.NOT_RUN
