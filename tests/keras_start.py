"""What test_keras_backends.py runs on each backend: writes how two small models start."""

import sys

import keras
import numpy as np
from keras_models import MODELS, values

import pyinit.keras


def main() -> None:
    """Builds, calls and initializes the models."""
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
