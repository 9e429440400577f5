"""The pins of the packages that the scripts install."""

import re

import pytest

from tests.support import ROOT, needs_checkout

FILES = sorted(ROOT.glob("constraints*.txt"))


def pins_of(path):
    """Return the version and the hash of each package in a file of pins, by its name."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    pattern = r"([\w.-]+)==([\w.]+)(?: --hash=sha256:([0-9a-f]{64}))?"
    matches = {line: re.fullmatch(pattern, line) for line in lines}
    assert [line for line, match in matches.items() if not match] == []
    return {match[1]: (match[2], match[3]) for match in matches.values()}


@needs_checkout
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_pin_has_a_hash(path):
    """Protects CI from a file that an index serves under a known version."""
    pins = pins_of(path)
    assert pins
    # indexes serve different builds of torch
    assert [name for name, (_, digest) in pins.items() if not digest] in ([], ["torch"])


@needs_checkout
def test_the_oldest_packages_are_the_lower_bounds():
    """Protects users of the oldest versions that pyproject.toml allows."""
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *extras["arrow"], *extras["cli"], *extras["stft"]]
    bounds = dict(requirement.split(">=") for requirement in requirements)
    pins = pins_of(ROOT / "constraints-oldest.txt")
    assert {name: re.sub(r"(\.0)+$", "", pins[name][0]) for name in bounds} == bounds | {
        # SciPy 1.11.0 has no wheel for Python 3.11
        "scipy": "1.11.1"
    }
