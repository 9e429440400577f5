"""The interface of a framework's model, as manifests see it. The bridges implement it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from pyinit.dtypes import AnyArray

if TYPE_CHECKING:
    from pyinit.manifests.model import TensorSpec
    from pyinit.manifests.sources import LocalSource


class ModelAdapter(Protocol):
    """A model with named weights."""

    def remedy(self, seed: int | None) -> str:
        """Return which call gives the model the weights of `plan(seed)`, for messages."""

    def plan(self, seed: int | None) -> list[TensorSpec]:
        """Return the tensors of the model without fingerprints.

        Args:
            seed: The seed of the whole model; None for the seeds of its initializers. Only with a
                seed are the states of seed generators included.

        Raises:
            ValueError: The initializer of a weight cannot be determined. The message names all such
                weights and gives the reasons.
        """

    def values(self) -> Iterator[tuple[str, AnyArray | LocalSource | None]]:
        """Yield the name and the current values of each weight; None if it has no memory.

        Of a tensor that is sharded over processes, the values are those of this process.
        The states of seed generators are included.
        """

    def buffers(self) -> Iterator[tuple[str, AnyArray | LocalSource | None]]:
        """Yield the name and the values of each tensor that is saved but not part of a plan."""
