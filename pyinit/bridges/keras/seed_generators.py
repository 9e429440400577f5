"""Make our seed generators seed generators of Keras, also in models that are saved and loaded.

Keras asks `isinstance(seed, SeedGenerator)` before it draws from a generator and when a layer gets
one as an attribute. Our generators answer with a proxy class, as our initializers do. When a layer,
an initializer or a random function of Keras asks, Keras starts to use the generator: its draw moves
to a Keras variable, which Keras can track, trace and restore, and its type changes to a class
derived from both.

Layers with an argument `seed` (Dropout, LSTM, RandomFlip) construct `SeedGenerator(seed)`, which
takes integers only. Importing this module makes `keras.random.SeedGenerator(ours)` return ours.

While Keras saves or loads a model, it gives objects that occur in several configurations a
`shared_object_id`. Otherwise a generator's configuration has no id, and both Keras' classes and
ours read it.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from pyinit.bridges.proxy_classes import make_proxy
from pyinit.seeds import DrawId, SeedGenerator, draw_of_words, keras_draw

#: The modules of Keras that ask before they use a generator. Its saving code asks, too.
_USERS = ("keras.src.initializers", "keras.src.layers", "keras.src.random")
_ID = "shared_object_id"
_KerasGenerator: Any = keras.random.SeedGenerator
#: For each class of generators, the `__class__` of its objects.
_proxies: dict[type[Any], type[Any]] = {}
#: For each class of generators, the class of those that Keras uses. It is not the `__class__`: an
#: `isinstance()` during which the type of an object becomes its `__class__` returns False.
_classes_in_keras: dict[type[Any], type[Any]] = {}


class _UsedByKeras(SeedGenerator):
    """The methods of a generator that Keras uses: its state is a Keras variable.

    A generator becomes one by a change of its class; none is constructed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: `keras.random.SeedGenerator(ours)` calls this, and ours is complete."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "seed":
            raise AttributeError(
                f"The seed of {self!r} cannot be set, since Keras uses it: its state is a variable"
            )
        super().__setattr__(name, value)

    @property
    def state(self) -> Any:
        """The variable that holds the seed and the next draw."""
        return self._variable

    def next(self, ordered: bool = True) -> Any:
        """Take the next draw, as Keras' generator does."""
        self._check_process()
        with self._lock:
            return _KerasGenerator.next(self, ordered=ordered)

    def _draw_id(self, state: Any) -> DrawId:
        return keras_draw(self, state, self._draw_id_of_words)

    def _draw_id_of_words(self, words: Any) -> DrawId:
        drawn = draw_of_words(words)
        # the variable holds the seed modulo 2**32
        return drawn if drawn.seed != self.seed % 2**32 else DrawId(self.seed % 2**64, drawn.draw)

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.__getstate__()
        del state["_variable"], state["backend"]
        seed, draw = self._draw_id(self._variable)
        if seed != self.seed % 2**64:
            # Keras or `pyinit.keras.initialize()` has set the variable
            state["seed"] = seed
        return object.__new__, (type(self).proxied,), {**state, "_draw": draw}  # type: ignore[attr-defined]


class _OnOtherBackend(_KerasGenerator):  # type: ignore[misc]
    """Keras' generator with the seed of ours, for a preprocessing layer in a tf.data pipeline."""

    def __init__(self, seed: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_as_generator(seed).seed % 2**32, *args, **kwargs)


def generator_class(generator: SeedGenerator, caller: str) -> type[Any]:
    """Return the `__class__` of one of our generators.

    Args:
        generator: The generator.
        caller: The name of the module that asks.
    """
    if caller.startswith(_USERS):
        use_in_keras(generator)
    cls = type(generator)
    if issubclass(cls, _UsedByKeras):
        cls = cls.proxied  # type: ignore[attr-defined]
    return _made_once(_proxies, cls, (cls, _KerasGenerator))


def _made_once(
    made: dict[type[Any], type[Any]], cls: type[Any], bases: tuple[type[Any], ...]
) -> type[Any]:
    if cls not in made:
        # of two threads, both return the class of the first
        made.setdefault(cls, make_proxy(cls, bases))
    return made[cls]


def use_in_keras(generator: SeedGenerator) -> None:
    """Move the draw of a generator to a Keras variable, unless it is there already."""
    with generator._lock:
        cls = type(generator)
        if issubclass(cls, _UsedByKeras):
            return
        seed, draw = generator.seed % 2**32, generator._draw
        theirs = _untraced(lambda: _keras_generator(seed, draw, generator.name))
        vars(generator).update(backend=theirs.backend, _variable=theirs.state)
        in_keras = _made_once(_classes_in_keras, cls, (_UsedByKeras, cls, _KerasGenerator))
        # past the property of that name
        object.__dict__["__class__"].__set__(generator, in_keras)


def _keras_generator(seed: int, draw: int, name: str) -> Any:
    """Return Keras' own generator in a state."""
    generator = _KerasGenerator(0, name=name.replace("/", "_"))
    # some backends have signed words
    words = np.array([seed, draw], np.uint64).astype(generator.state.dtype)
    generator.state.assign(keras.ops.convert_to_tensor(words))
    return generator


def _untraced(make: Callable[[], Any]) -> Any:
    """Return the result of `make`, called in a thread of its own.

    The state of a trace (of tf.function, jax.jit or Keras' stateless scope) belongs to a thread. A
    variable made in a trace would be lost with it.
    """
    results: list[Any] = []
    distribution = keras.distribution.distribution()

    def run() -> None:
        keras.distribution.set_distribution(distribution)
        try:
            results.append((make(), None))
        except BaseException as error:
            results.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    made, error = results[0]
    if error is not None:
        raise error
    return made


def _new(cls: type[Any], seed: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Construct Keras' generator; of one of ours, return it."""
    generator = _as_generator(seed) if cls is _KerasGenerator else None
    if generator is None:
        return object.__new__(cls)
    if kwargs.get("backend") is not None:
        return object.__new__(_OnOtherBackend)
    use_in_keras(generator)
    return generator


def _as_generator(seed: Any) -> Any:
    """Return one of our generators, given as such or as its configuration; else None."""
    if not isinstance(seed, dict) or seed.get("registered_name") != "pyinit>SeedGenerator":
        return seed if issubclass(type(seed), SeedGenerator) else None
    generator = keras.saving.deserialize_keras_object(dict(seed))
    _replace_configurations(seed, generator)
    return generator


def _replace_configurations(config: dict[str, Any], generator: SeedGenerator) -> None:
    """Set `seed` of the layers under construction to the generator instead of its configuration.

    Otherwise they would write the configuration into another saved model, with the id that the
    generator has in this one.
    """
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        layer = frame.f_locals.get("self")
        if isinstance(layer, keras.Layer) and getattr(layer, "seed", None) == config:
            layer.seed = generator


# what help() and inspect show of a class that has both
_new.__signature__ = inspect.signature(_KerasGenerator.__init__)  # type: ignore[attr-defined]
_KerasGenerator.__new__ = _new


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
