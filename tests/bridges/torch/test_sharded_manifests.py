"""Manifests of sharded torch modules, on real processes."""

import pytest

from tests.support import run_program

pytest.importorskip("torch")

pytestmark = pytest.mark.backends


@pytest.mark.parametrize("world", ["1", "2"])
def test_sharded_modules(world):
    """Protects manifests, verification, names, tied weights and checkpoints of sharded modules."""
    run_program("torch_sharded.py", world)
