"""The arguments that the initializations of whole models share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyinit.initializers.registry import get_argument

#: The defaults of Keras' layers, by kind of weight.
_DEFAULTS = {
    "kernel": "glorot_uniform",
    "recurrent": "orthogonal",
    "embeddings": "uniform",
    "bias": "zeros",
}


@dataclass(frozen=True)
class InitializerArguments:
    """The initializers given to `pyinit.torch.init_()` and `pyinit.jax.init()`.

    The docstrings of both describe them.
    """

    initializer: Any = None
    recurrent_initializer: Any = None
    embeddings_initializer: Any = None
    bias_initializer: Any = None
    parameters: Mapping[str, Any] | None = None

    def by_kind(self) -> dict[str, Any]:
        """Return the initializer of each kind of weight."""
        given = {
            "kernel": self.initializer,
            "recurrent": self.recurrent_initializer,
            "embeddings": self.embeddings_initializer,
            "bias": self.bias_initializer,
        }
        for kind in ("recurrent", "embeddings"):
            if given[kind] is None:
                given[kind] = self.initializer
        return {
            kind: get_argument(
                "initializer" if kind == "kernel" else f"{kind}_initializer",
                _DEFAULTS[kind] if initializer is None else initializer,
            )
            for kind, initializer in given.items()
        }
