"""Seeds derived from a seed and a name."""

import json

import pytest

import pyinit
from tests.support import DATA

CASES = json.loads((DATA / "derived_seeds.json").read_text())


@pytest.mark.parametrize(
    ("seed", "name", "derived"), CASES, ids=[f"{seed}-{name}" for seed, name, _ in CASES]
)
def test_derived_seeds_are_the_documented_ones(seed, name, derived):
    """Protects the definition; sha256sum computed the data."""
    assert pyinit.derive_seed(int(seed), name) == int(derived)


def test_negative_seeds_count_modulo_2_64():
    """Protects negative seeds, which initializers accept too."""
    assert pyinit.derive_seed(-1, "a") == pyinit.derive_seed(2**64 - 1, "a")


@pytest.mark.parametrize(
    ("argument", "arguments"),
    [
        ("seed", (1.5, "a")),
        ("seed", (None, "a")),
        ("seed", (True, "a")),
        ("seed", (2**64, "a")),
        ("name", (1, None)),
        ("name", (1, b"a")),
        ("name", (1, "\ud800")),
        ("name", (1, "dense/kernel\n")),
        ("name", (1, "a\u202eb")),
    ],
)
def test_bad_arguments_are_refused(argument, arguments):
    """Protects the errors."""
    with pytest.raises(ValueError, match=f"Argument `{argument}` must be"):
        pyinit.derive_seed(*arguments)
