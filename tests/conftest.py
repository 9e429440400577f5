"""Fixtures and settings of all tests."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

import pyinit
from pyinit import dtypes
from pyinit.dtypes import FLOAT_DTYPES
from tests.support import RANDOM, needs_checkout

# The backend that needs no framework, unless the caller has chosen another one.
os.environ.setdefault("KERAS_BACKEND", "numpy")

# A shared machine can be slow for a moment, which hypothesis' deadline would report as a failure.
settings.register_profile("pyinit", deadline=None, print_blob=True)
settings.load_profile("pyinit")

# --doctest-modules would import these; some start R, need several devices or contain mistakes.
collect_ignore = ["support", "typing/user_script.py", "typing/user_mistakes.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need R in an unpacked sdist, which has no R package."""
    for item in items:
        if item.get_closest_marker("r"):
            item.add_marker(needs_checkout)


@pytest.fixture(params=list(RANDOM))
def random_class(request):
    """A function from a seed to an initializer, for each random class in turn."""
    return RANDOM[request.param]


@pytest.fixture(params=list(FLOAT_DTYPES))
def float_dtype(request) -> str:
    """The name of each float dtype in turn."""
    return request.param


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    """Restore the default dtype and number of threads."""
    yield
    dtypes._floatx = None
    pyinit.set_num_threads(None)
