"""The Keras weights in the parameters of torch's modules, and their order of axes.

The weight of a layer has the axes (outputs, inputs, *kernel) in torch and (*kernel, inputs,
outputs) in Keras. A weight is drawn in Keras' order and written to its place in the parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from pyinit.bridges.torch.sharding import local_regions
from pyinit.dtypes import AnyArray
from pyinit.initializers.base import is_drawn_lazily
from pyinit.initializers.constant import Constant
from pyinit.initializers.given_values import GivenTensor
from pyinit.initializers.placement import Placement


@dataclass(frozen=True)
class TorchWeight(Placement):
    """A Keras weight and its placement in a torch parameter.

    Args:
        drawn_by: The kind of the weight, `"kernel"`, `"recurrent"`, `"embeddings"` or `"bias"`,
            whose initializer draws it; or the initializer itself.
        name: The name from which the weight's seed is derived; None for the parameter's own.
        fan_axes: The axes of the weight that count inputs and those that count outputs; None if
            `compute_fans()` finds them.
        layer_groups: The number of groups of the convolution that the weight belongs to.
        may_be_stacked: Whether members may be stacked along its rows. False for the weights of a
            recurrent layer, whose rows are its gates.
    """

    drawn_by: str | Callable[..., Any]
    name: str | None = None
    fan_axes: tuple[list[int], list[int]] | None = None
    layer_groups: int = 1
    may_be_stacked: bool = True

    def divided(self) -> TorchWeight:
        """Return the weight with an axis for the groups, and the fans of one group.

        The groups divide the last of the drawn axes, so every element keeps its flat index.
        """
        if self.layer_groups == 1:
            return self
        assert self.axes is not None
        rank = len(self.axes)
        return replace(
            self,
            axes=(*(axis + 1 for axis in self.axes[:-1]), 0, 1),
            groups=self.layer_groups,
            fan_axes=([*range(rank - 1)], [*range(rank - 2), rank]),
            layer_groups=1,
        )


Rule = Callable[[Any, str, Any], list[TorchWeight] | None]


def torch_weights(module: nn.Module, name: str, parameter: Any) -> list[TorchWeight] | None:
    """Return the weights in a module's own parameter; None if the module is unknown.

    Where two of the weights overlap, the later one overrides.
    """
    rule = next((rule for cls, rule in _RULES.items() if isinstance(module, cls)), None)
    return None if rule is None else rule(module, name, parameter)


def is_torch_layer(module: nn.Module) -> bool:
    """Return whether a module is one of torch's layers with weights."""
    return isinstance(module, tuple(_RULES))


def kernel_weight(parameter: Any, drawn_by: str | Callable[..., Any] = "kernel") -> TorchWeight:
    """Return the weight of a parameter with the axes (outputs, inputs, *kernel)."""
    rank = parameter.dim()
    return TorchWeight(drawn_by, axes=(*range(2, rank), *reversed(range(min(rank, 2)))))


def _linear(module: Any, name: str, parameter: Any) -> list[TorchWeight] | None:
    if name == "weight":
        return [kernel_weight(parameter)]
    return [TorchWeight("bias")] if name == "bias" else None


def _convolution(module: Any, name: str, parameter: Any) -> list[TorchWeight] | None:
    weights = _linear(module, name, parameter)
    if name == "weight":
        # a transposed convolution has its inputs, which the groups divide, on the first axis
        weights = [replace(kernel_weight(parameter), layer_groups=module.groups)]
    return weights


def _bilinear(module: Any, name: str, parameter: Any) -> list[TorchWeight] | None:
    if name == "weight":
        return [TorchWeight("kernel", axes=(1, 2, 0), fan_axes=([0, 1], [2]))]
    return _linear(module, name, parameter)


def _embedding(module: Any, name: str, parameter: Any) -> list[TorchWeight] | None:
    if name != "weight":
        return None
    weights = [TorchWeight("embeddings")]
    if module.padding_idx is not None:
        row = module.padding_idx
        weights.append(TorchWeight(Constant(0), rows=(row, row + 1)))
    return weights


def _norm(module: Any, name: str, parameter: Any) -> list[TorchWeight] | None:
    constant = {"weight": 1, "bias": 0}.get(name)
    return None if constant is None else [TorchWeight(Constant(constant))]


def _prelu(module: Any, name: str, parameter: Any) -> list[TorchWeight] | None:
    return [TorchWeight(Constant(module.init))] if name == "weight" else None


#: The projections of query, key and value, in the order in which torch concatenates them.
_PROJECTIONS = ("q_proj_weight", "k_proj_weight", "v_proj_weight")


def _attention(module: Any, name: str, parameter: Any) -> list[TorchWeight] | None:
    if name == "in_proj_weight":
        size = module.embed_dim
        return [
            TorchWeight("kernel", axes=(1, 0), rows=(i * size, (i + 1) * size), name=projection)
            for i, projection in enumerate(_PROJECTIONS)
        ]
    if name in (*_PROJECTIONS, "bias_k", "bias_v"):
        # the last two are not biases but an extra key and value, of shape (1, 1, embed_dim)
        return [kernel_weight(parameter)]
    return [TorchWeight("bias")] if name == "in_proj_bias" else None


def _recurrent(
    module: Any, name: str, parameter: Any, gates: tuple[int, ...] | None = None
) -> list[TorchWeight] | None:
    if name.startswith("weight_"):
        weight = kernel_weight(parameter, "recurrent" if name.startswith("weight_hh") else "kernel")
        weight = replace(weight, may_be_stacked=False)
        # the projection of an LSTM's output has no gates
        return [weight if name.startswith("weight_hr") else replace(weight, gates=gates)]
    return (
        [TorchWeight("bias", gates=gates, may_be_stacked=False)]
        if name.startswith("bias_")
        else None
    )


def _simple_recurrent(module: Any, name: str, parameter: Any) -> list[TorchWeight] | None:
    # torch adds two biases, Keras has one
    if name.startswith("bias_hh"):
        return [TorchWeight(Constant(0))]
    return _recurrent(module, name, parameter)


def _lstm(module: Any, name: str, parameter: Any) -> list[TorchWeight] | None:
    weights = _simple_recurrent(module, name, parameter)
    if weights is not None and name.startswith("bias_ih"):
        # Keras' `unit_forget_bias`: the forget gate's bias starts at 1
        size = module.hidden_size
        weights.append(TorchWeight(Constant(1), rows=(size, 2 * size)))
    return weights


_RULES: dict[type | tuple[type, ...], Rule] = {
    nn.Linear: _linear,
    nn.modules.conv._ConvNd: _convolution,
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
    # torch's first gate is the reset gate, Keras' the update gate
    (nn.GRU, nn.GRUCell): partial(_recurrent, gates=(1, 0, 2)),
    (nn.RNN, nn.RNNCell): _simple_recurrent,
}


def write(
    weight: TorchWeight, parameter: Any, values: AnyArray, initializer: Callable[..., Any]
) -> None:
    """Draw a weight into its place in a parameter.

    Args:
        weight: The weight.
        parameter: The parameter.
        values: The values of the parameter that this process holds: see `writable()`.
        initializer: The initializer.
    """
    shape = weight.drawn_shape(tuple(parameter.shape))
    # a process without elements takes the draw of a seed generator too
    if is_drawn_lazily(initializer):
        weights = initializer.lazy(shape, values.dtype)
    else:
        drawn = np.asarray(initializer(shape, dtype=values.dtype.name))
        weights = GivenTensor(shape, values.dtype, drawn)
    for region in local_regions(parameter):
        index: tuple[Any, ...] = (*region.local, ...)
        weight.read_into(values[index], weights, region.offset)
