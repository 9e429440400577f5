"""The bridge to tf_keras (Keras 2): lets its saving code find our classes.

In a saved model tf_keras writes the name of an initializer's class. Without more information it
loads its own class of that name, which draws other values. Every format but HDF5 has a second
field for the name under which a class is registered; HDF5 has only the class name of exported
classes. So our classes are registered, and their proxy classes are exported, under one name with a
prefix, such as `pyinit>HeNormal`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from pyinit.bridges import proxy_classes
from pyinit.bridges.imports import when_imported
from pyinit.initializers.registry import CLASSES


def export(module: str, package: str, classes: Mapping[str, type[Any]]) -> None:
    """Register classes with tf_keras, as soon as it is loaded.

    Args:
        module: The name of the module that calls this. tf_keras imports it to load a class.
        package: The prefix of the registered names; it has no dots.
        classes: The classes by name.
    """
    for name, cls in classes.items():
        key = f"{package}>{name}"
        vars(sys.modules[module])[key] = cls
        proxy_classes.EXPORTED_NAMES[cls] = f"{module}.{key}"

    def register(tf_keras: Any) -> None:
        for name, cls in classes.items():
            tf_keras.saving.register_keras_serializable(package, name)(cls)

    when_imported("tf_keras", register)


export(__name__, "pyinit", {cls.__name__: cls for cls in CLASSES})
