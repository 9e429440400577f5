"""For users of Keras: models that hold our initializers load, and one seed serves a whole model.

    import pyinit.keras

    pyinit.keras.initialize(model, seed=42)

Our initializers work in Keras' layers without this import. A saved model that holds some of them
loads after it.
"""

from pyinit.bridges.keras.models import initialize

__all__ = ["initialize"]
