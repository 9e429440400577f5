"""Models of deep-learning libraries, as far as manifests know of them.

The bridges know the libraries, and attach themselves here: nothing here imports them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from pyinit.dtypes import AnyArray

if TYPE_CHECKING:
    # the bridges attach when pyinit is imported, which must be quick
    from pyinit.manifests.model import Tensor


class Model(Protocol):
    """A model with named weights."""

    #: What to call to give the model the weights that its plan says, for messages.
    remedy: str

    def plan(self, seed: int | None) -> list[Tensor]:
        """What each weight is drawn by, without fingerprints.

        Args:
            seed: The seed of the whole model; None for the seeds of its initializers.

        Raises:
            ValueError: That is not known of all weights. The message names those, and says why.
        """

    def values(self) -> Iterator[tuple[str, AnyArray | None]]:
        """The name of each weight and its values now, None if it has no memory."""


def _no_adapter(target: Any) -> Model | None:
    return None


#: The model that an object is; None if it is none.
adapter_for: Callable[[Any], Model | None] = _no_adapter
