"""What the parameters of torch's modules are: which of Keras' weights, in which order of axes.

torch has the weight of a layer as (outputs, inputs, *kernel), Keras as (*kernel, inputs, outputs).
A weight is drawn as Keras has it, and written to its place in torch's parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from pyinit.dtypes import AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import Constant


@dataclass
class Weight:
    """A weight as Keras has it, in a torch parameter.

    Args:
        drawn_by: `"kernel"`, `"recurrent"`, `"embeddings"` or `"bias"`: which of the caller's
            initializers draws it. Or the initializer itself.
        axes: Which of the parameter's axes are those of the weight, in Keras' order; None if they
            are the same.
        rows: From which of the parameter's rows to which (that one not included); None for all.
        name: What the parameter would be called if it were this weight alone.
        gates: For each of torch's gates along the weight's last axis, which one of Keras' it is;
            None if they stand in the same order.
        fan_axes: The axes of the weight that count inputs and those that count outputs, where its
            shape does not tell.
    """

    drawn_by: str | Callable[..., Any]
    axes: tuple[int, ...] | None = None
    rows: tuple[int, int] | None = None
    name: str | None = None
    gates: tuple[int, ...] | None = None
    fan_axes: tuple[list[int], list[int]] | None = None

    def place(self, values: Any) -> Any:
        """Where the weight stands among the parameter's values, with Keras' order of axes."""
        rows = values if self.rows is None else values[slice(*self.rows)]
        return rows if self.axes is None else rows.transpose(self.axes)


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
        weight.gates = None if name.startswith("weight_hr") else gates
        return [weight]
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
    place = weight.place(values)
    if weight.gates is None:
        _draw(place, initializer)
        return
    drawn = np.empty(place.shape, place.dtype)
    _draw(drawn, initializer)
    size = place.shape[-1] // len(weight.gates)
    for ours, theirs in enumerate(weight.gates):
        place[..., ours * size : (ours + 1) * size] = drawn[
            ..., theirs * size : (theirs + 1) * size
        ]


def _draw(out: AnyArray, initializer: Callable[..., Any]) -> None:
    if isinstance(initializer, Initializer) and type(initializer).__call__ is Initializer.__call__:
        initializer._fill(out, out.dtype, out.shape, (0,) * out.ndim)
    else:
        out[...] = initializer(out.shape, dtype=out.dtype.name)
