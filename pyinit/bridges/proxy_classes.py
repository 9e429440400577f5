"""Make our objects pass the isinstance checks of Keras 3 and of tf_keras.

Keras checks `isinstance(initializer, VarianceScaling)` before it tells an initializer which axes of
a kernel are inputs (EinsumDense, and so attention), and `isinstance(initializer, Initializer)`
before it copies one (BatchNormalization); tf_keras warns when it saves an initializer that is not
one of its own. Our classes work without Keras, so they cannot derive from Keras' classes. But
`isinstance` also consults an object's `__class__`, which for our initializers is a proxy class once
Keras is loaded: a class derived from both ours and Keras'. A proxy class has no instances: calling
it (as `initializer.__class__.from_config` in Keras does) makes an object of our own class.
Proxy classes are made on first access, so the packages may be imported in any order.

Seed generators have proxy classes too: see `pyinit.bridges.keras.seed_generators`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: The last name that each library defines when it is imported.
_LAST_NAMES = {"keras": "version", "tf_keras": "__version__"}
#: The names under which tf_keras saves classes: see `pyinit.bridges.tf_keras`.
EXPORTED_NAMES: dict[type[Any], str] = {}


class _ProxyMeta(type):
    """The metaclass of proxy classes.

    A proxy class equals the class it is a proxy of. Dictionaries such as Keras' registry of custom
    objects therefore find a user's class under its proxy, whenever it was registered.
    """

    proxied: type[Any]

    def __eq__(cls, other: object) -> bool:
        return cls is other or cls.proxied is other

    def __hash__(cls) -> int:
        return hash(cls.proxied)


#: The proxies, by class and the libraries that are loaded.
_proxies: dict[tuple[type[Any], tuple[str, ...]], type[Any]] = {}


def is_loaded(library: str) -> bool:
    """Return whether `keras` or `tf_keras` has been imported completely."""
    return hasattr(sys.modules.get(library), _LAST_NAMES[library])


def proxy_class(cls: type[Any]) -> type[Any]:
    """Return the proxy of a class of initializers, derived from it and from Keras' own class."""
    libraries = tuple(library for library in cls._proxied_libraries if is_loaded(library))
    if not libraries:
        return cls
    key = cls, libraries
    if key not in _proxies:
        # of two threads, both return the proxy of the first
        _proxies.setdefault(key, _initializer_proxy(cls, libraries))
    return _proxies[key]


def _class_in(library: str, cls: type[Any]) -> type[Any]:
    """Return the class of a library that has the name of `cls` or of its nearest base."""
    initializers = sys.modules[library].initializers
    found: type[Any] = next(
        getattr(initializers, base.__name__)
        for base in cls.__mro__
        if base.__module__.startswith("pyinit.") and hasattr(initializers, base.__name__)
    )
    return found


def _initializer_proxy(cls: type[Any], libraries: tuple[str, ...]) -> type[Any]:
    if "keras" in libraries:
        # registers our classes: Keras asks for the proxy when it saves an initializer
        importlib.import_module("pyinit.bridges.keras")
    is_exported = "tf_keras" in libraries and cls in EXPORTED_NAMES
    return make_proxy(
        cls,
        (cls, *(_class_in(library, cls) for library in libraries)),
        # TensorFlow's record of the public names of a class
        {"_keras_api_names": (EXPORTED_NAMES[cls],)} if is_exported else {},
    )


def make_proxy(
    cls: type[Any],
    bases: tuple[type[Any], ...],
    attributes: Mapping[str, Any] = MappingProxyType({}),
) -> type[Any]:
    """Return a new proxy of a class, derived from `bases`, with additional attributes."""

    def construct(_: type[Any], *args: Any, **kwargs: Any) -> Any:
        return cls(*args, **kwargs)

    def from_config(_: type[Any], config: Any) -> Any:
        return cls.from_config(_without_batch_axes(config))

    is_ours = cls.__module__.startswith("pyinit.")
    return _ProxyMeta(
        cls.__name__,
        bases,
        {
            **attributes,
            "__doc__": cls.__doc__,
            "from_config": classmethod(from_config),
            # Keras writes the module into a saved model. If the class is not found on loading,
            # Keras' error names this module, which is the one to import.
            "__module__": "pyinit.keras" if is_ours else cls.__module__,
            "__new__": construct,
            "__qualname__": cls.__qualname__,
            "proxied": cls,
        },
    )


def _without_batch_axes(config: Any) -> Any:
    """Remove the batch axes from the fan axes that EinsumDense has added to a configuration.

    EinsumDense counts an axis that the kernel shares with both the inputs and the outputs, such as
    that of experts, as an output. Without it, a configuration has no axis twice, since the
    constructor rejects that.
    """
    if not isinstance(config, dict) or config.get("batch_axes") is None:
        return config
    names = [name for name in ("input_axes", "output_axes") if config.get(name) is not None]
    batch = config["batch_axes"]
    return {
        **config,
        **{name: [axis for axis in config[name] if axis not in batch] for name in names},
    }
