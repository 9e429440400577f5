"""Our initializers are initializers of Keras, and its variance scaling is ours too.

Keras asks `isinstance(initializer, VarianceScaling)` before it tells an initializer which axes of a
kernel are inputs (EinsumDense, and so attention), and `isinstance(initializer, Initializer)` before
it copies one (BatchNormalization). Our classes cannot derive from Keras', since they work without
it. But `isinstance` also asks an object for its `__class__`, and ours answer, where Keras is
loaded, with a class that derives from both. That class has no instances: constructing one (Keras
calls `initializer.__class__.from_config`) gives an object of our own class. It is made when an
initializer is first asked, so it does not matter which of the two packages was imported first.
"""

from __future__ import annotations

from typing import Any

import keras


class _Shown(type):
    """The class of the classes shown.

    For dictionaries, such as Keras' registry of what it can save, one is the class it stands for:
    a class of the user's own is found there however and whenever it was registered.
    """

    stands_for: type[Any]

    def __eq__(cls, other: object) -> bool:
        return cls is other or cls.stands_for is other

    def __hash__(cls) -> int:
        return hash(cls.stands_for)


_shown: dict[type[Any], type[Any]] = {}


def proxy_class(cls: type[Any]) -> type[Any]:
    """The class to show for `cls`, a class of initializers: derived from it and from Keras' own."""
    if cls not in _shown:
        # the first one stays, should two threads get here
        _shown.setdefault(cls, _make(cls))
    return _shown[cls]


def _make(cls: type[Any]) -> type[Any]:
    kin = next(
        getattr(keras.initializers, base.__name__)
        for base in cls.__mro__
        if base.__module__.startswith("pyinit.") and hasattr(keras.initializers, base.__name__)
    )

    def construct(_: type[Any], *args: Any, **kwargs: Any) -> Any:
        return cls(*args, **kwargs)

    ours = cls.__module__.startswith("pyinit.")
    return _Shown(
        cls.__name__,
        (cls, kin),
        {
            "__doc__": cls.__doc__,
            # Keras writes it into a saved model, and shows it where it cannot find the class: it
            # is the import that is missing then
            "__module__": "pyinit.keras" if ours else cls.__module__,
            "__new__": construct,
            "__qualname__": cls.__qualname__,
            "stands_for": cls,
        },
    )
