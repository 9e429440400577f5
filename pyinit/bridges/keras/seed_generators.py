"""Keep a seed generator shared among initializers when a model is saved and loaded.

While Keras saves or loads a model, it gives objects that occur in several configurations a
`shared_object_id`. Otherwise a generator's configuration has no id, and both Keras' classes and
ours read it.
"""

from __future__ import annotations

from typing import Any

import keras

from pyinit.seeds import SeedGenerator

_ID = "shared_object_id"


def shared_config(generator: Any) -> dict[str, Any] | None:
    """Return a generator's configuration with its id; None if Keras is not saving a model."""
    # Keras assigns the id the second time it meets an object. Keras' own initializers serialize
    # each generator once, so the first of them loads with a generator of its own.
    keras.saving.serialize_keras_object(generator)
    config: dict[str, Any] = keras.saving.serialize_keras_object(generator)
    if _ID not in config:
        return None
    if isinstance(generator, SeedGenerator):
        # Keras' error for an unregistered class names this module, which is the one to import
        config["module"] = "pyinit.keras"
    return config


def shared_generator(config: dict[str, Any]) -> Any:
    """Return the generator of a configuration with an id: one object for each id and model."""
    return keras.saving.deserialize_keras_object(config) if _ID in config else None
