"""Helpers of the tests of Keras: every layer that takes initializers, and two small models."""

import inspect

import keras
import numpy as np

import pyinit
from pyinit.initializers.registry import CLASSES

layers = keras.layers

#: The classes of initializers that Keras has too.
IN_KERAS = [cls for cls in CLASSES if hasattr(keras.initializers, cls.__name__)]
#: A layer's other arguments and the shapes it is built for, by its name in keras.layers.
LAYERS = {
    "BatchNormalization": ({}, [(2, 3)]),
    "Conv1D": ({"filters": 3, "kernel_size": 2}, [(2, 5, 2)]),
    "Conv1DTranspose": ({"filters": 3, "kernel_size": 2}, [(2, 5, 2)]),
    "Conv2D": ({"filters": 3, "kernel_size": 2}, [(2, 5, 5, 2)]),
    "Conv2DTranspose": ({"filters": 3, "kernel_size": 2}, [(2, 5, 5, 2)]),
    "Conv3D": ({"filters": 3, "kernel_size": 2}, [(2, 5, 5, 5, 2)]),
    "Conv3DTranspose": ({"filters": 3, "kernel_size": 2}, [(2, 5, 5, 5, 2)]),
    "ConvLSTM1D": ({"filters": 3, "kernel_size": 2}, [(2, 4, 5, 2)]),
    "ConvLSTM2D": ({"filters": 3, "kernel_size": 2}, [(2, 4, 5, 5, 2)]),
    "ConvLSTM3D": ({"filters": 3, "kernel_size": 2}, [(2, 4, 5, 5, 5, 2)]),
    "Dense": ({"units": 3}, [(2, 4)]),
    "DepthwiseConv1D": ({"kernel_size": 2}, [(2, 5, 2)]),
    "DepthwiseConv2D": ({"kernel_size": 2}, [(2, 5, 5, 2)]),
    "EinsumDense": (
        {"equation": "abc,cd->abd", "output_shape": (None, 4), "bias_axes": "d"},
        [(2, 3, 5)],
    ),
    "Embedding": ({"input_dim": 7, "output_dim": 3}, [(2, 4)]),
    "GRU": ({"units": 3}, [(2, 4, 5)]),
    "GRUCell": ({"units": 3}, [(2, 5)]),
    "GroupNormalization": ({"groups": 1}, [(2, 4)]),
    "GroupQueryAttention": (
        {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2},
        [(2, 4, 5), (2, 4, 5)],
    ),
    "LSTM": ({"units": 3, "unit_forget_bias": False}, [(2, 4, 5)]),
    "LSTMCell": ({"units": 3, "unit_forget_bias": False}, [(2, 5)]),
    "LayerNormalization": ({}, [(2, 4)]),
    "MultiHeadAttention": ({"num_heads": 2, "key_dim": 3}, [(2, 4, 5), (2, 4, 5)]),
    "PReLU": ({}, [(2, 4)]),
    "ReversibleEmbedding": ({"input_dim": 7, "output_dim": 3}, [(2, 4)]),
    "SeparableConv1D": ({"filters": 3, "kernel_size": 2}, [(2, 5, 2)]),
    "SeparableConv2D": ({"filters": 3, "kernel_size": 2}, [(2, 5, 5, 2)]),
    "SimpleRNN": ({"units": 3}, [(2, 4, 5)]),
    "SimpleRNNCell": ({"units": 3}, [(2, 5)]),
}


def initializer_arguments() -> dict[str, list[str]]:
    """Return the initializer arguments of every layer in keras.layers that has any."""
    found = {}
    for name, cls in sorted(vars(layers).items()):
        if inspect.isclass(cls) and issubclass(cls, layers.Layer) and cls not in found:
            arguments = inspect.signature(cls.__init__).parameters
            found[cls] = name, [a for a in arguments if a.endswith("initializer")]
    # a layer with two names (Conv2D, Convolution2D) counts under the alphabetically first
    return {name: arguments for name, arguments in found.values() if arguments}


def build(name: str, **arguments):
    """Return a built layer of that class."""
    others, shapes = LAYERS[name]
    if name.startswith("ConvLSTM"):
        others = {**others, "unit_forget_bias": False}
    if "recurrent_initializer" in inspect.signature(getattr(layers, name)).parameters:
        # Keras' own Orthogonal does not support float16 on the numpy backend
        others = {**others, "recurrent_initializer": pyinit.Orthogonal()}
    layer = getattr(layers, name)(**{**others, **arguments})
    layer.build(*shapes)
    return layer


def values(tensor) -> np.ndarray:
    """Return a tensor or variable as a NumPy array; bfloat16 as float32, for torch's sake."""
    array = keras.ops.convert_to_numpy(tensor)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def weights(model) -> list[np.ndarray]:
    """Return the weights of a model or layer."""
    return [values(weight) for weight in model.weights]


def conv_classifier() -> keras.Model:
    """Return a classifier of 8 x 8 images, with a different seed for each weight."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(6, 3, activation="relu", kernel_initializer=pyinit.HeNormal(1)),
            layers.BatchNormalization(gamma_initializer=pyinit.RandomNormal(1, 0.1, 2)),
            layers.SeparableConv2D(
                8,
                3,
                activation="relu",
                depthwise_initializer=pyinit.HeUniform(3),
                pointwise_initializer=pyinit.LecunNormal(4),
            ),
            layers.Flatten(),
            layers.Dense(
                10,
                activation="softmax",
                kernel_initializer=pyinit.Orthogonal(seed=5),
                bias_initializer=pyinit.RandomUniform(-0.1, 0.1, 6),
            ),
        ]
    )


def transformer() -> keras.Model:
    """Return a classifier of sequences of 8 tokens out of 17."""
    tokens = keras.Input((8,), dtype="int32")
    embedding = layers.Embedding(17, 12, embeddings_initializer=pyinit.RandomNormal(0, 1, 11))
    x = embedding(tokens)
    attention = layers.MultiHeadAttention(3, 4, kernel_initializer=pyinit.GlorotUniform(12))
    x = layers.LayerNormalization()(x + attention(x, x))
    hidden = layers.Dense(24, activation="gelu", kernel_initializer=pyinit.HeNormal(13))(x)
    x = x + layers.Dense(12, kernel_initializer=pyinit.VarianceScaling(0.5, seed=14))(hidden)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    scores = layers.Dense(10, kernel_initializer=pyinit.TruncatedNormal(seed=15))(x)
    return keras.Model(tokens, scores)


#: Each model with the input of its first forward pass.
MODELS = {
    "conv_classifier": (
        conv_classifier,
        lambda: np.sin(np.arange(4.0 * 64)).reshape(4, 8, 8, 1).astype("float32"),
    ),
    "transformer": (transformer, lambda: np.arange(32).reshape(4, 8) % 17),
}
