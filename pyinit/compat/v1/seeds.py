"""Where the initializers of `compat.v1` take their draws from.

TensorFlow 1 knows two seeds: that of the graph, which `set_random_seed()` sets, and that of an
operation, the `seed` of an initializer. Here the two together give the seed of one generator for
each initializer, and every call takes its next draw.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pyinit.arguments import Shape
from pyinit.seeds import SeedGenerator, as_seed, derive_seed

# One for all: what it guards takes microseconds.
_lock = threading.Lock()


class _Graph:
    """The graph-level seed."""

    def __init__(self) -> None:
        self._seed: int | None = None
        self._unseeded = 0
        #: Counts how often the seed was set.
        self.settings = 0

    def set_seed(self, seed: int | None) -> None:
        self._seed = seed
        self._unseeded = 0
        self.settings += 1

    def generator(self, operation_seed: int | None) -> SeedGenerator:
        """The generator of an initializer with that seed."""
        seed = operation_seed
        if self._seed is not None:
            seed = derive_seed(self._seed, self._name(operation_seed))
        return SeedGenerator(seed, name="compat.v1")

    def _name(self, operation_seed: int | None) -> str:
        """The name of an initializer among all that share the graph-level seed."""
        if operation_seed is not None:
            return f"seed {operation_seed}"
        self._unseeded += 1
        return f"unseeded {self._unseeded}"


_graph = _Graph()


def set_random_seed(seed: int | None) -> None:
    """Sets the graph-level seed.

    It makes the initializers without a seed reproducible: after the same `set_random_seed()`, the
    same calls in the same order give the same values. For those with a seed it counts too: the
    two seeds together say where the sequence of values starts. Every initializer starts anew after
    the call, also one that has been used already.

    Until it is called, an initializer with a seed starts at what that seed gives anywhere in
    pyinit, and one without takes a fresh seed from Python's `random`, so that
    `pyinit.set_random_seed()` makes it reproducible as well.

    Args:
        seed: An integer from -2**63 to 2**64 - 1, or None to unset it.

    Raises:
        ValueError: `seed` is none of these.

    Example:
        >>> from pyinit.compat import v1
        >>> v1.set_random_seed(1)
        >>> first = v1.random_normal_initializer()((2, 2))
        >>> v1.set_random_seed(1)
        >>> bool((v1.random_normal_initializer()((2, 2)) == first).all())
        True
        >>> v1.set_random_seed(None)

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/set_random_seed
    """
    if seed is not None:
        seed = as_seed("seed", seed, "an integer from -2**63 to 2**64 - 1, or None")
    with _lock:
        _graph.set_seed(seed)


class Draws:
    """The sequence of draws of one initializer.

    The parts of one variable belong to one draw: a part continues the draw of the part before it
    if the full shape is the same and that draw has not given this part yet.

    Args:
        operation_seed: The seed of the initializer.
    """

    def __init__(self, operation_seed: int | None) -> None:
        self._operation_seed = operation_seed
        self._settings: int | None = None
        self._generator: SeedGenerator
        self._last: tuple[tuple[int, int], Shape]
        self._given: set[Shape] = set()

    def take(self, full_shape: Shape, offset: Shape | None) -> tuple[int, int]:
        """The (seed, draw) of one call.

        Args:
            full_shape: The shape of the variable.
            offset: Where the part starts that is asked for; None for the whole variable.
        """
        with _lock:
            if self._settings != _graph.settings:
                self._settings = _graph.settings
                self._generator = _graph.generator(self._operation_seed)
                self._given = set()
            if (
                not self._given
                or offset is None
                or offset in self._given
                or self._last[1] != full_shape
            ):
                self._last = self._generator.next(), full_shape
                self._given = set()
            if offset is not None:
                self._given.add(offset)
            return self._last[0]


class DrawOnce(SeedGenerator):
    """The seed of one call: its draw is taken when the arguments have turned out to be good.

    Args:
        take: Gives the (seed, draw).
    """

    def __init__(self, take: Callable[[], tuple[int, int]]) -> None:
        super().__init__(0, name="compat.v1")
        self._take = take

    def next(self) -> tuple[int, int]:
        """Takes the draw."""
        return self._take()
