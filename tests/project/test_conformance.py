"""script/conformance: a program replaces the kernel, and the table shows the results."""

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
    """Compile kernel_server for this machine."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    target = folder / "kernel_server"
    subprocess.run(builds.command(compiler, target, *options), check=True)
    return target


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    with Program([str(compiled(tmp_path_factory.mktemp("conformance"), "-O1"))]) as running:
        yield running


def test_a_program_draws_the_golden_vectors(program):
    """Protects the harness: a correct kernel passes at the lowest and highest ISA level."""
    assert program.pointer_bits in (32, 64)
    assert program.levels[0] == "baseline"
    for level in (program.levels[0], program.levels[-1]):
        found = golden_vectors.check(program, level)
        assert found.differences == []
        assert found.checked == len(golden.read())


def test_every_value_comes_from_the_program(program, monkeypatch):
    """Protects against a check that uses this machine's own kernel instead of the program."""
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
    """Protects Fortran order and R's doubles, for which the kernel has separate loops."""
    right = ProgramKernel.__call__

    def wrong(kernel, out, *arguments):
        right(kernel, out, *arguments)
        if kernel._order == "F" and kernel._widened and out.size:
            out.reshape(-1).view(np.uint8)[0] ^= 1

    monkeypatch.setattr(ProgramKernel, "__call__", wrong)
    differences = golden_vectors.check(program, "baseline").differences
    assert len(differences) > 300
    assert all("in Fortran order, as float64: " in line for line in differences)


def test_fused_multiply_add_is_found(tmp_path):
    """Protects the check: it detects the contraction that the compiler flags forbid."""
    if "fma" not in Path("/proc/cpuinfo").read_text().split():
        pytest.skip("needs an x86-64 processor with fused multiply-add")
    # GCC contracts from -O2 on
    with Program([str(compiled(tmp_path, "-O2", "-mfma", "-ffp-contract=fast"))]) as fused:
        found = golden_vectors.check(fused, "baseline")
    with pytest.raises(FailedError, match=r"^\d+ of \d+ vectors differ; first: \w+\("):
        passed(found.checked, found.differences, VERSION)


def test_byte_orders():
    """Protects values read from a machine with another byte order, bfloat16 included."""
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


def test_a_program_that_ends_is_an_error(tmp_path):
    """Protects against waiting for a crashed program or accepting its output."""
    with pytest.raises(RuntimeError, match=r"false ended with status 1"):
        Program([shutil.which("false")])
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nhead -c 24 /dev/zero\n")
    broken.chmod(0o755)
    with pytest.raises(RuntimeError, match=r"broken is not a kernel_server"):
        Program([str(broken)])


def test_fast_math_is_rejected():
    """Protects the rows that expect a compile error: only the intended one counts."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    assert builds._rejected("gcc", "-Ofast").text == "rejected at compile time"
    with pytest.raises(FailedError, match="compilation succeeds"):
        builds._rejected("gcc", "-O3")
    with pytest.raises(FailedError, match=r"not by stream\.h"):
        builds._rejected("gcc", "-O3 -fno-such-flag")


def test_missing_tools_mean_not_run():
    """Protects machines without a compiler, an emulator or a Python: rows give the reason."""
    for function, argument in ((builds.build, "no-such-compiler"), (pythons.interpreter, "3.99")):
        result = run(Row("here", "this", "", lambda f=function, a=argument: f(a)))
        assert result.outcome.state is State.NOT_RUN
        assert result.outcome.text.endswith(" is not installed")


def test_errors_fail_the_row():
    """Protects against an error that ends the run or counts as passed."""
    for error in (FailedError("it differs"), OSError("no disk")):

        def fail(error=error):
            raise error

        result = run(Row("here", "this", "that", fail))
        assert result.outcome.state is State.FAILED
        assert str(error) in str(result)
    with pytest.raises(FailedError, match=r"^Error: the reason$"):
        output(["sh", "-c", "echo 'Error: the reason' >&2; echo 'Execution halted' >&2; exit 1"])


def row(platform: str, implementation: str, variant: str, outcome: Outcome | Exception) -> Row:
    """Return a row with a given outcome."""

    def run_row() -> Outcome:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return Row(platform, implementation, variant, run_row)


ROWS = [
    row("vax", "kernel", "", passed(532, [], ("gcc 1", "QEMU 2"))),
    row("x86-64", "kernel, gcc", "-O0", passed(532, [], VERSION)),
    row("x86-64", "kernel, gcc", "-O3", passed(532, [], VERSION)),
    row("x86-64", "kernel, v4", "-O0", NotRunError("not supported")),
    row("x86-64", "kernel, v4", "-O3", NotRunError("not supported")),
    row("Python", "NumPy", "old", passed(532, [], ("NumPy 1",))),
    row("Python", "NumPy", "new", FailedError("a | b")),
]
TABLE = """\
| platform | implementation | result | versions |
| --- | --- | --- | --- |
| vax | kernel | 532 vectors | gcc 1, QEMU 2 |
| x86-64 | kernel, gcc: -O0, -O3 | 2 times 532 vectors | gcc 1 |
| x86-64 | kernel, v4: -O0, -O3 | not run: not supported |  |
| Python | NumPy: old, new | old: 532 vectors; new: **FAILED**: a / b | NumPy 1 |
"""


def page_of(folder: Path) -> Path:
    page = folder / "platforms.md"
    page.write_text(f"# Title\n\n{table.START}\n{table.END}\nText.\n", encoding="utf-8")
    return page


def test_the_table(tmp_path):
    """Protects the page: grouped rows, surrounding text unchanged, the same when written twice."""
    page = page_of(tmp_path)
    results = [run(each) for each in ROWS]
    for _ in range(2):
        table.write(results, page)
        text = page.read_text(encoding="utf-8")
        assert text == f"# Title\n\n{table.START}\n{TABLE}{table.END}\nText.\n"
    page.write_text("no table")
    with pytest.raises(ValueError, match="lacks the lines"):
        table.write(results, page)


def test_the_check_compares_rows_but_not_results(tmp_path):
    """Protects --check: it ignores versions and results, but not missing or extra rows."""
    page = page_of(tmp_path)
    results = [run(each) for each in ROWS]
    table.write(results, page)
    newer = Result(ROWS[0], passed(533, [], ("gcc 3",)), 9.0)
    assert table.differences([newer, *results[1:]], page) == []
    assert table.differences(results[1:], page) == ["extra row: vax, kernel"]
    page = page_of(tmp_path)
    assert table.differences(results[:1], page) == ["missing row: vax, kernel"]


@pytest.mark.parametrize("check", [False, True])
def test_the_command(tmp_path, monkeypatch, capsys, check):
    """Protects CI: the status is 1 if a row fails or the page is out of date."""
    page = page_of(tmp_path)
    monkeypatch.setattr(table.write, "__defaults__", (page,))
    monkeypatch.setattr(table.differences, "__defaults__", (page,))
    monkeypatch.setattr(command.builds, "rows", lambda: ROWS[:5])
    monkeypatch.setattr(command.explorer, "rows", list)
    monkeypatch.setattr(command.r, "rows", list)
    monkeypatch.setattr(command.pythons, "rows", list)
    digests = [{"qr": "1", "orthogonal": "0"}, {"qr": "2", "orthogonal": "0"}]
    of_blas = [row("BLAS", str(n), "", passed(532, [], (), **d)) for n, d in enumerate(digests)]
    monkeypatch.setattr(command.blas, "rows", lambda: of_blas)
    empty = page.read_text(encoding="utf-8")
    assert command.main(["--check"] if check else []) == int(check)
    said = capsys.readouterr()
    assert said.out.count("\n") == 5 + 2 + 1 + 2
    assert "different results in 2 runs: numpy.linalg.qr 2, Orthogonal 1" in said.out
    assert "rows: 6 passed, 0 FAILED, 2 not run; " in said.out
    assert (page.read_text(encoding="utf-8") == empty) == check
    assert ("Run script/conformance without --check to update it." in said.err) == check
    monkeypatch.setattr(command.builds, "rows", lambda: ROWS)
    assert command.main([]) == 1


def test_orthogonal_must_not_depend_on_blas():
    """Protects the promise: a result that depends on the BLAS library is a failure."""
    results = [
        Result(ROWS[0], passed(532, [], (), qr="1", orthogonal=digest), 1.0) for digest in "01"
    ]
    assert blas.contrast(results).outcome.state is State.FAILED
    assert blas.contrast([]).outcome.state is State.NOT_RUN
