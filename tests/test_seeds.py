"""Seeds derived from a seed and a name."""

import json
import re

import pytest

import pyinit
from pyinit.manifests.reading import SCHEMA
from pyinit.seeds import _CONTROL_CHARACTER
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


def test_characters_of_names():
    """Protects names that one part accepts and another refuses: seeds, manifests and their schema.

    Every character of the basic plane is tried. The R package has a test with the same data.
    """
    ranges = json.loads((DATA / "invalid_characters.json").read_text())
    invalid = {code for first, last in ranges for code in range(int(first, 16), int(last, 16) + 1)}
    schema = json.loads(SCHEMA.read_text())
    pattern = re.compile(schema["$defs"]["tensor"]["properties"]["name"]["pattern"])
    for code in range(0x10000):
        name = f"a{chr(code)}b"
        if 0xD800 <= code <= 0xDFFF:  # no character
            assert not pattern.match(name)
            continue
        assert bool(pattern.match(name)) == (code not in invalid), hex(code)
        assert bool(_CONTROL_CHARACTER.search(name)) == (code in invalid), hex(code)


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
