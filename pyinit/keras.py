"""Keras models: initialize all weights from one seed, and load saved models with our initializers.

Keras' layers accept our initializers without this module. Import it before loading a saved model
that contains them: the import registers our classes with Keras.

Example:
    import pyinit.keras

    pyinit.keras.initialize(model, seed=42)
"""

from pyinit.bridges.frameworks import framework_required

with framework_required("keras", "Keras"):
    from pyinit.bridges.keras.models import initialize

__all__ = ["initialize"]
