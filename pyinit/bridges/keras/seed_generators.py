"""Seed generators that initializers share stay shared in a saved model.

While Keras saves or loads a model it keeps track of objects that occur in several configurations,
and gives them a `shared_object_id`. Outside of that there are none, and the configuration of a seed
generator is the one that Keras' classes and ours read alike.
"""

from __future__ import annotations

from typing import Any

import keras

from pyinit.seeds import SeedGenerator

_ID = "shared_object_id"


def shared_config(generator: Any) -> dict[str, Any] | None:
    """A generator's configuration with its id, if Keras keeps track of objects now, else None."""
    # Keras gives an id to what it meets a second time. Its own initializers show a generator once
    # each, so that the first of them comes back with a generator of its own.
    keras.saving.serialize_keras_object(generator)
    config: dict[str, Any] = keras.saving.serialize_keras_object(generator)
    if _ID not in config:
        return None
    if isinstance(generator, SeedGenerator):
        # what to import where Keras cannot find the class: its error shows it
        config["module"] = "pyinit.keras"
    return config


def shared_generator(config: dict[str, Any]) -> Any:
    """The generator of a configuration with an id: one for each id and model that is loaded."""
    return keras.saving.deserialize_keras_object(config) if _ID in config else None
