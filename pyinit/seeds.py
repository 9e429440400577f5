"""Seeds: integers, generators of a sequence of draws, and where fresh seeds come from."""

from __future__ import annotations

import hashlib
import random
import re
import threading
from collections import Counter
from typing import Any

import numpy as np

from pyinit.arguments import argument_error, as_index

Key = tuple[int, int]

_ALLOWED = "an integer from -2**63 to 2**64 - 1"
_MAX_DRAWS = 2**32
_names: Counter[str] = Counter()


def as_seed(name: str, value: object, allowed: str = _ALLOWED) -> int:
    """`value` as an integer seed."""
    seed = as_index(value)
    if seed is None or not -(2**63) <= seed < 2**64:
        raise argument_error(name, value, allowed)
    return seed


def fresh_seed() -> int:
    """A seed for who gave none: from Python's own generator, as in Keras.

    So `random.seed()`, `keras.utils.set_random_seed()` and `set_random_seed()` all make it
    reproducible.
    """
    return random.randint(1, 10**9)


def set_random_seed(seed: int) -> None:
    """Makes unseeded initializers reproducible.

    As in Keras, the seed goes to Python's `random` and to NumPy's global generator; an initializer
    or seed generator without a seed takes one from the former when it is constructed.

    Args:
        seed: An integer from 0 to 2**32 - 1 (NumPy's range).

    Raises:
        ValueError: `seed` is not such an integer.

    Example:
        >>> import pyinit
        >>> pyinit.set_random_seed(1)
        >>> first = pyinit.HeNormal()
        >>> pyinit.set_random_seed(1)
        >>> pyinit.HeNormal().seed == first.seed
        True
    """
    index = as_index(seed)
    if index is None or not 0 <= index < 2**32:
        raise argument_error("seed", seed, "an integer from 0 to 2**32 - 1")
    random.seed(index)
    np.random.seed(index)  # noqa: NPY002 - the global generator is what Keras seeds


def derive_seed(seed: int, name: str) -> int:
    """The seed of one named thing, such as a weight, from the seed of the whole.

    Different names give unrelated seeds, and a name's seed depends on no other name: weights that
    are added, removed or reordered leave the others as they are.

    The seed is the first 8 bytes, big-endian, of the SHA-256 digest of these bytes: the ASCII text
    `pyinit derive_seed 1`, a zero byte, `seed` modulo 2**64 in decimal, a zero byte, and `name` in
    UTF-8.

    Args:
        seed: An integer from -2**63 to 2**64 - 1.
        name: A string.

    Returns:
        An integer from 0 to 2**64 - 1.

    Raises:
        ValueError: An argument is not as described.

    Example:
        >>> import pyinit
        >>> pyinit.derive_seed(42, "dense/kernel")
        15025066568574079189

    Source: FIPS 180-4, https://csrc.nist.gov/pubs/fips/180-4/upd1/final
    """
    number = as_seed("seed", seed) % 2**64
    if not isinstance(name, str):
        raise argument_error("name", name, "a string")
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        raise argument_error("name", name, "a string that UTF-8 can encode") from None
    digest = hashlib.sha256(b"pyinit derive_seed 1\0%d\0%s" % (number, encoded)).digest()
    return int.from_bytes(digest[:8], "big")


class SeedGenerator:
    """A seed that gives new values at every draw.

    An initializer with an integer seed repeats its values at every call. With a seed generator,
    each call takes the generator's next draw; initializers that share one generator never share
    values. The first draw is what the integer itself would give.

    Args:
        seed: An integer from -2**63 to 2**64 - 1 (negative ones count modulo 2**64), or None for
            a fresh one.
        name: A name for printing and configs; made up if None.

    Raises:
        ValueError: `seed` is not such an integer, or `name` is not a string.

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

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise argument_error("name", name, "a string or None")
        self._initial_seed = None if seed is None else as_seed("seed", seed)
        self.seed = fresh_seed() if self._initial_seed is None else self._initial_seed
        self.name = _unique_name(type(self).__name__) if name is None else name
        self._draw = 0
        self._lock = threading.Lock()

    @property
    def state(self) -> Key:
        """(seed, draw): what the next draw will use."""
        return self.seed, self._draw

    def next(self) -> Key:
        """Takes the next draw.

        Returns:
            (seed, draw), the draw counting from 0.

        Raises:
            RuntimeError: All 2**32 draws of the seed are used up.
        """
        with self._lock:
            draw = self._draw
            if draw >= _MAX_DRAWS:
                raise RuntimeError(f"{self!r} has given all of its {_MAX_DRAWS} draws")
            self._draw = draw + 1
        return self.seed, draw

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such a generator (its state starts anew, as in Keras)."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """A generator with the arguments in `config`."""
        if not isinstance(config, dict):
            raise argument_error("config", config, "a dictionary, as get_config() returns it")
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(seed={self.seed}, name={self.name!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())


def random_seed_generator(seed: int | None = None, name: str | None = None) -> SeedGenerator:
    """A seed that gives new values at every draw: see `SeedGenerator`.

    Args:
        seed: An integer, or None for a fresh one.
        name: A name for printing and configs; made up if None.

    Returns:
        A `SeedGenerator`.

    Example:
        >>> import pyinit
        >>> pyinit.random_seed_generator(7, name="weights")
        SeedGenerator(seed=7, name='weights')
    """
    return SeedGenerator(seed, name)


def is_generator(seed: object) -> bool:
    """Whether `seed` is a seed generator: ours, or Keras' own, known by what it offers."""
    return isinstance(seed, SeedGenerator) or (
        not isinstance(seed, type)
        and hasattr(seed, "state")
        and callable(getattr(seed, "next", None))
        and callable(getattr(seed, "get_config", None))
    )


def draw_key(seed: Any) -> Key:
    """(seed modulo 2**64, draw) for one call of an initializer with that seed.

    A seed may be such a pair itself: a draw that is already taken.
    """
    if isinstance(seed, tuple):
        return seed
    if isinstance(seed, int):
        return seed % 2**64, 0
    if isinstance(seed, SeedGenerator):
        value, draw = seed.next()
        return value % 2**64, draw
    if not is_generator(seed):  # set as an attribute, later than the constructor looks
        return as_seed("seed", seed) % 2**64, 0
    return _key_of_keras(seed.next())


def next_key(generator: Any) -> Key:
    """(seed modulo 2**64, draw) of the next draw of a seed generator, which is not taken."""
    if isinstance(generator, SeedGenerator):
        value, draw = generator.state
        return value % 2**64, draw
    return _key_of_keras(getattr(generator.state, "value", generator.state))


def _key_of_keras(state: Any) -> Key:
    """Keras' own holds the two as a tensor of 32-bit integers, signed or not by backend."""
    value, draw = (int(word) for word in np.asarray(_to_host(state)))
    return value % 2**32 if -(2**31) <= value < 0 else value % 2**64, draw % 2**32


def _to_host(tensor: Any) -> Any:
    """A tensor in the host's memory."""
    return tensor.detach().cpu() if hasattr(tensor, "detach") else tensor


def _unique_name(class_name: str) -> str:
    """`seed_generator`, `seed_generator_1`, ...: the names that Keras makes up."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).lower()
    count = _names[snake]
    _names[snake] += 1
    return f"{snake}_{count}" if count else snake
