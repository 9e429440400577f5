"""Fixtures of the tests with Keras."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True, scope="module")
def _unchecked_shape_inference() -> Iterator[None]:
    """Ignore floating-point errors where Keras infers shapes.

    Its NumPy backend calls a layer with arrays from numpy.empty(), which may hold anything: the
    warning that such values cause, an error here, would come and go.
    """
    with pytest.MonkeyPatch.context() as patch:
        infer = keras.src.backend.compute_output_spec
        patch.setattr(keras.src.backend, "compute_output_spec", np.errstate(all="ignore")(infer))
        yield
