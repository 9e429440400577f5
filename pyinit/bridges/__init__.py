"""Bridges to deep-learning libraries and to R.

Only `pyinit/__init__.py` and the public modules `pyinit.keras`, `.torch`, `.jax`, `.dask` and
`.rpy2` import them. `attach()` sets the hooks; a hook imports its bridge only once the library is
loaded.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from pyinit import hooks
from pyinit.arguments import argument_error, is_instance
from pyinit.bridges.imports import when_imported
from pyinit.bridges.proxy_classes import is_loaded, proxy_class

if TYPE_CHECKING:
    import numpy as np

    from pyinit.arguments import Shape
    from pyinit.dtypes import AnyArray, FloatName
    from pyinit.initializers.lazy import LazyTensor
    from pyinit.manifests.adapters import ModelAdapter
    from pyinit.manifests.sources import LocalSource
    from pyinit.seeds import TracedDrawError


def attach() -> None:
    """Set the hooks of initializers and manifests."""
    hooks.isinstance_proxy = proxy_class
    hooks.generator_class = _generator_class
    hooks.keras_floatx = _keras_floatx
    hooks.draw_traced = _draw_traced
    hooks.shared_config = _shared_config
    hooks.shared_generator = _shared_generator
    hooks.draw_sharded = _draw_sharded
    hooks.host_memory = _host_memory
    hooks.local_parts = _local_parts
    hooks.adapter_for = _adapter_for
    hooks.local_values = _local_values
    hooks.export_to_tf_keras = _export_to_tf_keras
    when_imported("tf_keras", _load_tf_keras_bridge)


def _generator_class(generator: Any) -> type[Any]:
    if not is_loaded("keras"):
        return type(generator)
    from pyinit.bridges.keras.seed_generators import generator_class

    # the frames of this function and of the property `__class__` come first
    return generator_class(generator, sys._getframe(2).f_globals.get("__name__", ""))


def _keras_floatx() -> FloatName:
    keras: Any = sys.modules.get("keras")
    # as `is_loaded("keras")`, without the time of its call
    return keras.config.floatx() if hasattr(keras, "version") else "float32"


def _draw_traced(
    initializer: Any, shape: Shape, dtype: np.dtype[Any], error: TracedDrawError
) -> Any:
    if not is_loaded("keras"):
        raise error
    from pyinit.bridges.keras.traced_draws import draw_traced

    return draw_traced(initializer, shape, dtype, error)


def _shared_config(generator: Any) -> dict[str, Any] | None:
    if not is_loaded("keras"):
        return None
    from pyinit.bridges.keras.seed_generators import shared_config

    return shared_config(generator)


def _shared_generator(config: dict[str, Any]) -> Any:
    if not is_loaded("keras"):
        return None
    from pyinit.bridges.keras.seed_generators import shared_generator

    return shared_generator(config)


def _draw_sharded(
    initializer: Any, shape: Shape, make_lazy: Callable[[], LazyTensor], layout: Any
) -> Any:
    if "jax" not in sys.modules:
        # no other library has layouts of this kind
        raise argument_error("layout", layout, "None where JAX is not loaded")
    from pyinit.bridges.jax.sharding import draw_with_layout

    return draw_with_layout(initializer, shape, make_lazy, layout)


def _host_memory(out: Any) -> AbstractContextManager[AnyArray] | None:
    torch = sys.modules.get("torch")
    # CuPy fills tensors on a GPU
    if torch is None or not is_instance(out, torch.Tensor) or out.is_cuda:
        return None
    from pyinit.bridges.torch.memory import lend

    return lend(out)


def _is_dtensor(x: Any) -> bool:
    distributed: Any = sys.modules.get("torch.distributed.tensor")
    # the class is missing while torch imports the module
    return is_instance(x, getattr(distributed, "DTensor", ()))  # type: ignore[arg-type]


def _local_parts(
    out: Any, initializer: Any = None
) -> AbstractContextManager[list[tuple[Any, Shape]]] | None:
    if not _is_dtensor(out):
        return None
    from pyinit.bridges.torch.memory import lend_parts

    return lend_parts(out, initializer)


def _local_values(name: str, tensor: Any) -> AnyArray | LocalSource | None:
    if not _is_dtensor(tensor):
        return None
    from pyinit.bridges.torch.local_values import local_values

    return local_values(name, tensor)


def _export_to_tf_keras(module: str, package: str, classes: Mapping[str, type[Any]]) -> None:
    from pyinit.bridges.tf_keras import export

    export(module, package, classes)


def _load_tf_keras_bridge(tf_keras: Any) -> None:
    importlib.import_module("pyinit.bridges.tf_keras")


def _adapter_for(target: Any) -> ModelAdapter | None:
    if is_loaded("keras"):
        import keras

        if is_instance(target, keras.Layer):
            from pyinit.bridges.keras.manifests import KerasAdapter

            return KerasAdapter(target)
    torch = sys.modules.get("torch")
    if torch is not None and is_instance(target, torch.nn.Module):
        from pyinit.bridges.torch.manifests import TorchAdapter

        return TorchAdapter(target)
    return None
