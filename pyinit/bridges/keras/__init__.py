"""The bridge to Keras. Importing it registers our classes with Keras' saving code."""

import keras

from pyinit.bridges.keras import seed_generators  # noqa: F401 - extends Keras' class
from pyinit.initializers.registry import CLASSES
from pyinit.seeds import SeedGenerator

for _class in (*CLASSES, SeedGenerator):
    keras.saving.register_keras_serializable(package="pyinit")(_class)
