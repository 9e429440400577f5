"""Models of frameworks, for the functions that take one."""

from __future__ import annotations

from typing import Any


def keras_model() -> Any:
    """Return a built model of Keras."""
    import keras

    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="dense")])


def torch_module() -> Any:
    """Return a module of torch."""
    import torch

    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.LSTM(3, 3))


def initialized_module() -> Any:
    """Return a module of torch with initial weights."""
    import pyinit.torch

    return pyinit.torch.init_(torch_module(), seed=1)


def meta_module() -> Any:
    """Return a module of torch without memory, as FullyShardedDataParallel initializes it."""
    import torch

    with torch.device("meta"):
        return torch.nn.Linear(2, 3)


def torch_manifest() -> Any:
    """Return the manifest of a module of torch."""
    import pyinit.torch

    return pyinit.torch.create_manifest(initialized_module(), seed=1)


def jax_tree() -> Any:
    """Return the shapes of a tree of JAX's arrays."""
    import jax

    return {"dense": {"kernel": jax.ShapeDtypeStruct((2, 3), "float32")}}
