"""`init_()`: fill a torch tensor or the parameters of a module in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch

from pyinit.arguments import argument_error, is_instance
from pyinit.bridges.torch.memory import writable
from pyinit.bridges.torch.parameter_init import (
    InitArguments,
    check_parameters,
    check_seeds,
    module_inits,
    tensor_init,
)
from pyinit.bridges.torch.stages import Place
from pyinit.bridges.torch.weights import write
from pyinit.seeds import as_seed

Target = TypeVar("Target")


def init_(
    target: Target,
    initializer: Any = None,
    seed: int | None = None,
    *,
    recurrent_initializer: Any = None,
    embeddings_initializer: Any = None,
    bias_initializer: Any = None,
    parameters: Mapping[str, Any] | None = None,
    prefix: str | None = None,
    names: Mapping[str, str] | Callable[[str], str] | None = None,
    model: Any = None,
) -> Target:
    """Fill a torch tensor, or all parameters of a module, with initial weights in place.

    The weights are those of the Keras layer of the same kind, in torch's order of axes. torch's
    weight of shape (outputs, inputs, *kernel) gets the values that the initializer draws for Keras'
    shape (*kernel, inputs, outputs), so the fans are those of the layer. On the CPU nothing is
    copied, whatever the strides.

    With a seed, each parameter of a module is drawn with `derive_seed(seed, name)`, where `name` is
    its name in `named_parameters()` of the plain module: `"encoder.0.weight"`. Wrappers such as
    `torch.compile()` or `DistributedDataParallel` do not change it. Adding, removing or reordering
    modules does not change the other parameters, as long as their names stay.

    Of a DTensor, each process fills the part that it holds, with the values that the plain module
    has there, and no process waits for another. So call `init_()` after `fully_shard()`,
    `parallelize_module()` or `distribute_module()`, and after `to_empty()`.

    The statistics of batch and instance norms are reset, as their constructors set them. Other
    buffers stay as they are.

    Args:
        target: A tensor or a module. A tensor of rank 2 or more is treated as the weight of a
            layer, with the axes (outputs, inputs, *kernel). If its initializer has `batch_axes`,
            these number the tensor's own axes, and each member has the axes (outputs, inputs,
            *kernel). Give `input_axes` and `output_axes` with them for members of another layout.
        initializer: The initializer of a tensor, or of a module's weights except biases and norms;
            anything that `pyinit.get()` accepts. None means the default of Keras' layers,
            `"glorot_uniform"`, and the defaults of the next two arguments.
        seed: An integer from -2**63 to 2**64 - 1, which replaces the initializers' own seeds. With
            None, an initializer that was given a seed draws every weight from it, as in Keras'
            layers; otherwise a module's parameters are drawn as with a fresh seed, which is an
            error if torch.distributed runs several processes, since their values would differ.
        recurrent_initializer: The initializer of the recurrent weights of RNN, LSTM and GRU. None
            means `initializer`, or `"orthogonal"` if that is None too.
        embeddings_initializer: The initializer of Embedding and EmbeddingBag. None means
            `initializer`, or `"uniform"` if that is None too.
        bias_initializer: The initializer of biases; None means `"zeros"`.
        parameters: Initializers of single parameters, by name or by pattern, in which `*` stands
            for any characters, `?` for one and `[13]` for one of these: `{"*.experts.w[13]":
            "he_normal", "*norm.weight": "ones"}`. A name takes precedence over patterns, and a
            later pattern over earlier ones. None leaves parameters and buffers unchanged. A key
            that matches no parameter is compared with the names of buffers. Required for parameters
            of modules that are not torch's own; these are treated like a tensor given as `target`.
        prefix: The path, with a dot at its end, of a module that is a part of a larger model, such
            as a pipeline stage: `"layers.12."`. It comes before the module's own names, so that
            each parameter has its name, and its values, in the whole model.
        names: Like `prefix`, for parts with other names than in the whole model: a dictionary from
            own names of tensors or submodules to names in the whole model, `{"0": "layers.4"}`, or
            a function that returns the name of a tensor. Names without an entry are those in the
            whole model. Keys of `parameters` match names in the whole model.
        model: The whole model that `target` is a part of, or was before it was sharded or split. It
            may be on the meta device. Where a split has replaced the layers of `target`, the layers
            of `model` decide how the parameters are drawn. Weights that are tied in `model` have
            one name and one value. Keys of `parameters` may match tensors of other parts.

    Returns:
        `target`.

    Raises:
        TypeError: `target` is neither a tensor nor a module, or an initializer is not callable.
        ValueError: An argument is invalid, a key of `parameters` matches nothing, or a tensor
            cannot be filled: its dtype is not a float, it has no memory (meta) or no shape (lazy),
            it is computed from others, packed (quantized) or sharded by FSDP1, it is a DTensor with
            a Partial placement or a buffer that `to_empty()` left undefined, its module is unknown,
            or it was tied to another tensor of `target`. The error lists all such tensors; nothing
            is changed.

    Example:
        >>> import pyinit.torch
        >>> import torch
        >>> layer = pyinit.torch.init_(torch.nn.Linear(4, 3), pyinit.HeNormal(seed=1))
        >>> bool((layer.weight.detach().numpy() == pyinit.HeNormal(seed=1)((4, 3)).T).all())
        True

    Source: https://pytorch.org/docs/stable/nn.init.html
    """
    seed = None if seed is None else as_seed("seed", seed)
    arguments = InitArguments(
        initializer,
        recurrent_initializer,
        embeddings_initializer,
        bias_initializer,
        parameters,
        Place(prefix, names, model),
    )
    if is_instance(target, torch.nn.Module):
        inits = module_inits(target, arguments, seed)
    elif is_instance(target, torch.Tensor):
        for name, value in {
            "recurrent_initializer": recurrent_initializer,
            "embeddings_initializer": embeddings_initializer,
            "bias_initializer": bias_initializer,
            "parameters": parameters,
            "prefix": prefix,
            "names": names,
            "model": model,
        }.items():
            if value is not None:
                raise argument_error(name, value, "None where `target` is a tensor")
        inits = [tensor_init(target, arguments, seed)]
    else:
        raise argument_error("target", target, "a torch tensor or module", TypeError)
    check_parameters(inits)
    check_seeds(inits)
    for init in inits:
        with writable(init.tensor) as values:
            for weight, drawn_by in init.weights:
                write(weight, init.tensor, values, drawn_by)
    for init in inits:
        if init.finish is not None:
            init.finish()
    return target
