"""What the tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

import pyinit
from pyinit.dtypes import FLOAT_DTYPES

# what is tested beside us needs no other backend
os.environ.setdefault("KERAS_BACKEND", "numpy")

DATA = Path(__file__).parent / "data"

# a shared machine can be slow for a moment: hypothesis' deadline would make that a failure
settings.register_profile("pyinit", deadline=None, print_blob=True)
settings.load_profile("pyinit")


# it starts R in its process: test_rpy2.py runs it in one of its own
collect_ignore = ["parity_rpy2.py"]


#: One initializer of every random class, by a name for the test's output.
RANDOM = {
    "random_normal": lambda seed: pyinit.RandomNormal(0.5, 2.0, seed),
    "random_uniform": lambda seed: pyinit.RandomUniform(-1.0, 3.0, seed),
    "truncated_normal": lambda seed: pyinit.TruncatedNormal(0.5, 2.0, seed),
    "variance_scaling": lambda seed: pyinit.VarianceScaling(
        3.0, "fan_out", "untruncated_normal", seed
    ),
    "glorot_normal": pyinit.GlorotNormal,
    "glorot_uniform": pyinit.GlorotUniform,
    "he_normal": pyinit.HeNormal,
    "he_uniform": pyinit.HeUniform,
    "lecun_normal": pyinit.LecunNormal,
    "lecun_uniform": pyinit.LecunUniform,
    "orthogonal": lambda seed: pyinit.Orthogonal(1.5, seed),
}


@pytest.fixture(params=list(RANDOM))
def random_class(request):
    """A function of a seed that gives an initializer, for each random class in turn."""
    return RANDOM[request.param]


@pytest.fixture(params=list(FLOAT_DTYPES))
def float_dtype(request) -> str:
    """The name of each float dtype in turn."""
    return request.param


@pytest.fixture(autouse=True)
def _float32_is_the_default() -> Iterator[None]:
    yield
    pyinit.set_floatx("float32")


def same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two arrays have the same shape, dtype and bytes (so -0.0 is not 0.0)."""
    return (
        first.shape == second.shape
        and first.dtype == second.dtype
        and np.ascontiguousarray(first).tobytes() == np.ascontiguousarray(second).tobytes()
    )
