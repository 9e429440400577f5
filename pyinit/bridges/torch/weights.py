"""What the parameters of torch's modules are: which of Keras' weights, in which order of axes.

torch has the weight of a layer as (outputs, inputs, *kernel), Keras as (*kernel, inputs, outputs).
A weight is drawn as Keras has it, and written to its place in torch's parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from pyinit.dtypes import AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import Constant
from pyinit.initializers.placement import Placement


@dataclass(frozen=True)
class Weight(Placement):
    """A weight as Keras has it, in a torch parameter: torch's gates are the blocks there.

    Args:
        drawn_by: `"kernel"`, `"recurrent"`, `"embeddings"` or `"bias"`: which of the caller's
            initializers draws it. Or the initializer itself.
        name: What the parameter would be called if it were this weight alone.
        fan_axes: The axes of the weight that count inputs and those that count outputs, where its
            shape does not tell.
    """

    drawn_by: str | Callable[..., Any]
    name: str | None = None
    fan_axes: tuple[list[int], list[int]] | None = None


Rule = Callable[[Any, str, Any], list[Weight] | None]


def weights_of(module: nn.Module, name: str, parameter: Any) -> list[Weight] | None:
    """What a module's own parameter consists of; None if that is not known.

    Where two of the weights share elements, the later one counts.
    """
    rule = next((rule for cls, rule in _RULES.items() if isinstance(module, cls)), None)
    return None if rule is None else rule(module, name, parameter)


def kernel(parameter: Any, drawn_by: str | Callable[..., Any] = "kernel") -> Weight:
    """The weight in a parameter with the axes (outputs, inputs, *kernel)."""
    rank = parameter.dim()
    return Weight(drawn_by, axes=(*range(2, rank), *reversed(range(min(rank, 2)))))


def _layer(module: Any, name: str, parameter: Any) -> list[Weight] | None:
    if name == "weight":
        return [kernel(parameter)]
    return [Weight("bias")] if name == "bias" else None


def _bilinear(module: Any, name: str, parameter: Any) -> list[Weight] | None:
    if name == "weight":
        return [Weight("kernel", axes=(1, 2, 0), fan_axes=([0, 1], [2]))]
    return _layer(module, name, parameter)


def _embedding(module: Any, name: str, parameter: Any) -> list[Weight] | None:
    if name != "weight":
        return None
    weights = [Weight("embeddings")]
    if module.padding_idx is not None:
        row = module.padding_idx
        weights.append(Weight(Constant(0), rows=(row, row + 1)))
    return weights


def _norm(module: Any, name: str, parameter: Any) -> list[Weight] | None:
    constant = {"weight": 1, "bias": 0}.get(name)
    return None if constant is None else [Weight(Constant(constant))]


def _prelu(module: Any, name: str, parameter: Any) -> list[Weight] | None:
    return [Weight(Constant(module.init))] if name == "weight" else None


#: The projections of the query, the key and the value, in the order in which torch joins them.
_PROJECTIONS = ("q_proj_weight", "k_proj_weight", "v_proj_weight")


def _attention(module: Any, name: str, parameter: Any) -> list[Weight] | None:
    if name == "in_proj_weight":
        size = module.embed_dim
        return [
            Weight("kernel", axes=(1, 0), rows=(i * size, (i + 1) * size), name=projection)
            for i, projection in enumerate(_PROJECTIONS)
        ]
    if name in (*_PROJECTIONS, "bias_k", "bias_v"):
        # the last two are no biases, but one more key and value, of shape (1, 1, embed_dim)
        return [kernel(parameter)]
    return [Weight("bias")] if name == "in_proj_bias" else None


def _recurrent(
    module: Any, name: str, parameter: Any, gates: tuple[int, ...] | None = None
) -> list[Weight] | None:
    if name.startswith("weight_"):
        weight = kernel(parameter, "recurrent" if name.startswith("weight_hh") else "kernel")
        # the projection of an LSTM's output has no gates
        return [weight if name.startswith("weight_hr") else replace(weight, gates=gates)]
    return [Weight("bias", gates=gates)] if name.startswith("bias_") else None


def _simple_recurrent(module: Any, name: str, parameter: Any) -> list[Weight] | None:
    # of torch's two biases, which are only ever added, Keras has one
    if name.startswith("bias_hh"):
        return [Weight(Constant(0))]
    return _recurrent(module, name, parameter)


def _lstm(module: Any, name: str, parameter: Any) -> list[Weight] | None:
    weights = _simple_recurrent(module, name, parameter)
    if weights is not None and name.startswith("bias_ih"):
        # Keras' `unit_forget_bias`
        size = module.hidden_size
        weights.append(Weight(Constant(1), rows=(size, 2 * size)))
    return weights


_RULES: dict[type | tuple[type, ...], Rule] = {
    (nn.Linear, nn.modules.conv._ConvNd): _layer,
    nn.Bilinear: _bilinear,
    (nn.Embedding, nn.EmbeddingBag): _embedding,
    (
        nn.modules.batchnorm._BatchNorm,
        nn.modules.instancenorm._InstanceNorm,
        nn.GroupNorm,
        nn.LayerNorm,
        nn.RMSNorm,
    ): _norm,
    nn.PReLU: _prelu,
    nn.MultiheadAttention: _attention,
    (nn.LSTM, nn.LSTMCell): _lstm,
    # torch has the reset gate first, Keras the update gate
    (nn.GRU, nn.GRUCell): partial(_recurrent, gates=(1, 0, 2)),
    (nn.RNN, nn.RNNCell): _simple_recurrent,
}


def write(weight: Weight, values: AnyArray, initializer: Callable[..., Any]) -> None:
    """Draws a weight into its place among the values of a parameter."""
    if isinstance(initializer, Initializer) and type(initializer).__call__ is Initializer.__call__:
        weight.fill(initializer, values, values.shape, (0,) * values.ndim)
        return
    place = weight.place(values)
    drawn = np.asarray(initializer(place.shape, dtype=place.dtype.name))
    if weight.gates is not None:
        drawn = np.concatenate(
            [np.split(drawn, len(weight.gates), -1)[gate] for gate in weight.gates], -1
        )
    place[...] = drawn
