"""Python's values in error messages as R code."""

import pytest

from pyinit.bridges.r.r_code import r_code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "NULL"),
        (True, "TRUE"),
        (3, "3"),
        (3.0, "3"),
        (-1.5, "-1.5"),
        (1e-05, "1e-05"),
        (2.0**80, "1.2089258196146292e+24"),
        (float("inf"), "Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
        (2**63, "9223372036854775808"),
        ("it's", '"it\'s"'),
        ('a"\n\\', '"a\\"\\n\\\\"'),
        ("größe", '"größe"'),
        ((), "integer()"),
        ([], "list()"),
        ((2, 3.0), "c(2, 3)"),
        ([5], "5"),
        (["a", "b"], 'c("a", "b")'),
        ([True, False], "c(TRUE, FALSE)"),
        ([-1, float("inf"), float("nan")], "c(-1, Inf, NaN)"),
        ([1, "a"], 'list(1, "a")'),
        ((2, None), "list(2, NULL)"),
        ([[1, 2], [3]], "list(c(1, 2), 3)"),
        ({}, "list()"),
        ({"gain": None, "a b": [1]}, "list(gain = NULL, `a b` = 1)"),
    ],
)
def test_a_literal_is_r_code(value, code):
    """Protects users of R, who typed no None, tuples or 3.0."""
    assert r_code(repr(value)) == code


@pytest.mark.parametrize(
    "code", ["<object object at 0x1>", "b'a'", "1j", "{1: 2}", "{1, 2}", "f(1)", "a", "1 +", ""]
)
def test_another_value_has_no_r_code(code):
    """Protects messages from code that R would read differently."""
    assert r_code(code) is None


def test_deep_nesting_is_no_error():
    """Protects the message of an error from another error."""
    assert r_code("[" * 100_000) is None
