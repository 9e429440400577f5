"""The seeds of `compat.v1`.

TensorFlow 1 has two seeds: that of the graph, set by `set_random_seed()`, and that of an operation,
here the `seed` of an initializer. The two determine a seed generator for each initializer, and
every call takes its next draw.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pyinit.arguments import Shape
from pyinit.seeds import DrawId, SeedGenerator, as_seed, derive_seed, take_draw

# one lock suffices: it is held for microseconds
_lock = threading.Lock()


class _Graph:
    """The graph-level seed."""

    def __init__(self) -> None:
        self._seed: int | None = None
        self._unseeded = 0
        #: The number of times that the seed was set.
        self.times_set = 0

    def set_seed(self, seed: int | None) -> None:
        self._seed = seed
        self._unseeded = 0
        self.times_set += 1

    def generator(self, operation_seed: int | None) -> SeedGenerator:
        """Return a seed generator for an initializer with that seed."""
        seed = operation_seed
        if self._seed is not None:
            seed = derive_seed(self._seed, self._name(operation_seed))
        return SeedGenerator(seed, name="compat.v1")

    def _name(self, operation_seed: int | None) -> str:
        """Return a name for the initializer, from which its seed is derived."""
        if operation_seed is not None:
            return f"seed {operation_seed}"
        self._unseeded += 1
        return f"unseeded {self._unseeded}"


_graph = _Graph()


def set_random_seed(seed: int | None) -> None:
    """Set the graph-level seed.

    It makes initializers without a seed reproducible: after the same `set_random_seed()`, the same
    calls in the same order give the same values. For an initializer with a seed, the two seeds
    together determine its values. Every initializer restarts its sequence of values, even if it has
    been used before.

    Without a graph-level seed, an initializer with a seed starts with the values that this seed
    gives elsewhere in pyinit. One without a seed takes a fresh seed from Python's `random`, which
    `pyinit.set_random_seed()` makes reproducible too.

    Args:
        seed: An integer from -2**63 to 2**64 - 1, or None to unset it.

    Raises:
        ValueError: `seed` is not such an integer.

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

    Successive partitions of one variable share a draw. A partition starts a new draw if the full
    shape differs from that of the last draw, or if that draw has already given this partition.

    Args:
        operation_seed: The seed of the initializer.
    """

    def __init__(self, operation_seed: int | None) -> None:
        self._operation_seed = operation_seed
        self._times_set: int | None = None
        self._generator: SeedGenerator
        self._last: DrawId
        self._full_shape: Shape
        #: The offsets of the partitions that the last draw has given.
        self._given: set[Shape] = set()

    def take(self, full_shape: Shape, offset: Shape | None) -> DrawId:
        """Return the draw for one call.

        Args:
            full_shape: The shape of the variable.
            offset: The start of the partition; None for the whole variable.
        """
        with _lock:
            if self._times_set != _graph.times_set:
                self._times_set = _graph.times_set
                self._generator = _graph.generator(self._operation_seed)
                self._given = set()
            if (
                not self._given
                or offset is None
                or offset in self._given
                or full_shape != self._full_shape
            ):
                self._last = take_draw(self._generator)
                self._full_shape = full_shape
                self._given = set()
            if offset is not None:
                self._given.add(offset)
            return self._last


class CallSeed(SeedGenerator):
    """The seed of one call, whose draw is taken once the call's arguments are checked.

    Args:
        take: A function that takes the draw.
    """

    def __init__(self, take: Callable[[], DrawId]) -> None:
        super().__init__(0, name="compat.v1")
        self._take = take

    def next(self, ordered: bool = True) -> DrawId:
        """Take the draw."""
        return self._take()
