"""Our settings follow those of Keras, on the backend of this process."""

import keras
import numpy as np
import pytest

import pyinit


@pytest.fixture(autouse=True)
def _floatx_of_keras():
    """Restore Keras' default dtype."""
    yield
    keras.config.set_floatx("float32")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_floatx_follows_keras(dtype):
    """Protects users of keras.config.set_floatx(), which our calls follow as layers do."""
    keras.config.set_floatx(dtype)
    assert pyinit.floatx() == dtype
    assert pyinit.HeNormal(seed=1)((2, 2)).dtype.name == dtype
    assert pyinit.HeNormal(seed=1).lazy((2, 2)).dtype.name == dtype


def test_set_floatx_counts_more_than_keras():
    """Protects users of set_floatx(), whatever Keras' setting is and becomes."""
    keras.config.set_floatx("float64")
    pyinit.set_floatx("float16")
    assert pyinit.floatx() == "float16"
    keras.config.set_floatx("bfloat16")
    assert pyinit.Zeros()((2,)).dtype == np.float16
