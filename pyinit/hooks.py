"""Hooks through which the bridges extend initializers and manifests.

Initializers and manifests import no bridge: they call these module variables. The defaults do
nothing; `pyinit.bridges.attach()` replaces all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from pyinit.arguments import argument_error

if TYPE_CHECKING:
    import numpy as np

    from pyinit.arguments import Shape
    from pyinit.dtypes import AnyArray, FloatName
    from pyinit.initializers.lazy import LazyTensor
    from pyinit.manifests.adapters import ModelAdapter
    from pyinit.manifests.sources import LocalSource
    from pyinit.seeds import TracedDrawError


def _same_class(cls: type[Any]) -> type[Any]:
    return cls


def _own_class(generator: Any) -> type[Any]:
    return type(generator)


def _no_keras_floatx() -> FloatName:
    return "float32"


def _no_traced_draw(
    initializer: Any, shape: Shape, dtype: np.dtype[Any], error: TracedDrawError
) -> Any:
    raise error


def _no_config(generator: Any) -> dict[str, Any] | None:
    return None


def _no_generator(config: dict[str, Any]) -> Any:
    return None


def _no_layout(
    initializer: Any, shape: Shape, make_lazy: Callable[[], LazyTensor], layout: Any
) -> Any:
    raise argument_error("layout", layout, "None")


def _no_host_memory(out: Any) -> AbstractContextManager[AnyArray] | None:
    return None


def _no_parts(
    out: Any, initializer: Any = None
) -> AbstractContextManager[list[tuple[Any, Shape]]] | None:
    return None


def _no_export(module: str, package: str, classes: Mapping[str, type[Any]]) -> None:
    return None


def _no_adapter(target: Any) -> ModelAdapter | None:
    return None


def _no_local_values(name: str, tensor: Any) -> AnyArray | LocalSource | None:
    return None


#: Returns the `__class__` of an initializer of some type; see `pyinit.bridges.proxy_classes`.
isinstance_proxy: Callable[[type[Any]], type[Any]] = _same_class

#: Returns the `__class__` of a seed generator; see `pyinit.bridges.keras.seed_generators`.
generator_class: Callable[[Any], type[Any]] = _own_class

#: Returns Keras' default dtype; `"float32"` if Keras is not loaded.
keras_floatx: Callable[[], FloatName] = _no_keras_floatx

#: Returns the symbolic tensor of a traced call, given the initializer, the shape, the dtype and
#: the error of the draw; see `pyinit.bridges.keras.traced_draws`.
draw_traced: Callable[[Any, Shape, np.dtype[Any], TracedDrawError], Any] = _no_traced_draw

#: Returns the configuration of a seed generator, with its id in the model that is being saved; None
#: if no model is being saved.
shared_config: Callable[[Any], dict[str, Any] | None] = _no_config

#: Returns the seed generator of a configuration with an id; None for one without.
shared_generator: Callable[[dict[str, Any]], Any] = _no_generator

#: Returns an array sharded over devices, given the initializer, the shape, a function that makes
#: the lazy tensor, and a layout.
draw_sharded: Callable[[Any, Shape, Callable[[], LazyTensor], Any], Any] = _no_layout

#: Returns a context that provides the memory of a torch tensor on the CPU as a NumPy array to fill;
#: None for any other object.
host_memory: Callable[[Any], AbstractContextManager[AnyArray] | None] = _no_host_memory

#: Returns a context that provides the parts of a torch DTensor that this process holds, as plain
#: tensors with their offsets in the full tensor; None for any other object. The second argument is
#: the initializer that fills them, if there is one.
local_parts: Callable[..., AbstractContextManager[list[tuple[Any, Shape]]] | None] = _no_parts

#: Returns the adapter of a Keras model or a torch module; None for any other object.
adapter_for: Callable[[Any], ModelAdapter | None] = _no_adapter

#: Returns the values of a torch DTensor that this process holds, an array if it holds all of them;
#: None for any other object. The first argument is its name, for messages.
local_values: Callable[[str, Any], AnyArray | LocalSource | None] = _no_local_values

#: Registers classes, by name, with tf_keras; see `pyinit.bridges.tf_keras.export`.
export_to_tf_keras: Callable[[str, str, Mapping[str, type[Any]]], None] = _no_export
