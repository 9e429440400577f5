"""Write the first weights and outputs of two models; test_backends.py runs this on each backend."""

import sys

import keras
import numpy as np

import pyinit.keras
from tests.support.keras_models import MODELS, values


def main() -> None:
    """Build, call and initialize the models."""
    start = {}
    for name, (make, inputs) in MODELS.items():
        model = make()
        for moment in ("built", "initialized"):
            for i, weight in enumerate(model.weights):
                start[f"{name} {moment} weight {i}"] = values(weight)
            start[f"{name} {moment} output"] = keras.ops.convert_to_numpy(model(inputs()))
            pyinit.keras.initialize(model, seed=42)
    np.savez(sys.argv[1], **start)


if __name__ == "__main__":
    main()
