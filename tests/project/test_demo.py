"""The comparison in demo/demo.py: a demo that cannot fail would prove nothing."""

import importlib.util

import numpy as np
import pytest

from tests.support import ROOT

pytest.importorskip("keras")


@pytest.fixture(scope="module")
def demo():
    path = ROOT / "demo" / "demo.py"
    spec = importlib.util.spec_from_file_location("demo", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def draw(demo, case):
    """Return the R side's result for `case` if R draws the same values as Python."""
    values = demo.draw_in_python(case.python)
    return "[1] 0", values.astype("<f8").tobytes()


def test_equal_values_pass(demo, capsys, monkeypatch):
    monkeypatch.setattr(demo, "draw_in_r", lambda codes: [draw(demo, case) for case in demo.CASES])
    assert demo.main() == 0
    assert capsys.readouterr().out.endswith("are the same in Python and in R.\n")


@pytest.mark.parametrize("byte", [0, -1])
def test_one_flipped_bit_fails(demo, capsys, monkeypatch, byte):
    sides = [draw(demo, case) for case in demo.CASES]
    text, data = sides[1]
    other = bytearray(data)
    other[byte] ^= 1
    sides[1] = text, bytes(other)
    monkeypatch.setattr(demo, "draw_in_r", lambda codes: sides)
    assert demo.main() == 1
    output = capsys.readouterr().out
    assert f"1 of {len(demo.CASES)} tensors differ" in output
    assert output.count("DIFFERENT") == 1


def test_transposed_and_missing_values_fail(demo):
    case = demo.Case("transposed", "", "")
    values = np.arange(6.0).reshape(2, 3)
    assert demo.compare(case, values, "", values.tobytes("C"))
    assert not demo.compare(case, values, "", values.tobytes("F"))
    assert not demo.compare(case, values, "", values.tobytes("C")[:-8])


@pytest.mark.r
@pytest.mark.slow
def test_runs_with_r_in_80_columns(demo, capfd):
    """Protects readers with a narrow terminal; script/test runs the demo in any case."""
    status = demo.main()
    output = capfd.readouterr().out
    assert status == 0, output
    assert max(map(len, output.splitlines())) <= 80
