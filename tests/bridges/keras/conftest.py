"""Fixtures of the tests with Keras."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True, scope="module")
def _unchecked_shape_inference() -> Iterator[None]:
    """Ignore floating-point errors where Keras infers shapes.

    Its NumPy backend calls a layer with uninitialized arrays. Some of their values cause a warning,
    which pytest turns into an error, so that a test would fail at random.
    """
    with pytest.MonkeyPatch.context() as patch:
        infer = keras.src.backend.compute_output_spec
        patch.setattr(keras.src.backend, "compute_output_spec", np.errstate(all="ignore")(infer))
        yield
