"""Seeds: integers, seed generators, default seeds and derived seeds."""

from __future__ import annotations

import hashlib
import os
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol, SupportsIndex

import numpy as np

from pyinit import hooks
from pyinit.arguments import (
    CheckedAttributes,
    argument_error,
    as_index,
    attempt,
    constructed,
    exact_str,
    is_instance,
)
from pyinit.html_tables import property_table


class DrawId(NamedTuple):
    """The identity of one draw of the random stream.

    Args:
        seed: The seed, from 0 to 2**64 - 1.
        draw: The draw of that seed, from 0 to 2**32 - 1.
    """

    seed: int
    draw: int


class TracedDrawError(RuntimeError):
    """A draw is needed while a framework traces, and its seed generator's state has no value yet.

    Args:
        seed: The seed generator.
        state: Its state at this draw, a symbolic tensor of Keras' backend.
        draw_id: Returns the draw of the state's value.
    """

    def __init__(self, seed: Any, state: Any, draw_id: Callable[[Any], DrawId]) -> None:
        super().__init__(
            "Argument `seed` must be an integer in traced code (tf.function, jax.jit, fit() or "
            "predict() of Keras), unless the initializer itself is called there, without `out`, "
            "`device` or a partition: the next draw of a seed generator is known only when the "
            f"traced code runs. Received: seed={seed!r}"
        )
        self.state = state
        self.draw_id = draw_id


class SeedSource(Protocol):
    """A seed generator: ours or Keras' own."""

    @property
    def state(self) -> Any:
        """The seed and the next draw."""

    def next(self) -> Any:
        """Take the next draw."""

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""


#: A seed: an integer, a seed generator, the configuration of one, or None.
Seed = SupportsIndex | SeedSource | dict[str, Any] | None

_ALLOWED = "an integer from -2**63 to 2**64 - 1"
_MAX_DRAWS = 2**32
_names: Counter[str] = Counter()
_names_lock = threading.Lock()


def as_seed(name: str, value: object, allowed: str = _ALLOWED) -> int:
    """Return `value` as an integer seed."""
    seed = as_index(value)
    if seed is None or not -(2**63) <= seed < 2**64:
        raise argument_error(name, value, allowed)
    return seed


def as_draw(draw: object) -> int:
    """Return `draw` as the index of a draw."""
    index = as_index(draw)
    if index is None or not 0 <= index < _MAX_DRAWS:
        raise argument_error("draw", draw, "None or an integer from 0 to 2**32 - 1")
    return index


def fresh_seed() -> int:
    """Return a default seed, from Python's own generator, as in Keras.

    `random.seed()`, `keras.utils.set_random_seed()` and `set_random_seed()` make it reproducible.
    """
    return random.randint(1, 10**9)


def set_random_seed(seed: int) -> None:
    """Make unseeded initializers reproducible.

    As in Keras, the seed goes to Python's `random` and to NumPy's global generator. An initializer
    or seed generator without a seed takes one from `random` when it is constructed.

    Args:
        seed: An integer from 0 to 2**32 - 1, NumPy's range.

    Raises:
        ValueError: `seed` is not an integer in that range.

    Example:
        >>> import pyinit
        >>> pyinit.set_random_seed(1)
        >>> first = pyinit.HeNormal()
        >>> pyinit.set_random_seed(1)
        >>> pyinit.HeNormal().seed == first.seed
        True

    Source: https://keras.io/api/utils/python_utils/#setrandomseed-function
    """
    index = as_index(seed)
    if index is None or not 0 <= index < 2**32:
        raise argument_error("seed", seed, "an integer from 0 to 2**32 - 1")
    random.seed(index)
    np.random.seed(index)  # noqa: NPY002 - Keras seeds the global generator


#: Those that the names in a manifest must not have.
_CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def derive_seed(seed: int, name: str) -> int:
    """Derive the seed of a named weight from a model's seed.

    Different names give unrelated seeds. The seed of a name depends on no other name, so adding,
    removing or reordering weights leaves the others unchanged. The derived seed is the first eight
    bytes of a SHA-256 digest of `seed` and `name`; the page "The random stream" of the
    documentation specifies it to the byte.

    Args:
        seed: An integer from -2**63 to 2**64 - 1; negative seeds are taken modulo 2**64.
        name: The name of the weight, such as `"dense/kernel"`.

    Returns:
        An integer from 0 to 2**64 - 1.

    Raises:
        ValueError: `seed` is not an integer in that range, or `name` is not a string that UTF-8 can
            encode, or has control or direction characters, as no name in a manifest may.

    Example:
        >>> import pyinit
        >>> pyinit.derive_seed(42, "dense/kernel")
        15025066568574079189

    Source: FIPS 180-4, https://csrc.nist.gov/pubs/fips/180-4/upd1/final
    """
    number = as_seed("seed", seed) % 2**64
    text = exact_str(name)
    if text is None:
        raise argument_error("name", name, "a string")
    if _CONTROL_CHARACTER.search(text):
        raise argument_error("name", name, "a string without control and direction characters")
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise argument_error("name", name, "a string that UTF-8 can encode") from None
    digest = hashlib.sha256(b"pyinit derive_seed 1\0%d\0%s" % (number, encoded)).digest()
    return int.from_bytes(digest[:8], "big")


class SeedGenerator(CheckedAttributes):
    """A seed that gives new values at every draw.

    An initializer with an integer seed repeats its values at every call. With a seed generator,
    each call takes the generator's next draw, so initializers that share a generator never share
    values. The first draw is the one that the integer itself gives. Setting the attribute `seed`
    restarts the sequence.

    A forked process has a copy of the generator, whose draws would be those of its parent. So
    `next()` raises an error there. Lazy tensors and initializers with an integer seed work in any
    process; a process that needs draws of its own constructs a generator, seeded by
    `derive_seed()`. A pickled or copied generator continues with the draws of the original.

    Where Keras is loaded, it is a `keras.random.SeedGenerator` too: a seed of Keras' layers,
    initializers and random functions. From the moment Keras uses it, `state` is a Keras variable
    and `next()` returns a tensor, as Keras' own do.

    Args:
        seed: An integer from -2**63 to 2**64 - 1 (taken modulo 2**64), or None for a fresh seed.
        name: A name for printing and configurations; None generates one.

    Raises:
        ValueError: `seed` is not an integer in that range, or `name` is not a string.

    Example:
        >>> import pyinit
        >>> seed = pyinit.SeedGenerator(42)
        >>> initializer = pyinit.RandomNormal(seed=seed)
        >>> bool((initializer((2, 2)) == initializer((2, 2))).any())
        False
        >>> seed.state
        (42, 2)

    Source: https://keras.io/api/random/seed_generator/
    """

    _follow: ClassVar[dict[str, tuple[str, ...]]] = {"seed": ("_initial_seed", "_draw", "_process")}

    seed: int
    name: str
    #: The variable that holds the state once Keras uses the generator.
    _variable: Any = None

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        text = exact_str(name)
        if text is None and name is not None:
            raise argument_error("name", name, "a string or None")
        self._initial_seed = None if seed is None else as_seed("seed", seed)
        self.__dict__.update(
            seed=fresh_seed() if self._initial_seed is None else self._initial_seed,
            name=_unique_name(type(self).__name__) if text is None else text,
        )
        self._draw = 0
        self._process = os.getpid()
        self._lock = threading.Lock()

    @property
    def state(self) -> Any:
        """The (seed, draw) that `next()` returns next; a variable once Keras uses the generator."""
        return self.seed, self._draw

    def next(self, ordered: bool = True) -> Any:
        """Take the next draw.

        Args:
            ordered: False, only once Keras uses the generator, takes the next state of Keras'
                unordered sequence.

        Returns:
            (seed, draw), where draws count from 0. Once Keras uses the generator, a tensor of
            these two on Keras' backend.

        Raises:
            ValueError: `ordered` is not True.
            RuntimeError: All 2**32 draws of the seed are used up, or this process was forked after
                the generator was constructed.
        """
        if ordered is not True:
            raise argument_error("ordered", ordered, "True before Keras uses the generator")
        self._check_process()
        with self._lock:
            if self._variable is None:
                draw = self._draw
                if draw >= _MAX_DRAWS:
                    raise RuntimeError(f"{self!r} has given all of its {_MAX_DRAWS} draws")
                # a call of __setattr__ takes longer than the rest
                self.__dict__["_draw"] = draw + 1
                return self.seed, draw
        # while this thread waited for the lock, Keras started to use the generator
        return self.next(ordered)

    def _check_process(self) -> None:
        """Raise an error in a forked process, whose lock may be held by a thread of its parent."""
        # not os.register_at_fork(): R forks without notifying Python
        if self._process != os.getpid():
            raise RuntimeError(
                f"The seed generator {self.name!r} was constructed before this process was forked, "
                "and its draws here would repeat those of the parent process. Draw from a lazy "
                "tensor or an initializer with an integer seed, or construct a generator in each "
                "process, with a seed from derive_seed()"
            )

    def _draw_id(self, state: Any) -> DrawId:
        """Return the draw of a state, as `state` and `next()` return it."""
        seed, draw = state
        return DrawId(seed % 2**64, draw)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments. As in Keras, they do not include the state."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """Construct a generator from the arguments in `config`."""
        return constructed(cls, config)

    # isinstance() falls back to this attribute; it lets ours pass for Keras' own
    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:
        return hooks.generator_class(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # the default refuses objects whose __class__ is not their type
        return object.__new__, (type(self),), self.__getstate__()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(seed={self.seed}, name={self.name!r})"

    def _repr_html_(self) -> str:
        properties = {"seed": self.seed, "name": self.name}
        # once Keras uses the generator, its variable counts the draws
        if self._variable is None:
            properties["next draw"] = self._draw
        return property_table(type(self).__name__, properties)

    def __getstate__(self) -> dict[str, Any]:
        own = ("_lock", "_process")
        return {name: value for name, value in vars(self).items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _process=os.getpid(), _lock=threading.Lock())


def random_seed_generator(seed: int | None = None, name: str | None = None) -> SeedGenerator:
    """Construct a `SeedGenerator`, a seed that gives new values at every draw.

    Args:
        seed: An integer from -2**63 to 2**64 - 1 (taken modulo 2**64), or None for a fresh seed.
        name: A name for printing and configurations; None generates one.

    Returns:
        A `SeedGenerator`.

    Raises:
        ValueError: `seed` is not an integer in that range, or `name` is not a string.

    Example:
        >>> import pyinit
        >>> pyinit.random_seed_generator(7, name="weights")
        SeedGenerator(seed=7, name='weights')

    Source: https://keras.io/api/random/seed_generator/
    """
    return SeedGenerator(seed, name)


def is_generator(seed: object) -> bool:
    """Return whether `seed` is a seed generator: ours, or Keras', recognised by its methods."""
    return is_instance(seed, SeedGenerator) or bool(attempt(_has_methods_of_generator, seed))


def _has_methods_of_generator(seed: Any) -> bool:
    return (
        not isinstance(seed, type)
        and hasattr(seed, "state")
        and callable(getattr(seed, "next", None))
        and callable(getattr(seed, "get_config", None))
    )


def take_draw(seed: Any, draw: int | None = None) -> DrawId:
    """Take the draw for one call of an initializer.

    Args:
        seed: An integer (its draw 0 is used) or a seed generator (its next draw is taken).
        draw: The draw to use instead, which leaves a seed generator unchanged.
    """
    if type(seed) is int:
        return DrawId(seed % 2**64, draw or 0)
    if not is_generator(seed):
        # users may assign `.seed` after construction
        return DrawId(as_seed("seed", seed) % 2**64, draw or 0)
    if draw is not None:
        return DrawId(next_draw(seed).seed, draw)
    state = seed.next()
    return seed._draw_id(state) if isinstance(seed, SeedGenerator) else keras_draw(seed, state)


def next_draw(generator: Any) -> DrawId:
    """Return the next draw of a seed generator without taking it."""
    state = generator.state
    if isinstance(generator, SeedGenerator):
        return generator._draw_id(state)
    return keras_draw(generator, state)


def keras_draw(seed: Any, state: Any, draw_id: Callable[[Any], DrawId] | None = None) -> DrawId:
    """Return the draw of a state of Keras, a tensor or a variable of the seed and the draw.

    Args:
        seed: The seed generator.
        state: The state.
        draw_id: Returns the draw of the tensor's value in NumPy; None means `draw_of_words`.

    Raises:
        TracedDrawError: The state has no value, since a framework is tracing.
    """
    draw_id = draw_id or draw_of_words
    state = getattr(state, "value", state)
    try:
        words = np.asarray(_to_host(state))
    # how JAX, and TensorFlow and torch, refuse to convert a symbolic tensor
    except (TypeError, NotImplementedError) as error:
        raise TracedDrawError(seed, state, draw_id) from error
    return draw_id(words)


def draw_of_words(words: Any) -> DrawId:
    """Return the draw of Keras' two words: 32-bit integers, signed on some backends."""
    value, draw = (int(word) for word in words)
    return DrawId(value % 2**32 if -(2**31) <= value < 0 else value % 2**64, draw % 2**32)


def _to_host(tensor: Any) -> Any:
    """Copy a torch tensor to host memory; NumPy converts other tensors itself."""
    return tensor.detach().cpu() if hasattr(tensor, "detach") else tensor


def _unique_name(class_name: str) -> str:
    """Generate a name as Keras does: `seed_generator`, `seed_generator_1`, ..."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).lower()
    with _names_lock:
        count = _names[snake]
        _names[snake] += 1
    return f"{snake}_{count}" if count else snake
