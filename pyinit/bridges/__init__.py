"""Bridges to other systems.

Nothing outside this folder imports them, but for the package's root, which calls `attach()`. That
costs nothing: a bridge to a system is imported when the system is there already.
"""

from __future__ import annotations

import sys
from typing import Any

from pyinit.initializers import hooks
from pyinit.manifests import adapters


def attach() -> None:
    """Attaches the bridges to the initializers and to the manifests."""
    hooks.isinstance_proxy = _isinstance_proxy
    hooks.shared_config = _shared_config
    hooks.shared_generator = _shared_generator
    hooks.draw_sharded = _draw_sharded
    adapters.adapter_for = _adapter_for


def _keras_is_loaded() -> bool:
    # `version` is the last name that Keras gets while it is being imported
    return hasattr(sys.modules.get("keras"), "version")


def _isinstance_proxy(cls: type[Any]) -> type[Any]:
    if not _keras_is_loaded():
        return cls
    from pyinit.bridges.keras.proxy_classes import proxy_class

    return proxy_class(cls)


def _shared_config(generator: Any) -> dict[str, Any] | None:
    if not _keras_is_loaded():
        return None
    from pyinit.bridges.keras.seed_generators import shared_config

    return shared_config(generator)


def _shared_generator(config: dict[str, Any]) -> Any:
    if not _keras_is_loaded():
        return None
    from pyinit.bridges.keras.seed_generators import shared_generator

    return shared_generator(config)


def _draw_sharded(initializer: Any, shape: Any, dtype: Any, layout: Any) -> Any:
    from pyinit.bridges.jax.sharding import draw_sharded

    return draw_sharded(initializer, shape, dtype, layout)


def _adapter_for(target: Any) -> adapters.Model | None:
    if _keras_is_loaded():
        import keras

        if isinstance(target, keras.Layer):
            from pyinit.bridges.keras.manifests import KerasModel

            return KerasModel(target)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(target, torch.nn.Module):
        from pyinit.bridges.torch.manifests import TorchModel

        return TorchModel(target)
    return None
