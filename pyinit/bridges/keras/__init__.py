"""The bridge to Keras: importing it tells Keras' saving code of our classes."""

import keras

from pyinit.initializers.registry import CLASSES
from pyinit.seeds import SeedGenerator

for _class in (*CLASSES, SeedGenerator):
    keras.saving.register_keras_serializable(package="pyinit")(_class)
