"""Make our initializers and seed generators pass Keras' isinstance checks.

Keras checks `isinstance(initializer, VarianceScaling)` before it tells an initializer which axes of
a kernel are inputs (EinsumDense, and so attention), and `isinstance(initializer, Initializer)`
before it copies one (BatchNormalization). Our classes work without Keras, so they cannot derive
from Keras' classes. But `isinstance` also consults an object's `__class__`, which for our
initializers is a proxy class once Keras is loaded: a class derived from both ours and Keras'. A
proxy class has no instances: calling it (as `initializer.__class__.from_config` in Keras does)
makes an object of our own class.
Proxy classes are made on first access, so the two packages may be imported in either order.

Seed generators have proxy classes too: see `pyinit.bridges.keras.seed_generators`.
"""

from __future__ import annotations

from typing import Any

import keras


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


_proxies: dict[type[Any], type[Any]] = {}


def proxy_class(cls: type[Any]) -> type[Any]:
    """Return the proxy of a class of initializers, derived from it and from Keras' own class."""
    if cls not in _proxies:
        keras_class = next(
            getattr(keras.initializers, base.__name__)
            for base in cls.__mro__
            if base.__module__.startswith("pyinit.") and hasattr(keras.initializers, base.__name__)
        )
        # of two threads, both return the proxy of the first
        _proxies.setdefault(cls, make_proxy(cls, (cls, keras_class)))
    return _proxies[cls]


def make_proxy(cls: type[Any], bases: tuple[type[Any], ...]) -> type[Any]:
    """Return a new proxy of a class, derived from `bases`."""

    def construct(_: type[Any], *args: Any, **kwargs: Any) -> Any:
        return cls(*args, **kwargs)

    def from_config(_: type[Any], config: Any) -> Any:
        return cls.from_config(_without_batch_axes(config))

    is_ours = cls.__module__.startswith("pyinit.")
    return _ProxyMeta(
        cls.__name__,
        bases,
        {
            "__doc__": cls.__doc__,
            # Keras writes the module into a saved model. If the class is not found on loading,
            # Keras' error names this module, which is the one to import.
            "__module__": "pyinit.keras" if is_ours else cls.__module__,
            "__new__": construct,
            "__qualname__": cls.__qualname__,
            "from_config": classmethod(from_config),
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
