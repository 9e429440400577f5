"""Keras models: initialize all weights from one seed, and load saved models with our initializers.

    import pyinit.keras

    pyinit.keras.initialize(model, seed=42)

Keras' layers take our initializers without this module. Loading a saved model that contains some
needs it, since importing it registers our classes with Keras.
"""

from pyinit.bridges.frameworks import framework_required

with framework_required("keras", "Keras"):
    from pyinit.bridges.keras.models import initialize

__all__ = ["initialize"]
